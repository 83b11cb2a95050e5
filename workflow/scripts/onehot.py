"""Figure 2 in numbers: estimated ELBOs beside ln p(x), which OneHot lets one compute.

Rule ``onehot`` of workflow/rules/tables.smk calls it; ``--help`` says how.
"""

import numpy as np
import pandas as pd

from workflow.methods import shown
from workflow.report import (
    curves,
    datasets,
    origins,
    products,
    reading,
    scores,
    tabular,
)
from workflow.report.statistics import summarise

MEANS = "elbo exact kept_elbo kept_exact kept_optimal".split()
COLUMNS = [
    *("prior", "above"),
    *(name + what for name in MEANS for what in ("", "_sd", "_n")),
]
HEADER = (
    "Method,n,ELBO by epoch,Above the optimum,ln p(x) by epoch,ELBO of the kept,"
    "ln p(x) of the kept,with q(z) as p(z)"
).split(",")
NOTE = (
    "Nats, mean ± standard deviation over the seeds. By epoch: of the validation "
    "data, each seed's mean over the epochs from {first} on that Figure 2 draws. "
    "Above the optimum: how many of the ELBOs are larger than -ln 4 = {optimum:.3f}, "
    "as no ELBO and no ln p(x) can be, but for the chance of one sample an image. "
    "Of the kept: of the test data, with the weights of the epoch whose validation "
    "ELBO is highest. ln p(x): the integral of p(x|z) p(z) by quadrature over the two "
    "dimensions of z, p(z) divided by its own integral; AVB's p(z) is N(0, I). With "
    "q(z) as p(z): the same with the aggregated posterior of the training data (Eq. 8) "
    "in place of the prior, which is where an exact density ratio would lead. ≈: a "
    "density-ratio network estimates the ELBO."
)


def row(frame: pd.DataFrame, prior: str, runs: list[pd.DataFrame], first: int) -> dict:
    """A method's numbers; frame: its scores, runs: of `curves.read`, one a seed."""
    late = [run.loc[first:] for run in runs]
    test = frame[(frame["prior"] == prior) & (frame["split"] == "test")]
    test = test[test["dataset"] == curves.DATASET]
    values = {
        name: np.array([curve[name].mean() for curve in late])
        for name in ("elbo", "exact")
    }
    for name, metric in (
        ("kept_elbo", "elbo"),
        ("kept_exact", "exact_log_likelihood"),
        ("kept_optimal", "optimal_prior_log_likelihood"),
    ):
        values[name] = test[test["metric"] == metric]["value"].to_numpy()
    above = pd.concat(curve["elbo"] for curve in late) > curves.OPTIMUM
    found = {"prior": prior, "above": float(above.mean())}
    for name in MEANS:
        found |= _named(name, values[name][~np.isnan(values[name])])
    return found


def _named(name: str, values: np.ndarray) -> dict:
    summary = summarise(values) if len(values) else None
    return {
        name: summary and summary.mean,
        f"{name}_sd": summary and summary.sd,
        f"{name}_n": len(values),
    }


def grid(rows: list[dict]) -> list[list[str]]:
    """The rows as text."""
    return [
        [
            shown(found["prior"]),
            str(found["elbo_n"]),
            _text(found, "elbo"),
            f"{found['above']:.0%}",
            *(_text(found, name) for name in MEANS[1:]),
        ]
        for found in rows
    ]


def _text(found: dict, name: str) -> str:
    n, sd = found[f"{name}_n"], found[f"{name}_sd"]
    if not n:
        return tabular.ABSENT
    several = f" (n = {n})" if n != found["elbo_n"] else ""
    return tabular.spread(found[name], sd, "{:.3f}") + several


@reading.one_line_errors
def main(argv=None):
    """Write the numbers as CSV and Markdown."""
    parser = products.parser(__doc__, "csv", "markdown")
    curves.add_arguments(parser)
    parser.add_argument("--scores", nargs="+", required=True, metavar="FILE")
    args = parser.parse_args(argv)
    frame = scores.read(args.scores)
    rows = [
        row(frame, prior, runs, args.first_epoch)
        for prior, runs in curves.by_method(args).items()
    ]
    products.write_csv(args, args.csv, rows, COLUMNS)
    title = f"{datasets.name(curves.DATASET)}: Figure 2 in numbers"
    note = NOTE.format(optimum=curves.OPTIMUM, first=args.first_epoch)
    products.write_page(
        args,
        title,
        tabular.markdown(HEADER, grid(rows)),
        note,
        origins.of_runs(args.runs),
    )


if __name__ == "__main__":
    main()
