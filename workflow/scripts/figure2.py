"""Figure 2: the ELBO of the validation data on OneHot against the epoch.

Rule ``figure2`` of workflow/rules/figures.smk calls it; ``--help`` says how.
"""

import math

import numpy as np
import pandas as pd
from matplotlib import patheffects
from matplotlib.figure import Figure

from workflow.methods import ESTIMATED
from workflow.report import curves, datasets, origins, products, reading, style
from workflow.report.curves import OPTIMUM

# A decoder that ignores z gives each pixel its frequency 1/4 and gets this ELBO at
# best. The axis ends a little below it, so that a curve that dives (and is worse than
# no latent variable at all) cannot squash the differences near the optimum.
NO_LATENT = 4 * (0.25 * math.log(0.25) + 0.75 * math.log(0.75))
FLOOR = NO_LATENT - 0.1
CEILING = 0.0  # no probability of a discrete vector is above one


def together(
    runs: list[pd.DataFrame], first: int, column: str = "elbo"
) -> tuple[np.ndarray, np.ndarray]:
    """Epochs from ``first`` at which every run has a value, and these values.

    Returns (epochs,) and (runs, epochs). Averaging beyond the first stop would let
    the curve jump where a run leaves, and show the survivors as if they were all.
    """
    joined = pd.concat([run[column] for run in runs], axis=1).loc[first:].dropna()
    return joined.index.to_numpy(), joined.to_numpy().T


def limits(methods: dict[str, list[pd.DataFrame]], first: int) -> tuple[float, float]:
    """The shared y axis: what the runs reach, but within FLOOR and CEILING.

    Of a method with values beyond these, all but its outermost hundredth counts, so
    that a short dive does not stretch the axis down to the floor.
    """
    low = high = OPTIMUM
    for runs in methods.values():
        shown = np.concatenate([run["elbo"].loc[first:] for run in runs])
        shown = np.append(shown, together(runs, first, "exact")[1])
        least, most = shown.min(), shown.max()
        low = min(low, least if least >= FLOOR else np.quantile(shown, 0.01))
        high = max(high, most if most <= CEILING else np.quantile(shown, 0.99))
    low, high = max(low, FLOOR), min(high, CEILING)
    margin = 0.05 * max(high - low, 0.1)
    return max(low - margin, FLOOR), min(high + margin, CEILING)


def _panel(axis, method: str, runs: list[pd.DataFrame], first: int, bounds) -> None:
    colour = style.COLOUR.get(method, "#555555")
    epochs, values = together(runs, first)
    notes = [f"n = {len(runs)}"]
    if len(epochs):
        mean = values.mean(0)
        axis.plot(epochs, mean, color=colour, lw=1.2, label="mean")
        if len(runs) > 1:
            sd = values.std(0, ddof=1)
            axis.fill_between(
                epochs, mean - sd, mean + sd, color=colour, alpha=0.3, lw=0, label="sd"
            )
    epochs, values = together(runs, first, "exact")
    if len(epochs):
        # on white, so that it shows on the method's line
        halo = [patheffects.withStroke(linewidth=3.2, foreground="white")]
        axis.plot(
            epochs, values.mean(0), "k:", lw=1.4, label="exact", path_effects=halo
        )
    stops = sorted({int(run.index[-1]) for run in runs})
    if len(stops) > 1:
        notes.append(f"first stop at epoch {stops[0]}")
        for run in runs:  # beyond the first stop each run is itself, not a mean
            rest = run["elbo"].loc[max(stops[0], first) :]
            axis.plot(rest.index, rest, color=colour, lw=0.4, alpha=0.8, label="run")
            if len(rest):
                axis.plot(
                    rest.index[-1], rest.iloc[-1], "|", color="black", label="stop"
                )
    else:
        notes.append(f"to epoch {stops[0]}")
    shown = np.concatenate([run["elbo"].loc[first:] for run in runs])
    if shown.min() < bounds[0]:
        notes.append(f"lowest {shown.min():.4g}")
    if shown.max() > bounds[1]:
        notes.append(f"highest {shown.max():.4g}")
    axis.axhline(OPTIMUM, color="black", ls="--", lw=0.9, label="optimum")
    estimated = " (estimated ELBO)" if method in ESTIMATED else ""
    axis.set_title(style.caption(method, estimated), pad=14)
    axis.text(
        0.5,
        1.03,
        "; ".join(notes),
        transform=axis.transAxes,
        ha="center",
        va="bottom",
        fontsize=style.SMALL + 0.5,
    )


@style.styled
def draw(
    methods: dict[str, list[pd.DataFrame]],
    first: int,
    title: str,
    label: str = "",
    footer: str = "",
) -> Figure:
    """Panels (a) to (d): mean over the seeds and a band of one standard deviation.

    methods: of each, one frame of ``curves.read`` a seed. first: epoch shown.
    The mean ends where the first run stopped; beyond it the remaining runs are drawn
    one by one, each with a mark at its end. The mean of ln p(x) is dotted.
    """
    figure = style.blank(6.8, 1.1 + 2.15 * -(-len(methods) // 2))
    style.frame(figure, title, label, footer)
    axes = style.grid(figure, len(methods), sharex=True, sharey=True)
    bounds = limits(methods, first)
    for (method, runs), axis in zip(methods.items(), axes, strict=True):
        _panel(axis, method, runs, first, bounds)
        axis.set_xlabel("epoch")
        axis.set_ylabel("ELBO (nats)")
        axis.tick_params(labelbottom=True, labelleft=True)
    last = max(run.index[-1] for runs in methods.values() for run in runs)
    axes[0].set_xlim(first, max(last, first + 1))
    axes[0].set_ylim(*bounds)
    for axis in axes:
        axis.annotate(
            "-ln 4",
            (1, OPTIMUM),
            xycoords=("axes fraction", "data"),
            xytext=(2, 0),
            textcoords="offset points",
            va="center",
            fontsize=style.SMALL + 0.5,
        )
    return figure


NOTE = (
    "Line: mean over the runs; band: ± one standard deviation. Beyond the first stop "
    "the runs still training are drawn singly (thin), each to its end."
)
ESTIMATES = (
    "Estimated ELBOs come from a density-ratio network and may be too high: on OneHot "
    "training and validation data are the same."
)

ITSELF = (
    "Dotted: ln p(x) itself, by quadrature, p(z) divided by its integral; mean over "
    "the runs."
)


@reading.one_line_errors
def main(argv=None):
    """Draw Figure 2."""
    parser = products.parser(__doc__)
    curves.add_arguments(parser)
    style.add_output(parser)
    args = parser.parse_args(argv)

    found = curves.by_method(args)
    name = datasets.name("onehot")
    estimates = ESTIMATES if set(ESTIMATED) & set(found) else ""
    dotted = any(run["exact"].notna().any() for runs in found.values() for run in runs)
    footer = origins.footer(args, NOTE, estimates, ITSELF if dotted else "")
    title = f"{name}: ELBO of the validation data from epoch {args.first_epoch}"
    figure = draw(found, args.first_epoch, title, args.label, footer)
    style.save(figure, args.output)


if __name__ == "__main__":
    main()
