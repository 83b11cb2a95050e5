"""Table 2: test log-likelihoods of the priors on the datasets, in nats.

Rule ``table2`` of workflow/rules/tables.smk calls it; ``--help`` says how.
"""

from collections import Counter
from collections.abc import Callable

from workflow.methods import ESTIMATED, METHODS, MIXTURES
from workflow.report import datasets, products, reading, selection, tabular
from workflow.report.scores import Cell
from workflow.report.selection import Table

COLUMNS = (
    "dataset stand_in_for prior components samples n mean sd best bold "
    "p_value approximate precision diverged"
).split()
CAPTION = (
    "Comparison of test log-likelihoods (nats), mean ± standard deviation over seeds"
)


def rows(table: Table) -> list[dict]:
    """One row a cell in long form; a cell without scores has n = 0 and no mean."""
    found = []
    for (dataset, prior), cell in table.cells.items():
        standing = table.standings.get((dataset, prior))
        found.append(
            cell.facts()
            | {
                "stand_in_for": datasets.stands_in_for(dataset),
                "best": bool(standing and standing.best),
                "bold": bool(standing and standing.bold),
                "p_value": standing.p if standing else None,
                "approximate": prior in ESTIMATED,
            }
        )
    return found


def field(table: Table, dataset: str, prior: str, kind: str) -> str:
    """A cell for ``markdown`` or ``latex``."""
    standing = table.standings.get((dataset, prior))
    if standing is None:
        return "--" if kind == "latex" else tabular.ABSENT
    estimated, text = prior in ESTIMATED, str(table.cells[dataset, prior].summary)
    if kind == "latex":
        text = text.replace(" ± ", r" \pm ")
        text = rf"\mathbf{{{text}}}" if standing.bold else text
        sign = r"\approx " if estimated else ""
        return f"${sign}{text}$"
    text = f"**{text}**" if standing.bold else text
    return f"≈ {text}" if estimated else text


def grid(table: Table, kind: str) -> list[list[str]]:
    """A row a prior, a column a dataset, as in the paper."""
    return [
        [
            tabular.escape(METHODS[prior]) if kind == "latex" else METHODS[prior],
            *(field(table, dataset, prior, kind) for dataset in table.datasets),
        ]
        for prior in table.priors
    ]


def facts(table: Table) -> list[str]:
    """What "≈" means; seeds, samples, components, precision; runs that diverged."""
    filled = [cell for cell in table.cells.values() if len(cell.values)]
    lines = []
    if any(cell.prior in ESTIMATED for cell in filled):
        lines.append("≈: the prior's density is an estimate.")
    mixtures = [cell for cell in filled if cell.prior in MIXTURES]
    for cells, value, what in (
        (filled, lambda cell: len(cell.values), "Seeds n"),
        (filled, lambda cell: cell.samples, "Importance samples S"),
        (mixtures, lambda cell: cell.components, "Mixture components K"),
    ):
        if cells:
            lines.append(f"{what} = {_by_cell(cells, value)}.")
    if {cell.precision for cell in filled} - {"float32"}:
        found = _by_cell(filled, lambda cell: cell.precision)
        lines.append(f"Matrix products of training: {found}.")
    if ends := [
        f"{cell.diverged} of {len(cell.values)} in {datasets.name(cell.dataset)} "
        f"({METHODS[cell.prior]})"
        for cell in filled
        if cell.diverged
    ]:
        lines.append(f"Diverged, after the epoch that is kept: {', '.join(ends)}.")
    return lines


def notes(table: Table) -> list[str]:
    """How to read the bold type, the cells' facts, and what a dash means."""
    lines = [
        "Bold: the best mean of a column and those not different from it at 5 % "
        "(Welch's t-test, two-sided)."
    ]
    counts = [len(cell.values) for cell in table.cells.values()]
    if 1 in counts:
        lines.append(
            "With fewer than two seeds no test is possible: such a cell is not bold, "
            "and where it has the best mean none is."
        )
    lines += facts(table)
    if 0 in counts:
        lines.append(
            f"{tabular.ABSENT}: no scores; the best is that of the others, and of one "
            "alone there is none."
        )
    return lines


def _by_cell(cells: list[Cell], value: Callable) -> str:
    """``8``, or with exceptions ``8, but 5 in FreyFaces, 7 in MNIST (AVB)``."""
    usual = Counter(map(value, cells)).most_common(1)[0][0]
    exceptions = []
    for dataset in dict.fromkeys(cell.dataset for cell in cells):
        column = [cell for cell in cells if cell.dataset == dataset]
        name = datasets.name(dataset)
        if len(set(map(value, column))) == 1:
            if value(column[0]) != usual:
                exceptions.append(f"{value(column[0])} in {name}")
            continue
        exceptions += [
            f"{value(cell)} in {name} ({METHODS[cell.prior]})"
            for cell in column
            if value(cell) != usual
        ]
    return f"{usual}, but {', '.join(exceptions)}" if exceptions else str(usual)


@reading.one_line_errors
def main(argv=None):
    """Write Table 2 as CSV, Markdown and LaTeX."""
    parser = products.parser(__doc__, "csv", "markdown", "latex")
    selection.add_arguments(parser)
    args = parser.parse_args(argv)

    table, origin = selection.selected(args)
    header = ["", *(datasets.name(dataset) for dataset in table.datasets)]
    below = [*notes(table), origin]
    products.write_csv(args, args.csv, rows(table), COLUMNS)
    grids = grid(table, "markdown"), grid(table, "latex")
    products.write_table(args, 2, CAPTION, header, grids, below)


if __name__ == "__main__":
    main()
