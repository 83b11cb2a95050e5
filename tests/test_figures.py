"""Figures 1 to 3, tested through their axes and the text of their SVG."""

import json
import math
import re
from itertools import pairwise

import matplotlib
import numpy as np
import pandas as pd
import pytest
from made import row
from matplotlib.colors import to_rgb

from workflow.scripts import figure1, figure2, figure3, scores, style
from workflow.scripts.reading import BadInput
from workflow.scripts.scores import Cell

LABEL = "quick configuration: not the paper's protocol"
REGISTRY = """
onehot: {title: OneHot}
histopathology: {title: Histopathology}
bone-marrow: {title: Bone marrow, stands_in_for: histopathology}
"""


@pytest.fixture
def registry(tmp_path):
    path = tmp_path / "datasets.yaml"
    path.write_text(REGISTRY)
    return path


def svg_text(path):
    """The visible text of an SVG, its lines joined by spaces."""
    found = re.findall(r"<text[^>]*>(.*?)</text>", path.read_text(), re.DOTALL)
    text = " ".join(re.sub(r"<[^>]*>", "", piece).strip() for piece in found)
    return text.replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&")


def lightness(colour):
    """CIE L* of an sRGB colour, after the standard's own formula."""
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in to_rgb(colour)
    ]
    y = np.dot(linear, [0.2126, 0.7152, 0.0722])
    return 116 * y ** (1 / 3) - 16


def test_the_four_vectors_can_be_told_apart_in_gray():
    levels = sorted(map(lightness, style.COLOURS))
    assert min(b - a for a, b in pairwise(levels)) > 15
    assert levels[-1] < 90
    assert len(set(style.MARKERS)) == 4


def samples(priors, seeds=(0,)):
    generator = np.random.default_rng(0)
    return pd.DataFrame(
        [
            (prior, seed, vector, *generator.normal(3 * vector + seed, 1, 2))
            for prior in priors
            for seed in seeds
            for vector in range(4)
            for _ in range(5)
        ],
        columns=figure1.COLUMNS,
    )


def test_figure1_draws_each_vector_of_each_method():
    frame = samples(["iop", "standard", "vampprior"])
    figure = figure1.draw(frame, "OneHot")
    assert [axis.get_title() for axis in figure.axes] == [
        "(a) Standard VAE",
        "(c) VAE with VampPrior",
        "(d) Proposed method",
    ]
    for prior, axis in zip(("standard", "vampprior", "iop"), figure.axes, strict=True):
        assert (axis.get_xlabel(), axis.get_ylabel()) == ("$z_1$", "$z_2$")
        assert axis.get_aspect() == 1
        assert len(axis.collections) == 4
        for vector, points in enumerate(axis.collections):
            rows = frame[(frame["prior"] == prior) & (frame["vector"] == vector)]
            assert np.array_equal(points.get_offsets(), rows[["z1", "z2"]])
        shapes = {c.get_paths()[0].vertices.tobytes() for c in axis.collections}
        assert len(shapes) == 4
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == list(figure1.VECTORS)


@pytest.mark.parametrize("vector", ["", "12", "4"])
def test_figure1_refuses_a_vector_that_is_none(tmp_path, vector):
    path = tmp_path / "samples.csv"
    samples(["iop"]).assign(vector=vector).to_csv(path, index=False)
    with pytest.raises(BadInput, match=f"'vector' is '{vector}', expected one of 0, 1"):
        figure1.read([path], 0)


def test_figure1_from_the_command_line(tmp_path, registry):
    path = tmp_path / "samples.csv"
    samples(["standard", "iop"], seeds=(0, 1)).to_csv(path, index=False)
    outputs = [tmp_path / f"figure1.{suffix}" for suffix in ("png", "pdf", "svg")]
    command = ["--registry", registry, "--label", LABEL, "--seed", "1"]
    record = tmp_path / "record.json"
    facts = {"commit": "0123456789ab+", "device": "cpu", "precision": "float32"}
    facts["versions"] = {"torch": "2.13.0"}
    record.write_text(json.dumps(facts | {"seed": 1}))
    command += ["--records", record]
    command += ["--samples", path, "--output", *outputs]
    figure1.main(list(map(str, command)))
    first = [output.read_bytes() for output in outputs]
    assert [data[:4] for data in first] == [b"\x89PNG", b"%PDF", b"<?xm"]
    text = svg_text(outputs[-1])
    for words in (
        LABEL,
        "OneHot",
        "Seed 1. Runs: commit 0123456789ab+; device cpu",
        "(d) Proposed method",
    ):
        assert words in text
    figure1.main(list(map(str, command)))
    assert [output.read_bytes() for output in outputs] == first
    assert b"CreationDate" not in first[1]
    command[5] = "7"
    with pytest.raises(SystemExit, match="'seed' of standard is 0, 1, expected 7"):
        figure1.main(list(map(str, command)))
    command[5] = "0"
    record.write_text("{}")
    with pytest.raises(SystemExit, match="not a run's record"):
        figure1.main(list(map(str, command)))


