"""The audit of Table 2: more importance samples, and priors that are normalised.

``python -m workflow.scripts.audit --scores FILE... --audits FILE... --csv F ...``
"""

import math
from pathlib import Path

import numpy as np
import pandas as pd

from workflow.scripts import products, reading, scores, statistics, table2, tabular
from workflow.scripts.methods import ESTIMATED, METHODS
from workflow.scripts.reading import BadInput

RATIO = (
    "log_normaliser",
    "effective_chains",
    "temperatures",
    "mean_ratio",
    "kl_aggregated",
)
MEANS = ("log_normaliser", "mean_ratio", "kl_to_normal", "kl_to_prior")
RUN = ["dataset", "prior", "seed"]
# what scores and audits of the same weights share
WEIGHTS = [*RUN, "epoch", "epochs", "commit", "settings_digest", "data_digest"]
COLUMNS = (
    "configuration dataset prior normalised samples n mean sd best bold p_value"
).split()
RATIO_COLUMNS = (
    "configuration dataset prior n chains temperatures effective_chains draws "
    "log_normaliser log_normaliser_sd mean_ratio mean_ratio_sd kl_to_normal "
    "kl_to_normal_sd kl_to_prior kl_to_prior_sd ratio_objective"
).split()
NOTE = (
    "Test log-likelihoods in nats, mean ± standard deviation over the seeds, with S "
    "importance samples. Each is on average below the logarithm of the integral of "
    "p(x|z) p(z) and rises towards it with S. ≈: scored, as in Table 2, with a p(z) "
    "that integrates to Z; normalised: less ln Z of each seed. Where ln Z is "
    "estimated too low, that is too high. Bold, among the densities without ≈ that "
    "are here and for each S: the best mean and those not different from it at 5 % "
    "(Welch's t-test, two-sided)."
)
RATIO_NOTE = (
    "T: ln p(z)/N(z|0, I). Z: the mean of exp T over N(0, I), by annealed importance "
    "sampling, which estimates ln Z on average too low. Its standard error is about "
    "the root of 1/E - 1/C with E effective of C chains (the least of the seeds); a "
    "region that no chain finds is missing from Z and does not show in E. Of a prior "
    "without ≈, ln Z is 0: the VampPrior's row shows the estimate's error on a density "
    "that is known. q(z): the aggregated posterior over the training set (Eq. 8), the "
    "prior that is optimal for the ELBO, each image binarised once where training "
    "binarises. KL(q(z) ‖ p(z)) = KL(q(z) ‖ N(0, I)) - mean of T + ln Z, the last only "
    "with ≈. Eq. 20: its value in T's last epoch before the weights that are kept, "
    "with dropout; the median of the seeds. Near 0, its upper bound, T separates the "
    "two samples almost perfectly, as the exact ratio and many others do where the two "
    "densities lie far apart: the objective then hardly tells them apart. Rhodes, Xu "
    "and Gutmann (2020, Telescoping density-ratio estimation) found such estimates to "
    "fail beyond tens of nats."
)


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


def rows(frame: pd.DataFrame, configuration: str) -> list[dict]:
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
                        "configuration": configuration,
                        "dataset": dataset,
                        "prior": kind[1],
                        "normalised": kind[2],
                        "samples": int(samples),
                        "n": summary.n,
                        "mean": summary.mean,
                        "sd": summary.sd if summary.n > 1 else None,
                        "best": bool(place and place.best),
                        "bold": bool(place and place.bold),
                        "p_value": place.p if place else None,
                    }
                )
    return found


def grid(found: list[dict], registry) -> tuple[list[str], list[list[str]]]:
    """A line a density, a column an S."""
    columns = sorted({row["samples"] for row in found})
    lines: dict[tuple, dict[int, str]] = {}
    for row in found:
        name = _density(row["prior"])
        if row["prior"] in ESTIMATED and row["normalised"]:
            name = f"{METHODS[row['prior']]}, normalised"
        key = registry.name(row["dataset"]), name, str(row["n"])
        text = _number(row["mean"], row["sd"])
        lines.setdefault(key, {})[row["samples"]] = (
            f"**{text}**" if row["bold"] else text
        )
    header = ["Dataset", "Density", "n", *(f"S = {samples}" for samples in columns)]
    return header, [
        [*key, *(line.get(samples, table2.ABSENT) for samples in columns)]
        for key, line in lines.items()
    ]


def objectives(folders: list[Path], frame: pd.DataFrame) -> dict[tuple, float]:
    """Eq. 20 in nats at the kept epoch of each run, by RUN; nan without a T.

    Raises BadInput where a seed of the audits in ``frame`` has no run, or another's.
    """
    found, weights = {}, {}
    for folder in folders:
        with reading.record(folder / "record.json") as record:
            key = record["dataset"], record["settings"]["method"], record["seed"]
            kept = record["epoch"]
            weights[key] = str(kept), str(record["epochs"]), record["commit"]
        path = str(folder / "curve.csv")
        curve = reading.table(path, ("epoch", "ratio_objective"))
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


