"""What other choices do to the scores: variants of the protocol, seed by seed.

``python -m workflow.scripts.sensitivity`` writes docs/sensitivity.md. A variant is
config/variants/NAME.yaml, laid over the paper's configuration; its scores lie below
results/reference/variants/NAME/ as those of the paper do below results/reference/.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import yaml

from workflow.scripts import (
    configuration,
    products,
    reading,
    reference,
    statistics,
    table2,
    tabular,
)
from workflow.scripts import scores as long_form
from workflow.scripts.configuration import ROOT
from workflow.scripts.methods import ESTIMATED, METHODS
from workflow.scripts.reading import BadInput

NATS = 1.0  # what lower precision may move a mean by, to become the default
HEADER = "Dataset,Prior,Changed,n,Before,After,Difference [95 %],p,Paper".split(",")
INTRODUCTION = (
    "Test log-likelihoods in nats, mean ± standard deviation, of runs that differ in "
    "the choices named. A seed has the same initial weights, shuffles and noise before "
    "and after, so p is of a paired t-test, over the seeds that both have. Each "
    "variant is held against the shipped configuration or, where that is nearer, "
    "another variant. Commits and devices stand below; another device rounds "
    "otherwise, which training amplifies. "
    "≈: with a p(z) that integrates to Z; normalised: less ln Z of each seed, where "
    "both sides have been audited. The shipped choices are a search's, by validation; "
    "nothing was chosen by this table."
)


@dataclass(frozen=True)
class Side:
    """A configuration, and the folder of its committed runs."""

    name: str
    config: dict
    folder: Path

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The pairs of Table 2 that it has scores of."""
        wanted = configuration.table2_pairs(self.config)
        return reference.present(self.config, wanted, self.folder)

    def settings(self, pair: tuple[str, str]) -> dict:
        """The protocol of a pair."""
        return configuration.settings(self.config, *pair).as_dict()


def sides(
    variants: Path = ROOT / "config/variants", folder: Path = reference.FOLDER
) -> list[Side]:
    """The shipped configuration, then its variants by name.

    Raises BadInput for a file that is no configuration.
    """
    shipped = "paper.yaml", "stand-ins.yaml"
    found = [Side("shipped", configuration.check(configuration.load(*shipped)), folder)]
    for file in sorted(variants.glob("*.yaml"), key=lambda file: file.stem):
        try:
            config = configuration.check(configuration.load(*shipped, file))
        except (ValueError, yaml.YAMLError) as error:
            raise BadInput(f"{file}: {' '.join(str(error).split())}") from error
        found.append(Side(file.stem, config, folder / "variants" / file.stem))
    return found


def changes(before: Side, after: Side, pair: tuple[str, str]) -> dict[str, tuple]:
    """The settings of a pair in which two sides differ, with both values."""
    old, new = before.settings(pair), after.settings(pair)
    return {key: (old[key], new[key]) for key in old if old[key] != new[key]}


def base(side: Side, pair: tuple[str, str], others: list[Side]) -> Side:
    """The side with this pair that a variant differs least from; the first of several.

    Raises BadInput where there is none, or one without any difference.
    """
    there = [other for other in others if other is not side and pair in other.pairs]
    if not there:
        raise BadInput(f"{side.name}: {'/'.join(pair)} has nothing to be held against")
    nearest = min(there, key=lambda other: len(changes(other, side, pair)))
    if not changes(nearest, side, pair):
        raise BadInput(
            f"{side.name}: {'/'.join(pair)} has the settings of {nearest.name}, "
            "expected others"
        )
    return nearest


def scores(side: Side, pair: tuple[str, str]) -> pd.DataFrame:
    """The rows of a pair's test log-likelihoods, indexed by seed."""
    dataset, method = pair
    frame = long_form.read([side.folder / "scores" / dataset / f"{method}.csv"])
    rows = long_form.select(frame, dataset, method.partition("-")[0])
    return rows.set_index("seed").sort_index()


def integrals(side: Side, pair: tuple[str, str]) -> pd.Series | None:
    """ln Z by seed, where the pair has been audited."""
    path = side.folder / "audit" / pair[0] / f"{pair[1]}.csv"
    if not path.exists():
        return None
    rows = reading.table(path, ("seed", "metric", "value"))
    rows = rows[rows["metric"] == "log_normaliser"]
    seeds = reading.integers(rows, "seed", path)
    return reading.numbers(rows, "value", path).set_axis(seeds)


def rows(found: list[Side]) -> list[dict]:
    """A row a variant and pair, and one more where both sides are normalised."""
    lines = []
    for side in found[1:]:
        for pair in side.pairs:
            before = base(side, pair, found)
            row = {
                "pair": pair,
                "prior": pair[1].partition("-")[0],
                "before": before.name,
                "after": side.name,
                "changes": changes(before, side, pair),
                "at": changes(found[0], before, pair),
            }
            sides = scores(before, pair), scores(side, pair)
            for column in ("data_digest", "samples"):
                if len({value for of in sides for value in of[column]}) > 1:
                    raise BadInput(
                        f"{side.name}: {'/'.join(pair)} has another {column} than in "
                        f"{before.name}, expected the same"
                    )
            a, b = (of["value"] for of in sides)
            if a.index.intersection(b.index).empty:
                raise BadInput(
                    f"{side.name}: {'/'.join(pair)} has no seed in common with "
                    f"{before.name}, expected one or more"
                )
            lines.append(row | {"normalised": False} | _held(a, b))
            logs = integrals(before, pair), integrals(side, pair)
            if row["prior"] in ESTIMATED and all(log is not None for log in logs):
                held = _held((a - logs[0]).dropna(), (b - logs[1]).dropna())
                lines.append(row | {"normalised": True} | held)
    return lines


