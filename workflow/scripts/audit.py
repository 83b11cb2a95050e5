"""The audit of Table 2: more importance samples, and priors that are normalised.

Rule ``audit`` of workflow/rules/tables.smk calls it; ``--help`` says how.
"""

import pandas as pd

from models.options import positive
from workflow.methods import ESTIMATED, METHODS, shown
from workflow.report import datasets, origins, products, reading, tabular
from workflow.report.audit_rows import (
    COLUMNS,
    EARLIER,
    MEANS,
    RATIO_COLUMNS,
    objectives,
    ratio_rows,
    read,
    rows,
)

MISS = 1.0  # nats
NOTES = (
    "Test log-likelihoods in nats, mean ± standard deviation over the seeds, with S "
    "importance samples. Each is on average below the logarithm of the integral of "
    "p(x|z) p(z) and rises towards it with S.",
    "≈: scored, as in Table 2, with a p(z) that integrates to Z; normalised: less ln Z "
    "of each seed. Where ln Z is estimated too low, that is too high.",
    "Bold, among the densities without ≈ that are here and for each S: the best mean "
    "and those not different from it at 5 % (Welch's t-test, two-sided).",
)
RATIO_NOTES = (
    "T: ln p(z)/N(z|0, I). q(z): the aggregated posterior over the training set "
    "(Eq. 8), the prior that is optimal for the ELBO, each image binarised once where "
    "training binarises. KL(q(z) ‖ p(z)) = KL(q(z) ‖ N(0, I)) - mean of T + ln Z, the "
    "last only with ≈. It is at least the KL term of Eq. 4 less ln N, and near "
    "that where each of the N training images has a region of z to itself: most of it "
    "is then open only to a prior that learns single images.",
    "Z: the integral of p(z), by annealed importance sampling, which estimates ln Z on "
    "average too low. Its chains start from a Gaussian with the mean of q(z) and its "
    "covariance plus I.",
    "E: effective ones of C chains, the least of the seeds; the standard error of ln Z "
    "is about the root of 1/E - 1/C. A region that no chain finds is missing from Z "
    "and does not show in E. Of a prior without ≈, ln Z should be 0: its row "
    "shows the estimate's error on a density that is known.",
    "Components in use: of a mixture, the exponential of the entropy of their "
    "responsibilities, averaged over q(z); the mean of the seeds. The others keep "
    "their weight of 1/K, and are what chains may not find.",
    "Eq. 20: its value in T's last epoch before the weights that are kept, with "
    "dropout; the median of the seeds. Near 0, its upper bound, T separates the two "
    "samples almost perfectly, as the exact ratio and many others do where the two "
    "densities lie far apart: the objective then hardly tells them apart. Rhodes, Xu "
    "and Gutmann (2020, Telescoping density-ratio estimation) found such estimates to "
    "fail beyond tens of nats.",
)


def grid(found: list[dict]) -> tuple[list[str], list[list[str]]]:
    """A line a density, a column an S."""
    columns = sorted({row["samples"] for row in found})
    lines: dict[tuple, dict[int, str]] = {}
    for row in found:
        name = shown(row["prior"])
        if row["prior"] in ESTIMATED and row["normalised"]:
            name = f"{METHODS[row['prior']]}, normalised"
        pair = row["dataset"], row["prior"]  # two may have one title
        key = *pair, datasets.name(row["dataset"]), name, str(row["n"])
        text = tabular.spread(row["mean"], row["sd"])
        lines.setdefault(key, {})[row["samples"]] = (
            f"**{text}**" if row["bold"] else text
        )
    header = ["Dataset", "Density", "n", *(f"S = {samples}" for samples in columns)]
    return header, [
        [*words, *(line.get(samples, tabular.ABSENT) for samples in columns)]
        for (_, _, *words), line in lines.items()
    ]


def ratio_grid(found: list[dict]) -> tuple[list[str], list[list[str]]]:
    """A line a prior: what its density ratio comes to."""
    header = "Dataset,Prior,n,C; steps,E,ln Z,Mean of T over q(z)".split(",")
    header += ["KL(q(z) ‖ N(0, I))", "KL(q(z) ‖ p(z))", "Components in use", "Eq. 20"]
    return header, [
        [
            datasets.name(row["dataset"]),
            shown(row["prior"]),
            str(row["n"]),
            f"{row['chains']}; {row['temperatures']}",
            f"{row['effective_chains']:.1f}",
            *(tabular.spread(row[name], row[f"{name}_sd"]) for name in MEANS),
            _used(row),
            tabular.number(row["ratio_objective"], "{:.1g}"),
        ]
        for row in found
    ]


def missed(found: list[dict]) -> list[str]:
    """A line for each known ln Z = 0 that the estimate misses by over MISS nats."""
    low = (
        "whose density integrates to one: mass that no chain finds is missing, and "
        "such mass of an estimated density would be too"
    )
    high = (
        "whose density should integrate to one: it seems not to, and its scores then "
        "are too high by about as much"
    )
    return [
        f"**On {datasets.name(row['dataset'])} the estimate gives ln Z = "
        f"{row['log_normaliser']:+.2f} for {METHODS[row['prior']]}, "
        f"{low if row['log_normaliser'] < 0 else high}.**"
        for row in found
        if row["prior"] not in ESTIMATED and abs(row["log_normaliser"]) > MISS
    ]


def origin(frame: pd.DataFrame) -> str:
    """Which commits and devices audited."""
    rows = frame[frame["metric"] == "log_normaliser"]
    commits = set(rows["scoring_commit"])
    line = origins.line(
        "Audits", zip(rows["scoring_commit"], rows["scoring_device"], strict=True)
    )
    if early := ", ".join(sorted(EARLIER & commits)):
        line += f" Of commit {early} the chains started from N(0, I)."
    return line


def _used(row: dict) -> str:
    used, of = tabular.number(row["components_in_use"], "{:.1f}"), row["components"]
    return used if of is None or used == tabular.ABSENT else f"{used} of {of}"


@reading.one_line_errors
def main(argv=None):
    """Write the audit as CSV (one file a part) and Markdown."""
    parser = products.parser(__doc__, "csv", "ratio-csv", "markdown")
    parser.add_argument("--scores", nargs="+", required=True, metavar="FILE")
    parser.add_argument("--audits", nargs="+", required=True, metavar="FILE")
    origins.add_arguments(parser)
    parser.add_argument(
        "--importance-samples", type=positive, required=True, metavar="S"
    )
    args = parser.parse_args(argv)
    frame = read(args.scores, args.audits, args.importance_samples)
    likelihoods = rows(frame)
    ratios = ratio_rows(frame, objectives(args.runs, frame))
    products.write_csv(args, args.csv, likelihoods, COLUMNS)
    products.write_csv(args, args.ratio_csv, ratios, RATIO_COLUMNS)
    products.write_page(
        args,
        "Audit of Table 2",
        tabular.markdown(*grid(likelihoods), left=(0, 1)),
        tabular.listed(NOTES),
        *missed(ratios),
        "## The density ratio",
        tabular.markdown(*ratio_grid(ratios), left=(0, 1)),
        tabular.listed(RATIO_NOTES),
        origins.of_scores(frame),
        origin(frame),
    )


if __name__ == "__main__":
    main()
