"""OMNIGLOT at 28x28, rebuilt from the original 105x105 drawings.

The resampling and the split by drawer were recovered from published pictures of
Burda's chardata.mat; about 0.4 % of its training drawings are others.
"""

import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from models.files import npz
from workflow.data import DataError

SIDE, SMALL, DRAWERS = 105, 28, 20
MEMBER = re.compile(
    r"images_(?:background|evaluation)/([^/]+)/character(\d+)/(\d{4})_(\d\d)\.png"
)


@dataclass(frozen=True)
class Drawings:
    """Every drawing of every character, in the official order of characters.

    packed: (characters, 20 drawers, 1379) uint8, 105 x 105 bits each, 1 is ink.
    alphabet: (characters,) names; number: (characters,) within the alphabet.
    """

    packed: np.ndarray
    alphabet: np.ndarray
    number: np.ndarray


def read_packed(path: Path) -> Drawings:
    """Read the bit-packed .npz."""
    with npz(path) as file:
        names = file["alphabet_names"]
        return Drawings(
            file["packed"], names[file["alphabet"]], file["char_in_alphabet"]
        )


def read_zips(paths: Sequence[Path]) -> Drawings:
    """Read images_background.zip and images_evaluation.zip.

    A member is ALPHABET/characterNN/NNNN_DD.png below the zip's name: the official
    number of the character and its drawer; ink is black. Raises DataError if a
    drawing is missing or is not 105x105.
    """
    packed, labels = {}, {}
    for path in paths:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if not (match := MEMBER.fullmatch(info.filename)):
                    continue
                alphabet, number, character, drawer = match.groups()
                image = np.asarray(Image.open(io.BytesIO(archive.read(info))))
                if image.shape != (SIDE, SIDE):
                    raise DataError(f"{info.filename} is {image.shape}, expected 105²")
                packed[int(character), int(drawer)] = np.packbits(image == 0)
                labels[int(character)] = alphabet, int(number)
    characters = sorted(labels)
    missing = [
        (c, d)
        for c in range(1, len(characters) + 1)
        for d in range(1, DRAWERS + 1)
        if (c, d) not in packed
    ]
    if missing or not characters:
        number, drawer = missing[0] if missing else (1, 1)
        raise DataError(
            f"no drawing {number:04d}_{drawer:02d}.png, "
            f"expected {DRAWERS} of every character"
        )
    rows = [[packed[c, d] for d in range(1, DRAWERS + 1)] for c in characters]
    return Drawings(
        np.array(rows),
        np.array([labels[c][0] for c in characters]),
        np.array([labels[c][1] for c in characters]),
    )


def weights() -> np.ndarray:
    """(28, 105) weights of Matlab's imresize: bicubic, antialiased, rows sum to 1."""
    scale = SIDE / SMALL
    centres = (np.arange(SMALL) + 0.5) * scale
    u = np.abs((np.arange(SIDE) + 0.5 - centres[:, None]) / scale)
    near = 1.5 * u**3 - 2.5 * u**2 + 1
    far = -0.5 * u**3 + 2.5 * u**2 - 4 * u + 2
    kernel = np.where(u < 1, near, np.where(u < 2, far, 0.0))
    return kernel / kernel.sum(axis=1, keepdims=True)


def resample(packed: np.ndarray) -> np.ndarray:
    """(drawings, 1379) packed bits to (drawings, 784) uint8, 255 is ink."""
    ink = np.unpackbits(packed, axis=-1, count=SIDE * SIDE)
    ink = ink.reshape(-1, SIDE, SIDE).astype(np.float64)
    gray = np.clip(weights() @ ink @ weights().T, 0, 1)
    return np.rint(255 * gray).astype(np.uint8).reshape(-1, SMALL * SMALL)


def drawers(alphabet: str) -> tuple[list[int], list[int]]:
    """Indices of the drawers of an alphabet that are training and test ones.

    The first 15 train, but for Glagolitic, whose twelfth drawer is left out.
    """
    if alphabet == "Glagolitic":
        return [*range(11), *range(12, 16)], [*range(16, 20)]
    return [*range(15)], [*range(15, 20)]


def rebuild(drawings: Drawings) -> dict[str, np.ndarray]:
    """Train and test images, (images, 784) uint8, by alphabet, character, drawer."""
    train, test = [], []
    for index in np.lexsort((drawings.number, drawings.alphabet)):
        images = resample(drawings.packed[index])
        for rows, chosen in zip(
            (train, test), drawers(str(drawings.alphabet[index])), strict=True
        ):
            rows.append(images[chosen])
    return {"train": np.concatenate(train), "test": np.concatenate(test)}
