"""FreyFaces in four settings: what the documents say of them, from the runs."""

import itertools
import json

import numpy as np
import pandas as pd
import pytest
from committed import (
    CELLS,
    FINDINGS,
    README,
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

CHOSEN, LOW, EARLY, SPLIT = (
    "1e-3, the VampPrior 3e-4",
    "3e-4",
    "1e-3, patience 50",
    "as the first, split anew",
)
PAIRS = (("vampprior-500", "standard"), ("iop", "standard"), ("iop", "vampprior-500"))


@pytest.fixture(scope="module")
def settings():
    """The scores by setting and method."""
    found = {
        CHOSEN: {m: freyfaces(m) for m in CELLS},
        LOW: {
            m: freyfaces(m, kind="variants/rate3e-4/scores")
            for m in ("standard", "iop")
        },
        EARLY: {m: freyfaces(m, kind="variants/patience50/scores") for m in CELLS},
        SPLIT: {m: scored("freyfaces-split1", m) for m in CELLS},
    }
    # the VampPrior's rate is 3e-4 where it was chosen
    found[LOW]["vampprior-500"] = found[CHOSEN]["vampprior-500"]
    assert {len(of) for row in found.values() for of in row.values()} == {8}
    return found


@pytest.fixture(scope="module")
def less():
    """The IOP's scores less ln Z, where it was audited."""
    low = freyfaces("iop", "prior", "log_normaliser", "variants/rate3e-4/audit")
    return {
        CHOSEN: normalised("freyfaces"),
        LOW: freyfaces("iop", kind="variants/rate3e-4/scores") - low,
        SPLIT: normalised("freyfaces-split1"),
    }


def gap(of, high, low):
    return of[high].mean() - of[low].mean()


def shift(of, high, low):
    """Ours less the paper's gap, and its p (degrees by Satterthwaite)."""
    paper = {m: printed("freyfaces")[m.partition("-")[0]] for m in CELLS}
    variances = [of[m].var() / 8 for m in (high, low)]
    variances += [paper[m].sd ** 2 / 8 for m in (high, low)]
    df = 7 * sum(variances) ** 2 / sum(v**2 for v in variances)
    shift = gap(of, high, low) - (paper[high].mean - paper[low].mean)
    return shift, 2 * stats.t.sf(abs(shift) / sum(variances) ** 0.5, df)


def test_the_findings_shows_the_scores_of_each_setting(settings, less):
    starts = {CHOSEN: "| 150 ", LOW: "| 150 ", EARLY: "", SPLIT: "| 150 "}
    for name, of in settings.items():
        columns = [of[m] for m in CELLS] + [less.get(name)]
        texts = [
            tabular.ABSENT if x is None else f"{x.mean():.2f} ± {x.std():.2f}"
            for x in columns
        ]
        start = f"  | {name.replace(', patience', ' |')} {starts[name]}"
        assert f"{start}| {' | '.join(texts)} |" in text_of(FINDINGS)
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
    for name, of in settings.items():
        ps = [said(welch(of[high], of[low])) for high, low in PAIRS]
        gaps = [gap(of, *pair) for pair in PAIRS]
        cells = [f"{of:+.1f} ({p})" for of, p in zip(gaps, ps, strict=True)]
        rows.append(f"  | {name} | {' | '.join(cells)} |")
    for name, of in settings.items():
        shifts = [shift(of, *pair) for pair in PAIRS]
        cells = [f"{of:+.1f} ({said(p)})" for of, p in shifts]
        rows.append(f"  | {name} | {' | '.join(cells)} |")
    for row in rows:
        assert row in text_of(FINDINGS).splitlines(), row


def test_the_documents_say_what_the_gaps_come_to(settings):
    text, readme = flowing(FINDINGS), flowing(README)
    for of in settings.values():
        assert gap(of, "iop", "vampprior-500") < 0 < gap(of, "iop", "standard")
        assert min(shift(of, *pair)[1] for pair in PAIRS) < 0.05
    low = settings[LOW]
    assert welch(low["iop"], low["vampprior-500"]) >= 0.05
    assert shift(low, "iop", "vampprior-500")[1] < 0.05
    behind, ahead = (
        [gap(of, "iop", other) for of in settings.values()]
        for other in ("vampprior-500", "standard")
    )
    for other in ("vampprior-500", "standard"):
        ps = [welch(of["iop"], of[other]) for of in settings.values()]
        assert sum(p < 0.05 for p in ps) == 2
        assert (ps[0] < 0.05) == (other == "vampprior-500")
    both = [settings[name][m] for name in (CHOSEN, SPLIT) for m in ("iop", "standard")]
    variances = [of.var() / 8 / 4 for of in both]
    over = (both[0].mean() - both[1].mean() + both[2].mean() - both[3].mean()) / 2
    df = 7 * sum(variances) ** 2 / sum(v**2 for v in variances)
    p = 2 * stats.t.sf(over / sum(variances) ** 0.5, df)
    words = f"Over both splits the IOP lies {over:+.1f} above the standard VAE (p = "
    assert f"{words}{p:.3f})" in text, (over, p)
    lead = gap(settings[CHOSEN], *PAIRS[0])
    for words in (
        f"of FreyFaces (by {min(ahead):.0f} to {max(ahead):.0f}), significantly in two",
        f"is lower in four of four settings (by {-max(behind):.0f} to "
        f"{-min(behind):.0f}), significantly in two",
        f"the VampPrior is, on FreyFaces (by {lead:.0f} nats)",
        f"leads, {lead:+.1f} nats above the standard VAE.",
        f"was found ({gap(low, *PAIRS[2]):+.1f}, "
        f"{said(welch(low['iop'], low['vampprior-500']))}), as in the paper (",
        f"differ from each other ({said(shift(low, *PAIRS[2])[1])})",
    ):
        assert words in readme, words


def test_the_documents_say_how_the_seeds_scatter(settings):
    ps = []
    for of in settings.values():
        ratio = of["iop"].var() / of["vampprior-500"].var()
        ps.append(2 * min(stats.f.sf(ratio, 7, 7), stats.f.cdf(ratio, 7, 7)))
    paper = printed("freyfaces")
    told = 2 * stats.f.sf((paper["vampprior"].sd / paper["iop"].sd) ** 2, 7, 7)
    ours, vamp = (settings[CHOSEN][m].std() for m in ("iop", "vampprior-500"))
    assert ps[0] < 0.05 <= min(ps[1:])
    words = (
        f"{ours:.2f} against {vamp:.2f} (F-test, {said(ps[0])}), in the paper less, "
        f"{paper['iop'].sd:.2f} against {paper['vampprior'].sd:.2f} (p = {told:.3f}). "
        "In the other three settings the two do not differ significantly (p from "
        f"{min(ps[1:]):.2f} to {max(ps[1:]):.2f})"
    )
    assert words in flowing(FINDINGS), words
    words = f"on FreyFaces the opposite ({ours:.1f} against {vamp:.1f})"
    assert words in flowing(README), words


def test_the_readme_says_what_if_the_papers_scores_were_normalised(less):
    theirs = printed("freyfaces")["iop"]
    away = [of.mean() - theirs.mean for of in less.values()]
    ps = [against(of, theirs).pvalue for of in less.values()]
    words = (
        f"ours would be {-away[0]:.1f} lower at 1e-3 ({said(ps[0])}), {-away[1]:.1f} "
        f"lower at 3e-4 ({said(ps[1])}) and {away[2]:.1f} higher on the other split "
        f"({said(ps[2])})"
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
    words = (
        f"rates neither way ({said(welch(*best))}) and rejects 3e-4 for the standard"
    )
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
