"""The search for learning rates: what validation says of each, and of patience.

Rule ``search`` of workflow/rules/search.smk calls it; ``--help`` says how.
"""

import math
from pathlib import Path

import pandas as pd

from workflow.methods import METHODS, split
from workflow.report import datasets, origins, products, reading, tabular
from workflow.report.reading import BadInput

PATIENCES = (25, 50, 75, 100, 150)  # epochs, tried on the curves of the chosen rates
LOSS = 1.0  # nats of mean validation ELBO that a patience may cost a cell
AROUND = 50  # epochs on either side of the best, for the ELBO that is usual there
COLUMNS = (
    "dataset method rate seed patience best_valid_elbo usual_valid_elbo "
    "best_epoch epochs diverged chosen commit device precision data_digest"
).split()


def read(folder: Path) -> tuple[dict, pd.Series]:
    """One run: its row of the table, and its validation ELBO by epoch.

    Of a run that diverged, the ELBOs of its row are NaN.
    """
    path = folder / "record.json"
    with reading.record(path) as record:
        settings = record["settings"]
        row = {
            "dataset": record["dataset"],
            "method": folder.absolute().parents[1].name,
            "rate": settings["learning_rate"],
            "seed": record["seed"],
            "best_valid_elbo": record["best_valid_elbo"],
            "best_epoch": record["epoch"],
            "epochs": record["epochs"],
            "patience": settings["patience"],
            "diverged": record.get("diverged", False),
            **{name: record[name] for name in ("commit", "device", "precision")},
            "data_digest": record["data_digest"][:16],
            "warmup": min(settings["warmup_epochs"], settings["max_epochs"]),
        }
    try:
        split(row["method"])
    except ValueError as error:
        raise BadInput(
            f"{folder}: expected METHOD/rateR/seedN; of METHOD: {error}"
        ) from error
    path = folder / "curve.csv"
    curve = reading.curve(folder, row["epochs"], ("epoch", "valid_elbo"))
    if row["diverged"]:
        nothing = {"best_valid_elbo": math.nan, "usual_valid_elbo": math.nan}
        return row | nothing, pd.Series(dtype=float)
    epochs = reading.integers(curve, "epoch", path)
    elbo = pd.Series(reading.numbers(curve, "valid_elbo", path).to_numpy(), epochs)
    first = max(row["best_epoch"] - AROUND, row["warmup"])
    usual = float(elbo.loc[first : row["best_epoch"] + AROUND].median())
    return row | {"usual_valid_elbo": usual}, elbo


def stopped(elbo: pd.Series, warmup: int, patience: int) -> tuple[float, int]:
    """Best validation ELBO and last epoch, had a run been stopped by this patience."""
    best, best_epoch, last = -float("inf"), warmup, int(elbo.index[-1])
    for epoch, value in elbo.loc[warmup:].items():
        if value > best:
            best, best_epoch = value, epoch
        if epoch - best_epoch >= patience:
            return float(best), int(epoch)
    return float(best), last


def choose(rows: pd.DataFrame, column: str = "best_valid_elbo") -> pd.Series:
    """Whether a row has the rate whose mean of a column is its cell's highest.

    A rate at which a seed diverged is not chosen; a cell may be left without one.
    """
    keys = ["method", "rate"]
    sound = rows[~rows.groupby(keys)["diverged"].transform("any")]
    best = sound.groupby(keys)[column].mean().groupby(level="method").idxmax()
    cells = rows[keys].itertuples(index=False, name=None)
    return pd.Series([cell in set(best) for cell in cells], index=rows.index)


def rate_grid(
    rows: pd.DataFrame, column: str = "best_valid_elbo"
) -> tuple[list[str], list[list[str]]]:
    """Means of a column by method and rate, the highest in bold."""
    highest = choose(rows, column)
    rates = sorted(rows["rate"].unique())
    header = ["Method", "n", *(f"{rate:g}" for rate in rates)]
    grid = []
    for method, cell in rows.groupby("method", sort=False):
        line = [named(method), str(cell["seed"].nunique())]
        for rate in rates:
            of = cell[cell["rate"] == rate]
            line.append(_shown(of, column, highest[of.index].any()))
        grid.append(line)
    return header, grid


def named(method: str) -> str:
    """A method's folder name as a reader's: vampprior-500 -> VAE with VampPrior, K."""
    prior, components = split(method)
    return METHODS[prior] + (f", K = {components}" if components else "")


def _shown(of: pd.DataFrame, column: str, highest: bool) -> str:
    """A field of `rate_grid`: the mean over one rate's runs, or why there is none."""
    if of.empty:
        return tabular.ABSENT
    if of["diverged"].any():
        return f"diverged ({of['diverged'].sum()} of {len(of)})"
    text = f"{of[column].mean():.2f}"
    cut = of["epochs"] - of["best_epoch"].clip(of["warmup"]) < of["patience"]
    return (f"**{text}**" if highest else text) + r"\*" * bool(cut.any())


