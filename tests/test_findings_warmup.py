"""What the findings say of the VampPrior's warm-up and initial values on OneHot."""

import math

import pandas as pd
from committed import FINDINGS, README, flowing, said, scatter, scored, text_of, trained
from scipy import stats

SHIPPED, STEEP, CLOSE, BOTH = (
    ".",
    "variants/warmup0",
    "variants/pseudo-inputs-close",
    "variants/pseudo-inputs-close-warmup0",
)
FAR, NEAR = "N(0.25, 0.43)", "N(0.25, 0.01)"
NAMES = {
    SHIPPED: f"100 epochs | {FAR}",
    STEEP: f"none | {FAR}",
    CLOSE: f"100 epochs | {NEAR}",
    BOTH: f"none | {NEAR}",
}


def kept(kind, metric="exact_log_likelihood", method="vampprior-50"):
    found = scored("onehot", method, metric=metric, kind=f"{kind}/scores")
    assert list(found.index) == list(range(8))
    return found


def by_epoch(kind):
    """Each seed's mean over the epochs that Figure 2 shows."""
    found = {
        record["seed"]: curve.loc[100:1000, "valid_elbo"].mean()
        for record, curve in trained(f"{kind}/runs/onehot/vampprior-50")
    }
    return pd.Series(found).sort_index()


def gap(one, other):
    """Of the kept ln p(x), and its p, paired by seed."""
    difference = kept(one) - kept(other)
    return difference.mean(), stats.ttest_1samp(difference, 0).pvalue


def test_the_findings_shows_the_vampprior_with_other_beginnings():
    for kind, name in NAMES.items():
        record, _ = next(trained(f"{kind}/runs/onehot/vampprior-50"))
        settings = record["settings"]
        warmup = {0: "none"}.get(settings["warmup_epochs"], "100 epochs")
        mean, std = (settings[f"pseudo_input_{of}"] for of in ("mean", "std"))
        assert name == f"{warmup} | N({mean}, {std})"
        of = by_epoch(kind), kept(kind), kept(kind, "optimal_prior_log_likelihood")
        texts = [f"{x.mean():.3f} ± {x.std():.3f}" for x in of]
        row = f"| {name} | {' | '.join(texts)} |"
        assert row in text_of(FINDINGS).splitlines(), row


def test_without_the_warm_up_the_initial_values_decide():
    (apart, p), (same, q), (helps, r) = (
        gap(STEEP, BOTH),
        gap(SHIPPED, CLOSE),
        gap(CLOSE, BOTH),
    )
    assert max(p, r) < 0.05 <= q
    assert same < 0 < helps
    plain = kept(".", method="standard")
    for words in (
        f"the initial values decide: ln p(x) is {apart:.2f} apart ({said(p)}, paired",
        f"leave it near the standard VAE ({plain.mean():.3f} ± {plain.std():.3f}).",
        f"no difference of means was found ({said(q)}); it helps there by {helps:.2f} "
        f"({said(r)})",
    ):
        assert words in flowing(FINDINGS), words
    shown = [f"{kept(kind).mean():.2f}" for kind in (STEEP, BOTH, SHIPPED, CLOSE)]
    words = "reaches {} or {} without the warm-up, {} or {} with it".format(*shown)
    assert words in flowing(README), words


def test_the_warm_up_costs_where_the_initial_values_are_good():
    shipped, steep = kept(SHIPPED), kept(STEEP)
    assert (steep + math.log(4)).abs().max() < 0.01
    others = [kept(SHIPPED, method=method) for method in ("avb", "iop")]
    assert steep.min() > max(of.max() for of in others)
    assert scatter(shipped, steep) < 0.001
    robust = stats.levene(shipped, steep, center="median").pvalue
    words = f"first row, p < 0.001; by Brown and Forsythe's, {said(robust)})"
    assert words in flowing(FINDINGS), words


def test_the_standard_vae_does_not_depend_on_the_warm_up():
    now, then = (kept(kind, method="standard") for kind in (STEEP, SHIPPED))
    p = stats.ttest_rel(now, then).pvalue
    assert p >= 0.05
    words = f"its ln p(x) is {now.mean():.3f} ± {now.std():.3f} ({said(p)}, paired)"
    assert words in flowing(FINDINGS), words
