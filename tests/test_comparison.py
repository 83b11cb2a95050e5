"""The comparison with the paper, from hand-made scores with known answers."""

import pandas as pd
import pytest
from made import (
    LABEL,
    MARROW,
    MNIST,
    NAMED,
    arguments,
    canonical,
    cells,
    seeds,
    spread,
    write,
)

from workflow.configuration import ROOT
from workflow.scripts import comparison, table1


def compare(tmp_path, path, asked, *more, protocol="paper"):
    out = {key: tmp_path / key for key in ("c.csv", "o.csv", "s.csv", "c.md")}
    paper = ROOT / "results/reference"
    comparison.main(
        arguments(
            *("--scores", path, "--csv", out["c.csv"], "--order-csv", out["o.csv"]),
            *("--sizes-csv", out["s.csv"], "--markdown", out["c.md"]),
            *("--table1", paper / "paper_table1.csv"),
            *("--paper", paper / "paper.csv"),
            *("--paper-table1", paper / "paper_table1.csv"),
            *NAMED,
            *asked,
            *("--protocol", protocol),
            *more,
        )
    )
    values = pd.read_csv(out["c.csv"]).set_index(["dataset", "prior"])
    order = pd.read_csv(out["o.csv"]).set_index(["dataset", "prior", "other"])
    return values, order, out["c.md"].read_text()


def test_the_papers_numbers_hold_against_themselves(tmp_path):
    values, order, markdown = compare(tmp_path, write(tmp_path, *MNIST), cells("mnist"))
    assert set(values["verdict"]) == set(order["verdict"]) == {"holds"}
    assert values["difference"].tolist() == pytest.approx([0, 0, 0], abs=1e-9)
    assert values["p_value"].tolist() == pytest.approx([1, 1, 1])
    assert "no proof of equality" in markdown
    assert markdown.count("holds: 3.") == 2  # cells, and gaps between them
    gaps = order["gap"].tolist()
    assert gaps == pytest.approx([1.94, 2.63, 0.69])
    assert gaps == pytest.approx(order["paper_gap"].tolist())
    assert order["shift"].tolist() == pytest.approx([0, 0, 0], abs=1e-9)
    assert order["shift_p_value"].tolist() == pytest.approx([1, 1, 1])


def test_value_verdicts(tmp_path):
    path = write(
        tmp_path,
        seeds("mnist", "standard", spread(-85.0, 0.07)),
        seeds("mnist", "vampprior", spread(-84.9, 0.08), 500),
        seeds("omniglot", "standard", [-111.39]),
        seeds("omniglot", "vampprior", spread(-110.53, 0.09), 50),
        seeds("digits-binary", "standard", spread(-20, 1)),
        MARROW[0],
    )
    values, order, _ = compare(
        tmp_path,
        path,
        [
            field.replace("omniglot/vampprior-500", "omniglot/vampprior-50")
            for field in cells("mnist", "omniglot", "digits-binary", "bone-marrow")
        ],
    )
    verdicts = values["verdict"]
    assert verdicts["mnist", "standard"] == "differs, higher"
    assert verdicts["mnist", "vampprior"] == "differs, lower"
    assert verdicts["mnist", "iop"] == "missing"
    assert verdicts["omniglot", "standard"] == "too few seeds"
    single = values.loc[("omniglot", "standard")]
    assert single["difference"] == pytest.approx(0)
    assert single[["low", "high", "p_value"]].isna().all()
    assert verdicts["omniglot", "vampprior"] == "not comparable: K = 50, not 1000"
    assert verdicts["digits-binary", "standard"] == "not in the paper"
    assert verdicts["bone-marrow", "standard"] == "not comparable: stand-in"
    told = values.loc[("bone-marrow", "standard")]
    assert told[["difference", "low", "high", "p_value"]].isna().all()
    assert order.loc[("mnist", "standard", "iop"), "verdict"] == "missing"


def test_other_importance_samples_are_not_comparable(tmp_path):
    rows = seeds("freyfaces", "standard", spread(1382.53, 3.57), samples=100)
    asked = [*cells("freyfaces")[:-1], "100"]
    values, _, _ = compare(tmp_path, write(tmp_path, rows), asked)
    verdict = values["verdict"]["freyfaces", "standard"]
    assert verdict == "not comparable: S = 100, not 10"


