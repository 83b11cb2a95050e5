"""Comparison with the paper: values and order of Table 2, sizes of Table 1.

Rule ``comparison`` of workflow/rules/tables.smk calls it; ``--help`` says how.
"""

from collections import Counter

from workflow.methods import ESTIMATED, METHODS
from workflow.report import datasets, products, reading, selection, tabular
from workflow.report.comparison_rows import (
    ORDER_COLUMNS,
    SIZE_COLUMNS,
    VALUE_COLUMNS,
    order_rows,
    size_rows,
    value_rows,
)
from workflow.report.verdicts import SIZES, Judge, printed, table_sizes
from workflow.scripts import table2

NOTES = (
    "Difference: ours minus the paper's, with its 95 % confidence interval and p of "
    "Welch's two-sided t-test at 5 %, from our seeds and the paper's printed mean, "
    "deviation (rounded to two decimals, taken for a sample standard deviation) and "
    "n. No correction for the number of comparisons.",
    '"holds" says that no difference was found with these n. It is no proof of '
    "equality: the interval shows which differences remain possible.",
    "Shift: our gap less the paper's, tested likewise with the four deviations. "
    "Where it is not significant, but just one of the two gaps is, the comparison is "
    "open: more seeds would tell.",
    "A stand-in is compared in its order only, never in its values: other data have "
    'other gaps. There "holds" says that both gaps are significant, with one sign.',
    "The seeds of a dataset share one test set, and so did the paper's, perhaps "
    "another one: binarised with other random bits, or split otherwise. No interval "
    "here contains that.",
    f"{tabular.ABSENT}: no scores, or nothing to compare.",
)


def _estimate(mean, sd, prior: str) -> str:
    if mean is None:
        return tabular.ABSENT
    sign = "≈ " if prior in ESTIMATED else ""
    return sign + tabular.spread(mean, sd)


def value_table(rows: list[dict]) -> str:
    """The first part in Markdown."""
    header = "Dataset,Prior,n,Ours,Paper,Difference,95 % interval,p,Verdict".split(",")
    grid = []
    for row in rows:
        prior = row["prior"]
        grid.append(
            [
                datasets.name(row["dataset"]),
                METHODS[prior],
                str(row["n"]),
                _estimate(row["mean"], row["sd"], prior),
                _estimate(row["paper_mean"], row["paper_sd"], prior),
                tabular.number(row["difference"], "{:+.2f}"),
                _interval(row),
                tabular.p_value(row["p_value"]),
                row["verdict"],
            ]
        )
    return tabular.markdown(header, grid, left=(0, 1, 8))


def order_table(rows: list[dict]) -> str:
    """The second part in Markdown."""
    header = "Dataset,Gap,Ours,p,Paper,Paper's p,Shift,95 % interval,p,Verdict"
    grid = [
        [
            datasets.name(row["dataset"]),
            f"{METHODS[row['other']]} minus {METHODS[row['prior']]}",
            tabular.number(row["gap"], "{:+.2f}"),
            tabular.p_value(row["p_value"]),
            tabular.number(row["paper_gap"], "{:+.2f}"),
            tabular.p_value(row["paper_p_value"]),
            tabular.number(row["shift"], "{:+.2f}"),
            _interval(row),
            tabular.p_value(row["shift_p_value"]),
            row["verdict"],
        ]
        for row in rows
    ]
    return tabular.markdown(header.split(","), grid, left=(0, 1, 9))


def _interval(row: dict) -> str:
    low, high = row["low"], row["high"]
    return tabular.ABSENT if low is None else f"[{low:+.2f}, {high:+.2f}]"


def size_table(rows: list[dict]) -> str:
    """The third part in Markdown."""
    header = ["Dataset", *(f"{size}, ours / paper" for size in SIZES), "Verdict"]
    grid = [
        [
            datasets.name(row["dataset"]),
            *(
                " / ".join(
                    tabular.number(row[key], "{:,}") for key in (size, f"paper_{size}")
                )
                for size in SIZES
            ),
            row["verdict"],
        ]
        for row in rows
    ]
    return tabular.markdown(header, grid, left=(0, 5))


def tally(rows: list[dict]) -> str:
    """How often each verdict was given."""
    counts = Counter(row["verdict"] for row in rows)
    words = "; ".join(f"{verdict}: {count}" for verdict, count in counts.items())
    return f"{words or 'nothing to compare'}."


@reading.one_line_errors
def main(argv=None):
    """Write the comparison as CSV (one file a part) and Markdown."""
    parser = products.parser(__doc__, "csv", "order-csv", "sizes-csv", "markdown")
    selection.add_arguments(parser)
    parser.add_argument("--paper", required=True, help="its Table 2")
    parser.add_argument("--table1", required=True, help="our Table 1 in CSV")
    parser.add_argument("--paper-table1", required=True, help="its Table 1")
    parser.add_argument(
        "--protocol",
        choices=("paper", "other"),
        required=True,
        help="of the runs; only the paper's values may be compared with its own",
    )
    args = parser.parse_args(argv)

    reduced = "" if args.protocol == "paper" else args.configuration
    table, origin = selection.selected(args)
    judge = Judge(table, printed(args.paper), reduced)
    values, order = value_rows(judge), order_rows(judge)
    paper = table_sizes(args.paper_table1)
    sizes = size_rows(table_sizes(args.table1), paper)
    products.write_csv(args, args.csv, values, VALUE_COLUMNS)
    products.write_csv(args, args.order_csv, order, ORDER_COLUMNS)
    products.write_csv(args, args.sizes_csv, sizes, SIZE_COLUMNS)
    products.write_page(
        args,
        "Comparison with the paper",
        "## Values of Table 2",
        "Test log-likelihoods in nats. " + tally(values),
        value_table(values),
        "## Order in Table 2",
        "Whether the gaps are the paper's. " + tally(order),
        order_table(order),
        "## Sizes of Table 1",
        tally(sizes),
        size_table(sizes),
        "## Notes",
        tabular.listed((*NOTES, *table2.facts(table), origin)),
    )


if __name__ == "__main__":
    main()
