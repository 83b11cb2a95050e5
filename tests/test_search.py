"""The search for rates: chosen by mean validation ELBO; patience read off curves."""

import dataclasses
import json
import re
import shutil

import pandas as pd
import pytest
from made import NAMED
from made import arguments as typed

from models.settings import Settings
from tests.test_stopping import scripted
from workflow.scripts import search

CELL = "VAE with VampPrior, K = 500"
CURVES = {  # rate: a curve for each seed; the warm-up ends with epoch 2
    0.001: [[9, 1, 5, 4, 4, 6], [9, 2, 3, 3, 3, 3]],
    0.0003: [[0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5]],
    0.0001: [[0, 0, 0, 0, 0, 5], [0, 0, 0, 0, 0, 0]],
}


@pytest.fixture
def folders(tmp_path):
    found = []
    for rate, curves in CURVES.items():
        for seed, curve in enumerate(curves):
            folder = tmp_path / f"mnist/vampprior-500/rate{rate:g}/seed{seed}"
            folder.mkdir(parents=True)
            settings = Settings(
                method="vampprior",
                learning_rate=rate,
                warmup_epochs=2,
                max_epochs=6,
                patience=200,
            )
            record = {
                "dataset": "mnist", "settings": settings.as_dict(), "seed": seed,
                "best_valid_elbo": float(max(curve[1:])), "epochs": 6, "epoch": 6,
                "commit": "0123456789ab", "device": "cpu", "precision": "float32",
                "versions": {"torch": "2"}, "data_digest": "d" * 64,
            }  # fmt: skip
            (folder / "record.json").write_text(json.dumps(record))
            table = pd.DataFrame({"epoch": range(1, 7), "valid_elbo": curve})
            table.to_csv(folder / "curve.csv", index=False)
            found.append(folder)
    return found


def test_the_best_mean_is_chosen_and_shown(folders, tmp_path):
    out = tmp_path / "search.csv", tmp_path / "search.md"
    search.main(
        typed(*NAMED, "--runs", *folders, "--csv", out[0], "--markdown", out[1])
    )
    rows = pd.read_csv(out[0])
    # means of the best: 4.5, 5 and 2.5, although one seed has 6 at 0.001
    assert set(rows[rows["chosen"]]["rate"]) == {0.0003}
    assert list(rows.columns) == ["configuration", *search.COLUMNS]
    text = out[1].read_text()
    (line,) = re.findall(r"^\| VAE .*2\.50.*$", text, re.M)
    # six epochs end a run before its patience of 200 does
    expected = rf"| {CELL} | 2 | 2.50\* | **5.00**\* | 4.50\* |"
    assert line.split() == expected.split()
    # medians from epoch 2 on: 4 and 3, 3 and 3, 0 and 0
    (line,) = re.findall(r"^\| VAE .*3\.50.*$", text, re.M)
    expected = rf"| {CELL} | 2 | 0.00\* | 3.00\* | **3.50**\* |"
    assert line.split() == expected.split()
    assert set(rows[rows["rate"] == 0.001]["usual_valid_elbo"]) == {4, 3}
    assert "No test image was read" in text
    assert "commit 0123456789ab" in text


def test_the_methods_are_in_the_order_of_table_2(folders, tmp_path):
    shutil.copytree(tmp_path / "mnist/vampprior-500", tmp_path / "mnist/standard")
    first = [tmp_path / "mnist/standard" / "/".join(f.parts[-2:]) for f in folders]
    out = tmp_path / "search.csv", tmp_path / "search.md"
    search.main(
        typed(*NAMED, "--runs", *folders, *first)
        + typed("--csv", out[0], "--markdown", out[1])
    )
    assert list(pd.read_csv(out[0])["method"].unique()) == [
        "standard",
        folders[0].parts[-3],
    ]
    shown = re.findall(r"^\| ((?:Standard )?VAE.*?) +\|", out[1].read_text(), re.M)
    assert shown[:2] == ["Standard VAE", CELL]