def ratio_rows(
    frame: pd.DataFrame, objective: dict[tuple, float], configuration: str
) -> list[dict]:
    """One row for each prior of a dataset."""
    found = []
    groups = dict(iter(frame[frame["metric"].isin(RATIO)].groupby(RUN[:2])))
    for dataset, prior in sorted(groups, key=_order):
        of = groups[dataset, prior]
        counts = of.groupby("metric")["samples"].first()
        values = of.pivot(index="seed", columns="metric", values="value")
        values["kl_to_normal"] = values["kl_aggregated"]
        values["kl_to_prior"] = values["kl_to_normal"] - values["mean_ratio"]
        if prior in ESTIMATED:
            values["kl_to_prior"] += values["log_normaliser"]
        row = {
            "configuration": configuration,
            "dataset": dataset,
            "prior": prior,
            "n": len(values),
            "chains": int(counts["log_normaliser"]),
            "temperatures": int(values["temperatures"].min()),
            "effective_chains": values["effective_chains"].min(),
            "draws": int(counts["mean_ratio"]),
        }
        for name in MEANS:
            summary = statistics.summarise(values[name])
            row |= {name: summary.mean}
            row |= {f"{name}_sd": summary.sd if summary.n > 1 else None}
        ends = [objective[dataset, prior, seed] for seed in values.index]
        middle = float(np.median(ends))
        row["ratio_objective"] = None if math.isnan(middle) else middle
        found.append(row)
    return found


def ratio_grid(found: list[dict], registry) -> tuple[list[str], list[list[str]]]:
    """The same as text."""
    header = "Dataset,Prior,n,C; steps,E,ln Z,Mean of T over q(z)".split(",")
    header += ["KL(q(z) ‖ N(0, I))", "KL(q(z) ‖ p(z))", "Eq. 20"]
    return header, [
        [
            registry.name(row["dataset"]),
            _density(row["prior"]),
            str(row["n"]),
            f"{row['chains']}; {row['temperatures']}",
            f"{row['effective_chains']:.1f}",
            *(_number(row[name], row[f"{name}_sd"]) for name in MEANS),
            table2.ABSENT
            if row["ratio_objective"] is None
            else f"{row['ratio_objective']:.1g}",
        ]
        for row in found
    ]


def _order(pair: tuple[str, str]) -> tuple[str, int]:
    dataset, prior = pair
    return dataset, list(METHODS).index(prior)


def _density(prior: str) -> str:
    return f"≈ {METHODS[prior]}" if prior in ESTIMATED else METHODS[prior]


def _number(mean: float, sd: float | None) -> str:
    return f"{mean:.2f}" + ("" if sd is None else f" ± {sd:.2f}")


def read(score_files: list[str], audit_files: list[str], samples: int) -> pd.DataFrame:
    """Rows of the audits, and Table 2's log-likelihoods of the seeds that they have.

    samples: S of Table 2. Raises BadInput where the two are not of the same weights.
    """
    kinds = {
        "metrics": ("log_likelihood", *RATIO),
        "splits": ("test", "prior", "train"),
    }
    audits = scores.read(audit_files, **kinds)
    plain = scores.read(score_files)
    plain = plain[
        (plain["split"] == "test")
        & (plain["metric"] == "log_likelihood")
        & (plain["samples"] == samples)
    ]
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


@reading.one_line_errors
def main(argv=None):
    """Write the audit as CSV (one file a part) and Markdown."""
    parser = products.parser(__doc__.splitlines()[0])
    parser.add_argument("--scores", nargs="+", required=True, metavar="FILE")
    parser.add_argument("--audits", nargs="+", required=True, metavar="FILE")
    parser.add_argument(
        "--runs", nargs="+", type=Path, required=True, help="their folders"
    )
    parser.add_argument("--importance-samples", type=int, default=10, metavar="S")
    parser.add_argument("--csv", required=True, help="log-likelihoods")
    parser.add_argument("--ratio-csv", required=True)
    parser.add_argument("--markdown", required=True)
    args = parser.parse_args(argv)
    registry, name = products.registry(args.registry), args.configuration
    frame = read(args.scores, args.audits, args.importance_samples)
    likelihoods = rows(frame, name)
    ratios = ratio_rows(frame, objectives(args.runs, frame), name)
    products.write_csv(args.csv, likelihoods, COLUMNS)
    products.write_csv(args.ratio_csv, ratios, RATIO_COLUMNS)
    parts = [
        "# Audit of Table 2",
        f"Made by the {name}.",
        *([f"**{args.label}**"] if args.label else []),
        tabular.markdown(*grid(likelihoods, registry), left=(0, 1)),
        NOTE,
        "## The density ratio",
        tabular.markdown(*ratio_grid(ratios, registry), left=(0, 1)),
        RATIO_NOTE,
        scores.provenance(frame),
    ]
    products.write_text(args.markdown, "\n\n".join(parts))


if __name__ == "__main__":
    main()
