"""Variants of the protocol: configurations beside the shipped one, and their scores.

A variant is config/variants/NAME.yaml, laid over the paper's configuration; its runs
lie below results/reference/variants/NAME/ as the others do below results/reference/.
"""

import functools
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from workflow import configuration, methods, reference
from workflow.configuration import ROOT
from workflow.report import audit_rows, reading, scores, statistics
from workflow.report.reading import BadInput

Pair = tuple[str, str]  # dataset and method
# how runs were made that no setting says
MADE = ("device", "threads", "compiled", "precision")


@dataclass(frozen=True)
class Side:
    """A configuration, and the folder of its committed runs."""

    name: str
    config: dict
    folder: Path

    @functools.cached_property  # base() asks every side about every pair
    def pairs(self) -> list[Pair]:
        """The pairs of Table 2, and of its priors on OneHot, that it has scores of."""
        wanted = [
            *configuration.table2_pairs(self.config),
            *configuration.onehot_pairs(self.config),
        ]
        priors = self.config["table2"]["priors"]  # AVB has no importance weights
        wanted = [pair for pair in wanted if methods.split(pair[1])[0] in priors]
        return reference.present(self.config, wanted, self.folder)

    def settings(self, pair: Pair) -> dict:
        """The protocol of a pair."""
        return configuration.settings(self.config, *pair).as_dict()

    def file(self, kind: str, pair: Pair) -> Path:
        """Where a pair's scores or audit lie."""
        return self.folder / kind / pair[0] / f"{pair[1]}.csv"

    def rows(self, pair: Pair) -> pd.DataFrame:
        """A pair's test log-likelihoods in nats with how they were made, by seed."""
        frame = scores.read([self.file("scores", pair)])
        rows = scores.select(frame, pair[0], methods.split(pair[1])[0])
        rows = rows[rows["samples"] == self.config["importance_samples"]]
        rows = rows.set_index("seed").sort_index()
        return rows.assign(**self._trained(pair, rows.index))

    def _trained(self, pair: Pair, seeds: pd.Index) -> dict[str, list[str]]:
        """What the records say beside the scores, of each seed; of scores alone ''."""
        found: dict[str, list[str]] = {"threads": [], "compiled": []}
        for seed in seeds:
            path = self.folder / "runs" / pair[0] / pair[1] / f"seed{seed}/record.json"
            for name, values in found.items():
                if not path.exists():
                    values.append("")
                    continue
                with reading.record(path) as record:
                    values.append(str(record[name]))
        return found

    def audits(self, pair: Pair) -> pd.DataFrame | None:
        """The audits of a pair, where there are and where p(z) is an estimate."""
        prior, path = methods.split(pair[1])[0], self.file("audit", pair)
        there = reference.present(self.config, [pair], self.folder, "audit")
        if prior not in methods.ESTIMATED or not there:
            return None
        samples = self.config["importance_samples"]
        return audit_rows.read([self.file("scores", pair)], [path], samples)

    def normalised(self, pair: Pair) -> pd.Series | None:
        """`rows` less ln Z, of the seeds audited."""
        frame = self.audits(pair)
        if frame is None:
            return None
        prior = methods.split(pair[1])[0]
        values = audit_rows.densities(frame)[pair[0], prior, True]
        return values[self.config["importance_samples"]].droplevel(["dataset", "prior"])


def sides(
    variants: Path = ROOT / "config/variants", folder: Path = reference.FOLDER
) -> list[Side]:
    """The shipped configuration, then its variants by name.

    Raises BadInput for a file that is no configuration, or of another name.
    """
    try:
        found = [Side("shipped", configuration.shipped(), folder)]
    except ValueError as error:
        raise BadInput(str(error)) from error
    for file in sorted(variants.glob("*.yaml"), key=lambda file: file.stem):
        try:
            config = configuration.check(
                configuration.load(*configuration.SHIPPED, file)
            )
        except ValueError as error:
            text = str(error).removeprefix(f"{file}: ")
            raise BadInput(f"{file}: {text}") from error
        if config["name"] != file.stem:
            raise BadInput(f"{file}: name: {config['name']}; expected {file.stem}")
        found.append(Side(file.stem, config, folder / "variants" / file.stem))
    return found


