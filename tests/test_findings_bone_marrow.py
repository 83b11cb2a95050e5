"""Bone marrow: its numbers, from the committed runs."""

import itertools

import pandas as pd
import pytest
from committed import (
    CELLS,
    FINDINGS,
    README,
    flowing,
    kept,
    printed,
    said,
    sampled_more,
    scored,
    text_of,
    trained,
    welch,
)
from scipy import stats

from workflow.report import tabular


@pytest.fixture(scope="module")
def found():
    """By images and samples: the scores of each prior, the last less ln Z."""
    valid, more = (
        [of(m) for m in CELLS]
        for of in (
            lambda method: scored("bone-marrow", method, "valid"),
            lambda method: sampled_more(method, "bone-marrow"),
        )
    )
    test = [scored("bone-marrow", method) for method in CELLS]
    integral = scored("bone-marrow", "iop", "prior", "log_normaliser", "audit")
    rows = {"test, 10": test, "test, 1,000": more, "validation, 10": valid}
    return {name: [*of, of[2] - integral] for name, of in rows.items()}


def test_the_findings_shows_what_bone_marrow_gave(found):
    lines = text_of(FINDINGS).splitlines()
    for name, of in found.items():
        assert {len(scores) for scores in of} == {8}
        cells = [f"{scores.mean():.2f} ± {scores.std():.2f}" for scores in of]
        assert f"| {name} | {' | '.join(cells)} |" in lines, cells
    low, middle, high = (cell.mean for cell in printed("histopathology").values())
    gaps = middle - low, high - low, high - middle
    gaps = [f"{gap:+.1f}" for gap in gaps] + [tabular.ABSENT] * 2
    assert f"| the paper, on Histopathology | {' | '.join(gaps)} |" in lines
    for name, (standard, vamp, iop, less) in found.items():
        pairs = [(vamp, standard), (iop, standard), (iop, vamp)]
        pairs += [(less, standard), (less, vamp)]
        cells = [f"{a.mean() - b.mean():+.1f} ({said(welch(a, b))})" for a, b in pairs]
        assert f"| {name} | {' | '.join(cells)} |" in lines, cells


def test_the_documents_say_what_bone_marrow_shows(found):
    standard, vamp, iop, less = found["test, 10"]
    ps = [welch(a, b) for a, b in itertools.combinations((standard, vamp, iop), 2)]
    less_ps = welch(less, standard), welch(less, vamp)
    assert min(*ps, *less_ps) >= 0.05
    two = [of[:2].mean() for of in (standard, vamp, iop)]
    words = (
        f"the IOP would lead the standard VAE by {two[2] - two[0]:.0f} and the "
        f"VampPrior by {two[2] - two[1]:.0f}: few seeds mislead"
    )
    assert words in flowing(FINDINGS), words
    standard, vamp, iop, less = found["test, 1,000"]
    assert max(welch(standard, vamp), welch(standard, less)) < 0.05
    assert min(welch(standard, iop), welch(iop, vamp), welch(less, vamp)) >= 0.05
    words = (
        f"no two priors differ significantly (p from {min(ps):.2f} to {max(ps):.2f}, "
        f"normalised from {min(less_ps):.2f}). "
        "With a thousand importance samples the standard VAE leads the VampPrior, "
        "whose rate is three times as high, by "
        f"{standard.mean() - vamp.mean():.1f} ({said(welch(standard, vamp))}), and the "
        f"IOP, normalised, by {standard.mean() - less.mean():.1f} "
        f"({said(welch(standard, less))})."
    )
    assert words in flowing(README), words
    standard, vamp, iop, less = found["validation, 10"]
    assert vamp.mean() < standard.mean() < iop.mean()
    assert welch(iop, vamp) < 0.001
    ps = [welch(a, b) for a, b in itertools.combinations((standard, vamp, iop), 2)]
    assert max(ps) < 0.05 <= welch(less, standard)


