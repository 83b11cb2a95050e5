"""Figure 1: what its picture shows."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from made import NAMED, run
from matplotlib.colors import to_rgb

from tests.drawn import LABEL, svg_text
from workflow.report import style
from workflow.report.reading import BadInput
from workflow.scripts import figure1


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
    vectors = [str(tuple(map(int, row))) for row in np.eye(4)]
    assert [text.get_text() for text in legend.get_texts()] == vectors


@pytest.mark.parametrize("vector", ["", "12", "4"])
def test_figure1_refuses_a_vector_that_is_none(tmp_path, vector):
    path = tmp_path / "samples.csv"
    samples(["iop"]).assign(vector=vector).to_csv(path, index=False)
    with pytest.raises(BadInput, match=f"'vector' is '{vector}', expected one of 0, 1"):
        figure1.read([path], 0)


def test_figure1_from_the_command_line(tmp_path):
    path = tmp_path / "samples.csv"
    samples(["standard", "iop"], seeds=(0, 1)).to_csv(path, index=False)
    outputs = [tmp_path / f"figure1.{suffix}" for suffix in ("png", "pdf", "svg")]
    command = ["--label", LABEL, "--seed", "1"]
    folder = run(tmp_path / "run", "iop", "", seed=1, commit="0123456789ab+")
    command += ["--runs", folder]
    command += [*NAMED, "--samples", path, "--output", *outputs]
    assert set(figure1.read([path], 1)["seed"]) == {1}
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
    command[3] = "7"
    with pytest.raises(SystemExit, match="'seed' of standard is 0, 1, expected 7"):
        figure1.main(list(map(str, command)))
    command[3] = "0"
    (folder / "record.json").write_text("{}")
    with pytest.raises(SystemExit, match="not a run's record"):
        figure1.main(list(map(str, command)))
