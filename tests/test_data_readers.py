"""Readers against files made here in the layouts that public loaders describe."""

import gzip
import io
import pickle
import zipfile

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from tests.packed import python_2_pickle, tar_with
from workflow.data import DataError, bone_marrow, omniglot, readers


def upright_image() -> np.ndarray:
    """An image that no transposition or flip leaves as it is."""
    image = np.zeros((28, 28))
    image[2, :] = 1
    image[:, 5] = 0.5
    return image


def test_chardata_mat(tmp_path):
    path = tmp_path / "chardata.mat"
    images = np.stack([upright_image(), np.linspace(0, 1, 784).reshape(28, 28)])
    columns = np.stack([image.ravel(order="F") for image in images], axis=1)
    savemat(path, {"data": columns, "testdata": columns[:, :1], "target": np.eye(2)})
    found = readers.read("omniglot-mat", [path])
    np.testing.assert_array_equal(found["train"], images.reshape(2, 784))
    np.testing.assert_array_equal(found["test"], images[:1].reshape(1, 784))


@pytest.mark.parametrize("form", ["arrays", "lists", "list of images"])
def test_histopathology_tar(tmp_path, form):
    images = np.stack([upright_image()] * 3) * np.array([0.25, 0.5, 1])[:, None, None]
    value = {
        "arrays": images,
        "lists": images.tolist(),
        "list of images": list(images),
    }[form]
    file = {"training": value, "validation": value[:2], "test": value[:1]}
    path = tar_with(
        tmp_path / "histopathology.pkl.tar.gz",
        "histopathology.pkl",
        pickle.dumps(file, protocol=4),
    )
    found = readers.read("histopathology", [path])
    assert [len(found[split]) for split in ("train", "valid", "test")] == [3, 2, 1]
    np.testing.assert_array_equal(found["train"], images.reshape(3, 784))
    other = tar_with(tmp_path / "other.tar.gz", "other.pkl")
    with pytest.raises(DataError, match=r"other\.tar\.gz: .*histopathology\.pkl"):
        readers.read("histopathology", [other])


def test_frey_rawface_mat_equals_the_pickle(tmp_path):
    faces = np.random.RandomState(0).randint(0, 256, (5, 560)).astype(np.uint8)
    savemat(tmp_path / "a.mat", {"ff": faces.T})
    (tmp_path / "a.pkl").write_bytes(python_2_pickle(faces))
    matlab = readers.read("freyfaces-mat", [tmp_path / "a.mat"])
    pickled = readers.read("freyfaces-pickle", [tmp_path / "a.pkl"])
    np.testing.assert_array_equal(matlab["images"], faces)
    np.testing.assert_array_equal(pickled["images"], faces)
    assert matlab["images"].dtype == np.uint8


def idx(images: np.ndarray) -> bytes:
    header = b"\0\0\x08\x03" + np.array([len(images), 28, 28], ">i4").tobytes()
    return gzip.compress(header + images.tobytes(), compresslevel=1)


def test_mnist_idx_and_pickle_agree(tmp_path, monkeypatch):
    monkeypatch.setattr(readers, "MNIST_TRAIN", 4)
    images = np.random.RandomState(0).randint(0, 256, (9, 784)).astype(np.uint8)
    pool, test = images[:6], images[6:]
    (tmp_path / "train.gz").write_bytes(idx(pool))
    (tmp_path / "test.gz").write_bytes(idx(test))
    parts = pool[:4], pool[4:], test
    pairs = tuple((p.astype(np.float32) / 256, np.arange(len(p))) for p in parts)
    (tmp_path / "p.gz").write_bytes(gzip.compress(pickle.dumps(pairs, protocol=4)))
    a = readers.read("mnist-idx", [tmp_path / "train.gz", tmp_path / "test.gz"])
    b = readers.read("mnist-pickle", [tmp_path / "p.gz"])
    for split, part in zip(("train", "valid", "test"), parts, strict=True):
        np.testing.assert_array_equal(a[split], part)
        np.testing.assert_array_equal(b[split], part)
        assert a[split].dtype == b[split].dtype == np.uint8


