"""Digests of files and arrays."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from workflow.data import DataError


def file_digest(path: Path, kind: str) -> str:
    """Digest of a file; ``kind`` is sha256, md5 or git_blob.

    A git blob id is the SHA-1 of ``blob <length>``, a zero byte and the content.
    """
    start = f"blob {path.stat().st_size}\0".encode()
    with open(path, "rb") as file:
        how = (lambda: hashlib.sha1(start)) if kind == "git_blob" else kind
        return hashlib.file_digest(file, how).hexdigest()


def verify(path: Path, digests: Mapping[str, str], name: str) -> None:
    """Raise DataError, calling the file ``name``, unless every digest is its own."""
    for kind, expected in digests.items():
        found = file_digest(path, kind)
        if found != expected:
            raise DataError(f"{name}: {kind} is {found}, expected {expected}")


def content_digest(arrays: Mapping[str, np.ndarray]) -> str:
    """SHA-256 of the arrays' values as bytes, one array after the other."""
    state = hashlib.sha256()
    for array in arrays.values():
        little = array.dtype.newbyteorder("<")
        state.update(np.ascontiguousarray(array, dtype=little).tobytes())
    return state.hexdigest()
