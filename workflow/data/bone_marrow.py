"""Gray 28x28 tiles of H&E bone marrow pictures, split by patient, without background.

A tile of bare glass holds nothing but a camera's noise, and its density has no bound.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 28
SEED = 0
# gray levels of 255: a tile that deviates less is background. The training patients'
# tiles have two modes, below 2 and at 40; between them the fewest are at 12 to 14
FLAT = 12.0
# patients as in the pictures' names, BM_GRAZ_HE_<patient>_<picture>.png
PATIENTS = {
    "train": ("0001", "0002", "0003", "0004"),
    "valid": ("0006", "0007"),
    "test": ("0008", "0020"),
}
TILES = {"train": 6800, "valid": 2000, "test": 2000}


def tiles(paths: Sequence[Path]) -> dict[str, np.ndarray]:
    """Train, valid and test tiles, (tiles, 784) uint8; each split shuffled, then cut.

    Gray is 0.299 R + 0.587 G + 0.114 B, rounded; tiles do not overlap and start at
    the upper left; flat ones are left out. The counts are those of Histopathology
    (Table 1).
    """
    random = np.random.RandomState(SEED)
    arrays = {}
    for split, patients in PATIENTS.items():
        pool = np.concatenate(
            [
                picture_tiles(p)
                for p in sorted(paths)
                if p.stem.split("_")[3] in patients
            ]
        )
        shuffled = pool[random.permutation(len(pool))]
        arrays[split] = shuffled[shuffled.std(1) >= FLAT][: TILES[split]]
    return arrays


def picture_tiles(path: Path) -> np.ndarray:
    """(tiles, 784) uint8 of one picture, row by row of tiles; what is over is cut."""
    with Image.open(path) as picture:
        gray = np.asarray(picture.convert("L"))
    rows, columns = gray.shape[0] // SIDE, gray.shape[1] // SIDE
    gray = gray[: rows * SIDE, : columns * SIDE].reshape(rows, SIDE, columns, SIDE)
    return gray.transpose(0, 2, 1, 3).reshape(-1, SIDE * SIDE)
