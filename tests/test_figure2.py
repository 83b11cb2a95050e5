"""Figure 2: what its picture shows."""

import math

import made
import numpy as np
import pandas as pd
import pytest
from made import NAMED

from tests.drawn import LABEL, svg_text
from workflow.report import curves
from workflow.report.reading import BadInput
from workflow.scripts import figure2


def run(values, start=1, exact=np.nan):
    """A run's frame as curves.read returns it; exact: ln p(x), by default unknown."""
    index = np.arange(start, start + len(values))
    return pd.DataFrame({"elbo": values, "exact": exact}, index=index)


def test_figure2_shows_the_optimum_from_the_first_epoch():
    runs = {method: [run(np.linspace(-2, -1.5, 300))] for method in ("standard", "avb")}
    figure = figure2.draw(runs, 100, "OneHot")
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
    runs = {"standard": [run(np.full(400, -1.6))], "avb": [run(dives)]}
    figure = figure2.draw(runs, 100, "OneHot")
    low, high = figure.axes[0].get_ylim()
    assert -1.7 < low < -1.6
    assert -math.log(4) < high < -1.3
    assert figure.axes[1].get_ylim() == (low, high)
    assert "lowest -500" in figure.axes[1].texts[0].get_text()
    lost = {"avb": [run(np.full(400, -500.0))], "iop": [run(np.full(400, -1.4))]}
    low, _ = figure2.draw(lost, 100, "OneHot").axes[0].get_ylim()
    assert low == pytest.approx(4 * (0.25 * np.log(0.25) + 0.75 * np.log(0.75)) - 0.1)


def frame(epochs, values):
    return pd.DataFrame({"epoch": epochs, "beta": 1.0, "valid_elbo": values})


def test_figure2_from_the_command_line(tmp_path):
    epochs, output = np.arange(1, 21), tmp_path / "figure2.svg"
    curve = frame(epochs, -2 + epochs / 50)
    folders = [made.run(tmp_path / m, m, curve) for m in ("standard", "iop")]
    command = ["--label", LABEL, "--first-epoch", "5", "--output", output]
    command += [*NAMED, "--runs"]

    def draw(*runs):
        figure2.main(list(map(str, [*command, *runs])))
        return svg_text(output)

    text = draw(*folders)
    for words in (LABEL, "OneHot", "-ln 4", "(estimated ELBO)", "from epoch 5"):
        assert words in text
    assert "Estimated ELBOs come from a density-ratio network" in text
    assert "Dotted" not in text
    exact = np.where(epochs % 10, np.nan, -1.7)
    made.run(folders[1], "iop", curve.assign(**{curves.EXACT: exact}))
    assert "Dotted: ln p(x) itself, by quadrature" in draw(*folders)
    assert "Diverged" not in draw(*folders)
    ended = made.run(tmp_path / "ended", "iop", curve, diverged=True)
    assert "Diverged: 1 of them." in draw(*folders, ended)
    gaps = frame([1, 3], [0, 0])
    short = made.run(tmp_path / "short", "iop", curve, epochs=21)
    other = made.run(tmp_path / "other", "iop", curve, dataset="freyfaces")
    slow = {"method": "iop", "learning_rate": 1e-4}
    slow = made.run(tmp_path / "slow", "iop", curve, settings=slow)
    for wrong, words in (
        (made.run(tmp_path / "gan", "gan", curve), "'gan', expected one of standard"),
        (tmp_path, "not a run's record"),
        (made.run(tmp_path / "gaps", "iop", gaps), "ascend, without gaps"),
        (short, "short/curve.csv: 20 rows, expected 21, one an epoch"),
        (other, "other/record.json: dataset 'freyfaces', expected onehot"),
        (folders[0], "standard: given twice, expected each run once"),
        (slow, "onehot/iop of learning_rate None and 0.0001, expected one"),
    ):
        with pytest.raises(SystemExit, match=words):
            draw(*folders, wrong)
    command[3] = "100"
    with pytest.raises(SystemExit, match="end at epoch 20, expected epochs from 100"):
        draw(*folders)


@pytest.mark.parametrize("last", [np.nan, np.inf, -np.inf])
def test_figure2_shows_a_run_that_diverged_to_its_last_number(tmp_path, last):
    path, values = tmp_path / "curve.csv", [-2.0, -1.9, last]
    frame([1, 2, 3], values).to_csv(path, index=False)
    assert curves.read(tmp_path, 3)["elbo"].to_dict() == {1: -2.0, 2: -1.9}
    frame([1, 2, 3], values[::-1]).to_csv(path, index=False)
    with pytest.raises(BadInput, match=r"line 2, column 'valid_elbo' is '(|-?inf)'"):
        curves.read(tmp_path, 3)