def _held(before: pd.Series, after: pd.Series) -> dict:
    """Two summaries and the paired test, over the seeds that both have."""
    seeds = before.index.intersection(after.index)
    a, b = before[seeds].to_numpy(), after[seeds].to_numpy()
    return {
        "summaries": (statistics.summarise(a), statistics.summarise(b)),
        "test": statistics.paired(b, a) if len(seeds) > 1 else None,
    }


def grid(lines: list[dict], paper: pd.DataFrame, registry) -> list[list[str]]:
    """The rows as text."""
    cells = []
    for line in lines:
        dataset, prior = line["pair"][0], line["prior"]
        name, theirs = METHODS[prior], table2.ABSENT
        printed = paper[(paper["dataset"] == dataset) & (paper["prior"] == prior)]
        if line["normalised"]:
            name += ", normalised"
        elif prior in ESTIMATED:
            name = f"≈ {name}"
        if len(printed) and not line["normalised"]:
            theirs = f"{printed['mean'].iloc[0]:.2f} ± {printed['sd'].iloc[0]:.2f}"
        test, interval, p = line["test"], table2.ABSENT, table2.ABSENT
        if test is not None:
            interval = f"{test.difference:+.2f} [{test.low:+.2f}, {test.high:+.2f}]"
            p = f"{test.p:.3f}"
        before, after = line["summaries"]
        cells.append(
            [
                registry.name(dataset),
                name,
                _words(line["changes"], line["at"]),
                str(before.n),
                _number(before),
                _number(after),
                interval,
                p,
                theirs,
            ]
        )
    return cells


def _number(of: statistics.Summary) -> str:
    return f"{of.mean:.2f}" + (f" ± {of.sd:.2f}" if of.n > 1 else "")


def _words(changed: dict[str, tuple], at: dict[str, tuple]) -> str:
    """As "patience 150 → 50", with what both sides have unlike the shipped."""
    text = ", ".join(
        f"{key.replace('_', ' ')} {old} → {new}" for key, (old, new) in changed.items()
    )
    common = ", ".join(f"{key.replace('_', ' ')} {new}" for key, (_, new) in at.items())
    return f"{text} (both with {common})" if common else text


def verdict(lines: list[dict]) -> str:
    """Whether lower precision leaves the scores alone, and so may be the default."""
    tests = [
        line["test"]
        for line in lines
        if set(line["changes"]) == {"precision"} and not line["normalised"]
    ]
    met = tests and all(
        test is not None and not test.significant and abs(test.difference) < NATS
        for test in tests
    )
    return (
        "Lower precision becomes the default only where, with every prior, p is "
        f"{statistics.LEVEL} or more and the means are less than {NATS:g} nat apart. "
        f"That is {'met' if met else 'not met: float32 stays the default'}."
    )


def page(found: list[Side], paper: pd.DataFrame, registry) -> str:
    """The page in Markdown."""
    lines = rows(found)
    facts, commands = [], []
    for side in found:
        used = [
            line["pair"]
            for line in lines
            if side.name in (line["before"], line["after"])
        ]
        frames = [scores(side, pair) for pair in dict.fromkeys(used)]
        if frames:
            facts.append(f"- {side.name}. {long_form.provenance(pd.concat(frames))}")
        if side is not found[0] and side.pairs:
            place = f"results/{side.name}"
            targets = [f"{place}/scores/{d}/{m}.csv" for d, m in side.pairs]
            commands.append(
                f"snakemake --cores 8 --configfile config/variants/{side.name}.yaml -- "
                + " ".join(targets)
            )
    return "\n\n".join(
        [
            "# What other choices do to the scores",
            INTRODUCTION,
            tabular.markdown(HEADER, grid(lines, paper, registry), left=(0, 1, 2)),
            verdict(lines),
            "\n".join(facts),
            "The scores of each seed are in `results/reference/variants/`. Made by",
            "\n".join(["```bash", *commands, "```"]),
            "(`python -m workflow.scripts.reference --results results/NAME --reference "
            "results/reference/variants/NAME DATASET/METHOD` takes a variant's runs "
            "over, `python -m workflow.scripts.sensitivity` writes this page).",
        ]
    )


@reading.one_line_errors
def main(argv=None):
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=ROOT / "docs/sensitivity.md")
    args = parser.parse_args(argv)
    products.write_text(args.output, committed())


def committed() -> str:
    """The page of the committed runs."""
    paper = pd.read_csv(reference.FOLDER / "paper.csv")
    return page(sides(), paper, products.registry(configuration.REGISTRY))


if __name__ == "__main__":
    main()
