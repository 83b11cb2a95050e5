"""Pickles: arrays of numbers, and nothing else."""

import gzip
import pickle

import numpy as np
import pytest

from tests.packed import python_2_pickle
from workflow.data import DataError, readers, unpickle


@pytest.mark.parametrize("dtype", ["|u1", "<f4", "<f8", "<i8"])
def test_a_pickle_of_python_2(dtype):
    array = np.arange(200, 212).reshape(3, 4).astype(dtype)
    (found,) = unpickle.loads(python_2_pickle(array))
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize("protocol", [3, 4])
def test_containers_arrays_and_numbers(protocol):
    value = {"a": [np.eye(2), (1, 2.5, "text", None, np.float32(3))]}
    found = unpickle.loads(pickle.dumps(value, protocol=protocol))
    np.testing.assert_array_equal(found["a"][0], np.eye(2))
    assert found["a"][1] == value["a"][1]


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("posix", "system"),
        ("builtins", "eval"),
        ("builtins", "getattr"),
        ("numpy", "load"),
        ("numpy", "fromfile"),
        ("numpy", "ndarray.tofile"),
        ("subprocess", "run"),
    ],
)
def test_a_malicious_pickle_is_refused_and_does_nothing(tmp_path, module, name):
    touched = tmp_path / "touched"
    attack = f"c{module}\n{name}\n(S'touch {touched}'\ntR.".encode()
    with pytest.raises(DataError, match=f"{module}.{name}, expected arrays"):
        unpickle.loads(attack)
    assert not touched.exists()


class Attack:
    def __reduce__(self):
        return print, ("attacked",)


def test_a_malicious_pickle_inside_a_file_is_refused(tmp_path, capsys):
    path = tmp_path / "mnist.pkl.gz"
    path.write_bytes(gzip.compress(pickle.dumps([Attack()])))
    with pytest.raises(DataError, match=r"mnist\.pkl\.gz.*print"):
        readers.read("mnist-pickle", [path])
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "array",
    [np.array([[None]]), np.zeros(1, [("a", "f8")]), np.array(["a"])],
    ids=["objects", "records", "strings"],
)
def test_arrays_of_anything_but_numbers_are_refused(array):
    with pytest.raises(DataError, match="expected numbers"):
        unpickle.loads(pickle.dumps(array, protocol=4))


@pytest.mark.parametrize("value", [np.array([None]), np.str_("x")])
def test_what_became_no_number_after_it_was_made_is_refused(monkeypatch, value):
    monkeypatch.setattr(unpickle._Unpickler, "load", lambda self: {"a": [value]})
    with pytest.raises(DataError, match="expected numbers"):
        unpickle.loads(b"")


@pytest.mark.parametrize("cut", [0, 1, 10, -1])
def test_a_truncated_pickle(cut):
    with pytest.raises(DataError, match="not a whole pickle"):
        unpickle.loads(python_2_pickle(np.zeros((2, 2)))[:cut])
