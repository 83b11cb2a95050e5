"""What other choices do to the scores: variants of the protocol, seed by seed.

``python -m workflow.scripts.sensitivity`` writes docs/sensitivity.md from the committed
runs.
"""

import argparse
import itertools
from pathlib import Path

import pandas as pd

from workflow import reference
from workflow.configuration import ROOT
from workflow.methods import METHODS, shown, split
from workflow.report import (
    datasets,
    origins,
    products,
    reading,
    statistics,
    tabular,
    variants,
)
from workflow.report.variants import Side
from workflow.report.verdicts import Printed, printed
from workflow.scripts import audit

NATS = 1.0  # what lower precision may move a mean by, to become the default
HEADER = "Dataset,Prior,Changed,n,Before,After,Difference [95 %],p,Paper".split(",")
INTRODUCTION = """\
Test log-likelihoods in nats with ten importance samples, mean ± standard deviation, of
runs that differ only in what "Changed" names (for OneHot [findings.md](findings.md) has
ln p(x) itself). FreyFaces' shipped learning rates and the patience were chosen by
a search on validation data, but not T's rate; MNIST's is not searched, only lower than
one at which its runs diverge; nor are OneHot's. Nothing was chosen by this table.

- *p* is of a paired t-test, over the seeds that both sides have, without correction for
  the number of tests. A seed has the same initial weights, shuffles and noise on both
  sides, if the kind of device is the same.
- *device*, *ln Z's chains*: another device rounds differently, which training
  amplifies. Where the device changed, too, or the density from which the chains that
  estimate ln Z start, the difference may be due to that.
- *≈*: scored with a p(z) that integrates to Z, not to one. *Normalised*: less ln Z of
  each seed, where both sides have been audited. The estimate of ln Z (annealed
  importance sampling) is on average too low, the more so the fewer of its chains are
  effective, so normalised scores are on average too high.
- *precision*: in the table, the setting; in the list below, the factors of training's
  matrix products that the device computed with. The setting `reduced` gives bfloat16
  factors on a CPU with AMX; it is not the setting `bfloat16`
  ([speed.md](speed.md#modes))."""


Paper = dict[tuple[str, str], Printed]


def grid(lines: list[dict], paper: Paper) -> list[list[str]]:
    """The rows as text; paper: its Table 2 by (dataset, prior)."""
    cells = []
    for line in lines:
        dataset, prior = line["pair"][0], split(line["pair"][1])[0]
        name, theirs = shown(prior), tabular.ABSENT
        if line["normalised"]:
            name = f"{METHODS[prior]}, normalised"
        elif (dataset, prior) in paper:
            theirs = str(paper[dataset, prior].summary)
        test, interval, p = line["test"], tabular.ABSENT, tabular.ABSENT
        if test is not None and test.low == test.high == 0:
            interval = "none in any seed"
        elif test is not None:
            interval = f"{test.difference:+.2f} [{test.low:+.2f}, {test.high:+.2f}]"
            p = tabular.p_value(test.p)
        before, after = line["summaries"]
        cells.append(
            [
                datasets.name(dataset),
                name,
                _words(line),
                str(before.n),
                str(before),
                str(after),
                interval,
                p,
                theirs,
            ]
        )
    return cells


def _words(line: dict) -> str:
    """As "patience 150 → 50", with what both sides have unlike the shipped."""
    changed = dict(line["changes"])
    for of, sides in line["made"].items():  # that no configuration asked for
        if len(set(sides)) > 1:
            changed.setdefault(of, sides)
    if len(set(line.get("starts", ()))) > 1:
        changed["ln Z's chains from"] = line["starts"]
    text = ", ".join(
        f"{key.replace('_', ' ')} {old} → {new}" for key, (old, new) in changed.items()
    )
    common = ", ".join(
        f"{key.replace('_', ' ')} {new}"
        for key, (_, new) in line["at"].items()
        if key not in changed
    )
    if common:
        text += f" (both with {common})"
    if any(line["diverged"]):
        text += "; diverged: {} → {}".format(*line["diverged"])
    return text


def verdicts(lines: list[dict], priors: list[str]) -> str:
    """Of each lower precision, whether it may become the default."""
    tests: dict[str, dict] = {}
    for line in lines:
        if set(line["changes"]) == {"precision"} and not line["normalised"]:
            mode = tests.setdefault(line["changes"]["precision"][1], {})
            mode.setdefault(split(line["pair"][1])[0], []).append(line["test"])
    words = []
    for mode, by_prior in tests.items():
        found = list(itertools.chain.from_iterable(by_prior.values()))
        near = (test and -NATS < test.low <= test.high < NATS for test in found)
        word = "needs more runs"
        if any(test and test.significant for test in found):
            word = "does not"
        elif set(priors) <= set(by_prior) and all(near):
            word = "does"
        words.append(f"{mode} {word}")
    return (
        "A lower precision qualifies for the default where it was tried with every "
        f"prior of Table 2 and, each time, p is {statistics.LEVEL} or more and the "
        f"whole interval within {NATS:g} nat of 0: "
        f"{', '.join(words) or 'none was tried'}."
    )


def page(found: list[Side], paper: Paper) -> str:
    """The page in Markdown."""
    lines = variants.compared(found)
    facts, commands = [], []
    for side in found:
        mine = [line for line in lines if side.name in (line["before"], line["after"])]
        used = dict.fromkeys(line["pair"] for line in mine)
        if used:
            frame = pd.concat([side.rows(pair) for pair in used])
            facts.append(f"{side.name}. {origins.of_scores(frame)}")
            audits = [side.audits(line["pair"]) for line in mine if line["normalised"]]
            if audits:
                facts[-1] += f" {audit.origin(pd.concat(audits))}"
        if used and side is not found[0]:
            targets = [f"results/{side.name}/scores/{d}/{m}.csv" for d, m in side.pairs]
            commands.append(
                "snakemake --cores 8 --configfile config/stand-ins.yaml "
                f"config/variants/{side.name}.yaml -- \\\n    "
                + " \\\n    ".join(targets)
            )
    return "\n\n".join(
        [
            "# What other choices do to the scores",
            INTRODUCTION,
            tabular.markdown(HEADER, grid(lines, paper), left=(0, 1, 2)),
            verdicts(lines, found[0].config["table2"]["priors"]),
            tabular.listed(facts),
            "The scores of each seed are in `results/reference/variants/`. "
            "These commands make such runs, with all seeds of the configuration:",
            "\n".join(["```bash", *commands, "```"]),
            "(`python -m workflow.scripts.take --results results/NAME --reference "
            "results/reference/variants/NAME DATASET/METHOD` takes a variant's runs "
            "over, `python -m workflow.scripts.sensitivity` writes this page).",
        ]
    )


def committed() -> str:
    """The page of the committed runs."""
    paper = printed(reference.FOLDER / "paper.csv")
    return page(variants.sides(), paper)


@reading.one_line_errors
def main(argv=None):
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=ROOT / "docs/sensitivity.md")
    args = parser.parse_args(argv)
    products.write_text(args.output, committed())


if __name__ == "__main__":
    main()
