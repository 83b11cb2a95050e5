"""What the protocol does once to a dataset: split, scale, binarise."""

import numpy as np

from models.data import SPLITS, Dataset
from workflow.data import DataError
from workflow.data.registry import Entry


def assemble(entry: Entry, arrays: dict[str, np.ndarray], origin: str) -> Dataset:
    """Raw arrays of a reader to the canonical dataset.

    Raises DataError when the arrays are not as the registry says: the number of
    images or pixels, or values that leave [0, 1] once scaled.
    """
    splits = split(entry, arrays)
    for name, expected in entry.splits.items():
        shape, pixels = splits[name].shape, entry.height * entry.width
        if shape != (expected, pixels):
            raise DataError(
                f"{entry.name}: {name} is {shape}, expected ({expected}, {pixels})"
            )
    splits = scale(entry, splits)
    if entry.dynamic:
        # the training images stay probabilities; these two are binarised once
        random = np.random.RandomState(entry.binarise_seed)
        for name in ("valid", "test"):
            splits[name] = binarise(random, splits[name], f"{entry.name}: {name}")
    elif entry.likelihood == "bernoulli":
        for name, array in splits.items():
            if not np.isin(array, (0, 1)).all():
                raise DataError(
                    f"{entry.name}: {name} is not binary, expected 0 and 1 only "
                    "where likelihood is bernoulli and dynamic is false"
                )
    try:
        return Dataset(
            entry.name, entry.likelihood, entry.dynamic, **splits, origin=origin
        )
    except ValueError as error:
        raise DataError(str(error)) from error


def split(entry: Entry, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Train, valid and test rows, placed as the authors' public code has them.

    The shuffle is numpy's legacy one: RandomState(s).shuffle is bit for bit what
    np.random.seed(s) and np.random.shuffle do there.
    """
    if set(arrays) == set(SPLITS):
        if entry.split_seed is not None:
            raise DataError(
                f"{entry.name}: split_seed is {entry.split_seed}, expected none: its "
                "files come split"
            )
        return dict(arrays)
    if entry.split_seed is None:
        raise DataError(f"{entry.name}: no split_seed, expected one to shuffle with")
    name = "images" if "images" in arrays else "train"
    places = SPLITS if name == "images" else ("valid", "train")
    rows = arrays[name].copy()
    np.random.RandomState(entry.split_seed).shuffle(rows)
    sizes = [entry.splits[place] for place in places]
    expected = sum(sizes)
    if len(rows) != expected:
        raise DataError(
            f"{entry.name}: {name} has {len(rows)} images, expected {expected} "
            "(the sum of its splits)"
        )
    parts = np.split(rows, np.cumsum(sizes)[:-1])
    return {"test": arrays.get("test")} | dict(zip(places, parts, strict=True))


def scale(entry: Entry, splits: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Raw values to float32: noise if asked for, then divided, then clipped."""
    scaling, scaled = entry.scaling, {}
    random = np.random.RandomState(scaling.noise_seed)
    for name in SPLITS:
        values = splits[name].astype(np.float64)
        if scaling.noise_seed is not None:
            # one level in [k, k+1): a density fitted to bare levels is unbounded
            values += random.random_sample(values.shape)
        values /= scaling.divisor
        if scaling.clip is not None:  # which would hide a wrong divisor
            if not (values.min() >= 0 and values.max() <= 1):
                raise DataError(
                    f"{entry.name}: {name} lies in [{values.min():g}, "
                    f"{values.max():g}] before it is clipped, expected [0, 1]; a "
                    "divisor can scale"
                )
            values = values.clip(*scaling.clip)
        scaled[name] = values.astype(np.float32)
    return scaled


def binarise(
    random: np.random.RandomState, probabilities: np.ndarray, name: str
) -> np.ndarray:
    """One Bernoulli draw a pixel, float32 zeros and ones."""
    if not (probabilities.min() >= 0 and probabilities.max() <= 1):
        low, high = probabilities.min(), probabilities.max()  # nan, if one is
        raise DataError(
            f"{name} lies in [{low:g}, {high:g}], expected probabilities in [0, 1]"
        )
    # binomial, so that seed 777 gives the public VampPrior code's MNIST bit for bit
    return random.binomial(1, probabilities).astype(np.float32)
