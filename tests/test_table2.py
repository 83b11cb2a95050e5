"""Table 2, from made scores with known answers."""

import re

import numpy as np
import pandas as pd
import pytest
from made import (
    LABEL,
    MARROW,
    MNIST,
    NAMED,
    arguments,
    cells,
    seeds,
    spread,
    write,
)

from workflow.report import tabular
from workflow.scripts import table2


def run_table2(tmp_path, path, asked, *more):
    out = {kind: tmp_path / f"table2.{kind}" for kind in ("csv", "md", "tex")}
    table2.main(
        arguments(
            *("--scores", path, "--csv", out["csv"]),
            *("--markdown", out["md"], "--latex", out["tex"]),
            *NAMED,
            *asked,
            *more,
        )
    )
    return pd.read_csv(out["csv"]), out["md"].read_text(), out["tex"].read_text()


def test_table2_shows_the_papers_cells(tmp_path):
    frame, markdown, latex = run_table2(
        tmp_path, write(tmp_path, *MNIST), cells("mnist")
    )
    lines = {
        fields[1].strip(): fields[2].strip()
        for line in markdown.splitlines()
        if len(fields := line.split("|")) == 4
    }
    assert lines["Standard VAE"] == "-85.84 ± 0.07"
    assert lines["VAE with VampPrior"] == "-83.90 ± 0.08"
    assert lines["Proposed method"] == "≈ **-83.21 ± 0.13**"
    assert r"Proposed method & $\approx \mathbf{-83.21 \pm 0.13}$ \\" in latex
    assert r"Standard VAE & $-85.84 \pm 0.07$ \\" in latex
    for text in (markdown, latex):
        assert "Seeds n = 8." in text
        assert "commit 0123456789ab;" in text
        assert "device cpu" in text
        assert "S = 10" in text
    assert frame["mean"].tolist() == pytest.approx([-85.84, -83.90, -83.21])
    assert frame["sd"].tolist() == pytest.approx([0.07, 0.08, 0.13])
    assert frame["bold"].tolist() == [False, False, True]
    assert frame["approximate"].tolist() == [False, False, True]
    assert frame["components"].dropna().tolist() == [500]


def test_what_does_not_differ_from_the_best_is_bold_too(tmp_path):
    path = write(
        tmp_path,
        seeds("freyfaces", "vampprior", spread(1392.62, 6.25), 500),
        seeds("freyfaces", "iop", spread(1396.27, 2.75)),
    )
    frame, markdown, latex = run_table2(tmp_path, path, cells("freyfaces"))
    assert frame["bold"].tolist() == [False, True, True]
    assert frame["best"].tolist() == [False, False, True]
    assert frame.loc[1, "p_value"] == pytest.approx(0.1627, abs=1e-4)
    assert markdown.count("**13") == latex.count("mathbf{13") == 2


def test_the_csv_reads_back_to_the_same_numbers(tmp_path):
    values = [0.1, 0.2, 0.4]
    frame, *_ = run_table2(
        tmp_path, write(tmp_path, seeds("mnist", "iop", values)), cells("mnist")
    )
    assert frame.loc[2, "mean"] == np.mean(values)
    assert frame.loc[2, "sd"] == np.std(values, ddof=1)
    assert frame.columns.tolist() == ["configuration", *table2.COLUMNS]


def test_label_and_stand_in_are_on_every_table2(tmp_path):
    frame, markdown, latex = run_table2(
        tmp_path,
        write(tmp_path, *MARROW),
        cells("bone-marrow"),
        *("--configuration", "quick", "--label", LABEL),
    )
    assert set(frame["configuration"]) == {"quick"}
    assert set(frame["stand_in_for"]) == {"histopathology"}
    name = "Bone marrow (stand-in for Histopathology)"
    assert LABEL in markdown
    assert name in markdown
    assert r"quick configuration: 50 \% of the paper's seeds \& less" in latex
    assert name in latex


def test_a_missing_cell_is_a_dash_and_never_a_number(tmp_path):
    frame, markdown, latex = run_table2(
        tmp_path, write(tmp_path, MNIST[0]), cells("mnist", "omniglot")
    )
    assert re.search(
        r"\| Proposed method +\| +\N{EN DASH} \| +\N{EN DASH} \|", markdown
    )
    assert r"Proposed method & -- & -- \\" in latex
    assert "\N{EN DASH}: no scores" in markdown
    empty = frame[frame["n"] == 0]
    assert len(empty) == 5
    assert empty[["mean", "sd", "p_value"]].isna().all(axis=None)
    assert not empty["bold"].any()


