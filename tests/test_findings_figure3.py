"""Figure 3 on bone marrow: its numbers, from the committed runs."""

import itertools

import numpy as np
import pandas as pd
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
    scatter,
    scored,
    text_of,
    welch,
)
from scipy import stats

from workflow import reference


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
    scatters = [scatter(iop, of) for of in swept]
    rest = scatters[:4] + scatters[5:]
    assert components[4] == 750
    assert scatters[4] < 0.05 <= min(rest)
    together = said(stats.f_oneway(*swept).pvalue)
    apart = [interval(iop, of) for of in swept]
    between = [interval(*pair) for pair in itertools.combinations(swept, 2)]
    paper = printed("histopathology")
    gap = paper["iop"].mean - paper["vampprior"].mean
    assert all(one.low < gap < one.high for one in apart)
    assert (paper["iop"].sd, paper["vampprior"].sd) == (0.60, 2.10)
    for words in (
        f"intervals](docs/findings.md#figure-3-on-bone-marrow) ({within(apart)}) are "
        f"so wide that a gap of the paper's size, {gap:+.1f}, would most likely be "
        "missed",
        f"Histopathology the IOP scatters more at {WORDS[6 - more]} of six K, "
        "significantly at one.",
        f"No effect of K was found ({together})",
        "eight seeds for the IOP and at each K; 24 of the VampPrior's 48 were trained",
    ):
        assert words in flowing(README)
    assert all(less.mean() < of.mean() for of in swept)
    many = [sampled_more(f"vampprior-{k}", "bone-marrow") for k in components]
    most = sampled_more("iop", "bone-marrow")
    most_less = most - scored("bone-marrow", "iop", "prior", "log_normaliser", "audit")
    ahead, ahead_less = (
        [ours.mean() - of.mean() for of in many] for ours in (most, most_less)
    )
    ps_more, ps_less = ([welch(ours, of) for of in many] for ours in (most, most_less))
    assert min(*ahead, *ahead_less) > 0
    assert min(*ps_more, *ps_less) >= 0.05
    assert {len(of) for of in (most, *many)} == {8}
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
    devices, also, curves, ends = {True: [], False: []}, [], [], []
    lower = lower_still = 0
    values = []
    for k in components:
        table = pd.read_csv(reference.FOLDER / f"scores/bone-marrow/vampprior-{k}.csv")
        assert set(table["precision"]) == {"float32"}
        gpu = table[table["device"].str.contains("H100")]["seed"].unique()
        assert list(gpu) == ([] if k in (100, 500) else list(range(2, 8)))
        of = scored("bone-marrow", f"vampprior-{k}")
        devices[True] += list(of[gpu])
        devices[False] += list(of.drop(gpu))
        lower += iop.mean() > of.drop(gpu).mean()
        lower_still += most.mean() > many[components.index(k)].drop(gpu).mean()
        if len(gpu):
            values.append((of, np.isin(of.index, gpu)))
            also += list(of.drop(gpu))
            curves += [(k, seed, seed in gpu) for seed in of.index]
            epochs = kept("bone-marrow", f"vampprior-{k}")
            ends += [(seed in gpu, epoch) for seed, epoch in epochs.items()]
    there_above = WORDS[lower]
    assert list(map(len, (devices[True], devices[False], also))) == [24, 24, 8]
    moved, there = (
        np.mean(devices[True]) - np.mean(of) for of in (devices[False], also)
    )
    # least squares with a mean for each K, with and without one for the device
    score = np.concatenate([of for of, _ in values])
    of_k = np.kron(np.eye(4), np.ones((8, 1)))
    both = np.column_stack([of_k, np.concatenate([gpu for _, gpu in values])])
    (without,), (with_device,) = (
        np.linalg.lstsq(design, score, rcond=None)[1] for design in (of_k, both)
    )
    f = (without - with_device) / (with_device / 27)
    factored = said(stats.f.sf(f, 1, 27))
    alone = np.mean(devices[False]) - iop.mean()
    same = at_the_same_epochs(curves)
    late = welch(*([e for m, e in ends if m == of] for of in (True, False)))
    assert min(*same, late) >= 0.05
    ranks = stats.mannwhitneyu(devices[True], also).pvalue
    tests = welch(devices[True], also), stats.f.sf(f, 1, 27), ranks
    words = (
        f"score {-there:.1f} lower than the EPYC's at the same K (p from "
        f"{min(tests):.2f} to {max(tests):.2f}, by the test;"
    )
    assert words in flowing(README), words
    words = (
        f"On a stand-in above {above} of six means (of the runs on the same device "
        f"above {there_above}; normalised, below all six; with a thousand importance "
        "samples above all six), significantly above none;"
    )
    assert words in flowing(README), words
    for words in (
        f"the IOP as scored, {number}, lies above {above} of six means, and the "
        f"VampPrior scatters more at {WORDS[more]} of six; the two scatters differ at "
        f"one (F-test, K = 750: {said(scatters[4])}; else p from {min(rest):.2f} to "
        f"{max(rest):.2f})",
        "differs significantly from the VampPrior at no K (p from "
        f"{min(ps):.2f} to {max(ps):.2f}), nor does it normalised "
        f"({min(corrected):.2f} to {max(corrected):.2f})",
        f"analysis of variance has {together}, and of the fifteen pairs of K the least "
        f"p is {pairs[0][0]:.2f}",
        f"K = 300 had led with {few.mean():.2f} ± {few.std():.2f} and differed from "
        f"the eight seeds of K = 500 ({said(p)})",
        f"the 24 of the H100 lie {there:+.1f} from the other 8 "
        f"({said(welch(devices[True], also))}; with K as a factor {factored}, by ranks "
        f"{said(ranks)}), and "
        f"{moved:+.1f} from all 24 others "
        f"({said(welch(devices[True], devices[False]))})",
        "do not differ significantly between the two (p from "
        f"{min(same):.2f} to {max(same):.2f}), nor do the epochs that are kept "
        f"({said(late)})",
        f"The EPYC's 24 alone lie {alone:.1f} above the IOP",
        f"({gap:+.1f} between the IOP and the VampPrior at K = 500): the 95 % "
        f"intervals are {within(apart)} between the IOP and the VampPrior, "
        f"{within(between)} between two K",
        f"by {min(ahead):.1f} to {max(ahead):.1f} (p from {min(ps_more):.2f} to "
        f"{max(ps_more):.2f}), normalised by {min(ahead_less):.1f} to "
        f"{max(ahead_less):.1f} (p from {min(ps_less):.2f} to {max(ps_less):.2f})",
        f"above the IOP, which is above {there_above} of their six means, with a "
        f"thousand importance samples above {WORDS[lower_still]}.",
        f"{min(used):.1f} to {max(used):.1f} components are in use",
    ):
        assert words in flowing(FINDINGS)
