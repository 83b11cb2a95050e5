"""The numbers of the audit of Table 2: read, held against the scores, summed up."""

import math
from pathlib import Path

import numpy as np
import pandas as pd

from workflow.methods import ESTIMATED, METHODS
from workflow.report import reading, scores, statistics
from workflow.report.reading import BadInput

RATIO = (
    "log_normaliser",
    "effective_chains",
    "temperatures",
    "mean_ratio",
    "kl_aggregated",
    "components_in_use",  # of a mixture
)
# commits whose chains started from N(0, I); later ones from near q(z)
EARLIER = {"964ca95ba303", "aa3db65effd7"}
MEANS = ("log_normaliser", "mean_ratio", "kl_to_normal", "kl_to_prior")
RUN = ["dataset", "prior", "seed"]
# what scores and audits of the same weights share
WEIGHTS = [*RUN, "epoch", "epochs", "commit", "settings_digest", "data_digest"]
COLUMNS = ("dataset prior normalised samples n mean sd best bold p_value").split()
RATIO_COLUMNS = (
    "dataset prior n chains temperatures effective_chains draws "
    "log_normaliser log_normaliser_sd mean_ratio mean_ratio_sd kl_to_normal "
    "kl_to_normal_sd kl_to_prior kl_to_prior_sd components components_in_use "
    "ratio_objective"
).split()


def read(score_files: list[str], audit_files: list[str], samples: int) -> pd.DataFrame:
    """Rows of the audits, and Table 2's log-likelihoods of the seeds that they have.

    samples: S of Table 2. Raises BadInput where the two are not of the same weights.
    """
    kinds = {
        "metrics": ("log_likelihood", *RATIO),
        "splits": ("test", "prior", "train"),
    }
    audits = scores.read(audit_files, **kinds)
    for (dataset, prior), of in audits.groupby(["dataset", "prior"]):
        several = sorted(set(of["components"].dropna()))
        if len(several) > 1:
            raise BadInput(
                f"{', '.join(sorted(set(of['file'])))}: {dataset}/{prior} with K = "
                f"{' and '.join(map(str, several))}, expected one"
            )
    plain = scores.likelihoods(scores.read(score_files))
    plain = plain[plain["samples"] == samples]
    audited = audits[[*WEIGHTS, "file"]].drop_duplicates()
    both = audited.drop(columns="file").merge(plain, how="left", on=WEIGHTS)
    for file, value, seed in zip(
        audited["file"], both["value"], both["seed"], strict=True
    ):
        if pd.isna(value):
            raise BadInput(
                f"{file}: seed {seed} is of other weights than the scores with S = "
                f"{samples}, expected the same; audit again"
            )
    again = (audits["metric"] == "log_likelihood") & (audits["samples"] == samples)
    return pd.concat([both, audits[~again]], ignore_index=True)


def starts(frame: pd.DataFrame) -> str:
    """What the chains started from that estimated ln Z in audits as from `read`."""
    rows = frame[frame["metric"] == "log_normaliser"]
    early = rows["scoring_commit"].isin(EARLIER)
    found = {"N(0, I)": early.any(), "a Gaussian like q(z)": not early.all()}
    return " and ".join(name for name, there in found.items() if there)


def densities(frame: pd.DataFrame) -> dict[tuple[str, str, bool], pd.DataFrame]:
    """Log-likelihoods (seeds, S) by dataset, prior and whether it is normalised."""
    found = {}
    likelihood = frame[frame["metric"] == "log_likelihood"]
    wide = likelihood.pivot(index=RUN, columns="samples", values="value")
    integral = frame[frame["metric"] == "log_normaliser"].set_index(RUN)["value"]
    groups = dict(iter(wide.groupby(level=[0, 1])))
    for dataset, prior in sorted(groups, key=_order):
        values = groups[dataset, prior]
        if prior in ESTIMATED:
            found[dataset, prior, False] = values
            values = values.sub(integral.reindex(values.index), axis=0)
        found[dataset, prior, True] = values
    return found


def rows(frame: pd.DataFrame) -> list[dict]:
    """One row a density and S; the tests are among the normalised."""
    found = []
    for dataset, of in frame.groupby("dataset", sort=False):
        by_kind = densities(of)
        for samples in sorted(set(of[of["metric"] == "log_likelihood"]["samples"])):
            column = {
                kind: statistics.summarise(values[samples].dropna())
                for kind, values in by_kind.items()
                if values[samples].notna().any()
            }
            places = statistics.standings({k: s for k, s in column.items() if k[2]})
            for kind, summary in column.items():
                place = places.get(kind)
                found.append(
                    {
                        "dataset": dataset,
                        "prior": kind[1],
                        "normalised": kind[2],
                        "samples": int(samples),
                        "n": summary.n,
                        "mean": summary.mean,
                        "sd": summary.sd,
                        "best": bool(place and place.best),
                        "bold": bool(place and place.bold),
                        "p_value": place.p if place else None,
                    }
                )
    return found


