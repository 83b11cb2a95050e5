"""Which cells make a Table 2: arguments, their scores, and each column's tests."""

from dataclasses import dataclass

from workflow.scripts import scores, statistics
from workflow.scripts.methods import METHODS
from workflow.scripts.scores import Cell


@dataclass(frozen=True)
class Table:
    """The cells by (dataset, prior) and the standing of those with scores."""

    datasets: list[str]
    priors: list[str]
    cells: dict[tuple[str, str], Cell]
    standings: dict[tuple[str, str], statistics.Standing]


def build(
    frame,
    datasets: list[str],
    priors: list[str],
    components: dict[tuple[str, str], int],
    samples: int | None = None,
) -> Table:
    """Collect the cells and test each column; arguments as in ``scores.cell``."""
    cells, standings = {}, {}
    for dataset in datasets:
        for prior in priors:
            chosen = components.get((dataset, prior))
            cells[dataset, prior] = scores.cell(frame, dataset, prior, chosen, samples)
        column = {
            prior: summary
            for prior in priors
            if (summary := cells[dataset, prior].summary)
        }
        for prior, standing in statistics.standings(column).items():
            standings[dataset, prior] = standing
    return Table(datasets, priors, cells, standings)


def add_arguments(parser) -> None:
    """Arguments that say which cells there are."""
    parser.add_argument("--scores", nargs="*", required=True, metavar="FILE")
    parser.add_argument("--datasets", nargs="+", required=True, metavar="KEY")
    parser.add_argument(
        "--priors",
        nargs="+",
        choices=METHODS,
        default=["standard", "vampprior", "iop"],
    )
    parser.add_argument(
        "--components", nargs="*", default=[], metavar="DATASET/PRIOR=K"
    )
    parser.add_argument("--importance-samples", type=int, metavar="S")


def selected(args) -> tuple[Table, str]:
    """The table that ``add_arguments``'s arguments ask for, and its provenance."""
    frame = scores.read(args.scores)
    table = build(
        frame,
        args.datasets,
        args.priors,
        scores.chosen_components(args.components),
        args.importance_samples,
    )
    used = frame[frame["dataset"].isin(args.datasets)]
    return table, scores.provenance(used[used["prior"].isin(args.priors)])