@pytest.mark.parametrize(
    ("vampprior", "verdict"),
    [
        (spread(-83.9, 0.08), "holds"),
        (spread(-87.0, 0.08), "differs, reversed"),
        (spread(-85.8, 0.08), "differs, lower"),
        (spread(-83.0, 0.08), "differs, higher"),
        (spread(-84.8, 5.0), "open: significant only in the paper"),
        ([-83.9], "too few seeds"),
    ],
)
def test_order_verdicts(tmp_path, vampprior, verdict):
    path = write(
        tmp_path, MNIST[0], seeds("mnist", "vampprior", vampprior, 500), MNIST[2]
    )
    _, order, _ = compare(tmp_path, path, cells("mnist"))
    assert order.loc[("mnist", "standard", "vampprior"), "verdict"] == verdict


def test_the_order_of_a_stand_in_is_compared(tmp_path):
    _, order, markdown = compare(
        tmp_path, write(tmp_path, *MARROW), cells("bone-marrow")
    )
    # the paper's standard and VampPrior do not differ on Histopathology at 5 %
    assert order["verdict"].tolist() == ["open: significant in neither", *["holds"] * 2]
    assert order["paper_gap"].tolist() == pytest.approx([1.58, 5.89, 4.31])
    assert "Bone marrow (stand-in for Histopathology)" in markdown
    many = [[fields | {"samples": 1000} for fields in group] for group in MARROW]
    asked = [*cells("bone-marrow")[:-1], "1000"]
    _, order, _ = compare(tmp_path, write(tmp_path, *many), asked)
    assert set(order["verdict"]) == {"not comparable: S = 1000, not 10"}


def test_a_quick_run_is_never_called_the_papers(tmp_path):
    more = ("--configuration", "quick configuration", "--label", LABEL)
    path = write(tmp_path, *MNIST)
    values, order, markdown = compare(
        tmp_path, path, cells("mnist"), *more, protocol="other"
    )
    expected = {"not comparable: quick configuration"}
    assert set(values["verdict"]) == set(order["verdict"]) == expected
    assert LABEL in markdown
    values, *_ = compare(tmp_path, path, cells("mnist"), "--configuration", "mine")
    assert set(values["verdict"]) == {"holds"}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("-85.84,0.07,8", "-85.84,0.07,1", "column 'n' is 1, expected 2 or more"),
        ("-85.84,0.07,8", "-85.84,-0.07,8", "column 'sd' is -0.07, expected 0 or more"),
        ("mnist,vampprior,500", "mnist,standard,", "second row of mnist/standard, exp"),
    ],
)
def test_a_wrong_table_of_the_paper_is_one_line(tmp_path, old, new, words):
    text = (ROOT / "results/reference/paper.csv").read_text()
    assert old in text
    paper = tmp_path / "paper.csv"
    paper.write_text(text.replace(old, new))
    with pytest.raises(SystemExit, match=rf"paper.csv: line \d, .*{words}"):
        compare(tmp_path, write(tmp_path, *MNIST), cells("mnist"), "--paper", paper)


def test_an_unknown_dataset_is_one_line(tmp_path):
    with pytest.raises(
        SystemExit, match="'cifar' is not in the registry, expected one"
    ):
        compare(tmp_path, write(tmp_path, *MNIST), cells("cifar"))


def test_sizes_are_compared(tmp_path):
    ours = tmp_path / "table1.csv"
    files = [ours, "--markdown", tmp_path / "t.md", "--latex", tmp_path / "t.tex"]
    table1.main(arguments(*NAMED, "--csv", *files, "--data", *canonical(tmp_path)))
    _, _, markdown = compare(
        tmp_path, write(tmp_path, *MNIST), cells("mnist"), "--table1", ours
    )
    sizes = pd.read_csv(tmp_path / "s.csv").set_index("dataset")
    marrow = sizes.loc["bone-marrow"]
    assert (marrow["train"], marrow["paper_train"]) == (30, 6800)
    assert sizes["verdict"].to_dict() == {
        "onehot": "equal",
        "bone-marrow": "differs",
        "mnist": "missing",
        "omniglot": "missing",
        "freyfaces": "missing",
    }
    assert "| 30 / 6,800 |" in " ".join(markdown.split())
