"""The t-test behind the bold type, against scipy and the paper's own Table 2."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from test_data_registry import TABLE_1

from workflow import reference
from workflow.report.statistics import (
    Standing,
    Summary,
    paired,
    standings,
    summarise,
    welch,
    welch_of_gaps,
)

# Table 2 as printed: mean, deviation, bold; typed here apart from results/reference.
PRINTED = {
    "mnist": [(-85.84, 0.07, False), (-83.90, 0.08, False), (-83.21, 0.13, True)],
    "omniglot": [(-111.39, 0.11, False), (-110.53, 0.09, False), (-108.48, 0.16, True)],
    "freyfaces": [(1382.53, 3.57, False), (1392.62, 6.25, True), (1396.27, 2.75, True)],
    "histopathology": [
        (1081.53, 0.70, False),
        (1083.11, 2.10, False),
        (1087.42, 0.60, True),
    ],
}
PRIORS = ("standard", "vampprior", "iop")


def test_a_summary_is_mean_and_sample_deviation():
    summary = summarise(np.array([1.0, 2.0, 6.0]))
    assert (summary.n, summary.mean) == (3, 3.0)
    assert summary.sd == pytest.approx(math.sqrt(7))
    assert summarise(np.array([4.0])).sd is None


@pytest.mark.parametrize("values", [np.zeros(0), np.zeros((2, 2))])
def test_a_summary_needs_values_in_a_row(values):
    with pytest.raises(ValueError, match="expected"):
        summarise(values)


@pytest.mark.parametrize(("n", "m", "spread"), [(8, 8, 3.5), (2, 8, 0.1), (5, 3, 1e-9)])
def test_welch_agrees_with_scipy(n, m, spread):
    generator = np.random.default_rng(n)
    a = generator.normal(0, 1, n)
    b = generator.normal(0.5, spread, m)
    ours = welch(summarise(a), summarise(b))
    theirs = stats.ttest_ind(a, b, equal_var=False)
    interval = theirs.confidence_interval(0.95)
    assert ours.p == pytest.approx(theirs.pvalue)
    assert (ours.low, ours.high) == pytest.approx((interval.low, interval.high))


def test_gaps_are_tested_as_satterthwaite_has_it():
    """Against the textbook's formula; and against scipy's, where two cost nothing."""
    parts = [Summary(8, 5.0, 2.0), Summary(5, 1.0, 0.5)]
    parts += [Summary(8, 2.0, 3.0), Summary(3, 1.5, 1.0)]
    terms = [part.sd**2 / part.n for part in parts]
    df = sum(terms) ** 2 / sum(
        term**2 / (part.n - 1) for term, part in zip(terms, parts, strict=True)
    )
    t = (4.0 - 0.5) / math.sqrt(sum(terms))
    ours = welch_of_gaps(*parts)
    assert ours.difference == pytest.approx(3.5)
    assert ours.p == pytest.approx(2 * stats.t.sf(t, df))
    margin = stats.t.isf(0.025, df) * math.sqrt(sum(terms))
    assert (ours.low, ours.high) == pytest.approx((3.5 - margin, 3.5 + margin))
    sure = Summary(2, 1.0, 0.0)
    assert welch_of_gaps(parts[0], sure, parts[2], sure) == welch(parts[0], parts[2])
    with pytest.raises(ValueError, match="n = 8, 1, 8, 3"):
        welch_of_gaps(parts[0], Summary(1, 0.0, None), *parts[2:])


@pytest.mark.parametrize("n", [2, 8])
def test_the_paired_test_agrees_with_scipy(n):
    generator = np.random.default_rng(n)
    a = generator.normal(0, 1, n)
    b = a + generator.normal(0.5, 0.1, n)
    ours, theirs = paired(b, a), stats.ttest_rel(b, a)
    interval = theirs.confidence_interval(0.95)
    assert ours.p == pytest.approx(theirs.pvalue)
    assert (ours.low, ours.high) == pytest.approx((interval.low, interval.high))
    with pytest.raises(ValueError, match="1 pair, expected at least 2"):
        paired(a[:1], b[:1])


@pytest.mark.parametrize(("gap", "p"), [(0.0, 1.0), (0.5, 0.0)])
def test_welch_without_any_spread(gap, p):
    test = welch(Summary(4, gap, 0.0), Summary(4, 0.0, 0.0))
    assert (test.p, test.low, test.high) == (p, gap, gap)


def test_welch_needs_two_seeds_in_each():
    with pytest.raises(ValueError, match="n = 1, 8"):
        welch(Summary(1, 0.0, None), Summary(8, 0.0, 1.0))


@pytest.mark.parametrize("dataset", PRINTED)
def test_the_papers_numbers_give_the_papers_bold(dataset):
    column = {
        prior: Summary(8, mean, sd)
        for prior, (mean, sd, _) in zip(PRIORS, PRINTED[dataset], strict=True)
    }
    places = standings(column)
    assert [places[prior].bold for prior in PRIORS] == [
        bold for _, _, bold in PRINTED[dataset]
    ]
    assert [prior for prior in PRIORS if places[prior].best] == ["iop"]
    best = column["iop"]
    for prior in PRIORS[:2]:
        mine = column[prior]
        scipys = stats.ttest_ind_from_stats(
            mine.mean, mine.sd, 8, best.mean, best.sd, 8, equal_var=False
        )
        assert places[prior].p == pytest.approx(scipys.pvalue)


def test_what_can_be_in_no_test_is_not_bold():
    column = {"standard": Summary(1, 1.0, None), "iop": Summary(8, 1.1, 5.0)}
    places = standings(column)
    assert (places["standard"].bold, places["iop"].bold) == (False, True)
    assert places["standard"].p is None
    places = standings(column | {"standard": Summary(1, 1.2, None)})
    assert places["standard"].best
    assert not any(place.bold for place in places.values())
    assert standings({}) == {}
    alone = standings({"iop": Summary(8, 1.0, 0.1)})
    assert alone == {"iop": Standing(False, False, None)}


def test_the_committed_reference_is_the_printed_table():
    frame = pd.read_csv(reference.FOLDER / "paper.csv")
    found = {
        dataset: list(zip(rows["mean"], rows["sd"], rows["bold"], strict=True))
        for dataset, rows in frame.groupby("dataset", sort=False)
    }
    assert found == PRINTED
    assert list(frame["prior"]) == list(PRIORS) * 4
    assert list(frame.loc[frame["prior"] == "vampprior", "components"]) == [
        500,
        1000,
        500,
        500,
    ]
    assert frame["components"].notna().sum() == 4
    assert set(frame["n"]) == {8}
    assert list(frame["approximate"]) == [False, False, True] * 4


def test_the_committed_sizes_are_the_printed_table():
    frame = pd.read_csv(reference.FOLDER / "paper_table1.csv", index_col="dataset")
    assert frame.columns.tolist() == ["dimension", "train", "valid", "test"]
    assert {key: tuple(row) for key, row in frame.iterrows()} == TABLE_1
