"""The claim of speed, from records with known times."""

import made
import numpy as np
import pandas as pd
import pytest

from workflow.scripts import speed_claim


@pytest.fixture
def folders(tmp_path):
    """Runs whose epochs take the seconds given, but for a slow first one."""
    folders = []
    for k, (dataset, method, epochs, epoch, stack) in enumerate(
        [
            ("mnist", "vampprior", 100, 6.0, [0]),
            ("mnist", "vampprior", 300, 6.0, [1]),
            ("mnist", "vampprior", 200, 9.0, [2]),  # slowed by others
            ("mnist", "iop", 100, 8.0, [0, 1]),  # side by side: 4 s each
            ("mnist", "iop", 200, 5.0, [0, 1]),  # alone for the second half
            ("freyfaces", "vampprior", 10, 5.0, [0]),
        ]
    ):
        each = np.full(epochs, epoch)
        each[0] += 40
        facts = {"dataset": dataset, "epochs": epochs, "stack": stack}
        facts["training_seconds"] = each.sum()
        curve = pd.DataFrame({"seconds": each.cumsum()})
        folders.append(made.run(tmp_path / str(k), method, curve, **facts))
    return folders


def run(tmp_path, folders):
    out = tmp_path / "claim.csv", tmp_path / "claim.md"
    speed_claim.main(
        [
            "--csv", str(out[0]), "--markdown", str(out[1]),
            "--runs", *map(str, folders),
        ]
    )  # fmt: skip
    return pd.read_csv(out[0]).set_index(["dataset", "method"]), out[1].read_text()


def test_times_by_hand(tmp_path, folders):
    table, text = run(tmp_path, folders)
    vamp, ours = table.loc["mnist", "vampprior"], table.loc["mnist", "iop"]
    assert vamp["seconds_per_epoch"] == pytest.approx(6)
    assert vamp["seconds_per_run"] == pytest.approx((600 + 1800 + 1800) / 3 + 40)
    assert ours["seconds_per_epoch"] == pytest.approx(4)
    assert ours["seconds_per_run"] == pytest.approx((840 / 2 + 1040 / 2) / 2)
    assert vamp["times_iop_per_epoch"] == pytest.approx(1.5)
    assert vamp["times_iop_to_stop"] == pytest.approx(6 * 200 / (4 * 150))
    assert vamp["paper"] == 2.83
    assert pd.isna(ours["paper"])
    assert pd.isna(table.loc["freyfaces", "vampprior"]["times_iop_to_stop"])
    assert "1.50 |" in text
    assert "2.83" in text


@pytest.mark.parametrize(
    "other", [{"device": "gpu"}, {"threads": 2}, {"precision": "reduced"}]
)
def test_other_devices_threads_and_precisions_are_kept_apart(tmp_path, folders, other):
    curve = pd.DataFrame({"seconds": [0.5, 1.0, 1.5]})
    facts = {"dataset": "mnist", "epochs": 3, "stack": [3], "training_seconds": 1.5}
    more = made.run(tmp_path / "more", "vampprior", curve, **facts | other)
    table, _ = run(tmp_path, [*folders, more])
    rows = table.loc[[("mnist", "vampprior")]].set_index(list(other))
    assert rows["seconds_per_epoch"].to_list() == [6.0, 0.5]
    assert rows.loc[next(iter(other.values())), "n"] == 1


@pytest.mark.parametrize(
    ("file", "message"),
    [("record.json", "not a run's record"), ("curve.csv", "column 'seconds' is miss")],
)
def test_a_file_that_is_no_run_is_named(tmp_path, folders, file, message):
    (folders[1] / file).write_text("{}")
    with pytest.raises(SystemExit, match=rf"1/{file}: {message}"):
        run(tmp_path, folders)
