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
    together = said(stats.f_oneway(*swept).pvalue)
    apart = [interval(iop, of) for of in swept]
    between = [interval(*pair) for pair in itertools.combinations(swept, 2)]
    paper = printed("histopathology")
    gap = paper["iop"].mean - paper["vampprior"].mean
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
    devices, also, curves, ends = {True: [], False: []}, [], [], []
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
            epochs = kept("bone-marrow", f"vampprior-{k}")
            ends += [(seed in gpu, epoch) for seed, epoch in epochs.items()]
    assert list(map(len, (devices[True], devices[False], also))) == [24, 24, 8]
    moved, there = (
        np.mean(devices[True]) - np.mean(of) for of in (devices[False], also)
    )
    alone = np.mean(devices[False]) - iop.mean()
    same = at_the_same_epochs(curves)
    late = welch(*([e for m, e in ends if m == of] for of in (True, False)))
    assert min(*same, late) >= 0.05
    for words in (
        f"the IOP as scored, {number}, lies above {above} of six means, and the "
        f"VampPrior scatters more at {WORDS[more]} of six",
        "differs significantly from the VampPrior at no K (p from "
        f"{min(ps):.2f} to {max(ps):.2f}), nor does it normalised "
        f"({min(corrected):.2f} to {max(corrected):.2f})",
        f"analysis of variance has {together}, and of the fifteen pairs of K the least "
        f"p is {pairs[0][0]:.2f}",
        f"K = 300 had led with {few.mean():.2f} ± {few.std():.2f} and differed from "
        f"the eight seeds of K = 500 ({said(p)})",
        f"the 24 of the H100 lie {there:+.1f} from the other 8 "
        f"({said(welch(devices[True], also))}), and {moved:+.1f} from all 24 others "
        f"({said(welch(devices[True], devices[False]))})",
        "do not differ significantly between the two (p from "
        f"{min(same):.2f} to {max(same):.2f}), nor do the epochs that are kept "
        f"({said(late)})",
        f"The EPYC's 24 alone lie {alone:.1f} above the IOP",
        f"of these gaps ({within(between)} between two K, {within(apart)} between the",
        f"hold the paper's gap at K = 500, {gap:+.1f}, too",
        f"{min(used):.1f} to {max(used):.1f} components are in use",
    ):
        assert words in flowing(FINDINGS)
