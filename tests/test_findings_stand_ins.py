"""The numbers of the stand-ins, from the committed runs."""

import itertools
import json
import re

import numpy as np
import pandas as pd
import pytest
from committed import (
    CELLS,
    FINDINGS,
    README,
    WORDS,
    flowing,
    kept,
    normalised,
    said,
    sampled_more,
    scored,
    text_of,
    welch,
)
from scipy import stats

from workflow import reference

STAND_INS = {"bone-marrow": "bone marrow", "freyfaces-split1": "FreyFaces split anew"}


@pytest.mark.parametrize(("dataset", "name"), STAND_INS.items())
def test_the_readme_shows_what_the_stand_ins_give(dataset, name):
    tested = [scored(dataset, method) for method in CELLS]
    tested.append(normalised(dataset))
    (line,) = [x for x in text_of(README).splitlines() if x.startswith(f"| {name}")]
    counts = [str(len(of)) for of in tested[:3]]
    n = counts[0] if len(set(counts)) == 1 else ", ".join(counts)
    texts = [f"{of.mean():.2f} ± {of.std():.2f}" for of in tested]
    assert line.endswith(f"| {n} | {' | '.join(texts)} |")


def test_the_readme_shows_what_omniglot_rebuilt_gives():
    of, vamp = (
        scored("omniglot-rebuilt", method) for method in ("standard", "vampprior-1000")
    )
    texts = [f"{one.mean():.2f} ± {one.std():.2f}" for one in (of, vamp)]
    counts = f"{len(of)}, {len(vamp)}, 0"
    assert f"in TF32 | {counts} | {' | '.join(texts)} |" in text_of(README)
    paper = pd.read_csv(reference.FOLDER / "paper.csv").query("dataset == 'omniglot'")
    gap, (low, high, _) = vamp.mean() - of.mean(), paper["mean"]
    assert welch(vamp, of) < 0.001
    words = (
        "at a rate that was not searched and without its slowest seed, the VampPrior"
    )
    told = f"{words} leads the standard VAE by {gap:.2f}, in the paper by"
    assert f"{told} {high - low:.2f} (p < 0.001 both)" in flowing(README)
    assert f"leads: {gap:+.2f} (p < 0.001; paper {high - low:+.2f})" in flowing(
        FINDINGS
    )
    assert list(vamp.index) == list(range(1, 8))
    late = [
        stats.spearmanr(one, kept("omniglot-rebuilt", method)[one.index])
        for one, method in ((vamp, "vampprior-1000"), (of, "standard"))
    ]
    words = (
        "Spearman's rank correlation {:.2f} over the seeds of the VampPrior, {}, and "
        "{:.2f} over those of the standard prior, {}"
    )
    found = [x for test in late for x in (test.statistic, said(test.pvalue))]
    assert words.format(*found) in flowing(FINDINGS)
    path = reference.FOLDER / "audit/omniglot-rebuilt/standard.csv"
    audit = pd.read_csv(path).query("metric == 'log_likelihood'")
    more = audit.groupby("samples")["value"].mean()
    assert list(more.index) == [100, 1000]
    words = "a thousand importance samples instead of ten the standard VAE is "
    values = f"{more[100]:.2f} and {more[1000]:.2f}"
    assert f"{words}{values}: a thousand count for more" in flowing(FINDINGS)
    assert more[1000] - of.mean() > np.ptp(paper["mean"])
    some = sampled_more("vampprior-1000", "omniglot-rebuilt")
    gains = (some - vamp[some.index]).map("{:.1f}".format)
    pair = "omniglot-rebuilt", "vampprior-1000"
    used = scored(*pair, "train", "components_in_use", "audit").map("{:.0f}".format)
    assert f"an audit gain as much ({' and '.join(gains)} with a thousand); q(z)" in (
        flowing(FINDINGS)
    )
    assert f"{' and '.join(used)} of their 1,000 components" in flowing(FINDINGS)
    assert audit["device"].str.contains("H100").all()
    assert set(audit["precision"]) == {"tensorfloat32"}