def run(values, start=1, exact=np.nan):
    """A run's frame as figure2.read returns it; exact: ln p(x), by default unknown."""
    index = np.arange(start, start + len(values))
    return pd.DataFrame({"elbo": values, "exact": exact}, index=index)


def test_figure2_shows_the_optimum_from_the_first_epoch():
    curves = {
        method: [run(np.linspace(-2, -1.5, 300))] for method in ("standard", "avb")
    }
    figure = figure2.draw(curves, 100, "OneHot")
    assert [axis.get_title() for axis in figure.axes] == [
        "(a) Standard VAE",
        "(b) AVB (estimated ELBO)",
    ]
    for axis in figure.axes:
        (line,) = (one for one in axis.lines if one.get_label() == "optimum")
        assert set(line.get_ydata()) == {-math.log(4)}
        assert line.get_linestyle() == "--"
        assert "-ln 4" in [text.get_text() for text in axis.texts]
        assert axis.get_xlim() == (100, 300)
        (mean,) = (one for one in axis.lines if one.get_label() == "mean")
        assert mean.get_xdata().tolist() == list(range(100, 301))
        assert "nats" in axis.get_ylabel()
        low, high = axis.get_ylim()
        assert low < -2 + 0.5 * 99 / 299
        assert high > -math.log(4)


def test_figure2_band_is_the_deviation_over_seeds():
    runs = [run([-2.0, -1.9, -1.8]), run([-1.8, -1.8, -1.8]), run([-1.6, -1.4, -1.5])]
    axis = figure2.draw({"iop": runs}, 1, "OneHot").axes[0]
    values = np.array([one["elbo"] for one in runs])
    (mean,) = (one for one in axis.lines if one.get_label() == "mean")
    assert mean.get_ydata() == pytest.approx(values.mean(0))
    (band,) = axis.collections
    corners = band.get_paths()[0].vertices
    for epoch in (1, 2, 3):
        ys = corners[corners[:, 0] == epoch, 1]
        column = values[:, epoch - 1]
        assert ys.max() == pytest.approx(column.mean() + column.std(ddof=1))
        assert ys.min() == pytest.approx(column.mean() - column.std(ddof=1))


def test_figure2_averages_only_while_every_run_trains():
    runs = [run([-1.5] * 10), run([-1.7] * 6), run([-1.6] * 8)]
    axis = figure2.draw({"iop": runs}, 2, "OneHot").axes[0]
    lines = {}
    for line in axis.lines:
        lines.setdefault(line.get_label(), []).append(line)
    (mean,) = lines["mean"]
    assert mean.get_xdata().tolist() == [2, 3, 4, 5, 6]
    assert mean.get_ydata() == pytest.approx(-1.6)
    ends = sorted(float(line.get_xdata()[0]) for line in lines["stop"])
    assert ends == [6, 8, 10]
    assert {line.get_xdata()[0] for line in lines["run"]} == {6}
    assert "n = 3; first stop at epoch 6" in [text.get_text() for text in axis.texts]


def test_figure2_dots_ln_p_where_every_run_has_it():
    some = [np.nan, -1.8, np.nan, -1.6], [-1.9, -1.6, np.nan, -1.5]
    runs = [run([-1.3] * 4, exact=exact) for exact in some]
    axis = figure2.draw({"iop": runs}, 1, "OneHot").axes[0]
    (dotted,) = (one for one in axis.lines if one.get_label() == "exact")
    assert dotted.get_linestyle() == ":"
    assert dotted.get_xdata().tolist() == [2, 4]
    assert dotted.get_ydata() == pytest.approx([-1.7, -1.55])
    assert axis.get_ylim()[0] < -1.8


