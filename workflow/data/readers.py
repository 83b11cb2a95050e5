"""Readers: verified raw files to raw arrays, one small function a format.

A reader takes the paths of its files in the registry's order and returns arrays
(images, pixels), rows upright and row-major, in one of three forms:
``{"images"}``, still to be shuffled and split; ``{"train", "test"}``, of which the
validation set is still to be taken; or ``{"train", "valid", "test"}``.
"""

import gzip
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from models import files
from workflow.data import DataError, bone_marrow, omniglot, unpickle

Arrays = dict[str, np.ndarray]
READERS: dict[str, Callable[[Sequence[Path]], Arrays]] = {}
MNIST_TRAIN = 50_000  # the first of the 60,000; the rest is the validation set


def read(name: str, paths: Sequence[Path]) -> Arrays:
    """Read files with the reader of this name.

    Raises DataError naming the files when they are not what the reader expects.
    """
    files = ", ".join(path.name for path in paths) or name
    try:
        return {key: _rows(array) for key, array in READERS[name](paths).items()}
    except DataError as error:
        raise DataError(f"{files}: {error}") from error
    except Exception as error:  # a damaged file can raise nearly anything
        reason = f"{type(error).__name__}: {error}"
        raise DataError(f"{files}: not readable as {name} ({reason})") from error


def _rows(array: np.ndarray) -> np.ndarray:
    array = np.asarray(array)
    if array.dtype.kind not in unpickle.KINDS or array.ndim < 2:
        raise DataError(
            f"array is {array.dtype} {array.shape}, expected numbers (images, pixels)"
        )
    return array.reshape(len(array), -1)


def _reader(name: str):
    def register(function):
        READERS[name] = function
        return function

    return register


@_reader("onehot")
def one_hot(paths: Sequence[Path]) -> Arrays:
    """The four one-hot vectors in turn, so that every split has as many of each."""
    rows = {"train": 1000, "valid": 100, "test": 1000}
    return {
        split: np.eye(4, dtype=np.uint8)[np.arange(n) % 4] for split, n in rows.items()
    }


@_reader("digits")
def digits(paths: Sequence[Path]) -> Arrays:
    """The 1797 images of 8x8 in scikit-learn itself; values 0..16, to uint8."""
    from sklearn.datasets import load_digits  # takes a second

    return {"images": load_digits().data.astype(np.uint8)}


@_reader("npz")
def npz(paths: Sequence[Path]) -> Arrays:
    """An .npz of images alone, of train and test, or of train, valid and test.

    Each array is (images, pixels) or (images, height, width), of numbers.
    """
    with files.npz(paths[0]) as file:
        if "images" in file.files and {"train", "test"} & set(file.files):
            raise DataError("holds images beside train or test, expected one of these")
        for names in (("images",), ("train", "valid", "test"), ("train", "test")):
            if set(names) <= set(file.files):
                return {name: file[name] for name in names}
        found = ", ".join(file.files) or "nothing"
    raise DataError(
        f"holds {found}, expected images, or train and test, or train, valid and test"
    )


@_reader("mnist-idx")
def mnist_idx(paths: Sequence[Path]) -> Arrays:
    """The original image files, train then test; uint8.

    idx: four bytes (0, 0, type 8 = uint8, axes), big-endian axis lengths, values.
    """
    pool, test = (_idx(path) for path in paths)
    return {"train": pool[:MNIST_TRAIN], "valid": pool[MNIST_TRAIN:], "test": test}


def _idx(path: Path) -> np.ndarray:
    with gzip.open(path) as file:
        data = file.read()
    if data[:4] != b"\0\0\x08\x03":
        raise DataError(f"{path.name} starts with {data[:4]!r}, expected uint8 images")
    shape = np.frombuffer(data, ">i4", count=3, offset=4)
    return np.frombuffer(data, np.uint8, offset=16).reshape(shape[0], -1)


@_reader("mnist-pickle")
def mnist_pickle(paths: Sequence[Path]) -> Arrays:
    """The classic gzipped pickle of three (images, labels) pairs; back to uint8.

    Its values are exactly byte / 256, so rounding recovers the original bytes.
    """
    with gzip.open(paths[0]) as file:
        pairs = unpickle.loads(file.read())
    return {
        split: np.rint(np.asarray(images) * 256).astype(np.uint8)
        for split, (images, _) in zip(("train", "valid", "test"), pairs, strict=True)
    }


@_reader("freyfaces-pickle")
def freyfaces_pickle(paths: Sequence[Path]) -> Arrays:
    """A pickled list of one (1965, 560) uint8 array, rows of 28x20 pixels."""
    (images,) = unpickle.loads(paths[0].read_bytes())
    return {"images": images}


@_reader("freyfaces-mat")
def freyfaces_mat(paths: Sequence[Path]) -> Arrays:
    """Matlab's ``ff``, (560, 1965) uint8, a column an image of 28x20 row-major.

    The layout is that of public loaders of the file, which was not at hand; the
    content digest of the registry decides whether it is right.
    """
    return {"images": np.ascontiguousarray(_matlab(paths[0], "ff")["ff"].T)}


@_reader("omniglot-mat")
def omniglot_mat(paths: Sequence[Path]) -> Arrays:
    """Burda's chardata.mat: ``data`` and ``testdata``, (784, images) in [0, 1].

    A column is an image with its pixels column-major. Written from public loaders
    of the file, which was not at hand.
    """
    file = _matlab(paths[0], "data", "testdata")
    return {"train": _upright(file["data"]), "test": _upright(file["testdata"])}


def _upright(columns: np.ndarray) -> np.ndarray:
    images = columns.T.reshape(-1, 28, 28).transpose(0, 2, 1)
    return images.reshape(-1, 784)


def _matlab(path: Path, *names: str) -> dict[str, np.ndarray]:
    from scipy.io import loadmat

    return loadmat(path, variable_names=names)


@_reader("histopathology")
def histopathology(paths: Sequence[Path]) -> Arrays:
    """histopathology.pkl of a .tar.gz: 28x28 images in [0, 1] under three keys.

    Written from public loaders of the file, which was not at hand.
    """
    with tarfile.open(paths[0]) as archive:
        members = {PurePosixPath(m.name).name: m for m in archive}
        file = unpickle.loads(archive.extractfile(members["histopathology.pkl"]).read())
    names = {"train": "training", "valid": "validation", "test": "test"}
    return {
        split: np.asarray(file[name], dtype=np.float64).reshape(-1, 784)
        for split, name in names.items()
    }


@_reader("omniglot-packed")
def omniglot_packed(paths: Sequence[Path]) -> Arrays:
    """The original drawings, bit-packed, to 28x28 uint8."""
    return omniglot.rebuild(omniglot.read_packed(paths[0]))


@_reader("omniglot-zips")
def omniglot_zips(paths: Sequence[Path]) -> Arrays:
    """The original drawings as published, to 28x28 uint8."""
    return omniglot.rebuild(omniglot.read_zips(paths))


@_reader("bone-marrow")
def bone_marrow_pictures(paths: Sequence[Path]) -> Arrays:
    """The 11 pictures, in the order of their names, to 28x28 uint8 tiles."""
    return bone_marrow.tiles(paths)