def test_a_star_only_where_max_epochs_ends_a_run_before_its_patience(folders, tmp_path):
    for folder in folders:
        text = (folder / "record.json").read_text().replace(": 200", ": 4")
        if "rate0.001" in str(folder):  # four epochs after the best
            text = text.replace('"epoch": 6', '"epoch": 2')
        (folder / "record.json").write_text(text)
    out = tmp_path / "search.csv", tmp_path / "search.md"
    arguments = ["--csv", str(out[0]), "--markdown", str(out[1])]
    search.main([*NAMED, "--runs", *map(str, folders), *arguments])
    expected = rf"| {CELL} | 2 | 2.50\* | **5.00**\* | 4.50 |"
    lines = [" ".join(line.split()) for line in out[1].read_text().splitlines()]
    assert expected in lines


def test_a_folder_that_is_none_of_a_search_is_one_line(folders, tmp_path):
    folder = tmp_path / "freyfaces/standard/seed0"
    folder.parent.mkdir(parents=True)
    folders[0].rename(folder)
    out = ["--csv", str(tmp_path / "s.csv"), "--markdown", str(tmp_path / "s.md")]
    words = r"freyfaces/standard/seed0: expected METHOD/rateR/seedN; of METHOD: 'freyf"
    with pytest.raises(SystemExit, match=words):
        search.main([*NAMED, "--runs", str(folder), *out])


def diverge(folder, best):
    """Make of a run one that ended with no number, as training records it.

    best: its best validation ELBO, if it came beyond the warm-up, or None.
    """
    path = folder / "record.json"
    record = json.loads(path.read_text())
    end = {"best_valid_elbo": best, "diverged": True, "epochs": 2}
    path.write_text(json.dumps(record | end))
    table = pd.DataFrame({"epoch": [1, 2], "valid_elbo": [99.0, float("nan")]})
    table.to_csv(folder / "curve.csv", index=False)


@pytest.mark.parametrize("best", [None, 99.0])
def test_a_rate_at_which_a_seed_diverges_is_not_chosen(best, folders, tmp_path):
    diverge(folders[3], best)  # of the rate that else is the best
    out = tmp_path / "search.csv", tmp_path / "search.md"
    arguments = [*NAMED, "--runs", *map(str, folders)]
    arguments += ["--csv", str(out[0]), "--markdown", str(out[1])]
    search.main(arguments)
    rows = pd.read_csv(out[0])
    assert set(rows[rows["chosen"]]["rate"]) == {0.001}
    assert rows["diverged"].tolist() == [False] * 3 + [True] + [False] * 2
    lines = re.findall(r"^\| VAE .*2\.50.*$", out[1].read_text(), re.M)
    expected = rf"| {CELL} | 2 | 2.50\* | diverged (1 of 2) | **4.50**\* |"
    assert lines[0].split() == expected.split()
    for folder in folders:
        diverge(folder, best)
    search.main(arguments)  # the page is there for the other cells
    assert not pd.read_csv(out[0])["chosen"].any()
    assert f"| {' | '.join(3 * ['diverged (2 of 2)'])} |" in out[1].read_text()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"patience": 200', '"patience": 50', "of patience 50 and 200, expected one"),
        ("d" * 64, "e" * 64, f"of data_digest {'e' * 16} and {'d' * 16}, expected one"),
    ],
)
def test_runs_that_do_not_compare_are_refused(old, new, message, folders):
    path = folders[0] / "record.json"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(SystemExit, match=message):
        search.main(typed(*NAMED, "--runs", *folders, "--csv", "x", "--markdown", "y"))


def test_rates_are_compared_over_the_same_seeds(folders):
    words = "vampprior-500 of seeds 0 1 at 0.0001, 0 1 at 0.0003, 0 at 0.001, exp"
    fewer = [*folders[:1], *folders[2:]]
    with pytest.raises(SystemExit, match=words):
        search.main(typed(*NAMED, "--runs", *fewer, "--csv", "x", "--markdown", "y"))


def test_what_is_usual_is_taken_around_the_best_epoch(folders, monkeypatch):
    monkeypatch.setattr(search, "AROUND", 1)
    path = folders[0] / "record.json"
    path.write_text(path.read_text().replace('"epoch": 6', '"epoch": 3'))
    row, _ = search.read(folders[0])
    assert row["usual_valid_elbo"] == 4  # of 1 5 4


