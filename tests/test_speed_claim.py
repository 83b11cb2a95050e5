"""The claim of speed, from records with known times."""

import json

import made
import numpy as np
import pandas as pd
import pytest

from workflow.report import tabular
from workflow.scripts import speed_claim


@pytest.fixture
def folders(tmp_path):
    """Runs whose epochs take the seconds given, but for a slow first one."""
    folders = []
    for k, (dataset, method, epochs, epoch, stack, seconds) in enumerate(
        [
            ("mnist", "vampprior", 100, 6.0, [0], 640),
            ("mnist", "vampprior", 300, 6.0, [1], 1840),
            ("mnist", "vampprior", 200, 9.0, [2], 1840),  # slowed by others
            ("mnist", "iop", 100, 4.0, [3], 440),
            ("mnist", "iop", 200, 4.0, [4], 840),
            ("freyfaces", "vampprior", 10, 5.0, [0], 90),
            ("freyfaces", "iop", 100, 8.0, [0, 1], 1040),  # side by side: 4 s each
            ("freyfaces", "iop", 200, 5.0, [0, 1], 1040),  # alone for the second half
        ]
    ):
        each = np.full(epochs, epoch)
        each[0] += 40
        facts = {"dataset": dataset, "epochs": epochs, "stack": stack}
        facts["training_seconds"] = seconds
        curve = pd.DataFrame({"seconds": each.cumsum()})
        folders.append(made.run(tmp_path / str(k), method, curve, **facts))
    return folders


def run(tmp_path, folders):
    out = tmp_path / "claim.csv", tmp_path / "claim.md"
    speed_claim.main(
        [
            *made.NAMED, "--csv", str(out[0]), "--markdown", str(out[1]),
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
    assert ours["seconds_per_run"] == pytest.approx((440 + 840) / 2)
    assert vamp["times_iop_per_epoch"] == pytest.approx(1.5)
    assert vamp["times_iop_to_stop"] == pytest.approx(6 * 200 / (4 * 150))
    assert vamp["paper"] == 2.83
    assert pd.isna(ours["paper"])
    assert "| 6.00 | 1440 | 1.50 | 2.00 | 2.83 |" in " ".join(text.split())


def test_seeds_side_by_side_share_the_time_of_their_job(tmp_path, folders):
    """A seed alone is no measure for them."""
    table, text = run(tmp_path, folders)
    vamp, ours = table.loc["freyfaces", "vampprior"], table.loc["freyfaces", "iop"]
    assert ours["seconds_per_epoch"] == pytest.approx(4)
    assert ours["seconds_per_run"] == pytest.approx(1040 / 2)
    assert pd.isna(vamp["times_iop_to_stop"])
    assert "| cpu, 2 seeds side by side |" in text


@pytest.mark.parametrize("found", [1, 2])
def test_a_job_that_did_not_end_has_no_time_of_a_run(tmp_path, folders, found):
    """Of its seeds one is missing, or each says what it took up to its own stop."""
    *others, last = folders
    if found == 2:
        record = json.loads((last / "record.json").read_text())
        record["training_seconds"] = 840
        (last / "record.json").write_text(json.dumps(record))
        others.append(last)
    table, text = run(tmp_path, others)
    ours = table.loc["freyfaces", "iop"]
    assert ours["seconds_per_epoch"] == pytest.approx(4)
    assert pd.isna(ours["seconds_per_run"])
    assert f"| 4.00 | {tabular.ABSENT} |" in " ".join(text.split())


@pytest.mark.parametrize(
    "other",
    [{"device": "gpu"}, {"threads": 2}, {"compiled": True}, {"precision": "reduced"}],
)
def test_other_ways_of_training_are_kept_apart(tmp_path, folders, other):
    curve = pd.DataFrame({"seconds": [0.5, 1.0, 1.5]})
    facts = {"dataset": "mnist", "epochs": 3, "stack": [3], "training_seconds": 1.5}
    more = made.run(tmp_path / "more", "vampprior", curve, **facts | other)
    table, _ = run(tmp_path, [*folders, more])
    rows = table.loc[[("mnist", "vampprior")]].set_index(list(other))
    assert rows["seconds_per_epoch"].to_list() == [6.0, 0.5]
    assert rows.loc[next(iter(other.values())), "n"] == 1


def test_runs_of_several_settings_are_refused(tmp_path, folders):
    curve = pd.DataFrame({"seconds": [4.0, 8.0]})
    facts = {"dataset": "mnist", "epochs": 2, "stack": [5], "training_seconds": 8.0}
    more = [
        made.run(
            tmp_path / f"K{k}", "iop", curve, **facts,
            settings={"method": "vampprior", "components": k},
        )
        for k in (100, 500)
    ]  # fmt: skip
    run(tmp_path, [folders[3], more[0]])
    words = "--runs: mnist/vampprior of components 100 and 500, expected one"
    with pytest.raises(SystemExit, match=words):
        run(tmp_path, [folders[3], *more])


def test_a_run_that_diverged_is_left_out_and_one_given_twice_refused(tmp_path, folders):
    before, text = run(tmp_path, folders)
    assert "Diverged" not in text
    curve = pd.DataFrame({"seconds": [4.0, 8.0]})
    facts = {"dataset": "mnist", "epochs": 2, "stack": [5], "training_seconds": 8.0}
    ended = made.run(tmp_path / "ended", "iop", curve, **facts, diverged=True)
    after, text = run(tmp_path, [*folders, ended])
    pd.testing.assert_frame_equal(before, after)
    assert "Diverged: 1 of them." in text
    with pytest.raises(SystemExit, match="0: given twice, expected each run once"):
        run(tmp_path, [*folders, folders[0]])
    foo = made.run(tmp_path / "foo", "foo", curve, **facts)
    with pytest.raises(SystemExit, match=r"foo/record.json: method 'foo', expected on"):
        run(tmp_path, [*folders, foo])


@pytest.mark.parametrize(
    ("file", "message"),
    [("record.json", "not a run's record"), ("curve.csv", "column 'seconds' is miss")],
)
def test_a_file_that_is_no_run_is_named(tmp_path, folders, file, message):
    (folders[1] / file).write_text("{}")
    with pytest.raises(SystemExit, match=rf"1/{file}: {message}"):
        run(tmp_path, folders)
