"""FreyFaces in six settings: what the documents say of them, from the runs."""

import itertools
import json

import numpy as np
import pandas as pd
import pytest
from committed import (
    CELLS,
    FINDINGS,
    README,
    WORDS,
    against,
    flowing,
    freyfaces,
    normalised,
    printed,
    said,
    scored,
    text_of,
    welch,
)
from scipy import stats

from workflow import reference
from workflow.report import tabular

CHOSEN, RATIO, LOW, EARLY, REDUCED, SPLIT = (
    "1e-3, the VampPrior 3e-4",
    "as the first, T's 1e-4",
    "3e-4",
    "1e-3, patience 50",
    "1e-3, reduced, patience 50",
    "as the first, split anew",
)
PAIRS = (("vampprior-500", "standard"), ("iop", "standard"), ("iop", "vampprior-500"))


@pytest.fixture(scope="module")
def settings():
    """The scores by setting and method; the VampPrior's where it was run."""

    def of(variant, methods):
        return {m: freyfaces(m, kind=f"variants/{variant}/scores") for m in methods}

    two = "standard", "iop"
    chosen = {m: freyfaces(m) for m in CELLS}
    found = {
        CHOSEN: chosen,
        # T is the IOP's alone
        RATIO: chosen | of("ratio-rate1e-4", ["iop"]),
        # the VampPrior's rate is 3e-4 where it was chosen
        LOW: chosen | of("rate3e-4", two),
        EARLY: of("patience50", CELLS),
        REDUCED: of("patience50-reduced", two),
        SPLIT: {m: scored("freyfaces-split1", m) for m in CELLS},
    }
    assert {len(of) for row in found.values() for of in row.values()} == {8}
    return found


@pytest.fixture(scope="module")
def whole(settings):
    """The settings that were run with all three priors."""
    return {name: of for name, of in settings.items() if len(of) == 3}


@pytest.fixture(scope="module")
def less():
    """The IOP's scores less ln Z, where it was audited."""

    def of(variant):
        place = f"variants/{variant}"
        integral = freyfaces("iop", "prior", "log_normaliser", f"{place}/audit")
        return freyfaces("iop", kind=f"{place}/scores") - integral

    return {
        CHOSEN: normalised("freyfaces"),
        RATIO: of("ratio-rate1e-4"),
        LOW: of("rate3e-4"),
        SPLIT: normalised("freyfaces-split1"),
    }


def gap(of, high, low):
    return of[high].mean() - of[low].mean()


def apart(of, high, low):
    return gap(of, high, low), welch(of[high], of[low])


def shift(of, high, low):
    """Ours less the paper's gap, and its p (degrees by Satterthwaite)."""
    paper = {m: printed("freyfaces")[m.partition("-")[0]] for m in CELLS}
    variances = [of[m].var() / 8 for m in (high, low)]
    variances += [paper[m].sd ** 2 / 8 for m in (high, low)]
    df = 7 * sum(variances) ** 2 / sum(v**2 for v in variances)
    shift = gap(of, high, low) - (paper[high].mean - paper[low].mean)
    return shift, 2 * stats.t.sf(abs(shift) / sum(variances) ** 0.5, df)


def test_the_findings_shows_the_scores_of_each_setting(settings, less):
    for name, of in settings.items():
        columns = [of.get(m) for m in CELLS] + [less.get(name)]
        texts = [
            tabular.ABSENT if x is None else f"{x.mean():.2f} ± {x.std():.2f}"
            for x in columns
        ]
        start, _, patience = name.partition(", patience ")
        row = f"  | {start} | {patience or 150} | {' | '.join(texts)} |"
        assert row in text_of(FINDINGS).splitlines(), row
    for method, device in zip(CELLS, ("Xeon", "EPYC", "Xeon"), strict=True):
        path = reference.FOLDER / f"variants/patience50/scores/freyfaces/{method}.csv"
        assert pd.read_csv(path)["device"].str.contains(device).all()
    words = "the VampPrior ran on an AMD EPYC, the other two on an Intel Xeon"
    assert words in flowing(FINDINGS)


def test_the_findings_says_where_the_normalised_iop_lies(settings, less):
    for name, of in less.items():
        row = settings[name]
        assert of.mean() < row["vampprior-500"].mean()
        assert welch(of, row["vampprior-500"]) < 0.001
        significant = welch(of, row["standard"]) < 0.05
        assert significant == (name == LOW)
    assert welch(less[LOW], settings[LOW]["standard"]) < 0.001
    assert less[LOW].mean() > settings[LOW]["standard"].mean()
    integral = settings[LOW]["iop"] - less[LOW]
    words = (
        "lies below the VampPrior wherever it was audited (p < 0.001 each), and above "
        "the standard VAE at 3e-4 (p < 0.001); ln Z is "
        f"{integral.mean():.1f} ± {integral.std():.1f} there"
    )
    assert words in flowing(FINDINGS), words


