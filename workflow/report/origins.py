"""A line that says which code and machine made a product's numbers."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from workflow.report import reading

FACTS = ("commit", "device", "torch", "precision")


def line(kind: str, facts: Iterable[tuple[str, ...]]) -> str:
    """Each value that occurs, of the first of FACTS. kind: of what, as "Scores"."""
    columns = zip(*facts, strict=True)
    words = []
    for name, column in zip(FACTS, columns, strict=False):
        values = sorted({text or "unknown" for text in column})
        words.append(f"{name} {', '.join(values)}")
    return f"{kind}: {'; '.join(words) or 'none'}."


def made_by(args) -> str:
    """A product's configuration in words."""
    return f"Made by the {args.configuration}."


def of_scores(frame: pd.DataFrame) -> str:
    """The line of these scores."""
    columns = (frame[name] for name in FACTS)
    return line("Scores", zip(*columns, strict=True))


def of_runs(folders: Iterable[Path]) -> str:
    """The line of the runs in these folders, and how many of them diverged."""
    facts, diverged = [], 0
    for folder in folders:
        with reading.record(folder / "record.json") as record:
            diverged += bool(record.get("diverged", False))
            torch = record["versions"]["torch"]
            facts.append(
                (record["commit"], record["device"], torch, record["precision"])
            )
    return line("Runs", facts) + f" Diverged: {diverged} of them." * bool(diverged)


def add_arguments(parser) -> None:
    """What a product takes that is about runs."""
    parser.add_argument(
        "--runs", nargs="+", type=Path, required=True, metavar="FOLDER",
        help="each with record.json and curve.csv",
    )  # fmt: skip


def footer(args, *notes: str) -> str:
    """Notes, the runs' line and the configuration's name as one."""
    parts = (*notes, of_runs(args.runs), made_by(args))
    return " ".join(part.strip() for part in parts if part.strip())
