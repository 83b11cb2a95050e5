"""Tables 1 and 2 from hand-made scores and arrays with known answers."""

import re

import numpy as np
import pandas as pd
import pytest
from made import (
    LABEL,
    MARROW,
    MNIST,
    canonical,
    cells,
    command,
    row,
    seeds,
    spread,
    write,
)

from workflow.report import tabular
from workflow.scripts import table1, table2


def run_table2(tmp_path, path, asked, *more):
    out = {kind: tmp_path / f"table2.{kind}" for kind in ("csv", "md", "tex")}
    table2.main(
        command(
            f"--scores {path} --csv {out['csv']} "
            f"--markdown {out['md']} --latex {out['tex']}",
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
    assert frame.columns.tolist() == table2.COLUMNS


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


def test_only_the_k_and_s_asked_for_count(tmp_path):
    path = write(
        tmp_path,
        *MNIST,
        seeds("mnist", "vampprior", [-70.0, -71.0], 50),
        seeds("mnist", "standard", [-80.0, -81.0], samples=1000),
    )
    asked = [field.replace("-500", "-50") for field in cells("mnist")]
    frame, *_ = run_table2(tmp_path, path, asked)
    assert frame["mean"].tolist() == pytest.approx([-85.84, -70.5, -83.21])
    frame, *_ = run_table2(tmp_path, path, [*asked[:-1], "1000"])
    assert frame["mean"].tolist()[0] == -80.5
    assert frame["n"].tolist() == [2, 0, 0]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (["mnist=standard"], "'mnist=standard', expected DATASET/METHOD"),
        (["mnist/map"], "'map', expected one of standard, avb, vampprior-K, iop"),
        (["mnist/vampprior"], "'vampprior', expected one of"),
        (["mnist/iop-50"], "'iop-50', expected one of"),
        (["mnist/vampprior-5", "mnist/vampprior-50"], "mnist has two of vampprior"),
        (["mnist/iop", "mnist/standard", "onehot/iop"], "onehot lacks standard"),
    ],
)
def test_wrong_cells_are_named(tmp_path, capsys, asked, words):
    more = ["--cells", *asked, "--importance-samples", "10"]
    with pytest.raises(SystemExit) as end:
        run_table2(tmp_path, write(tmp_path, *MNIST), more)
    assert words in f"{end.value} {capsys.readouterr().err}"


def test_other_metrics_and_splits_stay_out(tmp_path):
    path = write(
        tmp_path,
        MNIST[0],
        seeds("mnist", "standard", [0.0] * 8, metric="elbo", samples=1),
        seeds("mnist", "standard", [0.0] * 8, split="valid"),
    )
    frame, *_ = run_table2(tmp_path, path, cells("mnist"))
    assert frame.loc[0, ["n", "mean"]].tolist() == pytest.approx([8, -85.84])


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ([row("mnist", "iop", 0, "nan")], "line 2, column 'value' is 'nan'"),
        ([row("mnist", "map", 0, 1)], "line 2, column 'prior' is 'map', expected one"),
        ([row("mnist", "iop", 0, 1, 500)], "column 'components' is 500"),
        ([row("mnist", "vampprior", 0, 1)], "column 'components' is None"),
        ([row("mnist", "iop", 0, 1, diverged="no")], "column 'diverged' is 'no'"),
        ([row("mnist", "iop", 0, 1)] * 2, "a second row for dataset mnist"),
        (
            [row("mnist", "iop", 0, 1), row("mnist", "iop", 1, 1, data_digest="x")],
            "'data_digest' of mnist is mnist and x",
        ),
    ],
)
def test_bad_scores_end_with_one_line(tmp_path, bad, words):
    path = write(tmp_path, bad)
    with pytest.raises(SystemExit) as end:
        run_table2(tmp_path, path, cells("mnist"))
    message = str(end.value)
    assert words in message
    assert str(path) in message
    assert "\n" not in message


def test_wrong_files_and_names_end_with_one_line(tmp_path):
    short = tmp_path / "short.csv"
    short.write_text("dataset,prior\nmnist,iop\n")
    empty = tmp_path / "empty.csv"
    empty.touch()
    for path, dataset, words in (
        (short, "mnist", "column 'components' is missing"),
        (empty, "mnist", "not a CSV file"),
        (tmp_path / "absent.csv", "mnist", "No such file"),
        (write(tmp_path, *MNIST), "cifar", "dataset 'cifar' is not in the registry"),
    ):
        with pytest.raises(SystemExit, match=words):
            run_table2(tmp_path, path, cells(dataset))
    assert not list(tmp_path.glob("table2.*"))


def run_table1(tmp_path, *more):
    out = {kind: tmp_path / f"table1.{kind}" for kind in ("csv", "md", "tex")}
    table1.main(
        command(
            f"--configuration quick --csv {out['csv']} "
            f"--markdown {out['md']} --latex {out['tex']}",
            *more,
        )
    )
    return pd.read_csv(out["csv"]), out["md"].read_text(), out["tex"].read_text()


def test_table1_counts_the_arrays(tmp_path):
    frame, markdown, latex = run_table1(
        tmp_path, "--label", LABEL, "--data", *canonical(tmp_path)
    )
    assert frame[["dimension", "train", "valid", "test"]].to_numpy().tolist() == [
        [4, 1000, 100, 1000],
        [9, 30, 20, 10],
    ]
    assert set(frame["configuration"]) == {"quick"}
    assert re.search(r"\| OneHot +\| +4 \| +1,000 \| +100 \| +1,000 \|", markdown)
    assert r"OneHot & 4 & 1,000 & 100 & 1,000 \\" in latex
    assert LABEL in markdown
    assert r"50 \% of the paper's seeds \& less" in latex
    assert "Bone marrow (stand-in for Histopathology)" in markdown
    assert r"Bone marrow (stand-in for Histopathology)" in latex
    assert frame.loc[0, "digest"][:12] in markdown


def test_table1_again_shows_what_is_asked_for_and_there(tmp_path):
    rows, *_ = run_table1(tmp_path, "--data", *canonical(tmp_path))
    first = tmp_path / "first.csv"
    rows.to_csv(first, index=False)
    wanted = ("--datasets", "bone-marrow", "mnist", "onehot")
    again, *_ = run_table1(tmp_path, "--sizes", first, *wanted)
    expected = rows.set_index("dataset").loc[["bone-marrow", "onehot"]]
    pd.testing.assert_frame_equal(again.set_index("dataset"), expected)


def test_table1_refuses_another_file(tmp_path):
    with pytest.raises(SystemExit, match="not a canonical dataset file"):
        run_table1(tmp_path, "--data", write(tmp_path, *MNIST))


def test_table1_has_the_papers_columns_in_order():
    row = {"title": "x", "dimension": 1, "train": 2, "valid": 3, "test": 4}
    assert table1.grid([row]) == [["x", "1", "2", "3", "4"]]
    names = [word.split()[0] for word in table1.HEADER[1:]]
    assert names == ["Dimension", "Train", "Valid", "Test"]