def test_figure2_a_dive_does_not_squash_the_rest():
    dives = np.full(400, -1.45)
    dives[200:203] = -500
    curves = {"standard": [run(np.full(400, -1.6))], "avb": [run(dives)]}
    figure = figure2.draw(curves, 100, "OneHot")
    low, high = figure.axes[0].get_ylim()
    assert -1.7 < low < -1.6
    assert -math.log(4) < high < -1.3
    assert figure.axes[1].get_ylim() == (low, high)
    assert "lowest -500" in figure.axes[1].texts[0].get_text()
    lost = {"avb": [run(np.full(400, -500.0))], "iop": [run(np.full(400, -1.4))]}
    low, _ = figure2.draw(lost, 100, "OneHot").axes[0].get_ylim()
    assert low == pytest.approx(4 * (0.25 * np.log(0.25) + 0.75 * np.log(0.75)) - 0.1)


def curve_file(path, epochs, values):
    pd.DataFrame({"epoch": epochs, "beta": 1.0, "valid_elbo": values}).to_csv(
        path, index=False
    )
    return path


def test_figure2_from_the_command_line(tmp_path, registry):
    epochs = np.arange(1, 21)
    files = [
        curve_file(tmp_path / f"{k}.csv", epochs, -2 + epochs / 50) for k in range(2)
    ]
    output = tmp_path / "figure2.svg"
    command = ["--registry", registry, "--label", LABEL, "--first-epoch", "5"]
    command += ["--output", output, "--curves", f"standard={files[0]}"]
    figure2.main(list(map(str, [*command, "--curves", f"iop={files[1]}"])))
    command[5] = "100"
    with pytest.raises(SystemExit, match="ends at epoch 20, expected epochs from 100"):
        figure2.main(list(map(str, command)))
    text = svg_text(output)
    for words in (LABEL, "OneHot", "-ln 4", "(estimated ELBO)", "from epoch 5"):
        assert words in text
    assert "Estimated ELBOs come from a density-ratio network" in text
    assert "Dotted" not in text
    exact = np.where(epochs % 10, np.nan, -1.7)
    pd.read_csv(files[1]).assign(**{figure2.EXACT: exact}).to_csv(files[1], index=False)
    command[5] = "5"
    figure2.main(list(map(str, [*command, "--curves", f"iop={files[1]}"])))
    assert "Dotted: ln p(x) itself, by quadrature" in svg_text(output)
    for wrong, words in (
        (f"gan={files[0]}", "expected one of standard"),
        (str(files[0]), "expected KEY=VALUE"),
        (
            f"iop={curve_file(tmp_path / 'x.csv', [1, 3], [0, 0])}",
            "ascend, without gaps",
        ),
    ):
        with pytest.raises(SystemExit, match=words):
            figure2.main(list(map(str, [*command, wrong])))


@pytest.mark.parametrize("last", [np.nan, np.inf, -np.inf])
def test_figure2_shows_a_run_that_diverged_to_its_last_number(tmp_path, last):
    path, values = tmp_path / "c.csv", [-2.0, -1.9, last]
    run = figure2.read(curve_file(path, [1, 2, 3], values))
    assert run["elbo"].to_dict() == {1: -2.0, 2: -1.9}
    with pytest.raises(BadInput, match=r"line 2, column 'valid_elbo' is '(|-?inf)'"):
        figure2.read(curve_file(path, [1, 2, 3], values[::-1]))


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


def test_figure3_names_a_stand_in(tmp_path, registry):
    rows = [
        row("bone-marrow", prior, seed, seed + 1.5, k)
        for prior, k in (("vampprior", 50), ("vampprior", 100), ("iop", ""))
        for seed in range(3)
    ]
    path, output = tmp_path / "scores.csv", tmp_path / "figure3.svg"
    pd.DataFrame(rows, columns=scores.COLUMNS).to_csv(path, index=False)
    command = ["--registry", registry, "--scores", path, "--output", output]
    marrow = [*command, "--label", LABEL, "--dataset", "bone-marrow"]
    figure3.main(list(map(str, marrow)))
    text = svg_text(output)
    assert "Bone marrow (stand-in for Histopathology)" in text
    for words in (LABEL, "commit 0123456789ab;", "S = 10", "n = 3"):
        assert words in text
    with pytest.raises(SystemExit, match="no test log_likelihood of histopathology"):
        figure3.main(list(map(str, command)))


def test_an_unknown_format_is_refused_and_leaves_nothing(tmp_path):
    with matplotlib.rc_context(), pytest.raises(BadInput, match=r"expected \.png"):
        style.save(style.blank(1, 1), [str(tmp_path / "figure.gif")])
    assert not list(tmp_path.iterdir())
