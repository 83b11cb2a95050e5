"""A dataset as training reads it: three float32 arrays and a line of facts.

The canonical file is an ``.npz`` with ``train``, ``valid`` and
``test``, each (images, pixels) in [0, 1], and ``facts``, a JSON object. Everything
that the protocol does once (scaling, splitting, binarising the validation and test
sets) is already in these arrays, so their digest identifies what was trained on.
"""

import functools
import hashlib
import json
import os
from dataclasses import dataclass

import numpy as np

from models.files import npz, replacing

SPLITS = ("train", "valid", "test")


@dataclass(frozen=True)
class Dataset:
    """One dataset.

    name: its key in config/datasets.yaml.
    likelihood: ``bernoulli`` or ``gaussian``, the decoder's distribution.
    dynamic: whether training images are probabilities, binarised at every visit.
    train, valid, test: (images, pixels) float32 in [0, 1].
    origin: which alternative of the registry the arrays came from.
    """

    name: str
    likelihood: str
    dynamic: bool
    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray
    origin: str = ""

    def __post_init__(self):
        if self.likelihood not in ("bernoulli", "gaussian"):
            raise ValueError(
                f"{self.name}: likelihood is {self.likelihood!r}, "
                "expected 'bernoulli' or 'gaussian'"
            )
        for split in SPLITS:
            array = getattr(self, split)
            if array.dtype != np.float32 or array.ndim != 2 or not array.size:
                raise ValueError(
                    f"{self.name}: {split} is {array.dtype} {array.shape}, "
                    "expected float32 (images, pixels)"
                )
            if array.shape[1] != self.train.shape[1]:
                raise ValueError(
                    f"{self.name}: {split} has {array.shape[1]} pixels, expected "
                    f"{self.train.shape[1]} as train has"
                )
            low, high = array.min(), array.max()
            if not (low >= 0 and high <= 1):
                raise ValueError(
                    f"{self.name}: {split} lies in [{low:g}, {high:g}] (nan where a "
                    "value is missing), expected [0, 1]; a registry entry can scale"
                )

    @property
    def pixels(self) -> int:
        """Number of pixels of an image."""
        return self.train.shape[1]

    @functools.cached_property
    def digest(self) -> str:
        """SHA-256 of `likelihood`, `dynamic`, the shapes and every value."""
        sha = hashlib.sha256(f"{self.likelihood} {self.dynamic}".encode())
        for split in SPLITS:
            array = np.ascontiguousarray(getattr(self, split), dtype="<f4")
            sha.update(f" {split} {array.shape} ".encode())
            sha.update(array.tobytes())
        return sha.hexdigest()


def save(dataset: Dataset, path: str | os.PathLike) -> None:
    """Write the canonical file; a reader never sees a half-written one."""
    facts = {
        "name": dataset.name,
        "likelihood": dataset.likelihood,
        "dynamic": dataset.dynamic,
        "origin": dataset.origin,
        "digest": dataset.digest,
    }
    arrays = {split: getattr(dataset, split) for split in SPLITS}
    with replacing(path) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(file, facts=np.array(json.dumps(facts)), **arrays)


def load(path: str | os.PathLike) -> Dataset:
    """Read a canonical file and check it against its own digest.

    Raises ValueError, naming the file, when it is not one or was altered.
    """
    try:
        with npz(path) as file:
            facts = json.loads(str(file["facts"]))
            arrays = {split: file[split] for split in SPLITS}
        digest = str(facts.pop("digest"))
        dataset = Dataset(**facts, **arrays)
    except (FileNotFoundError, MemoryError):
        raise
    except Exception as error:
        raise ValueError(f"{path}: not a canonical dataset file ({error})") from error
    if dataset.digest != digest:
        raise ValueError(f"{path}: its arrays do not match its digest {digest[:12]}")
    return dataset
