"""What the findings say of the VampPrior's warm-up and initial values on OneHot."""

import math

import pandas as pd
from committed import FINDINGS, README, flowing, said, scatter, scored, text_of, trained
from scipy import stats

from workflow.report import tabular

SHIPPED, STEEP, CLOSE = ".", "variants/warmup0", "variants/pseudo-inputs-close"
NAMES = {
    SHIPPED: "100 epochs, pseudo-inputs from N(0.25, 0.43)",
    STEEP: "none",
    CLOSE: "100 epochs, pseudo-inputs from N(0.25, 0.01)",
}


def kept(kind, metric="exact_log_likelihood", method="vampprior-50"):
    return scored("onehot", method, metric=metric, kind=f"{kind}/scores")


def by_epoch(kind):
    """Each seed's mean over the epochs that Figure 2 shows."""
    found = {
        record["seed"]: curve.loc[100:1000, "valid_elbo"].mean()
        for record, curve in trained(f"{kind}/runs/onehot/vampprior-50")
    }
    return pd.Series(found).sort_index()


def paired(one, other):
    assert list(one.index) == list(other.index) == list(range(8))
    return stats.ttest_rel(one, other).pvalue


def test_the_findings_shows_the_vampprior_with_other_beginnings():
    for kind, name in NAMES.items():
        of = by_epoch(kind), kept(kind), kept(kind, "optimal_prior_log_likelihood")
        texts = [f"{x.mean():.3f} ± {x.std():.3f}" for x in of]
        p = tabular.ABSENT if kind is SHIPPED else said(paired(of[1], kept(SHIPPED)))
        row = f"| {name} | {' | '.join(texts)} | {p.removeprefix('p = ')} |"
        assert row in text_of(FINDINGS).splitlines(), row


def test_without_the_warm_up_it_does_best():
    shipped, steep = kept(SHIPPED), kept(STEEP)
    assert (steep + math.log(4)).abs().max() < 0.01
    others = [kept(SHIPPED, method=method) for method in ("avb", "iop")]
    assert steep.min() > max(of.max() for of in others)
    assert scatter(shipped, steep) < 0.001
    robust = stats.levene(shipped, steep, center="median").pvalue
    words = f"(F-test, p < 0.001; by Brown and Forsythe's, {said(robust)})"
    assert words in flowing(FINDINGS), words
    words = f"all its eight seeds reach {steep.min():.2f}, the optimum |"
    assert words in flowing(README), words


def test_what_close_pseudo_inputs_do():
    moved = kept(CLOSE) - kept(SHIPPED)
    later = by_epoch(CLOSE) - by_epoch(SHIPPED)
    ranks = stats.spearmanr(kept(CLOSE), kept(SHIPPED))
    assert paired(kept(CLOSE), kept(SHIPPED)) >= 0.05 <= ranks.pvalue
    for words in (
        f"(by epoch {later.mean():+.2f}, {said(paired(by_epoch(CLOSE), by_epoch('.')))}"
        ")",
        f"A seed's ln p(x) moves by {moved.min():+.2f} to {moved.max():+.2f}",
        f"rank correlation {ranks.statistic:.2f}, {said(ranks.pvalue)})",
    ):
        assert words in flowing(FINDINGS), words
