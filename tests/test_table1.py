"""Table 1, from made arrays with known sizes."""

import re

import pandas as pd
import pytest
from made import (
    LABEL,
    MNIST,
    arguments,
    canonical,
    write,
)

from workflow.scripts import table1


def run_table1(tmp_path, *more):
    out = {kind: tmp_path / f"table1.{kind}" for kind in ("csv", "md", "tex")}
    table1.main(
        arguments(
            *("--configuration", "quick", "--csv", out["csv"]),
            *("--markdown", out["md"], "--latex", out["tex"]),
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
    assert frame.loc[0, "origin"] == "made"


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