def test_the_findings_says_what_another_split_of_freyfaces_does():
    new, old = (
        {method: scored(dataset, method) for method in CELLS}
        for dataset in ("freyfaces-split1", "freyfaces")
    )
    for high, low, words in (
        ("vampprior-500", "standard", "the VampPrior lies {:+.1f} from the standard"),
        ("iop", "vampprior-500", "the IOP {:+.1f} from the VampPrior"),
        ("iop", "standard", "and {:+.1f} from the standard VAE"),
    ):
        p = welch(new[high], new[low])
        gap = words.format(new[high].mean() - new[low].mean())
        pattern = rf"{re.escape(gap)}( VAE)? \({re.escape(said(p))}\)"
        assert re.search(pattern, flowing(FINDINGS)), f"{gap} ({said(p)})"
    less = normalised("freyfaces-split1")
    p = welch(less, new["standard"])
    gap = less.mean() - new["standard"].mean()
    words = (
        f"normalised {gap:+.1f} ({said(p)}): at these rates, normalised, it differs "
    )
    assert f"{words}significantly from the standard VAE on neither" in flowing(FINDINGS)
    assert min(p, welch(normalised("freyfaces"), old["standard"])) >= 0.05
    moved = [new[method].mean() - old[method].mean() for method in CELLS]
    ps = [welch(new[m], old[m]) for m in CELLS]
    paper = pd.read_csv(reference.FOLDER / "paper.csv").query("dataset == 'freyfaces'")
    gaps, against = [], []
    for here, theirs in zip(new.values(), paper.itertuples(), strict=True):
        gaps.append(here.mean() - theirs.mean)
        test = stats.ttest_ind_from_stats(
            here.mean(), here.std(), len(here), theirs.mean, theirs.sd, 8, False
        )
        against.append(test.pvalue)
    assert min(gaps) > 0
    assert max(against) < 0.05
    away = [f"{g:+.1f} ({said(p)})" for g, p in zip(gaps, against, strict=True)]
    standard, vamp, iop = (WORDS[len(of)] for of in new.values())
    for words in (
        f"{standard} seeds of the standard prior, {vamp} of the VampPrior, {iop} of "
        "the IOP",
        f"moves the means by {moved[0]:+.1f} (standard VAE, {said(ps[0])}), "
        f"{moved[1]:+.1f} (VampPrior, {said(ps[1])}) and {moved[2]:+.1f} (IOP, "
        f"{said(ps[2])})",
        "all three would differ from the paper's, higher: by {}, {} and {}.".format(
            *away
        ),
    ):
        assert words in flowing(FINDINGS)
    assert min(against) < 0.001
    words = (
        f"moves FreyFaces' means by {min(moved):+.1f} to {max(moved):+.1f}: there all "
        "three would differ from the paper's, higher (p from < 0.001 to "
        f"{max(against):.2f})"
    )
    assert words in flowing(README)


def test_the_findings_says_what_bone_marrow_shows():
    text, place = flowing(FINDINGS), reference.FOLDER
    tested = [scored("bone-marrow", method) for method in CELLS]
    ps = [welch(a, b) for a, b in itertools.combinations(tested, 2)]
    assert [len(of) for of in tested] == [8, 8, 8]
    assert "With eight seeds of each prior no difference between" in text
    more, most = (sampled_more(m, "bone-marrow") for m in ("vampprior-500", "standard"))
    words = (
        f"no two priors differ significantly (p from {min(ps):.2f} to {max(ps):.2f}); "
        "with a thousand importance samples the standard VAE leads the VampPrior by "
        f"{most.mean() - more.mean():.1f} ({said(welch(most, more))})"
    )
    assert words in flowing(README)
    assert min(ps) >= 0.05
    standard, vamp, iop = tested
    less = normalised("bone-marrow")
    for words, one, other in (
        ("VampPrior lies {:+.1f} from the standard VAE ({})", vamp, standard),
        ("the IOP {:+.1f} from the VampPrior ({})", iop, vamp),
        ("and {:+.1f} from the standard VAE ({})", iop, standard),
        ("normalised {:+.1f} ({}). The paper's gaps", less, standard),
    ):
        p = welch(one, other)
        assert words.format(one.mean() - other.mean(), said(p)) in text
    standard, vamp, iop = (sampled_more(m, "bone-marrow") for m in CELLS)
    less = iop - scored("bone-marrow", "iop", "prior", "log_normaliser", "audit")
    for words, one in (
        ("instead of ten the VampPrior lies {:+.1f} from the standard VAE ({})", vamp),
        ("the IOP {:+.1f} ({})", iop),
        ("normalised {:+.1f} ({}): there the standard VAE leads", less),
    ):
        p = welch(one, standard)
        assert words.format(one.mean() - standard.mean(), said(p)) in text
    paper = pd.read_csv(place / "paper.csv").query("dataset == 'histopathology'")
    low, middle, high = paper["mean"]
    gaps = middle - low, high - middle, high - low
    assert "are {:+.1f}, {:+.1f} and {:+.1f}.".format(*gaps) in text
    two = [of[:2].mean() for of in tested]
    words = (
        f"the IOP would lead the standard VAE by {two[2] - two[0]:.0f} and the "
        f"VampPrior by {two[2] - two[1]:.0f}: few seeds mislead"
    )
    assert words in text
    late, fall, rise = {}, {True: [], False: []}, []
    for path in place.glob("runs/bone-marrow/*/seed*/record.json"):
        record = json.loads(path.read_text())
        curve = pd.read_csv(path.with_name("curve.csv")).set_index("epoch")
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
        ("the validation ELBO falls by {:.0f} to {:.0f} with the Vamp", fall[True]),
        ("and by {:.0f} to {:.0f} with the others, while", fall[False]),
        ("the training ELBO rises by {:.0f} to {:.0f};", rise),
    ):
        assert words.format(min(values), max(values)) in text
    paths = place.glob("search/bone-marrow/vampprior-500/rate0.0001/*/record.json")
    early = sorted(json.loads(path.read_text())["epoch"] for path in paths)
    usual = [100 + epochs for epochs in late[0.0003]]
    words = (
        "At 1e-4 the VampPrior's two seeds kept epochs {} and {}, at 3e-4 it keeps {} "
        "to {}:"
    )
    assert words.format(*early, min(usual), max(usual)) in text


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
    words = "says nothing of it ({:.2f}, {:.2f} and {:.2f})"
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
    for path in (reference.FOLDER / "search/bone-marrow").rglob("record.json"):
        record = json.loads(path.read_text())
        elbo = pd.read_csv(path.with_name("curve.csv")).set_index("epoch")["valid_elbo"]
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


