"""The page on reduced precision, from made scores with a known paired test."""

import numpy as np
import pandas as pd
import pytest
from made import seeds
from scipy import special

from benchmarks import precision
from workflow.scripts import scores
from workflow.scripts.configuration import ROOT

FLOAT32 = np.array([10.0, 11.0, 12.0, 14.0])


def folder(tmp_path, reduced, **changes):
    for side, values, more in (
        ("float32", FLOAT32, {}),
        ("reduced", reduced, {"precision": "bfloat16"} | changes),
    ):
        place = tmp_path / side
        place.mkdir(exist_ok=True)
        rows = seeds("freyfaces", "standard", list(values), **more)
        frame = pd.DataFrame(rows, columns=scores.COLUMNS)
        frame.to_csv(place / "standard.csv", index=False)
    return tmp_path


def test_the_paired_test_by_hand():
    reduced = np.add(FLOAT32, [0.5, -0.2, 0.9, 0.4])
    found = precision.compare(FLOAT32, reduced)
    d = reduced - FLOAT32
    t = d.mean() / (d.std(ddof=1) / 2)
    assert found["difference"] == pytest.approx(0.4)
    assert found["p"] == pytest.approx(2 * special.stdtr(3, -abs(t)))
    half = special.stdtrit(3, 0.975) * d.std(ddof=1) / 2
    assert (found["low"], found["high"]) == pytest.approx((0.4 - half, 0.4 + half))
    assert found["same"]
    for apart in ([3, -1, 2, 1.0], [0.5, 0.5, 0.5, 0.6]):  # by 1.25; surely by 0.5
        assert not precision.compare(FLOAT32, np.add(FLOAT32, apart))["same"]


def test_the_page_says_whether_the_condition_is_met(tmp_path):
    text = precision.page(folder(tmp_path, np.add(FLOAT32, [0.5, -0.2, 0.9, 0.4])))
    assert "| Standard VAE | 4 | 11.75 ± 1.71 | 12.15 ±" in text
    assert "met: reduced may be the default" in text
    assert "precision bfloat16" in text
    text = precision.page(folder(tmp_path, np.add(FLOAT32, [5, 5, 5, 6.0])))
    assert "not met: float32 stays the default" in text


def test_sides_that_do_not_match_are_refused(tmp_path):
    with pytest.raises(ValueError, match="standard has other seeds"):
        precision.page(folder(tmp_path, FLOAT32[:3]))
    with pytest.raises(ValueError, match="other data"):
        precision.page(folder(tmp_path, FLOAT32, data_digest="another"))


def test_the_committed_page_is_of_the_committed_scores():
    page = (ROOT / "docs/precision.md").read_text()
    assert page == precision.page(ROOT / "results/reference/precision")