def test_a_label_file_for_an_image_file(tmp_path):
    path = tmp_path / "labels.gz"
    path.write_bytes(gzip.compress(b"\0\0\x08\x01" + bytes(12)))
    with pytest.raises(DataError, match="expected uint8 images"):
        readers.read("mnist-idx", [path, path])


@pytest.mark.parametrize(
    "reader", sorted(set(readers.READERS) - {"onehot", "digits", "bone-marrow"})
)
@pytest.mark.parametrize(
    "content",
    [b"", b"not this format", gzip.compress(b"x")[:-4]],
    ids=["empty", "other", "short"],
)
def test_a_damaged_file_is_a_clear_error(tmp_path, reader, content):
    path = tmp_path / "damaged.bin"
    path.write_bytes(content)
    paths = [path, path] if reader == "mnist-idx" else [path]
    with pytest.raises(DataError, match=r"damaged\.bin"):
        readers.read(reader, paths)


@pytest.mark.parametrize(
    "names", [("images",), ("train", "test"), ("train", "valid", "test")]
)
def test_npz_in_its_three_forms(tmp_path, names):
    arrays = {name: np.full((2, 3, 4), i) for i, name in enumerate(names)}
    np.savez(tmp_path / "a.npz", labels=np.arange(2), **arrays)
    found = readers.read("npz", [tmp_path / "a.npz"])
    assert tuple(found) == names
    for i, name in enumerate(names):
        np.testing.assert_array_equal(found[name], np.full((2, 12), i))


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"labels": np.arange(3)}, "holds labels, expected images"),
        ({"images": np.ones((3, 2)), "test": np.ones((3, 2))}, "images beside train"),
        ({"images": np.arange(3)}, "expected numbers"),
        ({"images": np.array([["a"]])}, "expected numbers"),
        ({"images": np.array([[None]])}, "Object arrays cannot be loaded"),
    ],
)
def test_npz_that_holds_no_images(tmp_path, arrays, words):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(DataError, match=words):
        readers.read("npz", [tmp_path / "a.npz"])