@pytest.mark.parametrize(
    ("patience", "expected"),
    # from epoch 2 on: 1 5 4 4 6; the 9 of the warm-up does not count
    [(1, (5.0, 4)), (2, (5.0, 5)), (3, (6.0, 6)), (100, (6.0, 6))],
)
def test_patience_is_read_off_a_curve_as_training_applies_it(patience, expected):
    curve = pd.Series([9.0, 1, 5, 4, 4, 6], index=range(1, 7))
    assert search.stopped(curve, 2, patience) == expected


def test_the_shortest_patience_goes_by_the_worst_cell():
    changes = {25: (-2.5, 0.0), 50: (-1.1, 0.0), 75: (-1.0, -0.4), 100: (0.0, 0.0)}
    table = pd.DataFrame(
        [
            {"dataset": "mnist", "method": method, "patience": p, "change": change}
            for p, pair in changes.items()
            for method, change in zip(("standard", "iop"), pair, strict=True)
        ]
    )
    assert search.enough(table) == 75


def test_patiences_in_the_table_are_those_of_the_curves(monkeypatch, tmp_path, folders):
    monkeypatch.setattr(search, "PATIENCES", (1, 3))
    rows, curves = zip(*(search.read(folder) for folder in folders), strict=True)
    rows = pd.DataFrame(rows).assign(chosen=[True] * 2 + [False] * 4)
    table = search.shortened(rows, list(curves)).set_index("patience")
    # after the warm-up 1 5 4 4 6 and 2 3 3 3 3
    assert list(table["elbo"]) == [(5 + 3) / 2, (6 + 3) / 2, (6 + 3) / 2]
    assert list(table["epochs"]) == [(4 + 4) / 2, 6, 6]
    assert list(table["change"]) == [-0.5, 0, 0]
    assert search.enough(table.reset_index()) == 1  # half a nat is allowed
    text = "\n".join(search.patience(table.reset_index()))
    assert f"| {CELL} | 4.50 (6) | -0.50 (4) |" in " ".join(text.split())
    assert text.endswith("more than 1 nat: 1.")
    monkeypatch.setattr(search, "LOSS", 0.4)
    assert search.enough(table.reset_index()) == 3


def test_the_rule_is_that_of_training(monkeypatch, small):
    """The same script of validation ELBOs through the trainer itself."""
    elbos = [9.0, 1.0, 2.0, 3.0, 2.0, 3.0, 2.5, 8.0, 8.0, 8.0]
    settings = dataclasses.replace(
        small, warmup_epochs=2, patience=3, max_epochs=10, method="standard"
    )
    (run,) = scripted(monkeypatch, settings, [(value,) for value in elbos])
    curve = pd.Series(elbos, index=range(1, 11))
    assert search.stopped(curve, 2, 3) == (run.best_elbo, len(run.curve))


def test_a_folder_without_a_record_is_named(tmp_path):
    with pytest.raises(SystemExit, match=r"record\.json: not a run's record"):
        search.main([*NAMED, "--runs", str(tmp_path), "--csv", "x", "--markdown", "y"])


def test_each_cell_has_its_own_best_rate_and_its_own_divergence():
    """Cells of two methods, three seeds each, in one table."""
    best = {
        ("mnist", "standard"): {0.001: [0, 0, 9], 0.0001: [2, 2, 2]},  # means
        ("mnist", "iop"): {0.001: [5, 5, 5], 0.0001: [9, 9, 9]},
    }
    rows = pd.DataFrame(
        (*cell, rate, value, (cell, rate) == (("mnist", "iop"), 0.001))
        for cell, values in best.items()
        for rate, seeds in values.items()
        for value in seeds
    ).set_axis(["dataset", "method", "rate", "best_valid_elbo", "diverged"], axis=1)
    chosen = rows[search.choose(rows)].groupby(["dataset", "method"])["rate"].unique()
    assert chosen.map(list).to_dict() == {
        ("mnist", "standard"): [0.001],
        ("mnist", "iop"): [0.0001],
    }
