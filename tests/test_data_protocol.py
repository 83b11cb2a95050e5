"""What happens once to a dataset: split, scaling, noise, binarisation."""

import dataclasses

import numpy as np
import pytest

from workflow.data import DataError, registry
from workflow.data.protocol import assemble, scale, split
from workflow.data.registry import Alternative, Entry, Scaling

ENTRY = Entry(
    name="mine",
    title="Mine",
    likelihood="gaussian",
    dynamic=False,
    height=1,
    width=2,
    splits={"train": 5, "valid": 3, "test": 2},
    split_seed=42,
    scaling=Scaling(divisor=256),
    licence="mine",
    citation="me",
    alternatives=(Alternative("made", "npz"),),
)
ROWS = np.arange(20, dtype=np.uint8).reshape(10, 2)


def change(**keys) -> Entry:
    return dataclasses.replace(ENTRY, **keys)


@pytest.mark.parametrize("seed", [1, 42])
def test_one_shuffle_then_cut_in_order(seed):
    expected = ROWS.copy()
    np.random.seed(seed)
    np.random.shuffle(expected)
    dataset = assemble(change(split_seed=seed), {"images": ROWS}, "made")
    found = np.concatenate([dataset.train, dataset.valid, dataset.test])
    np.testing.assert_array_equal(found, expected.astype(np.float32) / 256)
    assert [len(dataset.train), len(dataset.valid), len(dataset.test)] == [5, 3, 2]
    assert dataset.origin == "made"
    assert ROWS[0, 1] == 1  # the reader's array is left as it was


def test_the_first_of_the_shuffled_training_images_validate():
    shuffled = ROWS[:8].copy()
    np.random.RandomState(42).shuffle(shuffled)
    found = split(ENTRY, {"train": ROWS[:8], "test": ROWS[8:]})
    np.testing.assert_array_equal(found["train"], shuffled[3:])
    np.testing.assert_array_equal(found["valid"], shuffled[:3])
    np.testing.assert_array_equal(found["test"], ROWS[8:])


def test_arrays_that_come_split_stay_as_they_are():
    arrays = {"train": ROWS[:5], "valid": ROWS[5:8], "test": ROWS[8:]}
    dataset = assemble(change(split_seed=None), arrays, "made")
    np.testing.assert_array_equal(dataset.train * 256, ROWS[:5])
    with pytest.raises(DataError, match="mine: split_seed is 1, expected none"):
        assemble(change(split_seed=1), arrays, "made")
    with pytest.raises(DataError, match="no split_seed"):
        assemble(change(split_seed=None), {"images": ROWS}, "made")


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"images": ROWS[:9]}, r"images has 9 images, expected 10"),
        ({"train": ROWS, "test": ROWS}, r"train has 10 images, expected 8"),
        ({"train": ROWS[:8], "test": ROWS}, r"test is \(10, 2\), expected \(2, 2\)"),
        ({"images": ROWS.repeat(2, 1)}, r"train is \(5, 4\), expected \(5, 2\)"),
    ],
)
def test_counts_other_than_the_registrys(arrays, words):
    with pytest.raises(DataError, match=f"mine: {words}"):
        assemble(ENTRY, arrays, "made")


def test_values_that_leave_the_unit_interval():
    with pytest.raises(DataError, match=r"lies in \[0, 1\.7\]"):
        assemble(change(scaling=Scaling(divisor=10)), {"images": ROWS}, "made")
    with pytest.raises(DataError, match=r"lies in \[nan, nan\]"):
        assemble(ENTRY, {"images": ROWS * np.nan}, "made")


def splits_of(array):
    return dict.fromkeys(("train", "valid", "test"), array)


def test_division_is_that_of_float32():
    levels = np.arange(256, dtype=np.uint8)[None]
    found = scale(change(scaling=Scaling(divisor=255)), splits_of(levels))["train"]
    expected = levels.astype(np.float32) / np.float32(255)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, expected)