def test_the_findings_says_how_many_components_are_in_use():
    text = flowing(FINDINGS)
    used = {
        dataset: scored(dataset, "vampprior-500", "train", "components_in_use", "audit")
        for dataset in ("bone-marrow", "freyfaces-split1")
    }
    few, more = used.values()
    words = "fall on effectively {:.1f} to {:.1f} of the VampPrior's 500 components"
    assert words.format(few.min(), few.max()) in text
    words = f"on FreyFaces split anew on {more.min():.0f} to {more.max():.0f}."
    assert words in text
    gains = np.log(500 / few)
    words = "would be at least {:.1f} to {:.1f} higher"
    assert words.format(gains.min(), gains.max()) in text
    known, ours = (
        scored("bone-marrow", method, "prior", "log_normaliser", "audit")
        for method in ("vampprior-500", "iop")
    )
    assert f"it gives ln Z = {known.mean():.1f} ± {known.std():.1f} for this" in text
    assert f"For the IOP it gives {ours.mean():.1f} ± {ours.std():.1f}," in text


def interval(one, other):
    return stats.ttest_ind(one, other, equal_var=False).confidence_interval(0.95)


def at_the_same_epochs(curves):
    """p of both ELBOs at three epochs, between the runs marked and the others."""
    rows = []
    for k, seed, marked in curves:
        folder = reference.FOLDER / f"runs/bone-marrow/vampprior-{k}/seed{seed}"
        curve = pd.read_csv(folder / "curve.csv").set_index("epoch")
        at = curve.loc[[100, 150, 200], ["train_elbo", "valid_elbo"]]
        rows.append((marked, at.to_numpy().ravel()))
    one, other = (np.array([row for m, row in rows if m == of]) for of in (True, False))
    return list(welch(one, other))


def within(intervals):
    half = sorted((one.high - one.low) / 2 for one in intervals)
    return f"± {half[0]:.1f} to ± {half[-1]:.1f}"


