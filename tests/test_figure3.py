"""Figure 3: what its picture shows."""

import math

import matplotlib
import numpy as np
import pandas as pd
import pytest
from made import NAMED, row, seeds, write

from tests.drawn import LABEL, svg_text
from workflow.report import scores, style
from workflow.report.reading import BadInput
from workflow.report.scores import Cell
from workflow.scripts import figure3


def cell(components, values, prior="vampprior"):
    return Cell("histopathology", prior, components, 10, np.array(values))


def test_figure3_bars_and_band_are_the_deviation():
    mixtures = [cell(50, [1.0, 2.0, 6.0]), cell(500, [4.0, 8.0]), cell(600, [7.0])]
    ours = cell(None, [10.0, 12.0], "iop")
    axis = figure3.draw(mixtures, ours, "Histopathology").axes[0]
    (bars,) = axis.containers
    line, _, (segments,) = bars
    assert line.get_xdata().tolist() == [50, 500, 600]
    assert line.get_ydata().tolist() == [3, 6, 7]
    lengths = [np.ptp(ends[:, 1]) / 2 for ends in segments.get_segments()]
    assert lengths == pytest.approx([math.sqrt(7), math.sqrt(8), 0])
    (dashed,) = (one for one in axis.lines if "Proposed" in str(one.get_label()))
    assert set(dashed.get_ydata()) == {11}
    assert dashed.get_linestyle() == "--"
    (band,) = axis.patches
    low, high = band.get_y(), band.get_y() + band.get_height()
    assert (low, high) == pytest.approx((11 - math.sqrt(2), 11 + math.sqrt(2)))
    assert 0 < band.get_alpha() < 1
    (hollow,) = (one for one in axis.lines if "single" in str(one.get_label()))
    assert (hollow.get_xdata().tolist(), hollow.get_ydata().tolist()) == ([600], [7])
    assert [label.get_text() for label in axis.get_xticklabels()] == [
        "50\nn = 3",
        "500\nn = 2",
        "600\nn = 1",
    ]
    assert "nats" in axis.get_ylabel()


def test_figure3_without_our_method_has_no_line_for_it():
    figure = figure3.draw([cell(50, [1.0, 2.0])], cell(None, [], "iop"), "x")
    assert not figure.axes[0].patches
    assert "Proposed" not in str([t.get_text() for t in figure.legends[0].get_texts()])


def test_figure3_names_a_stand_in(tmp_path):
    rows = [
        row("bone-marrow", prior, seed, seed + 1.5, k)
        for prior, k in (("vampprior", 50), ("vampprior", 100), ("iop", ""))
        for seed in range(3)
    ]
    path, output = tmp_path / "scores.csv", tmp_path / "figure3.svg"
    pd.DataFrame(rows, columns=scores.COLUMNS).to_csv(path, index=False)
    command = ["--scores", path, "--output", output, "--importance-samples", "10"]
    command += [*NAMED, "--label", LABEL, "--dataset", "bone-marrow"]
    figure3.main(list(map(str, command)))
    text = svg_text(output)
    assert "Bone marrow (stand-in for Histopathology)" in text
    for words in (LABEL, "commit 0123456789ab;", "S = 10", "n = 3"):
        assert words in text
    command[-1] = "histopathology"
    with pytest.raises(SystemExit, match="no test log_likelihood of histopathology"):
        figure3.main(list(map(str, command)))


def test_dollar_signs_of_a_label_are_drawn_as_they_are(tmp_path):
    text = "a $x^$ b, costs $5 and $6"
    with matplotlib.rc_context():
        figure = style.blank(4, 4)
        style.frame(figure, "title", text, text)
        style.save(figure, [str(tmp_path / "figure.svg")])
    assert svg_text(tmp_path / "figure.svg").count(text) == 2


def test_an_unknown_format_is_refused_and_leaves_nothing(tmp_path):
    with matplotlib.rc_context(), pytest.raises(BadInput, match=r"expected \.png"):
        style.save(style.blank(1, 1), [str(tmp_path / "figure.gif")])
    assert not list(tmp_path.iterdir())


def test_figure3_draws_the_proposed_methods_test_scores(tmp_path, monkeypatch):
    drawn, draw = [], figure3.draw

    def kept(*arguments):
        drawn.append(arguments[:2])
        return draw(*arguments)

    monkeypatch.setattr(figure3, "draw", kept)
    path = write(
        tmp_path,
        seeds("mnist", "iop", [5.0, 7.0]),
        seeds("mnist", "standard", [1.0, 2.0]),
        seeds("mnist", "vampprior", [3.0, 4.0], 9),
        seeds("mnist", "iop", [0.0, 0.0], split="valid"),
    )
    asked = ["--dataset", "mnist", "--importance-samples", "10"]
    output = ["--output", str(tmp_path / "f.svg")]
    figure3.main([*NAMED, "--scores", str(path), *asked, *output])
    ((mixtures, ours),) = drawn
    assert ours.values.tolist() == [5, 7]
    assert [(c.components, c.values.tolist()) for c in mixtures] == [(9, [3, 4])]
