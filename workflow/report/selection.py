"""Which cells make a Table 2: arguments, their scores, and each column's tests."""

import argparse
from dataclasses import dataclass

from models.options import positive
from workflow import methods
from workflow.report import origins, scores, statistics
from workflow.report.reading import BadInput
from workflow.report.scores import Cell


@dataclass(frozen=True)
class Table:
    """The cells by (dataset, prior) and the standing of those with scores."""

    cells: dict[tuple[str, str], Cell]
    standings: dict[tuple[str, str], statistics.Standing]

    @property
    def datasets(self) -> list[str]:
        """The columns, in the order of the cells."""
        return list(dict.fromkeys(dataset for dataset, _ in self.cells))

    @property
    def priors(self) -> list[str]:
        """The rows, in the order of the cells."""
        return list(dict.fromkeys(prior for _, prior in self.cells))


def build(frame, wanted: list[tuple[str, str]], samples: int) -> Table:
    """Collect the cells and test each column.

    wanted: (dataset, method); every dataset with each prior once. samples: S.
    """
    cells, standings, there = {}, {}, set()
    for dataset, method in wanted:
        prior, components = methods.split(method)
        if (dataset, prior) in cells:
            raise BadInput(f"--cells: {dataset} has two of {prior}, expected one")
        cells[dataset, prior] = scores.cell(frame, dataset, prior, components, samples)
        there |= set(scores.select(frame, dataset, prior, components)["samples"])
    if there and samples not in there:
        raise BadInput(
            f"--importance-samples {samples}: the scores have "
            f"{', '.join(map(str, sorted(there)))}, expected one of these"
        )
    table = Table(cells, standings)
    for dataset in table.datasets:
        if missing := [p for p in table.priors if (dataset, p) not in cells]:
            raise BadInput(f"--cells: {dataset} lacks {missing[0]}, expected a cell")
        column = {
            prior: summary
            for prior in table.priors
            if (summary := cells[dataset, prior].summary)
        }
        for prior, standing in statistics.standings(column).items():
            standings[dataset, prior] = standing
    return table


def pair(text: str) -> tuple[str, str]:
    """DATASET/METHOD of a command line, apart, of a method that there is."""
    dataset, slash, method = text.partition("/")
    if not (dataset and slash and method):
        raise argparse.ArgumentTypeError(f"{text!r}, expected DATASET/METHOD")
    try:
        methods.split(method)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return dataset, method


def add_arguments(parser) -> None:
    """Arguments that say which cells there are."""
    parser.add_argument("--scores", nargs="*", required=True, metavar="FILE")
    parser.add_argument(
        "--cells", nargs="+", type=pair, required=True, metavar="DATASET/METHOD"
    )
    parser.add_argument(
        "--importance-samples", type=positive, required=True, metavar="S"
    )


def selected(args) -> tuple[Table, str]:
    """The table that ``add_arguments``'s arguments ask for, and its provenance."""
    frame = scores.read(args.scores)
    table = build(frame, args.cells, args.importance_samples)
    used = frame[frame["dataset"].isin(table.datasets)]
    return table, origins.of_scores(used[used["prior"].isin(table.priors)])