def test_the_findings_says_what_figure_3_shows():
    paths = reference.FOLDER.glob("scores/bone-marrow/vampprior-*.csv")
    components = sorted(int(path.stem.partition("-")[2]) for path in paths)
    swept = [scored("bone-marrow", f"vampprior-{k}") for k in components]
    iop, less = scored("bone-marrow", "iop"), normalised("bone-marrow")
    texts = [f"{of.mean():.2f} ± {of.std():.2f}" for of in swept]
    lines = text_of(FINDINGS).splitlines()
    assert f"| K | {' | '.join(map(str, components))} |" in lines
    assert f"| VampPrior | {' | '.join(texts)} |" in lines
    assert len(swept) == 6
    above = WORDS[sum(iop.mean() > of.mean() for of in swept)]
    more = sum(of.std() > iop.std() for of in swept)
    ps, corrected = ([welch(ours, of) for of in swept] for ours in (iop, less))
    assert min(*ps, *corrected) >= 0.05
    assert {len(of) for of in (iop, *swept)} == {8}
    number = f"{iop.mean():.2f} ± {iop.std():.2f}"
    together = said(stats.f_oneway(*swept).pvalue)
    apart = [interval(iop, of) for of in swept]
    between = [interval(*pair) for pair in itertools.combinations(swept, 2)]
    paper = pd.read_csv(reference.FOLDER / "paper.csv").query(
        "dataset == 'histopathology'"
    )
    means = paper.set_index("prior")["mean"]
    gap = means["iop"] - means["vampprior"]
    assert all(one.low < gap < one.high for one in apart)
    assert max(one.low for one in between) < gap < min(one.high for one in between)
    for words in (
        "at each of the VampPrior's six K (numbers of pseudo-inputs) no effect of K "
        f"was found ({together}). The IOP, {number}, lies above {above} of the "
        f"VampPrior's six means, and the VampPrior scatters more at {WORDS[more]} of "
        "six; in the paper the IOP lies above all",
        f"each 95 % interval ({within(apart)}) holds the paper's gap of {gap:+.1f},",
        "eight seeds for the IOP and at each K; 24 of the VampPrior's 48 were trained",
    ):
        assert words in flowing(README)
    use = "train", "components_in_use", "audit"
    used = np.concatenate(
        [scored("bone-marrow", f"vampprior-{k}", *use) for k in components]
    )
    pairs = sorted(
        (welch(*of), *ks)
        for of, ks in zip(
            itertools.combinations(swept, 2),
            itertools.combinations(components, 2),
            strict=True,
        )
    )
    early, at = [of[:2].mean() for of in swept], components.index(300)
    assert max(early) == early[at]
    few = swept[at][:2]
    p = welch(few, scored("bone-marrow", "vampprior-500"))
    assert p < 0.05 <= pairs[0][0]
    devices, also, curves = {True: [], False: []}, [], []
    for k in components:
        table = pd.read_csv(reference.FOLDER / f"scores/bone-marrow/vampprior-{k}.csv")
        assert set(table["precision"]) == {"float32"}
        gpu = table[table["device"].str.contains("H100")]["seed"].unique()
        assert list(gpu) == ([] if k in (100, 500) else list(range(2, 8)))
        of = scored("bone-marrow", f"vampprior-{k}")
        devices[True] += list(of[gpu])
        devices[False] += list(of.drop(gpu))
        if len(gpu):
            also += list(of.drop(gpu))
            curves += [(k, seed, seed in gpu) for seed in of.index]
    assert list(map(len, (devices[True], devices[False], also))) == [24, 24, 8]
    moved, there = (
        np.mean(devices[True]) - np.mean(of) for of in (devices[False], also)
    )
    alone = np.mean(devices[False]) - iop.mean()
    same = at_the_same_epochs(curves)
    assert min(same) >= 0.05
    for words in (
        f"the IOP as scored, {number}, lies above {above} of six means, and the "
        f"VampPrior scatters more at {WORDS[more]} of six",
        f"differs significantly from no K (p from {min(ps):.2f} to {max(ps):.2f}), "
        f"normalised neither ({min(corrected):.2f} to {max(corrected):.2f})",
        f"analysis of variance has {together}, and of the fifteen pairs of K the least "
        f"p is {pairs[0][0]:.2f}",
        f"K = 300 had led with {few.mean():.2f} ± {few.std():.2f} and differed from "
        f"the eight seeds of K = 500 ({said(p)})",
        f"the 24 of the H100 lie {there:+.1f} from the other 8 "
        f"({said(welch(devices[True], also))}), and {moved:+.1f} from all 24 others "
        f"({said(welch(devices[True], devices[False]))})",
        f"do not differ between the two (p from {min(same):.2f} to {max(same):.2f})",
        f"The EPYC's 24 alone lie {alone:.1f} above the IOP",
        f"of these gaps ({within(between)} between two K, {within(apart)} between the",
        f"hold the paper's gap at K = 500, {gap:+.1f}, too",
        f"{min(used):.1f} to {max(used):.1f} components are in use",
    ):
        assert words in flowing(FINDINGS)


def test_the_protocol_says_how_many_chains_count():
    text = flowing("docs/protocol.md")
    new, old = (
        np.concatenate(
            [scored(d, "iop", "prior", "effective_chains", "audit") for d in datasets]
        )
        for datasets in (STAND_INS, ["freyfaces"])
    )
    assert f"start {new.min():.0f} to {new.max():.0f} of 100 chains count" in text
    assert f"where {old.min():.0f} to {old.max():.0f} do." in text
