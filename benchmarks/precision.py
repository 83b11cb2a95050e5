"""What reduced precision does to the scores: ``python -m benchmarks.precision FOLDER``.

FOLDER holds float32/METHOD.csv and reduced/METHOD.csv, score files of the same dataset
and seeds. Writes a Markdown page with each seed's difference and a paired t-test.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from models.files import replacing
from workflow.scripts import scores
from workflow.scripts.methods import METHODS

LEVEL, NATS = 0.05, 1.0  # what reduced precision has to meet to become the default
SIDES = ("float32", "reduced")


def values(folder: Path, side: str, method: str) -> tuple[pd.Series, pd.DataFrame]:
    """Test log-likelihoods in nats, indexed by seed, and the rows they are of."""
    frame = scores.read([folder / side / f"{method}.csv"])
    rows = frame[(frame["split"] == "test") & (frame["metric"] == "log_likelihood")]
    return rows.set_index("seed")["value"].sort_index(), rows


def compare(a: np.ndarray, b: np.ndarray) -> dict:
    """Mean of b - a, its 95 % interval and p of the paired t-test; the verdict."""
    test = stats.ttest_rel(b, a)
    low, high = test.confidence_interval(0.95)
    difference = float(np.mean(b - a))
    same = bool(test.pvalue >= LEVEL and abs(difference) < NATS)
    return {
        "difference": difference,
        "low": float(low),
        "high": float(high),
        "p": float(test.pvalue),
        "same": same,
    }


def page(folder: Path) -> str:
    """The page in Markdown. Raises ValueError where the two sides do not match."""
    methods = sorted(
        (path.stem for path in (folder / SIDES[0]).glob("*.csv")),
        key=list(METHODS).index,
    )
    if not methods:
        raise ValueError(f"{folder / SIDES[0]}: no score files, expected METHOD.csv")
    summary, seeds, facts, verdicts = [], [], {side: [] for side in SIDES}, []
    for method in methods:
        (a, first), (b, second) = (values(folder, side, method) for side in SIDES)
        if list(a.index) != list(b.index):
            raise ValueError(f"{folder}: {method} has other seeds on the two sides")
        if set(first["data_digest"]) != set(second["data_digest"]):
            raise ValueError(f"{folder}: {method} was trained on other data")
        for side, rows in zip(SIDES, (first, second), strict=True):
            facts[side].append(rows)
        found = compare(a.to_numpy(), b.to_numpy())
        verdicts.append(found["same"])
        sides = (f"{side.mean():.2f} ± {side.std():.2f}" for side in (a, b))
        summary.append(
            f"| {METHODS[method]} | {len(a)} | {' | '.join(sides)} "
            f"| {found['difference']:+.2f} [{found['low']:+.2f}, {found['high']:+.2f}] "
            f"| {found['p']:.2f} | {'yes' if found['same'] else 'no'} |"
        )
        for side, of in zip(SIDES, (a, b), strict=True):
            cells = " | ".join(f"{value:.2f}" for value in of)
            seeds.append(f"| {METHODS[method]}, {side} | {cells} |")
    numbers = " | ".join(map(str, a.index))
    verdict = "met: reduced may be" if all(verdicts) else "not met: float32 stays"
    return "\n".join(
        [
            "# Reduced precision",
            "",
            "Test log-likelihood in nats on "
            f"{first['dataset'].iloc[0]}, trained once with `precision: float32` and "
            "once with `precision: reduced`, from the same seeds: the same initial "
            "weights, shuffles and noise. Scored in float32 both times.",
            "",
            "| prior | n | float32 | reduced | difference [95 %] | p | same |",
            "| --- | --- | --- | --- | --- | --- | --- |",
            *summary,
            "",
            f"p is of the paired t-test. The condition for a default, p of {LEVEL} or "
            f"more and means less than {NATS:g} nat apart with every prior, is "
            f"{verdict} the default.",
            "",
            f"| seed | {numbers} |",
            f"| --- {'| --- ' * len(a)}|",
            *seeds,
            "",
            *(
                f"- {side}. {scores.provenance(pd.concat(rows))}"
                for side, rows in facts.items()
            ),
            f"- Data: digest {first['data_digest'].iloc[0]}.",
            "",
            "Made by",
            "",
            "```bash",
            *_commands(first["dataset"].iloc[0], methods),
            "```",
            "",
        ]
    )


def _commands(dataset: str, methods: list[str]) -> list[str]:
    """The commands that make the score files and the page of them."""
    lines = []
    for name, more in (("paper", ""), ("reduced", "--configfile config/reduced.yaml ")):
        targets = (
            f"results/{name}/scores/{dataset}/{method}.csv" for method in methods
        )
        lines.append(f"snakemake --cores 8 {more}-- {' '.join(targets)}")
    place = "results/reference/precision"
    return [
        *lines,
        f"cp results/paper/scores/{dataset}/*.csv {place}/float32/",
        f"cp results/reduced/scores/{dataset}/*.csv {place}/reduced/",
        f"python -m benchmarks.precision {place}",
    ]


def main(argv: list[str] | None = None) -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.precision", description=__doc__.splitlines()[0]
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--output", type=Path, default=Path("docs/precision.md"))
    arguments = parser.parse_args(argv)
    try:
        text = page(arguments.folder)
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")
    with replacing(arguments.output) as temporary:
        temporary.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
