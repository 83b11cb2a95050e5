"""Prepare one dataset: its raw files to the canonical .npz that training reads."""

import argparse
import os
import sys
from pathlib import Path

from models import data
from workflow.data import DataError, registry
from workflow.data.protocol import assemble
from workflow.data.sources import obtain

MIRROR = "IOP_REPRO_MIRROR"


def prepare(
    name: str,
    downloads: Path,
    mirror: Path | None = None,
    path: Path = registry.REGISTRY,
) -> data.Dataset:
    """One dataset of the registry at ``path``; arguments as those of the command.

    Raises DataError when the name is unknown or no alternative works.
    """
    entries = registry.load(path)
    if name not in entries:
        raise DataError(f"no dataset {name!r}, expected one of {', '.join(entries)}")
    alternative, arrays = obtain(entries[name], downloads, mirror)
    return assemble(entries[name], arrays, alternative.title)


def main(argv: list[str] | None = None) -> int:
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="workflow.data.prepare", description=__doc__)
    parser.add_argument("--dataset", required=True, help="key in the registry")
    parser.add_argument("--output", required=True, type=Path, help="the .npz to write")
    parser.add_argument(
        "--downloads", default=Path("data/raw"), type=Path, help="keeps the raw files"
    )
    parser.add_argument("--registry", default=registry.REGISTRY, type=Path)
    arguments = parser.parse_args(argv)
    try:
        dataset = prepare(
            arguments.dataset,
            arguments.downloads,
            _mirror(),
            arguments.registry,
        )
        data.save(dataset, arguments.output)
    except (DataError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    shapes = ", ".join(f"{s} {getattr(dataset, s).shape}" for s in data.SPLITS)
    print(
        f"{arguments.output}: {shapes}, {dataset.origin}, {dataset.digest[:12]}",
        file=sys.stderr,
    )
    return 0


def _mirror() -> Path | None:
    """The folder that the environment names, to be searched before the network."""
    setting = os.environ.get(MIRROR)
    if setting and not Path(setting).is_dir():
        raise DataError(f"{MIRROR}: {setting} is not a folder, expected the mirror")
    return Path(setting) if setting else None


if __name__ == "__main__":
    sys.exit(main())
