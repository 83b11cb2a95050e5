"""FreyFaces in seven settings: what the documents say of scores and gaps."""

import math

import pandas as pd
from committed import (
    CELLS,
    FINDINGS,
    README,
    WORDS,
    against,
    flowing,
    freyfaces,
    printed,
    said,
    text_of,
    welch,
)
from freyfaces_settings import (
    CHOSEN,
    EARLY,
    LOW,
    PAIRS,
    RATIO,
    SAME,
    SPLIT,
    apart,
    less,
    margin,
    settings,
    shift,
    whole,
)
from scipy import stats

from workflow import reference
from workflow.report import tabular

FAST, SLOW = "variants/rate1e-3", "variants/rate3e-4"


def test_the_findings_shows_the_scores_of_each_setting():
    for name, of in settings().items():
        columns = [of.get(m) for m in CELLS] + [less().get(name)]
        texts = [
            tabular.ABSENT if x is None else f"{x.mean():.2f} ± {x.std():.2f}"
            for x in columns
        ]
        start, _, patience = name.partition(", patience ")
        row = f"| {start} | {patience or 150} | {' | '.join(texts)} |"
        assert row in text_of(FINDINGS).splitlines(), row
    for method, device in zip(CELLS, ("Xeon", "EPYC", "Xeon"), strict=True):
        path = reference.FOLDER / f"variants/patience50/scores/freyfaces/{method}.csv"
        assert pd.read_csv(path)["device"].str.contains(device).all()
    words = "the VampPrior ran on an AMD EPYC, the other two on an Intel Xeon"
    assert words in flowing(FINDINGS)


def test_the_documents_say_what_another_unit_of_gray_values_would_do():
    """A density of x/255 is that of x/256 times (255/256) ** 560."""
    lower, paper = 560 * math.log(256 / 255), printed("freyfaces")
    iop, vamp, plain = (
        (of - paper[m].mean, against(of, paper[m]).pvalue)
        for m, of in (
            (m, freyfaces(method) - lower)
            for m, method in (
                ("iop", "iop"),
                ("vampprior", "vampprior-500"),
                ("standard", "standard"),
            )
        )
    )
    assert vamp[1] < iop[1] < plain[1]  # so Holm's factor of the IOP's is two
    words = (
        f"560 ln(256/255) = {lower:.2f} nats lower, all gaps the same. If those are "
        f"the paper's, the IOP's score is {-iop[0].mean():.1f} below it (p = "
        f"{iop[1]:.3f}, by Holm's correction {2 * iop[1]:.2f}), the VampPrior's "
        f"{vamp[0].mean():.1f} above (p = {vamp[1]:.3f}), the standard VAE's "
        f"{-plain[0].mean():.1f} below (p = {plain[1]:.2f})."
    )
    assert words in flowing("docs/protocol.md"), words
    words = (
        f"in x/255 every score would be {lower:.2f} lower and the IOP's difference "
        "significant [even when corrected](docs/protocol.md#gray-values) for three "
        f"tests (p = {2 * iop[1]:.2f})."
    )
    assert words in flowing(README), words


def test_the_findings_says_where_the_normalised_iop_lies():
    for name, of in less().items():
        row = settings()[name]
        assert of.mean() < row["vampprior-500"].mean()
        assert (welch(of, row["vampprior-500"]) < 0.001) == (name != SAME)
        significant = welch(of, row["standard"]) < 0.05
        assert significant == (name == LOW)
    assert welch(less()[LOW], settings()[LOW]["standard"]) < 0.001
    assert less()[LOW].mean() > settings()[LOW]["standard"].mean()
    integral = settings()[LOW]["iop"] - less()[LOW]
    same = less()[SAME], settings()[SAME]["vampprior-500"]
    by, p = same[0].mean() - same[1].mean(), welch(*same)
    words = (
        "lies below the VampPrior wherever it was audited (p < 0.001 each, but for all "
        f"at 1e-3, {by:+.1f}, {said(p)}), and above the standard VAE at 3e-4 (p < "
        f"0.001); ln Z is {integral.mean():.1f} ± {integral.std():.1f} there"
    )
    assert words in flowing(FINDINGS), words


