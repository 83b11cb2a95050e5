"""OMNIGLOT, rebuilt: its numbers, from the committed runs."""

import math

import numpy as np
import pandas as pd
import pytest
from committed import (
    FINDINGS,
    README,
    WORDS,
    flowing,
    kept,
    normalised,
    printed,
    said,
    sampled_more,
    scored,
    text_of,
    welch,
)
from scipy import stats

from workflow import reference

NAME, METHODS = "omniglot-rebuilt", ("standard", "vampprior-1000", "iop")


@pytest.fixture(scope="module")
def scores():
    """Of each seed, by method."""
    return {method: scored(NAME, method) for method in METHODS}


def audited(method, metric, split="train"):
    return scored(NAME, method, split, metric, "audit")


def told(of):
    return f"{of.mean():.2f}" + (f" ± {of.std():.2f}" if len(of) > 1 else "")


def test_the_readme_shows_the_scores(scores):
    counts = ", ".join(str(len(of)) for of in scores.values())
    texts = [told(of) for of in (*scores.values(), normalised(NAME))]
    (line,) = [x for x in text_of(README).splitlines() if x.startswith("| OMNIGLOT (r")]
    assert line.endswith(f"| {counts} | {' | '.join(texts)} |"), (counts, texts)
    for method, device, precision in (
        ("standard", "NVIDIA H100 80GB HBM3", "tensorfloat32"),
        ("vampprior-1000", "NVIDIA H100 80GB HBM3", "tensorfloat32"),
        ("iop", "AMD EPYC", "float32"),
    ):
        table = pd.read_csv(reference.FOLDER / f"scores/{NAME}/{method}.csv")
        assert set(table["device"]) == {device}
        assert set(table["precision"]) == {precision}
    assert "on an H100 in TF32, the IOP on an AMD EPYC in float32 |" in line
    assert set(table["commit"]) == {"2f4e3f5232ab"}
    assert "three of the IOP (commit 2f4e3f5232ab), on an AMD" in flowing(FINDINGS)


def test_the_documents_say_which_prior_leads(scores):
    (standard, vamp, iop), less = scores.values(), normalised(NAME)
    paper = {prior: cell.mean for prior, cell in printed("omniglot").items()}
    gap = vamp.mean() - standard.mean()
    theirs = paper["vampprior"] - paper["standard"]
    assert welch(vamp, standard) < 0.001
    words = (
        "the VampPrior, whose slowest seed did not finish, leads the standard VAE by "
        f"{gap:.2f}, in the paper by {theirs:.2f} (p < 0.001 both). The IOP's "
        f"{WORDS[len(iop)]} seeds, on another device, lead the VampPrior by "
        f"{iop.mean() - vamp.mean():.2f}, normalised by "
        f"{less.mean() - vamp.mean():.2f} (p < 0.001 both), in the paper by "
        f"{paper['iop'] - paper['vampprior']:.2f}."
    )
    assert words in flowing(README), words
    words = f"leads the standard VAE: {gap:+.2f} (p < 0.001; paper {theirs:+.2f})"
    assert words in flowing(FINDINGS), words
    words = (
        f"Its {WORDS[len(iop)]} seeds score {told(iop)}: "
        f"{iop.mean() - vamp.mean():+.2f} from the VampPrior's mean (paper "
        f"{paper['iop'] - paper['vampprior']:+.2f}), "
        f"{iop.mean() - standard.mean():+.2f} from the standard VAE's (paper "
        f"{paper['iop'] - paper['standard']:+.2f}; p < 0.001 both), each above all"
    )
    assert words in flowing(FINDINGS), words
    assert iop.min() > max(vamp.max(), standard.max())
    words = (
        f"so that {less.mean() - vamp.mean():+.2f} and "
        f"{less.mean() - standard.mean():+.2f} remain (p < 0.001 both)"
    )
    assert words in flowing(FINDINGS), words
    assert max(welch(x, y) for x in (iop, less) for y in (vamp, standard)) < 0.001
    for words in (
        f"paper's method lies above ({WORDS[len(iop)]} seeds, on another device)",
        "On the stand-in for OMNIGLOT both are better,",
        f"for [OMNIGLOT](docs/findings.md#omniglot-rebuilt) it is better ("
        f"{WORDS[len(iop)]} seeds, p < 0.001)",
    ):
        assert words in flowing(README), words


def test_what_the_estimate_of_the_integral_gives():
    of, known = (audited(m, "log_normaliser", "prior") for m in ("iop", METHODS[1]))
    both = " and ".join(f"{x:.2f}" for x in known)
    words = f"and the same estimate gives {both} for the two seeds of the VampPrior"
    assert words in flowing(FINDINGS), words
    assert f"ln Z is {told(of)}, so that" in flowing(FINDINGS)
    words = f"integrates to about {math.exp(of.mean()):.1f} (ln Z is {of.mean():.2f})."
    assert words in flowing(README), words