def test_the_findings_shows_the_gaps_of_each_setting(settings):
    paper = {m: printed("freyfaces")[m.partition("-")[0]] for m in CELLS}
    cells = []
    for high, low in PAIRS:
        sides = [x for m in (high, low) for x in (paper[m].mean, paper[m].sd, 8)]
        p = stats.ttest_ind_from_stats(*sides, equal_var=False).pvalue
        cells.append(f"{sides[0] - sides[3]:+.1f} ({said(p)})")
    rows = [f"  | the paper, by its printed numbers | {' | '.join(cells)} |"]
    for told in (apart, shift):
        for name, of in settings.items():
            cells = [tabular.ABSENT] * len(PAIRS)
            for i, pair in enumerate(PAIRS):
                if set(pair) <= set(of):
                    by, p = told(of, *pair)
                    cells[i] = f"{by:+.1f} ({said(p)})"
            rows.append(f"  | {name} | {' | '.join(cells)} |")
    for row in rows:
        assert row in text_of(FINDINGS).splitlines(), row


def test_the_documents_count_the_settings_that_differ(settings, whole):
    readme, counts = flowing(README), []
    for pair, ahead in zip(PAIRS, (4, 5, 0), strict=True):
        # T is no part of the first gap
        of = [
            apart(scores, *pair)
            for name, scores in settings.items()
            if set(pair) <= set(scores) and (name != RATIO or "iop" in pair)
        ]
        assert sum(by > 0 for by, _ in of) == ahead
        counts.append(
            (
                min(by for by, _ in of),
                max(by for by, _ in of),
                sum(p < 0.05 for _, p in of),
                len(of),
            )
        )
    (least, most, clear, n), (low, high, better, m), (behind, near, worse, k) = counts
    for words in (
        f"the VampPrior's mean is higher in all {WORDS[n]} settings that were run with "
        f"it (by {least:.0f} to {most:.0f} nats; significantly in {WORDS[clear]})",
        f"the IOP's in five of {WORDS[m]} (by {low:.0f} to {high:.0f}; significantly "
        f"in {WORDS[better]})",
        f"the IOP's mean is lower in all {WORDS[k]} settings (by {-near:.0f} to "
        f"{-behind:.0f}; significantly in {WORDS[worse]}",
    ):
        assert words in readme, words
    for of in whole.values():
        assert min(shift(of, *pair)[1] for pair in PAIRS) < 0.05


def test_the_documents_say_what_the_gaps_come_to(settings):
    text, readme = flowing(FINDINGS), flowing(README)
    low = settings[LOW]
    assert welch(low["iop"], low["vampprior-500"]) >= 0.05
    assert shift(low, "iop", "vampprior-500")[1] < 0.05
    chosen = settings[CHOSEN]
    assert apart(chosen, *PAIRS[2])[1] < 0.05 <= apart(chosen, *PAIRS[1])[1]
    both = [settings[name][m] for name in (CHOSEN, SPLIT) for m in ("iop", "standard")]
    variances = [of.var() / 8 / 4 for of in both]
    over = (both[0].mean() - both[1].mean() + both[2].mean() - both[3].mean()) / 2
    df = 7 * sum(variances) ** 2 / sum(v**2 for v in variances)
    p = 2 * stats.t.sf(over / sum(variances) ** 0.5, df)
    words = f"Over both splits the IOP lies {over:+.1f} above the standard VAE (p = "
    assert f"{words}{p:.3f})" in text, (over, p)
    lead = gap(settings[CHOSEN], *PAIRS[0])
    for words in (
        f"leads, {lead:+.1f} nats above the standard VAE.",
        f"was found ({gap(low, *PAIRS[2]):+.1f}, "
        f"{said(welch(low['iop'], low['vampprior-500']))}), as in the paper (",
        f"differ from each other ({said(shift(low, *PAIRS[2])[1])})",
    ):
        assert words in readme, words


def test_the_documents_say_how_the_seeds_scatter(settings, whole):
    ps = {}
    for name, of in whole.items():
        ratio = of["iop"].var() / of["vampprior-500"].var()
        ps[name] = 2 * min(stats.f.sf(ratio, 7, 7), stats.f.cdf(ratio, 7, 7))
    paper = printed("freyfaces")
    told = 2 * stats.f.sf((paper["vampprior"].sd / paper["iop"].sd) ** 2, 7, 7)
    ours, vamp = (settings[CHOSEN][m].std() for m in ("iop", "vampprior-500"))
    slow = settings[RATIO]["iop"].std()
    rest = [p for name, p in ps.items() if name not in (CHOSEN, RATIO)]
    assert max(ps[CHOSEN], ps[RATIO]) < 0.05 <= min(rest)
    assert len(rest) == 3
    words = (
        f"{ours:.2f} against {vamp:.2f} (F-test, {said(ps[CHOSEN])}), with T's rate at "
        f"1e-4, too ({slow:.2f}, {said(ps[RATIO])}); in the paper less, "
        f"{paper['iop'].sd:.2f} against {paper['vampprior'].sd:.2f} (p = {told:.3f}). "
        "In the other three settings with both the two do not differ significantly (p "
        f"from {min(rest):.2f} to {max(rest):.2f})"
    )
    assert words in flowing(FINDINGS), words
    words = (
        f"two of five settings of FreyFaces ({ours:.1f} against {vamp:.1f} as chosen)"
    )
    assert words in flowing(README), words