def test_the_findings_says_how_bone_marrow_overfits():
    text = flowing(FINDINGS)
    late, fall, rise = {}, {True: [], False: []}, []
    for record, curve in trained("runs/bone-marrow"):
        curve = curve[["train_elbo", "valid_elbo"]]
        rate = record["settings"]["learning_rate"]
        late.setdefault(rate, []).append(record["epoch"] - 100)
        mixture = record["settings"]["method"] == "vampprior"
        assert (rate == 0.0003) == mixture
        change = curve.iloc[-1] - curve.loc[record["epoch"]]
        fall[mixture].append(-change["valid_elbo"])
        rise.append(change["train_elbo"])
    for words, values in (
        ("At 3e-4 the weights kept are of {:.0f} to {:.0f} epochs", late[0.0003]),
        ("at 1e-4 of {:.0f} to {:.0f}.", late[0.0001]),
        ("the others 1e-4 | {:.0f} to {:.0f} | ", fall[True]),
        ("| {:.0f} to {:.0f} | | search, two seeds | 1e-4 |", fall[False]),
        ("the eight seeds rises by {:.0f} to {:.0f}:", rise),
    ):
        assert words.format(min(values), max(values)) in text
    searched = trained("search/bone-marrow/vampprior-500/rate0.0001")
    early = sorted(record["epoch"] for record, _ in searched)
    usual = [100 + epochs for epochs in late[0.0003]]
    words = (
        "At 1e-4 the VampPrior's two seeds kept epochs {} and {}, at 3e-4 it keeps {} "
        "to {}:"
    )
    assert words.format(*early, min(usual), max(usual)) in text


def test_the_findings_says_how_far_bone_marrow_overfits_at_equal_rates():
    """From the epoch that is kept to the stop, in the search."""
    falls = {}
    for record, curve in trained("search/bone-marrow"):
        elbo, settings = curve["valid_elbo"], record["settings"]
        of = settings["learning_rate"], settings["method"] == "vampprior"
        falls.setdefault(of, []).append(elbo[record["epoch"]] - elbo.iloc[-1])
    words = (
        "| search, two seeds | 1e-4 | {:.0f} to {:.0f} | {:.0f} to {:.0f} | "
        "| search, two seeds | 3e-4 | {:.0f} to {:.0f} | {:.0f} to {:.0f} |"
    )
    order = [falls[rate, mixture] for rate in (1e-4, 3e-4) for mixture in (True, False)]
    assert [len(of) for of in order] == [2, 4, 2, 4]
    found = words.format(*(end for of in order for end in (min(of), max(of))))
    assert found in flowing(FINDINGS), found


def test_the_findings_says_that_the_stop_moves_the_scores_of_bone_marrow():
    text = flowing(FINDINGS)
    of = {method: scored("bone-marrow", method) for method in CELLS}
    late = [stats.spearmanr(of[m], kept("bone-marrow", m)) for m in CELLS]
    assert max(test.pvalue for test in late) < 0.05
    words = (
        "Spearman's rank correlation is {:.2f} over the seeds of the standard prior "
        "({}), {:.2f} over the VampPrior's ({}) and {:.2f} over the IOP's ({})"
    )
    found = [x for test in late for x in (test.statistic, said(test.pvalue))]
    assert words.format(*found) in text
    valid = [
        stats.spearmanr(of[m], scored("bone-marrow", m, "valid", "elbo")) for m in CELLS
    ]
    assert min(test.pvalue for test in valid) >= 0.05
    words = "no relation was found ({:.2f}, {:.2f} and {:.2f})"
    assert words.format(*(test.statistic for test in valid)) in text
    elsewhere = [
        stats.spearmanr(scored("freyfaces", m), kept("freyfaces", m)) for m in CELLS
    ]
    assert min(test.pvalue for test in elsewhere) >= 0.05
    rho = [test.statistic for test in elsewhere]
    assert f"({min(rho):.2f} to {max(rho):.2f})" in text


def test_the_findings_says_what_the_search_on_bone_marrow_found():
    """The means of the best validation ELBO, and which rate leads around the best."""
    found = []
    for record, curve in trained("search/bone-marrow"):
        elbo = curve["valid_elbo"]
        kept, settings = record["epoch"], record["settings"]
        near = elbo.loc[max(kept - 50, 100) : kept + 50]
        cell = settings["method"], settings["learning_rate"]
        found.append((*cell, elbo.loc[100:].max(), near.median()))
    table = pd.DataFrame(found, columns=["method", "rate", "best", "usual"])
    mean = table.groupby(["method", "rate"]).mean()
    for method, first, second in (
        ("standard", 1e-4, 3e-4),
        ("iop", 1e-4, 3e-4),
        ("vampprior", 3e-4, 1e-4),
    ):
        best, usual = mean.loc[method]["best"], mean.loc[method]["usual"]
        assert best.idxmax() == first
        words = (
            f"({best[first]:.1f}, then {best[second]:.1f} at {second * 1e4:.0f}e-4, "
        )
        assert f"{words}{best[1e-3]:.1f} at 1e-3)" in flowing(FINDINGS)
        assert usual.idxmax() == second
