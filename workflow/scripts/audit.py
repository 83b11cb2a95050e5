"""The audit of Table 2: more importance samples, and priors that are normalised.

``python -m workflow.scripts.audit --scores FILE... --audits FILE... --csv F ...``
"""

import pandas as pd

from workflow.scripts import products, reading, scores, statistics, table2, tabular
from workflow.scripts.methods import ESTIMATED, METHODS

RATIO = ("log_normaliser", "effective_chains", "mean_ratio", "kl_aggregated")
RUN = ["dataset", "prior", "seed"]
COLUMNS = (
    "configuration dataset prior normalised samples n mean sd best bold p_value"
).split()
RATIO_COLUMNS = (
    "configuration dataset prior n log_normaliser sd chains effective_chains "
    "mean_ratio kl_to_normal kl_to_prior"
).split()
NOTE = (
    "Test log-likelihoods in nats, mean ± standard deviation over the seeds, with S "
    "importance samples. Each is on average below ln p(x) and rises towards it with S. "
    "≈: scored, as in Table 2, with a density that integrates to Z; normalised: less "
    "ln Z of each seed, and so, as far as that is right, a bound like the others'. "
    "Bold, among the densities without ≈ and for each S: the best mean and those not "
    "different from it at 5 % (Welch's t-test, two-sided)."
)
RATIO_NOTE = (
    "T: logarithm of the prior's density p(z) over N(0, I)'s; Z: the mean of exp T "
    "over N(0, I), by annealed importance sampling, which estimates ln Z too low "
    "rather than too high. Its standard error is about the root of 1/E - 1/C with E "
    "effective of C chains; E is the least of the seeds'. Of a prior without ≈, Z is "
    "1: its row shows how good the estimate is. q(z): the aggregated posterior over "
    "the training set (Eq. 8), the optimal prior; the last column, the one before it "
    "less the mean of T plus ln Z, is how far p(z) is from that."
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


def ratio_rows(frame: pd.DataFrame, configuration: str) -> list[dict]:
    """One row for each prior of a dataset."""
    found = []
    groups = dict(iter(frame[frame["metric"].isin(RATIO)].groupby(RUN[:2])))
    for dataset, prior in sorted(groups, key=_order):
        of = groups[dataset, prior]
        values = of.pivot(index="seed", columns="metric", values="value")
        distance = values["kl_aggregated"] - values["mean_ratio"]
        if prior in ESTIMATED:
            distance += values["log_normaliser"]
        summary = statistics.summarise(values["log_normaliser"])
        chains = of[of["metric"] == "log_normaliser"]["samples"].iloc[0]
        found.append(
            {
                "configuration": configuration,
                "dataset": dataset,
                "prior": prior,
                "n": summary.n,
                "log_normaliser": summary.mean,
                "sd": summary.sd if summary.n > 1 else None,
                "chains": int(chains),
                "effective_chains": values["effective_chains"].min(),
                "mean_ratio": values["mean_ratio"].mean(),
                "kl_to_normal": values["kl_aggregated"].mean(),
                "kl_to_prior": distance.mean(),
            }
        )
    return found


def ratio_grid(found: list[dict], registry) -> tuple[list[str], list[list[str]]]:
    """The same as text."""
    header = ["Dataset", "Prior", "n", "ln Z", "Effective chains"]
    header += ["Mean of T over q(z)", "KL(q(z) ‖ N(0, I))", "KL(q(z) ‖ p(z))"]
    return header, [
        [
            registry.name(row["dataset"]),
            _density(row["prior"]),
            str(row["n"]),
            _number(row["log_normaliser"], row["sd"]),
            f"{row['effective_chains']:.0f} of {row['chains']}",
            f"{row['mean_ratio']:.2f}",
            f"{row['kl_to_normal']:.2f}",
            f"{row['kl_to_prior']:.2f}",
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

    samples: S of Table 2.
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
    audited = plain.merge(audits[[*RUN, "settings_digest"]].drop_duplicates())
    again = (audits["metric"] == "log_likelihood") & (audits["samples"] == samples)
    return pd.concat([audited, audits[~again]], ignore_index=True)


@reading.one_line_errors
def main(argv=None):
    """Write the audit as CSV (one file a part) and Markdown."""
    parser = products.parser(__doc__.splitlines()[0])
    parser.add_argument("--scores", nargs="+", required=True, metavar="FILE")
    parser.add_argument("--audits", nargs="+", required=True, metavar="FILE")
    parser.add_argument("--importance-samples", type=int, default=10, metavar="S")
    parser.add_argument("--csv", required=True, help="log-likelihoods")
    parser.add_argument("--ratio-csv", required=True)
    parser.add_argument("--markdown", required=True)
    args = parser.parse_args(argv)
    registry, name = products.registry(args.registry), args.configuration
    frame = read(args.scores, args.audits, args.importance_samples)
    likelihoods, ratios = rows(frame, name), ratio_rows(frame, name)
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
