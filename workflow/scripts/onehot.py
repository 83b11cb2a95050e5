"""Figure 2 in numbers: estimated ELBOs beside ln p(x), which OneHot lets one compute.

``python -m workflow.scripts.onehot --curves iop=FILE... --scores F... --csv F ...``
"""

import numpy as np
import pandas as pd

from workflow.scripts import figure2, products, reading, scores, tabular
from workflow.scripts.methods import ESTIMATED, METHODS
from workflow.scripts.statistics import Summary, summarise

DATASET = "onehot"
COLUMNS = (
    "configuration prior n elbo elbo_sd above kept_elbo kept_elbo_sd exact_n exact "
    "exact_sd"
).split()
HEADER = (
    "Method,n,ELBO by epoch,Above the optimum,ELBO of the kept,n,ln p(x) of the kept"
).split(",")
NOTE = (
    "Nats, mean ± standard deviation over the seeds. ELBO by epoch: of the validation "
    "data, each seed's mean over the epochs from {first} on, which Figure 2 draws. "
    "Above the optimum: how many of its values are larger than -ln 4 = {optimum:.3f}, "
    "as no ELBO and no ln p(x) can be, but for the chance of one sample an image. "
    "ELBO of the kept: of the test data, with the weights of the epoch whose "
    "validation ELBO is highest. ln p(x) of the kept: of the same weights, the "
    "integral of p(x|z) p(z) by quadrature over the two dimensions of z, p(z) divided "
    "by its own integral; AVB's p(z) is N(0, I). ≈: a density-ratio network estimates "
    "the ELBO."
)


def row(frame: pd.DataFrame, prior: str, curves: list[pd.Series], first: int) -> dict:
    """A method's numbers; frame: its scores, curves: of `figure2.read`, one a seed."""
    shown = [curve.loc[first:] for curve in curves]
    elbo = summarise(np.array([curve.mean() for curve in shown]))
    test = frame[(frame["prior"] == prior) & (frame["split"] == "test")]
    kept, exact = (
        test[test["metric"] == metric]["value"].to_numpy()
        for metric in ("elbo", "exact_log_likelihood")
    )
    return {
        "prior": prior,
        "n": elbo.n,
        **_named("elbo", elbo),
        "above": float((pd.concat(shown) > figure2.OPTIMUM).mean()),
        **_named("kept_elbo", summarise(kept)),
        "exact_n": len(exact),
        **_named("exact", summarise(exact) if len(exact) else None),
    }


def _named(name: str, summary: Summary | None) -> dict:
    sd = summary.sd if summary and summary.n > 1 else None
    return {name: summary and summary.mean, f"{name}_sd": sd}


def grid(rows: list[dict]) -> list[list[str]]:
    """The rows as text."""
    return [
        [
            ("≈ " if found["prior"] in ESTIMATED else "") + METHODS[found["prior"]],
            str(found["n"]),
            _text(found, "elbo"),
            f"{found['above']:.0%}",
            _text(found, "kept_elbo"),
            str(found["exact_n"]),
            _text(found, "exact"),
        ]
        for found in rows
    ]


def _text(found: dict, name: str) -> str:
    spread = tabular.number(found[f"{name}_sd"], " ± {:.3f}")
    return tabular.number(found[name], "{:.3f}") + spread.replace(tabular.ABSENT, "")


@reading.one_line_errors
def main(argv=None):
    """Write the numbers as CSV and Markdown."""
    parser = products.parser(__doc__.splitlines()[0])
    figure2.add_curves(parser)
    parser.add_argument("--scores", nargs="+", required=True, metavar="FILE")
    parser.add_argument("--csv", required=True)
    parser.add_argument("--markdown", required=True)
    args = parser.parse_args(argv)
    frame = scores.read(args.scores)
    rows = [
        row(frame, prior, curves, args.first_epoch)
        | {"configuration": args.configuration}
        for prior, curves in figure2.curves(args).items()
    ]
    products.write_csv(args.csv, rows, COLUMNS)
    title = f"{products.registry(args.registry).name(DATASET)}: Figure 2 in numbers"
    note = NOTE.format(optimum=figure2.OPTIMUM, first=args.first_epoch)
    parts = [
        *products.heading(title, args),
        tabular.markdown(HEADER, grid(rows)),
        note,
        scores.provenance(frame),
    ]
    products.write_text(args.markdown, "\n\n".join(parts))


if __name__ == "__main__":
    main()
