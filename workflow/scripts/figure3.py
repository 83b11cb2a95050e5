"""Figure 3: test log-likelihood against the VampPrior's number of pseudo-inputs K.

Rule ``figure3`` of workflow/rules/figures.smk calls it; ``--help`` says how.
"""

import pandas as pd
from matplotlib.figure import Figure

from models.options import positive
from workflow.methods import METHODS
from workflow.report import datasets, origins, products, reading, scores, style
from workflow.report.reading import BadInput
from workflow.report.scores import Cell
from workflow.report.statistics import Summary


def points(frame: pd.DataFrame, dataset: str, samples: int) -> list[Cell]:
    """The VampPrior's cells, one a K, ascending; raises BadInput without any."""
    rows = scores.select(frame, dataset, "vampprior")
    rows = rows[rows["samples"] == samples]
    components = sorted(set(rows["components"]))
    if not components:
        raise BadInput(
            f"column 'dataset' has no test log_likelihood of {dataset}, vampprior; "
            "expected one or more K"
        )
    return [scores.cell(frame, dataset, "vampprior", k, samples) for k in components]


def _seeds(cells: list[Cell]) -> str:
    counts = sorted({len(cell.values) for cell in cells})
    return f"n = {counts[0]}" if len(counts) == 1 else "n: see axis"


def _sweep(axis, cells: list[Cell], single: list[Cell]) -> None:
    """The VampPrior's error bars and the ticks of K."""
    summaries = [cell.summary for cell in cells]
    components = [cell.components for cell in cells]
    counts = [len(cell.values) for cell in cells]
    axis.errorbar(
        components,
        [summary.mean for summary in summaries],
        yerr=[summary.sd or 0 for summary in summaries],
        color=style.COLOUR["vampprior"],
        marker="o",
        markersize=4.5,
        capsize=3,
        lw=1.2,
        label=f"{METHODS['vampprior']} ({_seeds(cells)})",
    )
    if single:
        axis.plot(
            [cell.components for cell in single],
            [cell.summary.mean for cell in single],
            "o",
            markersize=4.5,
            color=style.COLOUR["vampprior"],
            markerfacecolor="white",
            zorder=5,
            label="single run, no deviation",
        )
    if components[-1] >= 10 * components[0] > 0:
        axis.set_xscale("log")
        axis.minorticks_off()
    names = [
        f"{k}\nn = {n}" if len(set(counts)) > 1 else str(k)
        for k, n in zip(components, counts, strict=True)
    ]
    axis.set_xticks(components, names)


def _ours(axis, mine: Summary) -> None:
    """Our method's line and band."""
    colour = style.COLOUR["iop"]
    text = f"{METHODS['iop']} (≈, n = {mine.n})"
    axis.axhline(mine.mean, color=colour, ls="--", lw=1.6, label=text)
    if mine.n > 1:
        axis.axhspan(
            mine.mean - mine.sd, mine.mean + mine.sd, color=colour, alpha=0.3, lw=0
        )


@style.styled
def draw(
    vampprior: list[Cell],
    ours: Cell,
    title: str,
    label: str = "",
    footer: str = "",
) -> Figure:
    """Error bars over K, and our method as a dashed line with a band, both ± one sd.

    A single seed has no deviation: no error bar, a hollow marker. K is drawn on a
    logarithmic axis when it spans a factor of ten or more.
    """
    single = [cell for cell in vampprior if len(cell.values) < 2]
    figure = style.blank(5.2, 4.1)
    low = style.frame(figure, title, label, footer, legend=0.5 if single else 0.3)
    axis = figure.subplots()
    _sweep(axis, vampprior, single)
    if ours.summary:
        _ours(axis, ours.summary)
    axis.set_xlabel("number of pseudo-inputs K")
    axis.set_ylabel("test log-likelihood (nats)")
    axis.margins(y=0.12)
    # below the panel, where it can hide neither bars nor band
    handles, names = axis.get_legend_handles_labels()
    figure.legend(
        handles, names, loc="lower center", bbox_to_anchor=(0.5, low), ncols=2
    )
    return figure


NOTE = "Bars and band: ± one standard deviation over the seeds."


@reading.one_line_errors
def main(argv=None):
    """Draw Figure 3."""
    parser = products.parser(__doc__)
    parser.add_argument("--scores", nargs="+", required=True, metavar="FILE")
    parser.add_argument("--dataset", required=True)
    parser.add_argument(
        "--importance-samples", type=positive, required=True, metavar="S"
    )
    style.add_output(parser)
    args = parser.parse_args(argv)

    name = datasets.name(args.dataset)
    frame = scores.read(args.scores)
    samples = args.importance_samples
    vampprior = points(frame, args.dataset, samples)
    ours = scores.cell(frame, args.dataset, "iop", None, samples)
    used = frame[
        (frame["dataset"] == args.dataset) & frame["prior"].isin(["vampprior", "iop"])
    ]
    notes = [NOTE, f"Importance samples S = {samples}."]
    if ours.summary:
        notes.append("≈: the proposed prior's density is estimated.")
    else:
        notes.append("No scores of the proposed method.")
    footer = " ".join([*notes, origins.of_scores(used), origins.made_by(args)])
    title = f"{name}: test log-likelihood and the VampPrior's K"
    style.save(draw(vampprior, ours, title, args.label, footer), args.output)


if __name__ == "__main__":
    main()
