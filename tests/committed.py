"""Scores of the committed runs and the documents that tell of them."""

import json

import pandas as pd
from made import spread
from scipy import stats

from workflow import configuration, reference

WORDS = dict(enumerate("none one two three four five six seven eight".split()))
README, FINDINGS = "README.md", "docs/findings.md"
CELLS = {
    "standard": "standard",
    "vampprior-500": "VampPrior",
    "iop": "implicit optimal",
}


def freyfaces(method, split="test", metric="log_likelihood", kind="scores"):
    """A score of each seed, in nats, by seed."""
    return scored("freyfaces", method, split, metric, kind)


def scored(dataset, method, split="test", metric="log_likelihood", kind="scores"):
    """The same on any dataset."""
    table = pd.read_csv(reference.FOLDER / f"{kind}/{dataset}/{method}.csv")
    chosen = table[(table["split"] == split) & (table["metric"] == metric)]
    values = chosen.set_index("seed")["value"]
    assert values.index.is_monotonic_increasing
    assert values.index.is_unique
    return values


def trained(place):
    """Record and curve, by epoch, of each run below a folder of the committed ones."""
    paths = sorted((reference.FOLDER / place).rglob("record.json"))
    assert paths, place
    for path in paths:
        curve = pd.read_csv(path.with_name("curve.csv")).set_index("epoch")
        yield json.loads(path.read_text()), curve


def kept(dataset, method, column=None):
    """The epoch that is kept of each seed, or the curve's column there, by seed."""
    found = {}
    for record, curve in trained(f"runs/{dataset}/{method}"):
        epoch = record["epoch"]
        found[record["seed"]] = curve.loc[epoch, column] if column else epoch
    return pd.Series(found).sort_index()


def sampled_more(method, dataset="freyfaces", kind="audit"):
    """The scores with a thousand importance samples instead of ten, by seed."""
    table = pd.read_csv(reference.FOLDER / f"{kind}/{dataset}/{method}.csv")
    chosen = table.query("metric == 'log_likelihood' and samples == 1000")
    return chosen.set_index("seed")["value"]


def text_of(document):
    return (configuration.ROOT / document).read_text()


def flowing(document):
    """Its text without its line breaks."""
    return " ".join(text_of(document).split())


def normalised(dataset):
    """Ours less ln Z of each seed."""
    integral = scored(dataset, "iop", "prior", "log_normaliser", "audit")
    return scored(dataset, "iop") - integral


def printed(dataset):
    """The paper's mean and sd of a dataset's cells in Table 2, by prior."""
    paper = pd.read_csv(reference.FOLDER / "paper.csv").query("dataset == @dataset")
    return {row.prior: row for row in paper.itertuples()}


def against(ours, theirs):
    """Welch's test against eight values with the paper's mean and deviation."""
    return stats.ttest_ind(ours, spread(theirs.mean, theirs.sd), equal_var=False)


def welch(one, other):
    """p of Welch's two-sided t-test."""
    return stats.ttest_ind(one, other, equal_var=False).pvalue


def scatter(one, other):
    """p of the two-sided F-test that two groups scatter alike."""
    of = one.var() / other.var(), len(one) - 1, len(other) - 1
    return 2 * min(stats.f.sf(*of), stats.f.cdf(*of))


def said(p):
    digits = 3 if p < 0.01 or f"{p:.2f}" == "0.05" else 2  # which side of 5 % shows
    return "p < 0.001" if p < 0.001 else f"p = {p:.{digits}f}"
