"""One named member of an archive, read without unpacking anything."""

import tarfile
import zipfile
from pathlib import Path, PurePosixPath

from workflow.data import DataError

LINK = 0o120000  # the file type of a symbolic link, in a zip member's Unix mode


def tar_member(path: Path, name: str) -> bytes:
    """Content of the first member of a tar file whose bare name is ``name``.

    Raises DataError if it is missing, is a link or its path leaves the archive.
    """
    with tarfile.open(path) as archive:
        for member in archive:
            if PurePosixPath(member.name).name != name:
                continue
            check_name(member.name, path)
            if not member.isreg():
                raise DataError(f"{path.name}: {member.name} is not a regular file")
            return archive.extractfile(member).read()
    raise DataError(f"{path.name}: no member {name}")


def zip_member(path: Path, name: str) -> bytes:
    """Content of the member of a zip file (a wheel is one) at the path ``name``.

    Raises DataError if it is missing, is a link or its path leaves the archive.
    """
    check_name(name, path)
    with zipfile.ZipFile(path) as archive:
        if name not in archive.namelist():
            raise DataError(f"{path.name}: no member {name}")
        info = archive.getinfo(name)
        if info.external_attr >> 16 & 0o170000 == LINK:
            raise DataError(f"{path.name}: {name} is not a regular file")
        return archive.read(info)


def check_name(name: str, path: Path) -> None:
    """Raise DataError unless a member's path stays inside its archive's folder."""
    if name.startswith(("/", "\\")) or ":" in name or "\\" in name:
        raise DataError(f"{path.name}: member {name!r} has an absolute path")
    if ".." in PurePosixPath(name).parts:
        raise DataError(f"{path.name}: member {name!r} climbs out of its folder")
