"""A reader of pickles that builds arrays of numbers and containers, and nothing else.

A pickle is a program; this one's only callables are the three that rebuild numpy's
arrays. Any other global is refused before it is imported.
"""

import io
import pickle

import numpy as np

from workflow.data import DataError

KINDS = "biuf"  # booleans, integers, floats: no objects, records or strings


def loads(data: bytes):
    """Read one pickle, of Python 2 or 3.

    Raises DataError for a global that is not on the list, an array of objects or a
    pickle that is cut short or malformed.
    """
    try:
        # latin1 is numpy's own choice for the byte strings of Python 2
        value = _Unpickler(io.BytesIO(data), encoding="latin1").load()
    except DataError:
        raise
    except Exception as error:  # a malformed pickle can raise nearly anything
        raise DataError(f"not a whole pickle ({error})") from error
    _check(value)
    return value


def _dtype(spec, align=False, copy=False) -> np.dtype:
    # old pickles hold align and copy as 0 and 1, which numpy no longer likes
    return _plain(np.dtype(spec, align=bool(align), copy=bool(copy)))


def _plain(dtype: np.dtype) -> np.dtype:
    if dtype.kind not in KINDS:
        raise DataError(f"pickle: array of dtype {dtype}, expected numbers")
    return dtype


def _check(value) -> None:
    """Dtypes again, as a pickle can change one after it was made."""
    if isinstance(value, np.ndarray | np.generic):
        _plain(value.dtype)
    elif isinstance(value, dict):
        for item in value.values():
            _check(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _check(item)


# taken from numpy's own pickles, since the modules they live in are private
_RECONSTRUCT = np.zeros(1).__reduce__()[0]
_SCALAR = np.float64(0).__reduce__()[0]
_ALLOWED = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): _dtype,
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy.core.multiarray", "scalar"): _SCALAR,
    ("numpy._core.multiarray", "scalar"): _SCALAR,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module, name):
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise DataError(
                f"pickle: refers to {module}.{name}, expected arrays of numbers only"
            ) from None
