"""The pictures that the documents show are of the committed runs."""

import csv
import itertools

import numpy as np
import pytest
from PIL import Image

from benchmarks import report
from workflow import configuration, reference
from workflow.scripts import figure1, figure2, figure3

FOLDER = reference.FOLDER


def assert_shown(path, name):
    """That a picture is the one of docs/; another FreeType moves edges a little."""
    pictures = [Image.open(path), Image.open(configuration.ROOT / "docs" / name)]
    said, shown = (picture.text.get("Description") for picture in pictures)
    assert said == shown
    ours, shown = (np.asarray(p.convert("RGB")).astype(int) for p in pictures)
    assert ours.shape == shown.shape
    assert np.abs(ours - shown).mean() < 0.1


@pytest.mark.parametrize("number", [1, 2, 3])
def test_the_figures(number, tmp_path):
    layers = ["stand-ins.yaml"] * (number == 3)
    config = configuration.check(configuration.load("paper.yaml", *layers))
    pairs = configuration.onehot_pairs(config)
    swept = reference.present(config, configuration.figure3_pairs(config))
    runs = [sorted((FOLDER / f"runs/{d}/{m}").iterdir()) for d, m in pairs]
    script, arguments = {
        1: (figure1, ["--samples",
                      *(FOLDER / f"posterior/{d}/{m}.csv" for d, m in pairs),
                      "--seed", 0, "--runs", *(seeds[0] for seeds in runs)]),
        2: (figure2, ["--first-epoch", 100,
                      "--runs", *itertools.chain.from_iterable(runs)]),
        3: (figure3, ["--dataset", "bone-marrow", "--importance-samples", 10,
                      "--scores", *(FOLDER / f"scores/{d}/{m}.csv" for d, m in swept)]),
    }[number]  # fmt: skip
    arguments += ["--configuration", f"{config['name']} configuration"]
    arguments += ["--label", config["label"], "--output", tmp_path / "figure.png"]
    script.main([*map(str, arguments)])
    said = Image.open(tmp_path / "figure.png").text["Description"]
    assert "commit" in said
    assert_shown(tmp_path / "figure.png", f"figure{number}.png")


def test_the_bars_of_speed(tmp_path):
    with open(FOLDER / "speed/epyc.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    rows = [row | {name: float(row[name]) for name in report.NUMBERS} for row in rows]
    report.plot(rows, tmp_path / "speed.png")
    assert_shown(tmp_path / "speed.png", "speed.png")
