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
    parser.add_argument(
        "--mirror", type=Path, help=f"folder to search first; or set {MIRROR}"
    )
    parser.add_argument("--registry", default=registry.REGISTRY, type=Path)
    arguments = parser.parse_args(argv)
    try:
        dataset = prepare(
            arguments.dataset,
            arguments.downloads,
            _mirror(arguments.mirror),
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


def _mirror(flag: Path | None) -> Path | None:
    """The mirror folder of the flag or else of the environment."""
    setting = flag or os.environ.get(MIRROR)
    if not setting:
        return None
    if not Path(setting).is_dir():
        source = "--mirror" if flag else MIRROR
        raise DataError(f"{source}: {setting} is not a folder, expected the mirror")
    return Path(setting)


if __name__ == "__main__":
    sys.exit(main())