def shortened(rows: pd.DataFrame, curves: list[pd.Series]) -> pd.DataFrame:
    """What shorter patiences give at the chosen rates, and the search's own.

    One row a cell and patience, ascending: mean best validation ELBO and epochs.
    """
    found = []
    longest = int(rows["patience"].max())
    for method, runs in rows[rows["chosen"]].groupby("method", sort=False):
        for patience in (*(p for p in PATIENCES if p < longest), longest):
            ends = [
                stopped(curves[k], run["warmup"], patience)
                for k, run in runs.iterrows()
            ]
            elbo, epochs = pd.DataFrame(ends).mean()
            found.append((method, patience, elbo, epochs))
    columns = ["method", "patience", "elbo", "epochs"]
    table = pd.DataFrame(found, columns=columns)
    whole = table.groupby("method")["elbo"].transform("last")
    return table.assign(change=table["elbo"] - whole)


def enough(table: pd.DataFrame) -> int:
    """The shortest patience that costs no cell more than LOSS; table of `shortened`."""
    worst = table.groupby("patience")["change"].min()
    return int(worst[worst >= -LOSS].index.min())


def patience_grid(table: pd.DataFrame) -> tuple[list[str], list[list[str]]]:
    """ELBO lost and epochs run, by patience, the longest first."""
    *shorter, longest = sorted(set(table["patience"]))
    header = ["Method", *map(str, (longest, *shorter))]
    grid = []
    for method, of in table.groupby("method", sort=False):
        of = of.set_index("patience")
        line = [
            named(method),
            f"{of['elbo'][longest]:.2f} ({of['epochs'][longest]:.0f})",
        ]
        line += [f"{of['change'][p]:+.2f} ({of['epochs'][p]:.0f})" for p in shorter]
        grid.append(line)
    return header, grid


def patience(table: pd.DataFrame) -> list[str]:
    """The page's part on patience, from the table of `shortened`."""
    return [
        "## Patience",
        "At the chosen rates: the best validation ELBO, nats that a shorter "
        "patience would have lost and, in brackets, epochs until the stop; means over "
        "the seeds.",
        tabular.markdown(*patience_grid(table)),
        f"The shortest that costs no cell more than {LOSS:g} nat: {enough(table)}.",
    ]


def _check_seeds(rows: pd.DataFrame) -> None:
    """Raise BadInput where the rates of a cell were tried with different seeds."""
    for method, cell in rows.groupby("method"):
        by_rate = {f"{rate:g}": sorted(of["seed"]) for rate, of in cell.groupby("rate")}
        if len(set(map(tuple, by_rate.values()))) > 1:
            found = ", ".join(
                f"{' '.join(map(str, seeds))} at {rate}"
                for rate, seeds in by_rate.items()
            )
            raise BadInput(
                f"--runs: {method} of seeds {found}, expected the same at every rate"
            )


@reading.one_line_errors
def main(argv=None):
    """Write the table of the search as CSV and Markdown."""
    parser = products.parser(__doc__, "csv", "markdown")
    origins.add_arguments(parser)
    args = parser.parse_args(argv)
    found = [read(folder) for folder in reading.once(args.runs)]
    order = list(METHODS)  # of committed runs the alphabet's
    found.sort(key=lambda run: order.index(split(run[0]["method"])[0]))
    rows = pd.DataFrame([row for row, _ in found])
    curves = [curve for _, curve in found]
    for name in ("dataset", "patience", "data_digest"):
        if rows[name].nunique() > 1:
            values = " and ".join(map(str, rows[name].unique()))
            raise BadInput(f"--runs: of {name} {values}, expected one")
    _check_seeds(rows)
    rows["chosen"] = choose(rows)
    name = datasets.name(rows["dataset"].iloc[0])
    products.write_csv(args, args.csv, rows.to_dict("records"), COLUMNS)
    products.write_page(
        args,
        f"Search for learning rates on {name}",
        "Best validation ELBO in nats, mean over the seeds, of runs that end "
        f"{rows['patience'].max()} epochs after it, or, with a \\*, when their epochs "
        "are used up; in bold the highest of a cell. A rate at which a seed diverges "
        "(its ELBO is no number any more) is out, and a cell may have none left. The "
        "rate is that of encoder, decoder and prior; that of the density-ratio net "
        "stays. No test image was read.",
        tabular.markdown(*rate_grid(rows)),
        "## Around the best epoch",
        f"The median validation ELBO of the epochs up to {AROUND} before and after the "
        "best, after the warm-up; means over the seeds, in bold the highest of a cell. "
        "The best of many epochs lies above what is usual by the more, the more the "
        "weights swing from epoch to epoch. Where another rate is in bold here than "
        "above, the choice rests on that.",
        tabular.markdown(*rate_grid(rows, "usual_valid_elbo")),
        *(patience(shortened(rows, curves)) if rows["chosen"].any() else []),
        origins.of_runs(args.runs),
    )


if __name__ == "__main__":
    main()
