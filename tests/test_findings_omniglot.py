"""OMNIGLOT, rebuilt: its numbers, from the committed runs."""

import numpy as np
import pandas as pd
from committed import (
    FINDINGS,
    README,
    flowing,
    kept,
    printed,
    said,
    sampled_more,
    scored,
    text_of,
    welch,
)
from scipy import stats

from workflow import reference


def test_the_readme_shows_what_omniglot_rebuilt_gives():
    of, vamp = (
        scored("omniglot-rebuilt", method) for method in ("standard", "vampprior-1000")
    )
    texts = [f"{one.mean():.2f} ± {one.std():.2f}" for one in (of, vamp)]
    counts = f"{len(of)}, {len(vamp)}, 0"
    assert f"in TF32 | {counts} | {' | '.join(texts)} |" in text_of(README)
    gap = vamp.mean() - of.mean()
    theirs = [cell.mean for cell in printed("omniglot").values()]
    low, high, _ = theirs
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
    assert f"{words}{values}: the step from ten to a" in flowing(FINDINGS)
    assert more[1000] - of.mean() > np.ptp(theirs)
    some = sampled_more("vampprior-1000", "omniglot-rebuilt")
    gains = (some - vamp[some.index]).map("{:.1f}".format)
    pair = "omniglot-rebuilt", "vampprior-1000"
    used = scored(*pair, "train", "components_in_use", "audit").map("{:.0f}".format)
    assert f"an audit gain as much ({' and '.join(gains)} with a thousand)." in (
        flowing(FINDINGS)
    )
    assert f"{' and '.join(used)} of their 1,000 components" in flowing(FINDINGS)
    to_normal = [
        scored(dataset, "standard", "train", "kl_aggregated", "audit").mean()
        for dataset in ("mnist", "omniglot-rebuilt", "freyfaces", "bone-marrow")
    ]
    words = (
        "is {:.1f} in the standard VAE's models of MNIST, {:.1f} in those of OMNIGLOT "
        "(rebuilt), {:.1f} here, {:.1f} on bone marrow)"
    )
    assert words.format(*to_normal) in flowing(FINDINGS), to_normal
    assert audit["device"].str.contains("H100").all()
    assert set(audit["precision"]) == {"tensorfloat32"}
