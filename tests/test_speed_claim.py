"""The claim of speed, from records with known times."""

import json

import made
import numpy as np
import pandas as pd
import pytest
from committed import flowing

from workflow.configuration import ROOT
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


@pytest.mark.parametrize("other", [{"device": "gpu"}, {"precision": "reduced"}])
def test_devices_and_precisions_are_kept_apart(tmp_path, folders, other):
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


def test_the_page_on_speed_says_what_bone_marrow_took():
    epochs, epoch = {}, {}
    for method in ("vampprior-500", "iop"):
        curves = [
            pd.read_csv(path)
            for path in ROOT.glob(
                f"results/reference/runs/bone-marrow/{method}/*/c*.csv"
            )
        ]
        assert len(curves) == 8
        epochs[method] = np.mean([len(of) for of in curves])
        # of the seeds, too: neighbours slowed some
        pace = sorted(of["seconds"].diff().median() for of in curves)
        epoch[method] = np.median(pace)
    assert [f"{seconds:.0f}" for seconds in pace] == ["6"] * 6 + ["15"] * 2
    ratio = epoch["vampprior-500"] / epoch["iop"]
    length = epochs["vampprior-500"] / epochs["iop"]
    words = (
        "| bone marrow | VampPrior 3e-4, IOP 1e-4, as chosen | 150 | "
        f"{epochs['vampprior-500']:.0f} | {epochs['iop']:.0f} | {ratio:.2f} | "
        f"{ratio * length:.2f} |"
    )
    assert words in flowing("docs/speed.md")
    words = f"and {1 / ratio / length:.2f} times on bone marrow, where it is a third"
    assert words in flowing("README.md")


def test_the_page_on_speed_says_what_the_committed_runs_took():
    """Whatever neighbours slowed: the least of the runs as measured is close."""
    place = ROOT / "results/reference"
    epochs, epoch, least, earlier, took = {}, {}, {}, {}, {}
    for method in ("vampprior-500", "iop"):
        paths = sorted((place / "runs/freyfaces" / method).glob("*/record.json"))
        runs = [json.loads(path.read_text()) for path in paths]
        assert all(len(run["stack"]) == 1 for run in runs)
        epochs[method] = sum(run["epochs"] for run in runs) / len(runs)
        medians = [
            pd.read_csv(path.with_name("curve.csv"))["seconds"].diff().median()
            for path in paths
        ]
        epoch[method] = np.median(medians)
        took[method] = np.mean([run["training_seconds"] for run in runs])
        least[method] = min(run["training_seconds"] / run["epochs"] for run in runs)
        scores = pd.read_csv(
            place / f"variants/patience50/scores/freyfaces/{method}.csv"
        )
        earlier[method] = scores.drop_duplicates("seed")["epochs"].mean()
    ratio, length, before = (
        of["vampprior-500"] / of["iop"] for of in (epoch, epochs, earlier)
    )
    assert least["vampprior-500"] / least["iop"] == pytest.approx(ratio, rel=0.05)
    scores = pd.read_csv(place / "variants/rate3e-4/scores/freyfaces/iop.csv")
    slower = scores.drop_duplicates("seed")["epochs"].mean()
    same = ratio * epochs["vampprior-500"] / slower
    alone = pd.read_csv(place / "speed/epyc-epochs.csv").set_index(
        ["dataset", "method"]
    )
    seconds = alone["seconds_per_epoch"]["mnist"]
    needed = 2.83 * seconds["iop"] / seconds["vampprior-500"]
    text = flowing("docs/speed.md")
    for words in (
        f"would have to take {needed:.1f} times as long",
        "| FreyFaces | VampPrior 3e-4, IOP 1e-3, as chosen | 150 | "
        f"{epochs['vampprior-500']:.0f} | {epochs['iop']:.0f} | {ratio:.2f} | "
        f"{ratio * length:.2f} |",
        f"| FreyFaces | 3e-4 | 150 | {epochs['vampprior-500']:.0f} | {slower:.0f} | "
        f"{ratio:.2f} | {same:.2f} |",
        f"| FreyFaces | 1e-3 | 50 | {earlier['vampprior-500']:.0f} | "
        f"{earlier['iop']:.0f} | {ratio:.2f} | {ratio * before:.2f} |",
        f"number would be {took['vampprior-500'] / took['iop']:.2f}.",
    ):
        assert words in text
    seconds = alone["seconds_per_epoch"]["omniglot-rebuilt"]
    other = seconds["iop"] / seconds["vampprior-1000"]
    text = flowing("README.md")
    for words in (
        f"takes {1 / ratio / length:.2f} times the VampPrior's time on FreyFaces, "
        "where its rate is three times the VampPrior's "
        f"({took['iop'] / took['vampprior-500']:.2f} times by the seconds as recorded, "
        f"other work included); {1 / same:.2f} and {1 / ratio / before:.2f} times at "
        "equal rates; and ",
        f"with twice the pseudo-inputs, {other:.2f} times)",
    ):
        assert words in text
