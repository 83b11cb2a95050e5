"""Table 1: number and dimensions of the datasets, from the canonical arrays.

Rule ``table1`` of workflow/rules/tables.smk calls it; ``--help`` says how.
"""

from models import options
from models.data import SPLITS, Dataset
from workflow.report import datasets, products, reading, tabular
from workflow.report.reading import BadInput

COLUMNS = [
    *"dataset title stand_in_for dimension".split(),
    *(*SPLITS, "origin", "digest"),
]
HEADER = ["Dataset", "Dimension", "Train size", "Valid size", "Test size"]
CAPTION = "Number and dimensions of datasets"


def sizes(datasets: list[Dataset]) -> list[dict]:
    """One row a dataset: pixels, the number of images of each split, which arrays."""
    return [
        {"dataset": one.name, "dimension": one.pixels, "origin": one.origin}
        | {"digest": one.digest}
        | {split: len(getattr(one, split)) for split in SPLITS}
        for one in datasets
    ]


def again(path: str, datasets: list[str]) -> list[dict]:
    """The same of a table1.csv, of those of the datasets that are there."""
    columns = ["dataset", "dimension", *SPLITS, "origin", "digest"]
    frame = reading.table(path, columns)[columns]
    for column in ("dimension", *SPLITS):
        frame[column] = reading.integers(frame, column, path)
    datasets = datasets or list(frame["dataset"])
    frame = frame[frame["dataset"].isin(datasets)]
    frame = frame.sort_values("dataset", key=lambda names: names.map(datasets.index))
    return frame.to_dict("records")


def notes(rows: list[dict]) -> list[str]:
    """Where the arrays came from and which they are."""
    facts = [
        f"{row['title']}: {row['origin'] or 'origin not recorded'}, "
        f"SHA-256 {row['digest'][:12]}"
        for row in rows
    ]
    return [f"Arrays: {'; '.join(facts)}."]


def grid(rows: list[dict]) -> list[list[str]]:
    """The cells as text, thousands separated by a comma as in the paper."""
    return [
        [row["title"], *(f"{row[key]:,}" for key in ("dimension", *SPLITS))]
        for row in rows
    ]


@reading.one_line_errors
def main(argv=None):
    """Write Table 1 as CSV, Markdown and LaTeX."""
    parser = products.parser(__doc__, "csv", "markdown", "latex")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--data", nargs="+", default=[], help="canonical .npz")
    source.add_argument("--sizes", help="a table1.csv, of arrays that are not here")
    parser.add_argument(
        "--datasets", nargs="+", default=[], help="of --sizes; else all"
    )
    args = parser.parse_args(argv)

    found = []
    for path in args.data:
        try:
            found.append(options.dataset(path))
        except ValueError as error:  # it names the file itself
            raise BadInput(str(error)) from error
    rows = again(args.sizes, args.datasets) if args.sizes else sizes(found)
    for row in rows:  # with today's words
        row["title"] = datasets.name(row["dataset"])
        row["stand_in_for"] = datasets.stands_in_for(row["dataset"])
    products.write_csv(args, args.csv, rows, COLUMNS)
    text = grid(rows)
    escaped = [[tabular.escape(field) for field in row] for row in text]
    products.write_table(args, 1, CAPTION, HEADER, (text, escaped), notes(rows))


if __name__ == "__main__":
    main()