def changes(before: Side, after: Side, pair: Pair) -> dict[str, tuple]:
    """The settings of a pair in which two sides differ, with both values."""
    old, new = before.settings(pair), after.settings(pair)
    return {key: (old[key], new[key]) for key in old if old[key] != new[key]}


def base(side: Side, pair: Pair, found: list[Side]) -> Side:
    """What a variant is held against: the side with this pair that it is nearest to.

    The shipped one, or a variant that is nearer to the shipped one than this; the
    first of several. Raises BadInput where there is none, or one of equal settings.
    """
    shipped = found[0]
    far = len(changes(shipped, side, pair))
    there = [
        other
        for other in found
        if other is not side
        and pair in other.pairs
        and (other is shipped or len(changes(shipped, other, pair)) < far)
    ]
    if not there:
        raise BadInput(f"{side.name}: {'/'.join(pair)} has nothing to be held against")
    nearest = min(there, key=lambda other: len(changes(other, side, pair)))
    if not changes(nearest, side, pair):
        raise BadInput(
            f"{side.name}: {'/'.join(pair)} has the settings of {nearest.name}, "
            "expected others"
        )
    return nearest


def compared(found: list[Side]) -> list[dict]:
    """A row a variant and pair, and one more where both sides can be normalised."""
    lines = []
    for side in found[1:]:
        for pair in side.pairs:
            before = base(side, pair, found)
            a, b = (one.rows(pair) for one in (before, side))
            seeds = a.index.intersection(b.index)
            if seeds.empty:
                raise BadInput(
                    f"{side.name}: {'/'.join(pair)} has no seed in common with "
                    f"{before.name}, expected one or more"
                )
            a, b = a.loc[seeds], b.loc[seeds]
            for key in ("importance_samples", "audit"):
                _alike(key, before, side)
            row = {
                "pair": pair,
                "before": before.name,
                "after": side.name,
                "changes": changes(before, side, pair),
                "at": changes(found[0], before, pair),
                "diverged": tuple(sum(of["diverged"] == "True") for of in (a, b)),
                "made": {of: both for of in MADE if all(both := _both(of, a, b))},
            }
            _check(row, a, b)
            lines.append(row | {"normalised": False} | _held(a["value"], b["value"]))
            a, b = before.normalised(pair), side.normalised(pair)
            if a is not None and b is not None and len(a.index.intersection(b.index)):
                starts = [audit_rows.starts(s.audits(pair)) for s in (before, side)]
                row |= {"normalised": True, "starts": tuple(starts)}
                lines.append(row | _held(a, b))
    return lines


def _alike(key: str, before: Side, after: Side) -> None:
    """Raise BadInput where two sides are scored or audited otherwise."""
    if before.config[key] != after.config[key]:
        raise BadInput(
            f"{after.name}: {key} is {after.config[key]}, expected "
            f"{before.config[key]} as in {before.name}"
        )


def _both(column: str, a: pd.DataFrame, b: pd.DataFrame) -> tuple[str, str]:
    """What two sides' scores say in a column, each value once."""
    first, second = (", ".join(sorted(set(of[column]))) for of in (a, b))
    return first, second


def _check(row: dict, a: pd.DataFrame, b: pd.DataFrame) -> None:
    name = f"{row['after']}: {'/'.join(row['pair'])}"
    if "precision" in row["changes"] and set(a["precision"]) & set(b["precision"]):
        raise BadInput(
            f"{name} was computed in the precision of {row['before']}, "
            f"{', '.join(sorted(set(b['precision'])))}; expected another: the device "
            "may not have it"
        )


def _held(before: pd.Series, after: pd.Series) -> dict:
    """Two summaries and the paired test, over the seeds that both have."""
    seeds = before.index.intersection(after.index)
    a, b = before[seeds].to_numpy(), after[seeds].to_numpy()
    return {
        "summaries": (statistics.summarise(a), statistics.summarise(b)),
        "test": statistics.paired(b, a) if len(seeds) > 1 else None,
    }