def test_the_findings_shows_the_gaps_of_each_setting():
    paper = {m: printed("freyfaces")[m.partition("-")[0]] for m in CELLS}
    cells = []
    for high, low in PAIRS:
        sides = [x for m in (high, low) for x in (paper[m].mean, paper[m].sd, 8)]
        p = stats.ttest_ind_from_stats(*sides, equal_var=False).pvalue
        cells.append(f"{sides[0] - sides[3]:+.1f} ({said(p)})")
    rows = [f"| the paper, by its printed numbers | {' | '.join(cells)} |"]
    for told in (apart, shift):
        for name, of in settings().items():
            cells = [tabular.ABSENT] * len(PAIRS)
            for i, pair in enumerate(PAIRS):
                if set(pair) <= set(of):
                    by, p = told(of, *pair)
                    cells[i] = f"{by:+.1f} ({said(p)})"
            rows.append(f"| {name} | {' | '.join(cells)} |")
    for row in rows:
        assert row in text_of(FINDINGS).splitlines(), row


def test_the_documents_count_the_settings_that_differ():
    text, counts = flowing(FINDINGS), []
    for pair, ahead in zip(PAIRS, (5, 5, 1), strict=True):
        again = {"iop": SAME, "vampprior-500": RATIO}  # of the same runs as another
        of = [
            apart(scores, *pair)
            for name, scores in settings().items()
            if set(pair) <= set(scores)
            and name not in [again[m] for m in again if {m, "standard"} == set(pair)]
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
    above = []
    for name, ours in less().items():
        of = settings()[name]
        assert ours.mean() < of["vampprior-500"].mean()
        if ours.mean() > of["standard"].mean() and name != SAME:
            above.append(welch(ours, of["standard"]))
    (least, most, clear, n), (low, high, better, m), (behind, ahead, worse, k) = counts
    gaps = [apart(of, *PAIRS[2])[0] for of in whole().values()]
    near = max(by for by in gaps if by < 0)
    same = apart(settings()[SAME], *PAIRS[2])
    assert same[0] == ahead
    distinct = [name for name in less() if name != SAME]
    for words in (
        f"The VampPrior lies above the standard VAE in all {WORDS[n]} settings that "
        f"were run with it (by {least:.0f} to {most:.0f}; significantly in "
        f"{WORDS[clear]}; ",
        f"The IOP lies above the standard VAE in five of {WORDS[m]} that differ in "
        f"these two (gaps from {low:+.0f} to {high:+.0f}; significantly in "
        f"{WORDS[better]}), normalised in {WORDS[len(above)]} of "
        f"{WORDS[len(distinct)]} (significantly in "
        f"{WORDS[sum(p < 0.05 for p in above)]})",
        f"The IOP lies above the VampPrior in one of {WORDS[k]}: by {same[0]:.1f} with "
        f"all three at 1e-3 ({said(same[1])}), which validation rejects for the "
        f"VampPrior. In the others it lies below (by {-near:.0f} to {-behind:.0f}; "
        f"significantly in the {WORDS[worse]} where, as validation chose, its rate is "
        "over three times the VampPrior's)",
    ):
        assert words in text, words
    words = (
        f"; in other settings by {least:.0f} to {most:.0f} and by {low:+.0f} to "
        f"{high:+.0f}. On MNIST"
    )
    assert words in flowing(README), words
    for name, of in whole().items():
        assert (apart(of, *PAIRS[2])[1] < 0.05) == (name not in (SAME, LOW, EARLY))
        differs = min(shift(of, *pair)[1] for pair in PAIRS) < 0.05
        assert differs == (name != SAME)
    ps = [shift(settings()[SAME], *pair)[1] for pair in PAIRS]
    wide = [margin(settings()[SAME], *pair) for pair in PAIRS]
    assert min(ps) >= 0.05
    words = (
        "was found to differ from the paper's (the 95 % intervals are ± "
        f"{min(wide):.1f} to ± {max(wide):.1f})"
    )
    assert words in text, words
    mixture = [settings()[name]["vampprior-500"] for name in (SAME, EARLY)]
    assert mixture[0].equals(mixture[1])
    order = sorted(CELLS, key=lambda m: settings()[SAME][m].mean())
    assert order == ["standard", "vampprior-500", "iop"]


def test_the_readme_shows_the_gaps_of_four_settings():
    rows = []
    for name in (CHOSEN, LOW, SAME, SPLIT):
        of = settings()[name]
        gaps = [apart(of, *pair) for pair in PAIRS]
        gaps.append(apart(of | {"iop": less()[name]}, *PAIRS[2]))
        assert (gaps[2][1] < 0.05) == (name in (CHOSEN, SPLIT))
        rows.append([f"{by:+.1f} ({said(p)})" for by, p in gaps])
        words = {CHOSEN: f"{CHOSEN}, as chosen", SPLIT: "as chosen, split anew"}
        row = f"| {words.get(name, name)} | {' | '.join(rows[-1])} |"
        assert row in text_of(README).splitlines(), row
    higher, better, lower, less_so = (gap.strip("+-") for gap in rows[0])
    for words in (
        f"at the chosen rates | There by {higher} and {better}, normal",
        f"There it lies {lower.replace(' (', ' below (')}, normalised {less_so}. [At",
        f"lies {lower.split()[0]} below the VampPrior at the rates that validation",
        f"normalised it lies below at 3e-4 ({rows[1][3].split(' (')[1]}, at 1e-3 not "
        f"significantly ({rows[2][3].split(' (')[1]}.",
    ):
        assert words in flowing(README), words


def test_the_documents_say_what_the_gaps_come_to():
    text = flowing(FINDINGS)
    low = settings()[LOW]
    assert welch(low["iop"], low["vampprior-500"]) >= 0.05
    assert shift(low, "iop", "vampprior-500")[1] < 0.05
    valid = {m: freyfaces(m, "valid") for m in CELLS}
    words = (
        "On the validation images, at the chosen rates, the gaps are {:+.1f} ({}), "
        "{:+.1f} ({}) and {:+.1f} ({}):"
    )
    gaps = [apart(valid, *pair) for pair in PAIRS]
    rates = [
        {"iop": iop, "vampprior-500": mixture}
        for iop, mixture in (
            (valid["iop"], freyfaces(PAIRS[2][1], "valid", kind=f"{FAST}/scores")),
            (freyfaces("iop", "valid", kind=f"{SLOW}/scores"), valid[PAIRS[2][1]]),
        )
    ]
    fast, slow = (apart(of, *PAIRS[2]) for of in rates)
    said_of = (
        f"At equal rates the IOP lies {fast[0]:+.1f} from it there with all at 1e-3 "
        f"({said(fast[1])}) and {slow[0]:+.1f} at 3e-4 ({said(slow[1])})."
    )
    assert said_of in text, said_of
    words = words.format(*(x for by, p in gaps for x in (by, said(p))))
    assert words in text, words
    chosen = settings()[CHOSEN]
    assert apart(chosen, *PAIRS[2])[1] < 0.05 <= apart(chosen, *PAIRS[1])[1]
    both = [
        settings()[name][m] for name in (CHOSEN, SPLIT) for m in ("iop", "standard")
    ]
    variances = [of.var() / 8 / 4 for of in both]
    over = (both[0].mean() - both[1].mean() + both[2].mean() - both[3].mean()) / 2
    df = 7 * sum(variances) ** 2 / sum(v**2 for v in variances)
    p = 2 * stats.t.sf(over / sum(variances) ** 0.5, df)
    words = f"Over both splits the IOP lies {over:+.1f} above the standard VAE (p = "
    assert f"{words}{p:.3f})" in text, (over, p)


def test_the_findings_shows_each_cell_less_the_papers():
    """And in which settings all cells hold: in none."""
    paper, hold = printed("freyfaces"), {m: 0 for m in CELLS}
    for name, of in settings().items():
        rows = [(of.get(m), paper[m.partition("-")[0]]) for m in CELLS]
        rows.append((less().get(name), paper["iop"]))
        cells, ps = [], []
        for ours, theirs in rows:
            if ours is None:
                cells.append(tabular.ABSENT)
                continue
            ps.append(against(ours, theirs).pvalue)
            cells.append(f"{ours.mean() - theirs.mean:+.1f} ({said(ps[-1])})")
        row = f"| {name} | {' | '.join(cells)} |"
        assert row in text_of(FINDINGS).splitlines(), row
        if len(of) == 3:
            assert min(ps[:3]) < 0.05
            corrected = min(  # Holm 1979
                (3 - rank) * p for rank, p in enumerate(sorted(ps[:3]))
            )
            assert (corrected >= 0.05) == (name == SAME)
            if name == SAME:
                words = f"none differs once corrected (p = {corrected:.2f} at the lea"
                assert words in flowing(README), words
        for method, p in zip(of, ps, strict=False):
            hold[method] += p >= 0.05
    assert min(hold.values()) >= 1
    words = "[In no setting that was run](docs/findings.md#order) do all three cells"
    assert words in flowing(README)
    ours, theirs = paper["iop"], paper["vampprior"]
    sides = [x for of in (ours, theirs) for x in (of.mean, of.sd, 8)]
    p = stats.ttest_ind_from_stats(*sides, equal_var=False).pvalue
    gap = ours.mean - theirs.mean
    equal = [apart(settings()[name], *PAIRS[2]) for name in (LOW, EARLY, SAME)]
    assert min(of for _, of in equal) >= 0.05
    words = f"in the paper {gap:.1f} above ({said(p)}); at equal rates no difference"
    assert words in flowing(README), words
    assert p >= 0.05