def test_one_hot_is_balanced():
    for array in readers.read("onehot", []).values():
        np.testing.assert_array_equal(array.sum(0), [len(array) // 4] * 4)
        np.testing.assert_array_equal(array.sum(1), 1)


def test_weights_against_the_kernel_of_one_pixel():
    def keys(u):  # Keys' cubic convolution, a = -1/2
        u = abs(u)
        if u < 1:
            return 1.5 * u**3 - 2.5 * u**2 + 1
        return -0.5 * u**3 + 2.5 * u**2 - 4 * u + 2 if u < 2 else 0

    weights = omniglot.weights()
    row = np.array([keys((j + 0.5 - 7.5 * 3.75) / 3.75) for j in range(105)])
    np.testing.assert_allclose(weights[7], row / row.sum(), rtol=1e-12)
    np.testing.assert_allclose(weights.sum(1), 1)
    np.testing.assert_allclose(weights, weights[::-1, ::-1], atol=1e-15)


def test_resampling_of_paper_ink_and_an_upright_bar():
    drawings = np.zeros((3, 105, 105), bool)
    drawings[1] = True
    drawings[2, :50] = True  # the upper part
    packed = np.packbits(drawings.reshape(3, -1), axis=1)
    empty, full, bar = omniglot.resample(packed).reshape(3, 28, 28)
    assert (empty == 0).all()
    assert (full == 255).all()
    assert (bar[:11] > 250).all()
    assert (bar[16:] < 5).all()
    assert (np.diff(bar.astype(int), axis=0) <= 0).all()  # without ringing


def made_drawings(tmp_path):
    """Three characters of two alphabets, as the packed file and as the two zips."""
    random = np.random.RandomState(0)
    ink = random.random_sample((3, 20, 105, 105)) < 0.1
    names = np.array(["Armenian", "Glagolitic"])
    alphabet, number = np.array([1, 0, 0]), np.array([1, 2, 1])
    np.savez(
        tmp_path / "packed.npz",
        packed=np.packbits(ink.reshape(3, 20, -1), axis=-1),
        alphabet_names=names,
        alphabet=alphabet,
        char_in_alphabet=number,
    )
    zips = [tmp_path / "images_background.zip", tmp_path / "images_evaluation.zip"]
    for path, characters in zip(zips, ([0, 1], [2]), strict=True):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(f"{path.stem}/", b"")
            for c in characters:
                for d in range(20):
                    buffer = io.BytesIO()
                    Image.fromarray(~ink[c, d]).save(buffer, "PNG")
                    archive.writestr(
                        f"{path.stem}/{names[alphabet[c]]}/character{number[c]:02d}/"
                        f"{c + 1:04d}_{d + 1:02d}.png",
                        buffer.getvalue(),
                    )
    return ink, tmp_path / "packed.npz", zips


def test_omniglot_order_and_split_by_drawer(tmp_path):
    ink, path, _ = made_drawings(tmp_path)
    found = readers.read("omniglot-packed", [path])

    def small(character, drawers):
        drawings = ink[character, drawers].reshape(len(drawers), -1)
        return omniglot.resample(np.packbits(drawings, axis=-1))

    first, glagolitic = [*range(15)], [*range(11), 12, 13, 14, 15]
    train = [small(2, first), small(1, first), small(0, glagolitic)]
    last = [*range(15, 20)]
    test = [small(2, last), small(1, last), small(0, [16, 17, 18, 19])]
    np.testing.assert_array_equal(found["train"], np.concatenate(train))
    np.testing.assert_array_equal(found["test"], np.concatenate(test))


def test_omniglot_zips_and_packed_file_agree(tmp_path):
    _, path, zips = made_drawings(tmp_path)
    packed, zipped = omniglot.read_packed(path), omniglot.read_zips(zips)
    np.testing.assert_array_equal(packed.packed, zipped.packed)
    a = readers.read("omniglot-packed", [path])
    b = readers.read("omniglot-zips", zips)
    for split in ("train", "test"):
        np.testing.assert_array_equal(a[split], b[split])


def test_an_incomplete_omniglot_zip(tmp_path):
    _, _, zips = made_drawings(tmp_path)
    with pytest.raises(DataError, match=r"no drawing 0001_01\.png"):
        readers.read("omniglot-zips", zips[1:])


def test_bone_marrow_tiles_are_cut_from_the_upper_left(tmp_path):
    gray = np.arange(60 * 90).reshape(60, 90) % 251
    path = tmp_path / "BM_GRAZ_HE_0001_01.png"
    Image.fromarray(np.stack([gray] * 3, -1).astype(np.uint8)).save(path)
    tiles = bone_marrow.picture_tiles(path).reshape(-1, 28, 28)
    expected = [gray[28 * r :, 28 * c :][:28, :28] for r in (0, 1) for c in (0, 1, 2)]
    np.testing.assert_array_equal(tiles, expected)


def test_bone_marrow_leaves_out_flat_tiles_and_splits_by_patient(tmp_path, monkeypatch):
    monkeypatch.setattr(bone_marrow, "TILES", {"train": 3, "valid": 9, "test": 9})
    paths = []
    for patient in sum(bone_marrow.PATIENTS.values(), ()):
        # tiles alternate between two levels: 11.5 and 12.5 off their mean
        gray = np.full((28, 56), 10 * int(patient), np.uint8)
        gray[::2, :28] += 23
        gray[::2, 28:] += 25
        paths.append(tmp_path / f"BM_GRAZ_HE_{patient}_01.png")
        Image.fromarray(np.stack([gray] * 3, -1)).save(paths[-1])
    for name, tiles in bone_marrow.tiles(paths).items():
        found = {(tile.min(), tile.max()) for tile in tiles}
        of = {(10 * int(p), 10 * int(p) + 25) for p in bone_marrow.PATIENTS[name]}
        assert found <= of
        # cut only once the flat ones are gone
        assert len(tiles) == len(found) == min(len(of), bone_marrow.TILES[name])


def test_bone_marrow_gray_is_the_rounded_luma(tmp_path):
    path = tmp_path / "BM_GRAZ_HE_0001_01.png"
    picture = np.empty((28, 28, 3), np.uint8)
    picture[:] = (200, 100, 50)
    Image.fromarray(picture).save(path)
    luma = round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)
    assert (bone_marrow.picture_tiles(path) == luma).all()
