"""Figure 1: samples of the posteriors of the latent variable on OneHot.

Rule ``figure1`` of workflow/rules/figures.smk calls it; ``--help`` says how.
"""

import pandas as pd
from matplotlib.figure import Figure

from workflow.methods import METHODS
from workflow.report import datasets, origins, products, reading, style
from workflow.report.reading import BadInput

COLUMNS = ("prior", "seed", "vector", "z1", "z2")
VECTORS = ("(1, 0, 0, 0)", "(0, 1, 0, 0)", "(0, 0, 1, 0)", "(0, 0, 0, 1)")


def read(paths: list[str], seed: int) -> pd.DataFrame:
    """Samples of one seed: prior, vector (0 to 3), z1 and z2.

    Raises BadInput on a wrong value and for a prior that lacks the seed.
    """
    frames = []
    for path in paths:
        frame = reading.table(path, COLUMNS)
        frame["prior"] = reading.choices(frame, "prior", path, METHODS)
        vectors = reading.choices(frame, "vector", path, tuple("0123"))
        frame["vector"] = vectors.astype(int)
        frame["seed"] = reading.integers(frame, "seed", path)
        for column in ("z1", "z2"):
            frame[column] = reading.numbers(frame, column, path)
        for prior in frame["prior"].unique():
            seeds = sorted(set(frame.loc[frame["prior"] == prior, "seed"]))
            if seed not in seeds:
                found = ", ".join(map(str, seeds))
                raise BadInput(
                    f"{path}: column 'seed' of {prior} is {found}, expected {seed}"
                )
        frames.append(frame[frame["seed"] == seed])
    if not sum(map(len, frames)):
        raise BadInput(f"{', '.join(paths)}: no rows, expected samples")
    return pd.concat(frames, ignore_index=True)


@style.styled
def draw(
    samples: pd.DataFrame, title: str, label: str = "", footer: str = ""
) -> Figure:
    """Panels (a) to (d) of the priors found; each vector has a colour and a marker.

    The scales are each panel's own: only the places within a panel mean something.
    """
    methods = [method for method in METHODS if method in set(samples["prior"])]
    figure = style.blank(6.4, 1.1 + 2.9 * -(-len(methods) // 2))
    legend = 0.32
    low = style.frame(figure, title, label, footer, legend)
    axes = style.grid(figure, len(methods))
    for method, axis in zip(methods, axes, strict=True):
        rows_of = samples[samples["prior"] == method]
        for vector, name in enumerate(VECTORS):
            points = rows_of[rows_of["vector"] == vector]
            axis.scatter(
                points["z1"],
                points["z2"],
                s=11,
                color=style.COLOURS[vector],
                marker=style.MARKERS[vector],
                edgecolors="black",  # keeps the lightest colour visible on white
                linewidths=0.25,
                alpha=0.75,
                label=name,
            )
        axis.set_title(style.caption(method))
        axis.set_xlabel("$z_1$")
        axis.set_ylabel("$z_2$")
        # the limits give way, not the box, so that all panels are equally large
        axis.set_aspect("equal", adjustable="datalim")
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(
        handles,
        names,
        loc="lower center",
        bbox_to_anchor=(0.5, low),
        ncols=4,
        markerscale=1.8,
        columnspacing=1.4,
        handletextpad=0.2,
    )
    return figure


@reading.one_line_errors
def main(argv=None):
    """Draw Figure 1."""
    parser = products.parser(__doc__)
    parser.add_argument("--samples", nargs="+", required=True, metavar="FILE")
    parser.add_argument("--seed", type=int, required=True)
    origins.add_arguments(parser)
    style.add_output(parser)
    args = parser.parse_args(argv)

    name = datasets.name("onehot")
    samples = read(args.samples, args.seed)
    title = f"{name}: samples of the posterior q(z|x) of each vector x"
    footer = origins.footer(args, f"Seed {args.seed}.")
    style.save(draw(samples, title, args.label, footer), args.output)


if __name__ == "__main__":
    main()
