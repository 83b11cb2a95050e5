"""The datasets' names for a reader, as config/datasets.yaml has them.

A stand-in is always called one, so that it cannot be mistaken for the paper's.
"""

import functools

from workflow.data import registry
from workflow.data.registry import Entry
from workflow.report.reading import BadInput

load = functools.cache(registry.load)


def _entry(dataset: str) -> Entry:
    if dataset not in load():
        raise BadInput(
            f"dataset {dataset!r} is not in the registry, "
            f"expected one of {', '.join(load())}"
        )
    return load()[dataset]


def stands_in_for(dataset: str) -> str | None:
    """The key of the dataset that it stands in for, None for itself."""
    return _entry(dataset).stands_in_for


def original(dataset: str) -> str:
    """The dataset's key in the paper: its own, or the one it stands in for."""
    return stands_in_for(dataset) or dataset


def name(dataset: str) -> str:
    """The title for a reader; a stand-in is always called one."""
    title, other = _entry(dataset).title, stands_in_for(dataset)
    if other is None:
        return title
    words = f"stand-in for {_entry(other).title}"
    if title.endswith(")"):
        return f"{title[:-1]}, {words})"
    return f"{title} ({words})"