def test_the_readme_says_what_if_the_papers_scores_were_normalised(less):
    theirs = printed("freyfaces")["iop"]
    of = [less[name] for name in (CHOSEN, RATIO, LOW, SPLIT)]
    away = [scores.mean() - theirs.mean for scores in of]
    ps = [against(scores, theirs).pvalue for scores in of]
    words = (
        f"If the paper did normalise, our score is {-away[0]:.1f} below its at 1e-3 "
        f"({said(ps[0])}), {-away[1]:.1f} below with T's rate at 1e-4 "
        f"({said(ps[1])}), {-away[2]:.1f} below at 3e-4 ({said(ps[2])}) and "
        f"{away[3]:.1f} above on the other split ({said(ps[3])})"
    )
    assert words in flowing(README), words


def test_the_documents_say_how_safe_the_choice_of_rates_is():
    """Of the search's two seeds, then of the eight of each rate."""
    near = {}
    for rate, place in (
        ("3e-4, searched", "search/freyfaces/iop/rate0.0003"),
        ("1e-3, searched", "search/freyfaces/iop/rate0.001"),
        ("3e-4", "variants/rate3e-4/runs/freyfaces/iop"),
        ("1e-3", "runs/freyfaces/iop"),
        ("standard 3e-4", "variants/rate3e-4/runs/freyfaces/standard"),
        ("standard 1e-3", "runs/freyfaces/standard"),
    ):
        for path in sorted((reference.FOLDER / place).glob("seed*/record.json")):
            record = json.loads(path.read_text())
            best = record["epoch"]
            curve = pd.read_csv(path.with_name("curve.csv")).set_index("epoch")
            median = curve["valid_elbo"].loc[best - 50 : best + 50].median()
            near.setdefault(rate, []).append((record["best_valid_elbo"], median))
    near = {rate: np.array(of).T for rate, of in near.items()}
    assert {of.shape for of in near.values()} == {(2, 2), (2, 8)}
    searched = [near[f"{rate}, searched"][1].mean() for rate in ("3e-4", "1e-3")]
    best, usual = ([near[rate][i] for rate in ("1e-3", "3e-4")] for i in (0, 1))
    kinds = "scores", "variants/rate3e-4/scores"
    valid, test = (
        [freyfaces("iop", split, kind=kind) for kind in kinds]
        for split in ("valid", "test")
    )
    other = [near[f"standard {rate}"][0] for rate in ("3e-4", "1e-3")]
    assert welch(*other) < 0.001
    assert min(welch(*best), welch(*usual)) >= 0.05
    for words in (
        "3e-4 leads ({:.1f} against {:.1f})".format(*searched),
        f"the best ELBO is {best[0].mean():.1f} at 1e-3 and {best[1].mean():.1f} at "
        f"3e-4 ({said(welch(*best))}), the median around it {usual[0].mean():.1f} and "
        f"{usual[1].mean():.1f} ({said(welch(*usual))})",
        f"validation data ({valid[0].mean():.2f} against {valid[1].mean():.2f}, "
        f"{said(welch(*valid))}), 3e-4 on the test data ({test[0].mean():.2f} against "
        f"{test[1].mean():.2f}, {said(welch(*test))})",
        f"(best ELBO {other[0].mean():.1f} against {other[1].mean():.1f}, p < 0.001)",
    ):
        assert words in flowing(FINDINGS), words
    words = f"between these rates for the IOP ({said(welch(*best))}) and rejects 3e-4"
    assert words in flowing(README), words


def test_the_readme_says_what_reduced_precision_leaves():
    paper = printed("freyfaces")
    place = "variants/patience50-reduced"
    ps = {
        m: against(freyfaces(m, kind=f"{place}/scores"), paper[m]).pvalue
        for m in ("standard", "iop")
    }
    assert not (
        reference.FOLDER / place / "scores/freyfaces/vampprior-500.csv"
    ).exists()
    assert min(ps.values()) >= 0.05
    words = (
        "the standard VAE and the IOP hold (p = {standard:.2f} and {iop:.2f}); the "
        "VampPrior was not run so"
    )
    assert words.format_map(ps) in flowing(README)


def test_no_two_priors_differ_with_the_short_patience(settings):
    ps = [welch(*pair) for pair in itertools.combinations(settings[EARLY].values(), 2)]
    assert min(ps) >= 0.05
    words = (
        f"no two priors differ significantly (p from {min(ps):.2f} to {max(ps):.2f})"
    )
    assert words in flowing(README), words