def test_what_the_density_ratio_recovers_of_the_optimal_prior():
    most = {m: audited(m, "kl_aggregated").mean() for m in METHODS}
    adds = {m: audited(m, "mean_ratio").mean() for m in METHODS}
    adds["iop"] -= audited("iop", "log_normaliser", "prior").mean()
    objective = kept(NAME, "iop", "ratio_objective")
    words = (
        f"Eq. 20 has a median of {objective.median():.2f} (on FreyFaces -2e-06): "
        "here T cannot tell q(z) from N(0, I) without error, so that the objective "
        f"tells ratios apart. Of the {most['iop']:.1f} nats of training ELBO that the "
        "optimal prior could add to N(0, I) in the IOP's models the IOP, normalised, "
        f"adds {adds['iop']:.1f}, the VampPrior in its two models "
        f"{adds['vampprior-1000']:.1f} of {most['vampprior-1000']:.1f}. What remains, "
        f"{most['iop'] - adds['iop']:.1f} and "
        f"{most['vampprior-1000'] - adds['vampprior-1000']:.1f}, is "
        f"{most['standard']:.1f} in the standard VAE's"
    )
    assert words in flowing(FINDINGS), words


def test_which_prior_fits_and_which_generalises():
    """The ELBOs of training and of validation at the epochs that are kept."""
    (train, valid), (vamp_train, vamp_valid), plain = (
        [kept(NAME, method, column) for column in ("train_elbo", "valid_elbo")]
        for method in ("iop", "vampprior-1000", "standard")
    )
    assert train.mean() < vamp_train.mean()
    assert valid.mean() > vamp_valid.mean()
    words = (
        f"{train.mean():.2f} against {vamp_train.mean():.2f} "
        f"({said(welch(train, vamp_train))}), and a higher validation ELBO, "
        f"{valid.mean():.2f} against {vamp_valid.mean():.2f} "
        f"({said(welch(valid, vamp_valid))}): it generalises better. (The standard "
        f"VAE's are {plain[0].mean():.2f} and {plain[1].mean():.2f}.)"
    )
    assert words in flowing(FINDINGS), words


def test_what_the_missing_seed_could_change(scores):
    _, vamp, iop = scores.values()
    filled = [*vamp, iop.max()]
    assert welch(iop, filled) < 0.001
    words = f"the IOP would still lead by {iop.mean() - np.mean(filled):.2f} (p <"
    assert words in flowing(FINDINGS), words


def test_the_score_follows_the_epoch_that_is_kept(scores):
    standard, vamp, _ = scores.values()
    assert list(vamp.index) == list(range(1, 8))
    late = [
        stats.spearmanr(of, kept(NAME, method)[of.index])
        for of, method in ((vamp, "vampprior-1000"), (standard, "standard"))
    ]
    words = (
        "Spearman's rank correlation {:.2f} over the seeds of the VampPrior, {}, and "
        "{:.2f} over those of the standard prior, {}"
    )
    found = [x for test in late for x in (test.statistic, said(test.pvalue))]
    assert words.format(*found) in flowing(FINDINGS)


def test_what_more_importance_samples_do(scores):
    path = reference.FOLDER / f"audit/{NAME}/standard.csv"
    audit = pd.read_csv(path).query("metric == 'log_likelihood'")
    assert audit["device"].str.contains("H100").all()
    assert set(audit["precision"]) == {"tensorfloat32"}
    more = audit.groupby("samples")["value"].mean()
    assert list(more.index) == [100, 1000]
    words = "a thousand importance samples instead of ten the standard VAE is "
    values = f"{more[100]:.2f} and {more[1000]:.2f}"
    assert f"{words}{values}: the step from ten to a" in flowing(FINDINGS)
    theirs = [cell.mean for cell in printed("omniglot").values()]
    assert more[1000] - scores["standard"].mean() > np.ptp(theirs)
    few, many = scores["vampprior-1000"], sampled_more("vampprior-1000", NAME)
    gains = (many - few[many.index]).map("{:.1f}".format)
    iop = (sampled_more("iop", NAME) - scores["iop"]).mean()
    words = (
        f"an audit gain as much ({' and '.join(gains)} with a thousand), the IOP a "
        f"little less ({iop:.1f})."
    )
    assert words in flowing(FINDINGS), words


def test_how_many_components_are_in_use():
    used = audited("vampprior-1000", "components_in_use").map("{:.0f}".format)
    assert f"{' and '.join(used)} of their 1,000 components" in flowing(FINDINGS)


def test_how_far_the_aggregated_posterior_is_from_the_standard_gaussian():
    to_normal = [
        scored(dataset, "standard", "train", "kl_aggregated", "audit").mean()
        for dataset in ("mnist", NAME, "freyfaces", "bone-marrow")
    ]
    words = (
        "is {:.1f} in the standard VAE's models of MNIST, {:.1f} in those of OMNIGLOT "
        "(rebuilt), {:.1f} here, {:.1f} on bone marrow."
    )
    assert words.format(*to_normal) in flowing(FINDINGS), to_normal
