"""Files that are either whole or not there, and archives that run no code."""

import os
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np


@contextmanager
def replacing(path: str | os.PathLike) -> Iterator[Path]:
    """Give a path to write to, and put it in the place of `path` once that is done.

    Makes the folder. After an error nothing is left and an older file stands. The
    temporary path keeps the ending of `path`, by which many writers choose a format.
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path}: a folder, expected a file")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def check_writable(folder: str | os.PathLike) -> None:
    """Make the folder. Raises OSError if it takes no file: now, not after the work."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass


@contextmanager
def npz(path: str | os.PathLike) -> Iterator[np.lib.npyio.NpzFile]:
    """Open an ``.npz`` archive. Raises ValueError for another file; unpickles nothing.

    numpy's own words for a file that is none advise to unpickle it.
    """
    with open(path, "rb") as raw:  # np.load forgets to close what it cannot read
        begins = raw.read(2) == b"PK"  # is_zipfile takes an archive at the end, too
        if not (begins and zipfile.is_zipfile(raw)):
            raise ValueError("no .npz archive, or a part of one")
        raw.seek(0)
        with np.load(raw, allow_pickle=False) as file:
            yield file