def test_one_seed_gives_no_deviation_and_no_test(tmp_path):
    frame, markdown, _ = run_table2(
        tmp_path,
        write(
            tmp_path,
            seeds("mnist", "standard", [-90.0]),
            seeds("mnist", "iop", [-89.99]),
        ),
        cells("mnist", priors=("standard", "iop")),
    )
    assert not frame["bold"].any()
    assert frame["best"].tolist() == [False, True]
    assert frame[["sd", "p_value"]].isna().all(axis=None)
    assert "| -90.00 |" in markdown.replace("  ", "")
    assert "no test is possible" in markdown


def test_unequal_numbers_of_seeds_are_told(tmp_path):
    groups = [*MNIST, seeds("omniglot", "iop", [1.0, 2.0, 3.0])]
    _, markdown, _ = run_table2(
        tmp_path, write(tmp_path, *groups), cells("mnist", "omniglot")
    )
    assert "Seeds n = 8, but 3 in OMNIGLOT." in markdown


def test_seeds_of_different_settings_make_no_cell(tmp_path):
    groups = [
        seeds("freyfaces", "vampprior", spread(1400, 3), 500),
        [seeds("freyfaces", "vampprior", [1.0] * 9, 500, settings_digest="x")[8]],
    ]
    words = "'settings_digest' of freyfaces/vampprior/500 is settings and x, expected"
    with pytest.raises(SystemExit, match=words):
        run_table2(tmp_path, write(tmp_path, *groups), cells("freyfaces"))


def test_another_s_than_the_scores_have_is_refused(tmp_path):
    path = write(tmp_path, seeds("freyfaces", "iop", spread(1400, 3)))
    asked = [*cells("freyfaces")[:-1], "20"]
    words = "--importance-samples 20: the scores have 10, expected one of these"
    with pytest.raises(SystemExit, match=words):
        run_table2(tmp_path, path, asked)


def test_runs_that_diverged_are_told(tmp_path):
    scored = seeds("mnist", "standard", [-90.0, -90.1, -90.2])
    scored[1]["diverged"] = True
    scored += seeds("mnist", "iop", [-89.0, -89.1])
    frame, markdown, _ = run_table2(tmp_path, write(tmp_path, scored), cells("mnist"))
    assert frame["diverged"].tolist() == [1, 0, 0]
    line = "Diverged, after the epoch that is kept: 1 of 3 in MNIST (Standard VAE)."
    assert line in markdown


def test_another_precision_is_told(tmp_path):
    for there, told in (("float32", False), ("tensorfloat32", True)):
        rows = seeds("omniglot", "iop", [1.0, 2.0, 3.0], precision=there)
        frame, markdown, _ = run_table2(
            tmp_path, write(tmp_path, *MNIST, rows), cells("mnist", "omniglot")
        )
        line = "Matrix products of training: float32, but tensorfloat32 in OMNIGLOT."
        assert (line in markdown) is told
        assert ("Matrix products" in markdown) is told
        assert frame["precision"].dropna().tolist() == ["float32"] * 3 + [there]


def test_a_title_of_ones_own_is_escaped_in_latex_alone(tmp_path, monkeypatch):
    monkeypatch.setitem(table2.METHODS, "iop", "my_prior & 5 %")
    path = write(tmp_path, *MNIST)
    _, markdown, latex = run_table2(tmp_path, path, cells("mnist"))
    assert r"my\_prior \& 5 \% & $\approx" in latex
    assert "| my_prior & 5 % " in markdown


def test_latex_is_balanced(tmp_path):
    _, _, latex = run_table2(
        tmp_path,
        write(tmp_path, *MARROW, *MNIST),
        cells("mnist", "bone-marrow"),
        *("--label", r"a_b {50%} #1 ~ ^ \ $"),
    )
    bare = re.sub(r"\\[{}]", "", latex)
    depth = 0
    for letter in bare:
        depth += {"{": 1, "}": -1}.get(letter, 0)
        assert depth >= 0
    assert depth == 0
    assert len(re.findall(r"(?<!\\)\$", latex)) % 2 == 0
    assert latex.count(r"\begin{") == latex.count(r"\end{") == 2
    body = [line for line in latex.splitlines() if line.endswith(r"\\")]
    assert [line.count("&") for line in body] == [2] * 4
    assert not re.search(r"(?<!\\)[%#_^~]", latex.replace("{tab:table2}", ""))


def test_markdown_escapes_a_pipe():
    assert r"q(z\|x)" in tabular.markdown(["q(z|x)"], [["1"]])
