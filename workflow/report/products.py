"""What every table and figure shares: names, arguments and whole files.

A product says on its face which configuration it came from and which of its
datasets stand in for another, so that neither can be mistaken for the paper's.
"""

import argparse
from pathlib import Path

import pandas as pd

from models.files import replacing
from workflow.report import origins, tabular


def parser(doc: str, *outputs: str) -> argparse.ArgumentParser:
    """A parser with the arguments that every script takes, and the files it writes.

    doc: of the script, whose first line describes it.
    """
    first = doc.splitlines()[0]
    common = argparse.ArgumentParser(description=first, allow_abbrev=False)
    common.add_argument("--configuration", required=True, help="its name")
    common.add_argument(
        "--label", default="", help="text that every product shows, may be empty"
    )
    for name in outputs:
        common.add_argument(f"--{name}", required=True, metavar="FILE")
    return common


def write_page(args: argparse.Namespace, title: str, *parts: str) -> None:
    """Write a page in Markdown: what it is, whose runs, their label, and the parts."""
    label = [f"**{args.label}**"] * bool(args.label)
    parts = (f"# {title}", origins.made_by(args), *label, *parts)
    write_text(args.markdown, "\n\n".join(parts))


def write_table(
    args: argparse.Namespace,
    number: int,
    caption: str,
    header: list[str],
    rows: tuple[list[list[str]], list[list[str]]],
    below: list[str],
) -> None:
    """Write a table of the paper by its number there; rows: of Markdown, of LaTeX."""
    below = [*below, origins.made_by(args)]
    parts = [f"**Table {number}.** {caption}."]
    if args.label:
        parts.append(f"**{args.label}**")
        caption += f" ({args.label})"
    parts += [tabular.markdown(header, rows[0]), " ".join(below)]
    write_text(args.markdown, "\n\n".join(parts))
    mark = f"tab:{Path(args.latex).stem}"
    write_text(args.latex, tabular.latex(header, rows[1], caption, mark, below))


def write_text(path: str | Path, text: str) -> None:
    """Write ``text`` as UTF-8, ending with one newline."""
    data = (text.rstrip("\n") + "\n").encode()
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def write_csv(
    args: argparse.Namespace, path: str, rows: list[dict], columns: list[str]
) -> None:
    """Write rows in long form, the configuration's name first.

    None becomes an empty field, truths true or false.
    """

    def field(value):
        return str(value).lower() if isinstance(value, bool) else value

    plain = [[field(row[column]) for column in columns] for row in rows]
    # object keeps a whole number whole in a column that also has empty fields
    frame = pd.DataFrame(plain, columns=columns, dtype=object)
    frame.insert(0, "configuration", args.configuration)
    with replacing(path) as temporary:
        frame.to_csv(temporary, index=False)
