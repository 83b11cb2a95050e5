"""Trainings that end before their time: killed, resumed, diverged."""

import json
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from commanded import SMALL, run_training, scores

from models import data, machine, runs, train
from models.checkpoint import Scratch
from models.provenance import ROOT
from models.training import Trainer
from tests.conftest import images


def test_a_killed_process_resumes_to_the_same_weights(made, tmp_path):
    """Killed without warning while a checkpoint is written again and again."""
    flags = ["--data", str(made), "--seeds", "0", "--method", "iop", *SMALL]
    flags += ["--max-epochs", "150", "--patience", "150", "--output"]
    command = [sys.executable, "-m", "models.train", *flags, str(tmp_path / "killed")]
    process = subprocess.Popen(
        [*command, "--checkpoint-interval", "0"], cwd=ROOT, stderr=subprocess.DEVNULL
    )
    checkpoint = tmp_path / "killed/.seed0.checkpoint"

    def written():
        return checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0

    first = 0
    while not first or written() == first:  # until it is there and another
        assert process.poll() is None
        time.sleep(0.002)
        first = first or written()
    process.kill()
    process.wait()
    assert not (tmp_path / "killed/seed0").exists()
    state = torch.load(checkpoint, weights_only=True)["state"]
    assert 0 < state["epoch"] < 150
    weights = []
    for name in ("killed", "whole"):
        train.main([*flags, str(tmp_path / name)])
        with np.load(tmp_path / name / "seed0" / runs.WEIGHTS) as file:
            weights.append({key: file[key].tobytes() for key in file.files})
    assert weights[0] == weights[1]
    record = json.loads((tmp_path / "killed/seed0" / runs.RECORD).read_text())
    assert record["started"] == state["started"]  # by the process that was killed


def test_a_checkpoint_of_another_order_of_sums_is_ignored(made, tmp_path, monkeypatch):
    monkeypatch.setattr(Scratch, "remove", lambda self: None)
    common = ["--data", str(made), "--seeds", "0", "--method", "standard", *SMALL]
    curves = []
    for threads in ("1", "1", "2"):
        train.main([*common, "--output", str(tmp_path), "--threads", threads])
        curves.append((tmp_path / "seed0" / runs.CURVES).read_text())
    assert curves[1] == curves[0]  # with its seconds: nothing was trained
    assert curves[2] != curves[0]


def test_a_stack_that_is_killed_keeps_the_seeds_that_had_stopped(
    made, tmp_path, monkeypatch
):
    def validate(self):  # seed 3 is best in its first epoch after the warm-up
        row = [float(self.epoch * (run.seed - 4)) for run in self.members]
        return torch.tensor([row, [0.0] * len(row)])

    def killed(self):
        if self.epoch == 4:
            raise KeyboardInterrupt
        return run_epoch(self)

    monkeypatch.setattr(machine, "stacks", lambda seeds, device: [list(seeds)])
    monkeypatch.setattr(Trainer, "_validate", validate)
    arguments = ["--data", str(made), "--seeds", "3", "5", *SMALL, "--patience", "2"]
    arguments += ["--max-epochs", "6", "--output"]
    train.main([*arguments, str(tmp_path / "whole")])
    run_epoch = Trainer.run_epoch
    monkeypatch.setattr(Trainer, "run_epoch", killed)
    with pytest.raises(SystemExit, match="130"):
        train.main([*arguments, str(tmp_path / "killed")])
    assert not (tmp_path / "killed/seed5").exists()
    there, whole = (tmp_path / name / "seed3" for name in ("killed", "whole"))
    with np.load(there / "weights.npz") as a, np.load(whole / "weights.npz") as b:
        assert json.loads(str(a["facts"])) == json.loads(str(b["facts"]))
        for name in set(a.files) - {"facts"}:
            np.testing.assert_array_equal(a[name], b[name])
    assert json.loads((there / "record.json").read_text())["epochs"] == 3


def test_a_search_keeps_curves_alone_and_takes_divergence_for_a_result(tmp_path):
    data.save(images("gaussian", name="gray"), tmp_path / "gray.npz")
    arguments = ["--data", str(tmp_path / "gray.npz"), "--seeds", "0"]
    arguments += ["--output", str(tmp_path), *SMALL]
    with pytest.raises(SystemExit, match="seed 0: valid_elbo is nan after epoch 1"):
        train.main([*arguments, "--learning-rate", "1"])
    assert not (tmp_path / "seed0").exists()
    train.main(arguments)  # its weights must not stay beside another run's record
    assert (tmp_path / "seed0/weights.npz").exists()
    for rate, diverged in (("1", True), ("0.001", False)):
        train.main([*arguments, "--learning-rate", rate, "--curves-only"])
        assert sorted(path.name for path in (tmp_path / "seed0").iterdir()) == [
            "curve.csv",
            "record.json",
        ]
        record = json.loads((tmp_path / "seed0/record.json").read_text())
        assert record["diverged"] is diverged
        assert (record["best_valid_elbo"] is None) is diverged
        assert "--curves-only" in record["command"]


def test_of_a_seed_that_diverges_late_the_best_is_kept(
    made, tmp_path, monkeypatch, capsys
):
    validate = Trainer._validate

    def broken(self):
        terms = validate(self)
        ill = [run.seed == 1 and self.epoch == 3 for run in self.members]
        terms[:, ill] = torch.nan
        return terms

    run_training(made, "standard", [1], tmp_path / "short")  # two epochs
    monkeypatch.setattr(Trainer, "_validate", broken)
    arguments = ["--data", str(made), "--seeds", "0", "1", "--output", str(tmp_path)]
    train.main([*arguments, *SMALL, "--max-epochs", "4"])
    assert "after epoch 3, expected" in capsys.readouterr().err
    rows = scores(made, sorted(tmp_path.glob("seed?")), tmp_path / "scores.csv")
    ends = {(row["seed"], row["epochs"], row["diverged"]) for row in rows}
    assert ends == {("0", "4", "False"), ("1", "3", "True")}
    one, other = (
        json.loads((folder / "seed1/record.json").read_text())
        for folder in (tmp_path, tmp_path / "short")
    )
    assert one["epoch"] == other["epoch"]
    with (
        np.load(tmp_path / "seed1/weights.npz") as ours,
        np.load(tmp_path / "short/seed1/weights.npz") as expected,
    ):
        for name in set(ours.files) - {"facts"}:
            np.testing.assert_array_equal(ours[name], expected[name])
    # an estimate of the ELBO may rise when a run diverges, so that none is best
    estimated = ["--method", "iop", "--max-epochs", "4"]
    with pytest.raises(
        SystemExit, match="made/iop seed 1: valid_elbo is nan after epoc"
    ):
        train.main([*arguments, *SMALL, *estimated, "--output", str(tmp_path / "iop")])
    assert [path.name for path in (tmp_path / "iop").glob("seed?")] == ["seed0"]
    # Snakemake deletes what a failed job has written: its work must not be lost
    assert (tmp_path / "iop/.seed0.checkpoint").exists()