def objectives(folders: list[Path], frame: pd.DataFrame) -> dict[tuple, float]:
    """Eq. 20 in nats at the kept epoch of each run, by RUN; nan without a T.

    Raises BadInput where a seed of the audits in ``frame`` has no run, or another's.
    """
    found, weights = {}, {}
    for folder in folders:
        with reading.record(folder / "record.json") as record:
            key = record["dataset"], record["settings"]["method"], record["seed"]
            kept, epochs = record["epoch"], record["epochs"]
            weights[key] = str(kept), str(epochs), record["commit"]
        path = folder / "curve.csv"
        curve = reading.curve(folder, epochs, ("epoch", "ratio_objective"))
        of = curve.loc[reading.integers(curve, "epoch", path) == kept]
        if len(of) != 1:
            raise BadInput(f"{path}: {len(of)} lines of epoch {kept}, expected one")
        (text,) = of["ratio_objective"]
        found[key] = (
            math.nan
            if text == "nan"
            else reading.numbers(of, "ratio_objective", path).iloc[0]
        )
    columns = [*RUN, "epoch", "epochs", "commit"]
    for row in frame[columns].drop_duplicates().itertuples(index=False, name=None):
        if weights.get(row[:3]) != row[3:]:
            raise BadInput(
                f"--runs: none has the audited weights of {row[0]}, {row[1]}, seed "
                f"{row[2]}: epoch {row[3]} of {row[4]}, commit {row[5]}"
            )
    return found


def ratio_rows(frame: pd.DataFrame, objective: dict[tuple, float]) -> list[dict]:
    """One row for each prior of a dataset.

    Raises BadInput where an audited seed lacks one of RATIO that all priors have.
    """
    found = []
    groups = dict(iter(frame.groupby(RUN[:2])))
    for dataset, prior in sorted(groups, key=_order):
        of = groups[dataset, prior]
        _check_whole(of)
        of = of[of["metric"].isin(RATIO)]
        counts = of.groupby("metric")["samples"].first()
        values = of.pivot(index="seed", columns="metric", values="value")
        values["kl_to_normal"] = values["kl_aggregated"]
        values["kl_to_prior"] = values["kl_to_normal"] - values["mean_ratio"]
        if prior in ESTIMATED:
            values["kl_to_prior"] += values["log_normaliser"]
        row = {
            "dataset": dataset,
            "prior": prior,
            "n": len(values),
            "chains": int(counts["log_normaliser"]),
            "temperatures": int(values["temperatures"].min()),
            "effective_chains": values["effective_chains"].min(),
            "draws": int(counts["mean_ratio"]),
            "components": of["components"].iloc[0],
            "components_in_use": _mean(values.get("components_in_use")),
        }
        for name in MEANS:
            summary = statistics.summarise(values[name])
            row |= {name: summary.mean, f"{name}_sd": summary.sd}
        ends = [objective[dataset, prior, seed] for seed in values.index]
        middle = float(np.median(ends))
        row["ratio_objective"] = None if math.isnan(middle) else middle
        found.append(row)
    return found


def _check_whole(rows: pd.DataFrame) -> None:
    """Raise BadInput where the rows of one pair's audits are not all there."""
    audited = set(rows["seed"])
    for metric in RATIO[:-1]:  # the last is of mixtures alone
        for seed in sorted(audited - set(rows[rows["metric"] == metric]["seed"])):
            file = rows["file"].iloc[-1]
            raise BadInput(f"{file}: seed {seed} has no {metric}; audit it again")
    for metric in RATIO:
        of = rows[rows["metric"] == metric]
        if of["samples"].nunique() > 1:
            several = " and ".join(map(str, sorted(set(of["samples"]))))
            raise BadInput(
                f"{', '.join(sorted(set(of['file'])))}: {metric} with {several} "
                "samples, expected one number; audit all seeds alike"
            )


def _mean(values: pd.Series | None) -> float | None:
    """The mean over the seeds; None where a seed has none."""
    return None if values is None or values.isna().any() else values.mean()


def _order(pair: tuple[str, str]) -> tuple[str, int]:
    dataset, prior = pair
    return dataset, list(METHODS).index(prior)
