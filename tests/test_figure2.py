"""Figure 2: what its picture shows."""

import math

import numpy as np
import pandas as pd
import pytest

from tests.drawn import LABEL, svg_text
from workflow.scripts import figure2
from workflow.scripts.reading import BadInput


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


def test_figure2_from_the_command_line(tmp_path, figure_registry):
    epochs = np.arange(1, 21)
    files = [
        curve_file(tmp_path / f"{k}.csv", epochs, -2 + epochs / 50) for k in range(2)
    ]
    output = tmp_path / "figure2.svg"
    command = ["--registry", figure_registry, "--label", LABEL, "--first-epoch", "5"]
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