def test_clip_of_histopathology_is_exact():
    entry = registry.load()["histopathology"]
    assert entry.scaling.clip == (1 / 512, 1 - 1 / 512)
    found = scale(entry, splits_of(np.array([[0, 0.5, 1]])))["test"]
    np.testing.assert_array_equal(found, [[1 / 512, 0.5, 1 - 1 / 512]])


@pytest.mark.parametrize("values", [[0, 1, 255], [-0.1, 1], [0, np.nan]])
def test_a_clip_hides_no_wrong_scale(values):
    entry = registry.load()["histopathology"]
    with pytest.raises(DataError, match=r"histopathology: train lies in .* before it"):
        scale(entry, splits_of(np.array([values])))


def test_noise_fills_each_level_evenly_and_is_drawn_once():
    levels = np.full((1, 10_000), 3)
    entry = registry.load()["digits-gray"]
    first, again = (scale(entry, splits_of(levels)) for _ in range(2))
    values = first["train"] * 17 - 3
    assert values.min() >= 0
    assert values.max() <= 1 + 1e-6
    # uniform: mean 1/2, and 1/4 below 1/4, within five standard errors
    assert abs(values.mean() - 0.5) < 5 * np.sqrt(1 / 12 / 10_000)
    assert abs((values < 0.25).mean() - 0.25) < 5 * np.sqrt(3 / 16 / 10_000)
    assert (first["train"] != first["valid"]).mean() > 0.99
    for name in first:
        np.testing.assert_array_equal(first[name], again[name])


DYNAMIC = change(
    likelihood="bernoulli",
    dynamic=True,
    binarise_seed=777,
    width=1000,
    scaling=Scaling(),
)


def test_validation_and_test_are_binarised_once_and_training_is_not():
    arrays = {"images": np.full((10, 1000), 0.3)}
    first, again = (assemble(DYNAMIC, arrays, "made") for _ in range(2))
    np.testing.assert_array_equal(first.train, np.float32(0.3))
    for name in ("valid", "test"):
        bits = getattr(first, name)
        assert set(np.unique(bits)) == {0, 1}
        assert abs(bits.mean() - 0.3) < 5 * np.sqrt(0.21 / bits.size)
    assert first.digest == again.digest
    other = assemble(dataclasses.replace(DYNAMIC, binarise_seed=1), arrays, "made")
    assert other.digest != first.digest
    np.testing.assert_array_equal(other.train, first.train)


def test_binarisation_keeps_zeros_and_ones():
    arrays = {"images": np.tile([0.0, 1.0], (10, 500))}
    dataset = assemble(DYNAMIC, arrays, "made")
    np.testing.assert_array_equal(dataset.test, arrays["images"][:2])


def test_gray_values_for_a_bernoulli_that_is_not_dynamic():
    static = dataclasses.replace(DYNAMIC, dynamic=False)
    images = np.tile([0.0, 1.0], (10, 500))
    images[7, 3] = 0.5
    with pytest.raises(DataError, match="not binary"):
        assemble(static, {"images": images}, "made")


def test_probabilities_that_are_none():
    with pytest.raises(DataError, match="expected probabilities"):
        assemble(DYNAMIC, {"images": np.full((10, 1000), 1.5)}, "made")


def test_validation_images_are_binarised_before_the_test_images():
    sizes = {"train": 2, "valid": 3, "test": 4}
    entry = dataclasses.replace(
        registry.load()["mnist"], height=1, width=50, splits=sizes
    )
    gray = np.random.RandomState(0).randint(0, 256, (9, 50))
    arrays = {"train": gray[:2], "valid": gray[2:5], "test": gray[5:]}
    made = assemble(entry, arrays, "")
    np.random.seed(777)  # as the public code does
    for name in ("valid", "test"):
        bits = np.random.binomial(1, arrays[name] / np.float32(255))
        np.testing.assert_array_equal(getattr(made, name), bits)
