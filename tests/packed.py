"""Pickles as Python 2 wrote them, and archives, for the tests of their readers."""

import io
import tarfile

import numpy as np


def python_2_pickle(array: np.ndarray) -> bytes:
    """A protocol 0 pickle of [array], with the globals of a numpy of Python 2."""
    data = "".join(f"\\x{byte:02x}" for byte in array.tobytes())
    kind = array.dtype.str[1:]
    rows, columns = array.shape
    return (
        "(lp0\ncnumpy.core.multiarray\n_reconstruct\np1\n(cnumpy\nndarray\np2\n"
        f"(I0\ntp3\nS'b'\np4\ntp5\nRp6\n(I1\n(I{rows}\nI{columns}\ntp7\n"
        f"cnumpy\ndtype\np8\n(S'{kind}'\np9\nI0\nI1\ntp10\nRp11\n"
        f"(I3\nS'{array.dtype.byteorder}'\np12\nNNNI-1\nI-1\nI0\ntp13\nbI00\n"
        f"S'{data}'\np14\ntp15\nba."
    ).encode()


def tar_with(path, name, content=b""):
    with tarfile.open(path, "w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return path
