"""A line that says which code and machine made a product's numbers."""

import re
from collections.abc import Iterable

from workflow.scripts import reading

FACTS = ("commit", "device", "torch", "precision")


def line(kind: str, facts: Iterable[tuple[str, str, str, str]]) -> str:
    """Every value of FACTS that occurs; ``kind`` says of what, as "Scores"."""
    columns = zip(*facts, strict=True)
    words = []
    for name, column in zip(FACTS, columns, strict=False):
        values = ", ".join(sorted({text or "unknown" for text in column}))
        if name == "commit":
            # twelve digits name a commit; a suffix that says it was altered stays
            values = re.sub(r"\b([0-9a-f]{12})[0-9a-f]+", r"\1", values)
        words.append(f"{name} {values}")
    return f"{kind}: {'; '.join(words) or 'none'}."


def of_records(paths: Iterable[str]) -> str:
    """The line of the runs with these record.json; "" without any."""
    facts = []
    for path in paths:
        with reading.record(path) as record:
            torch = record["versions"]["torch"]
            facts.append(
                (record["commit"], record["device"], torch, record["precision"])
            )
    return line("Runs", facts) if facts else ""


def add_arguments(parser) -> None:
    """What the figures that are not made of scores take instead."""
    parser.add_argument(
        "--records", nargs="+", default=[], metavar="FILE", help="the runs' record.json"
    )


def footer(args, *notes: str) -> str:
    """Notes and the records' line as one."""
    parts = (*notes, of_records(args.records))
    return " ".join(part.strip() for part in parts if part.strip())
