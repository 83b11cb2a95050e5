"""The claim of speed, from records with known times."""

import json

import pandas as pd
import pytest
from made import registry

from workflow.scripts import speed_claim
from workflow.scripts.configuration import ROOT


@pytest.fixture
def records(tmp_path):
    paths = []
    for k, (dataset, method, epochs, seconds, stack) in enumerate(
        [
            ("mnist", "vampprior", 100, 600.0, [0]),
            ("mnist", "vampprior", 300, 2400.0, [1]),  # slowed by others
            ("mnist", "iop", 100, 800.0, [0, 1]),  # side by side: 400 s each
            ("mnist", "iop", 200, 800.0, [0, 1]),
            ("freyfaces", "vampprior", 10, 50.0, [0]),
        ]
    ):
        record = {
            "dataset": dataset, "settings": {"method": method}, "epochs": epochs,
            "training_seconds": seconds, "stack": stack, "device": "cpu",
            "precision": "float32", "commit": "0123456789ab",
            "versions": {"torch": "2"},
        }  # fmt: skip
        paths.append(tmp_path / f"{k}.json")
        paths[-1].write_text(json.dumps(record))
    return paths


def run(tmp_path, records):
    out = tmp_path / "claim.csv", tmp_path / "claim.md"
    speed_claim.main(
        [
            "--registry", str(registry(tmp_path)), "--csv", str(out[0]),
            "--markdown", str(out[1]), "--records", *map(str, records),
        ]
    )  # fmt: skip
    return pd.read_csv(out[0]).set_index(["dataset", "method"]), out[1].read_text()


def test_times_by_hand(tmp_path, records):
    table, text = run(tmp_path, records)
    vamp, ours = table.loc["mnist", "vampprior"], table.loc["mnist", "iop"]
    assert vamp["seconds_per_epoch"] == pytest.approx(600 / 100)
    assert vamp["seconds_per_run"] == pytest.approx(1200)
    assert ours["seconds_per_epoch"] == pytest.approx(800 / 300)
    assert ours["seconds_per_run"] == pytest.approx(400)
    assert vamp["times_ours_per_epoch"] == pytest.approx(6 / (800 / 300))
    assert vamp["times_ours_per_run"] == pytest.approx(3)
    assert vamp["paper"] == 2.83
    assert pd.isna(ours["paper"])
    assert pd.isna(table.loc["freyfaces", "vampprior"]["times_ours_per_run"])
    assert "2.25" in text
    assert "2.83" in text


def test_a_file_that_is_no_record_is_named(tmp_path, records):
    records[1].write_text("{}")
    with pytest.raises(SystemExit, match=r"1\.json: not a run's record"):
        run(tmp_path, records)


def test_the_page_on_speed_says_what_the_committed_runs_took():
    epochs, seconds = {}, {}
    for method in ("vampprior-500", "iop"):
        paths = (ROOT / "results/reference/runs/freyfaces" / method).glob("*/rec*.json")
        runs = [json.loads(path.read_text()) for path in paths]
        assert all(len(run["stack"]) == 1 for run in runs)
        epochs[method] = sum(run["epochs"] for run in runs) / len(runs)
        seconds[method] = min(run["training_seconds"] / run["epochs"] for run in runs)
    epoch, length = (of["vampprior-500"] / of["iop"] for of in (seconds, epochs))
    text = " ".join((ROOT / "docs/speed.md").read_text().split())
    for words in (
        f"takes {epoch:.2f} times as long as one of ours",
        f"a run up to its stop {epoch * length:.2f} times",
        f"lasts {epochs['vampprior-500']:.0f} epochs and ours {epochs['iop']:.0f}",
    ):
        assert words in text
