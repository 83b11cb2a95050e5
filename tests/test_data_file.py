"""The canonical dataset file: whole, checked against its digest, or refused."""

import dataclasses

import numpy as np
import pytest

from models import data
from tests.conftest import images


def test_round_trip(tmp_path):
    made = images("gaussian")
    data.save(made, tmp_path / "a.npz")
    read = data.load(tmp_path / "a.npz")
    for split in data.SPLITS:
        np.testing.assert_array_equal(getattr(read, split), getattr(made, split))
    assert (read.name, read.likelihood, read.digest) == (
        "made",
        "gaussian",
        made.digest,
    )


def test_the_digest_sees_every_value_and_the_order():
    made = images("gaussian")
    other = made.train.copy()
    other[3, 2] = np.nextafter(other[3, 2], 1)
    digests = {
        made.digest,
        dataclasses.replace(made, train=other).digest,
        dataclasses.replace(made, train=made.train[::-1].copy()).digest,
        dataclasses.replace(made, valid=made.test, test=made.valid).digest,
        dataclasses.replace(made, likelihood="bernoulli").digest,
        dataclasses.replace(made, dynamic=True).digest,
    }
    assert len(digests) == 6


def test_an_altered_or_damaged_file_is_refused(tmp_path):
    path = tmp_path / "a.npz"
    data.save(images("gaussian"), path)
    with np.load(path) as file:
        content = dict(file)
    content["test"] = content["test"] / 2
    np.savez(tmp_path / "altered.npz", **content)
    with pytest.raises(ValueError, match=r"altered\.npz: its arrays do not match"):
        data.load(tmp_path / "altered.npz")
    whole = path.read_bytes()
    half = whole[: len(whole) // 2]
    for content in (half, b"label,pixel0\n1,0\n", b"", b"\n" + whole):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"a\.npz: not a can.* \(no \.npz arch"):
            data.load(path)


def test_an_object_array_is_not_unpickled(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, facts=np.array([print], dtype=object))
    with pytest.raises(ValueError, match=r"not a canonical dataset file \(Object arr"):
        data.load(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"likelihood": "poisson"}, "expected 'bernoulli' or 'gaussian'"),
        ({"train": np.zeros((2, 6))}, r"train is float64 \(2, 6\), expected float32"),
        (
            {"valid": np.zeros((2, 5), np.float32)},
            "valid has 5 pixels, expected 6 as train has",
        ),
        (
            {"test": np.full((2, 6), 1.5, np.float32)},
            r"test lies in \[1\.5, 1\.5\]",
        ),
        (
            {"test": -np.eye(6, dtype=np.float32)},
            r"in \[-1, -?0\] .*entry can scale",
        ),
        (
            {"test": np.full((2, 6), np.nan, np.float32)},
            r"\[nan, nan\] \(nan where",
        ),
        ({"test": np.zeros((0, 6), np.float32)}, r"test is float32 \(0, 6\)"),
    ],
)
def test_wrong_arrays_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(images("gaussian"), **change)


def test_an_interrupted_save_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.npz"
    data.save(images("gaussian"), path)
    before = path.read_bytes()

    def interrupted(file, **arrays):
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez_compressed", interrupted)
    with pytest.raises(KeyboardInterrupt):
        data.save(images("bernoulli"), path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.npz"]
