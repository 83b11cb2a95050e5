"""The core's command lines, as a user types them, and their error lines."""

import csv
import itertools
import json
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

from models import data, evaluate, machine, posterior, runs, train
from models.checkpoint import Scratch
from models.machine import stacks
from models.provenance import ROOT
from models.training import Trainer
from tests.conftest import images

SMALL = (
    "--hidden-units 8 --latent-dim 2 --batch-size 16 --max-epochs 2 --warmup-epochs 1 "
    "--components 4 --ratio-epochs 1"
).split()


@pytest.fixture
def made(tmp_path):
    data.save(images("bernoulli"), tmp_path / "made.npz")
    return tmp_path / "made.npz"


def run_training(made, method, seeds, output):
    seeds = [str(seed) for seed in seeds]
    arguments = ["--data", str(made), "--seeds", *seeds, "--output", str(output)]
    train.main([*arguments, "--method", method, *SMALL])


def scores(made, folders, output):
    train_folders = [str(folder) for folder in folders]
    evaluate.main(
        ["--data", str(made), "--runs", *train_folders, "--output", str(output)]
    )
    with open(output, newline="") as file:
        return list(csv.DictReader(file))


def test_a_search_keeps_curves_alone_and_takes_divergence_for_a_result(tmp_path):
    data.save(images("gaussian"), tmp_path / "gray.npz")
    arguments = ["--data", str(tmp_path / "gray.npz"), "--seeds", "0"]
    arguments += ["--output", str(tmp_path), *SMALL]
    with pytest.raises(SystemExit, match="seed 0: the ELBO is nan after epoch 1"):
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
    with pytest.raises(SystemExit, match="made/iop seed 1: the ELBO is nan after epoc"):
        train.main([*arguments, *SMALL, *estimated, "--output", str(tmp_path / "iop")])
    assert [path.name for path in (tmp_path / "iop").glob("seed?")] == ["seed0"]


@pytest.mark.parametrize("method", ["standard", "vampprior", "iop", "avb"])
def test_a_seed_is_the_same_alone_and_in_company(made, method, tmp_path):
    """Weights, curve and scores, through the commands."""
    run_training(made, method, [3, 5], tmp_path / "company")
    run_training(made, method, [5], tmp_path / "alone")
    weights = []
    for name in ("company", "alone"):
        with np.load(tmp_path / name / "seed5" / runs.WEIGHTS) as file:
            weights.append({key: file[key].tobytes() for key in file.files})
    assert weights[0] == weights[1]
    company = scores(
        made, [tmp_path / f"company/seed{k}" for k in (3, 5)], tmp_path / "c.csv"
    )
    alone = scores(made, [tmp_path / "alone/seed5"], tmp_path / "a.csv")
    assert [row for row in company if row["seed"] == "5"] == alone
    assert not list(tmp_path.rglob("*.checkpoint"))


@pytest.mark.parametrize("method", ["standard", "vampprior", "iop", "avb"])
def test_side_by_side_as_on_a_gpu(made, method, tmp_path, monkeypatch):
    """All seeds in one stack, from training to scores; the same up to rounding."""
    run_training(made, method, [3, 5], tmp_path / "apart")
    folders = [tmp_path / f"apart/seed{k}" for k in (3, 5)]
    apart = scores(made, folders, tmp_path / "apart.csv")
    monkeypatch.setattr(machine, "stacks", lambda seeds, device: [list(seeds)])
    run_training(made, method, [3, 5], tmp_path / "stacked")
    folders = [tmp_path / f"stacked/seed{k}" for k in (3, 5)]
    record = json.loads((folders[1] / runs.RECORD).read_text())
    assert record["stack"] == [3, 5]
    stacked = scores(made, folders, tmp_path / "stacked.csv")
    key = ("seed", "split", "metric")
    for rows in (apart, stacked):
        rows.sort(key=lambda row: [row[k] for k in key])
    for ours, theirs in zip(stacked, apart, strict=True):
        assert [ours[k] for k in key] == [theirs[k] for k in key]
        assert float(ours["value"]) == pytest.approx(float(theirs["value"]), rel=1e-4)


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
    with pytest.raises(KeyboardInterrupt):
        train.main([*arguments, str(tmp_path / "killed")])
    assert not (tmp_path / "killed/seed5").exists()
    there, whole = (tmp_path / name / "seed3" for name in ("killed", "whole"))
    with np.load(there / "weights.npz") as a, np.load(whole / "weights.npz") as b:
        assert json.loads(str(a["facts"])) == json.loads(str(b["facts"]))
        for name in set(a.files) - {"facts"}:
            np.testing.assert_array_equal(a[name], b[name])
    assert json.loads((there / "record.json").read_text())["epochs"] == 3


def test_the_record_says_in_which_precision_and_whether_compiled(
    made, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(machine, "compiler_works", lambda device: False)
    monkeypatch.setattr(machine, "product_kind", lambda precision, device: precision)
    common = ["--data", str(made), "--seeds", "0", *SMALL, "--method", "standard"]
    for name, more in (("plain", []), ("fast", ["--compile", "--precision=reduced"])):
        train.main([*common, "--output", str(tmp_path / name), *more])
    assert "no compiler works here" in capsys.readouterr().err
    plain, fast = (
        json.loads((tmp_path / name / "seed0" / runs.RECORD).read_text())
        for name in ("plain", "fast")
    )
    assert (plain["precision"], plain["compiled"]) == ("float32", False)
    assert (fast["precision"], fast["compiled"]) == ("reduced", False)
    assert "--compile" in fast["command"]
    assert not plain["captured"]  # there are no CUDA graphs on a CPU
    assert "--precision reduced" in fast["command"]
    row = scores(made, [tmp_path / "fast/seed0"], tmp_path / "scores.csv")[0]
    assert row["precision"] == "reduced"


def test_methods_share_no_random_numbers(made, tmp_path):
    """Or their runs would not be independent, as the t-tests take them to be."""
    first = {}
    for method in ("standard", "iop", "vampprior"):
        run_training(made, method, [0], tmp_path / method)
        with np.load(tmp_path / method / "seed0" / runs.WEIGHTS) as file:
            first[method] = file["encoder.body.0.weight"]
    for one, other in itertools.combinations(first.values(), 2):
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.5


def test_more_importance_samples_move_no_other_score(made, tmp_path):
    run_training(made, "standard", [0], tmp_path)
    rows = []
    for samples in ("10", "20"):
        output = tmp_path / f"{samples}.csv"
        arguments = ["--data", str(made), "--runs", str(tmp_path / "seed0")]
        evaluate.main([*arguments, "--output", str(output), "--samples", samples])
        with open(output, newline="") as file:
            rows.append([r for r in csv.DictReader(file) if r["samples"] == "1"])
    assert rows[0] == rows[1]
    assert len(rows[0]) == 6


def test_a_killed_process_resumes_to_the_same_weights(made, tmp_path):
    """Killed without warning while a checkpoint is written again and again."""
    command = [sys.executable, "-m", "models.train", "--data", str(made)]
    command += ["--seeds", "0", "--method", "iop", *SMALL, "--max-epochs", "400"]
    command += ["--patience", "400", "--checkpoint-interval", "0", "--output"]
    process = subprocess.Popen(
        [*command, str(tmp_path / "killed")], cwd=ROOT, stderr=subprocess.DEVNULL
    )
    checkpoint = tmp_path / "killed/.seed0.checkpoint"
    while not checkpoint.exists():
        assert process.poll() is None
        time.sleep(0.01)
    time.sleep(0.5)
    process.kill()
    process.wait()
    assert not (tmp_path / "killed/seed0").exists()
    state = torch.load(checkpoint, weights_only=True)["state"]
    assert 0 < state["epoch"] < 400
    for name in ("killed", "whole"):
        subprocess.run(
            [*command, str(tmp_path / name)], cwd=ROOT, check=True, capture_output=True
        )
    weights = []
    for name in ("killed", "whole"):
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


def test_posterior_samples(made, tmp_path):
    run_training(made, "avb", [0, 1], tmp_path)
    folders = [str(tmp_path / "seed0"), str(tmp_path / "seed1")]
    output = tmp_path / "p.csv"
    posterior.main(["--data", str(made), "--runs", *folders, "--output", str(output)])
    rows = list(csv.DictReader(output.read_text().splitlines()))
    assert len(rows) == 2 * 40
    assert [r["vector"] for r in rows[:40]] == [
        str(k) for k in images("bernoulli").test.argmax(1)
    ]
    assert len({(r["z1"], r["z2"]) for r in rows}) == 80


def failure(capsys, command, *arguments):
    with pytest.raises(SystemExit) as caught:
        command([str(a) for a in arguments])
    text = str(caught.value.code)
    assert "\n" not in text
    return text


def test_training_errors_are_one_line(made, tmp_path, capsys):
    base = ["--data", made, "--output", tmp_path / "out"]

    def fails(*arguments):
        return failure(capsys, train.main, *base, *arguments)

    assert "--method vamp: expected one of iop, standard, vampprior, avb" in fails(
        "--seeds", 0, "--method", "vamp"
    )
    assert "--seeds [1, 1]: expected distinct integers" in fails("--seeds", 1, 1)
    assert "patience: 0, expected 1 or more" in fails("--seeds", 0, "--patience", 0)
    for device, message in (("nought", "not a device"), ("meta", "expected cpu, cud")):
        assert f"--device {device}: {message}" in fails(
            "--seeds", 0, "--device", device
        )
    for option, value, message in (
        ("--learning-rate", 0, "learning_rate: 0.0, expected in (0, 1]"),
        ("--pseudo-input-std", "nan", "pseudo_input_std: nan, expected 0 or more"),
        ("--pseudo-input-mean", "inf", "pseudo_input_mean: inf, expected a number"),
    ):
        assert message in fails("--seeds", 0, option, value)
    with pytest.raises(SystemExit):
        train.main([*map(str, base), "--seeds", "0", "--threads", "0"])
    assert "argument --threads: '0', expected 1 or more" in capsys.readouterr().err
    missing = failure(
        capsys, train.main, "--data", "no.npz", "--output", "o", "--seeds", 0
    )
    assert "no.npz" in missing
    assert not (tmp_path / "out").exists()


def test_out_of_memory_names_what_to_lower(made, tmp_path, monkeypatch, capsys):
    def full(self):
        raise torch.OutOfMemoryError("no room for 1 GiB\nand much more text")

    monkeypatch.setattr(Trainer, "run_epoch", full)
    seeds = ["--seeds", *map(str, range(8)), "--output", tmp_path / "out"]
    text = failure(capsys, train.main, "--data", made, *seeds)
    assert "out of memory with 8 seeds side by side" in text
    assert "lower seeds_per_job, batch_size or components (no room for 1 GiB)" in text
    monkeypatch.undo()
    huge = ["--method", "vampprior", "--components", 10**14, "--seeds", 0]
    out = ["--output", tmp_path / "out"]
    text = failure(capsys, train.main, "--data", made, *out, *huge)
    assert "out of memory with 1 seeds" in text


def test_evaluation_errors_are_one_line(made, tmp_path, capsys):
    run_training(made, "standard", [0], tmp_path / "a")
    run_training(made, "iop", [0], tmp_path / "b")
    other = images("bernoulli", n=41)
    data.save(other, tmp_path / "other.npz")

    def fails(dataset, *folders):
        arguments = ["--data", dataset, "--output", tmp_path / "s.csv", "--runs"]
        return failure(capsys, evaluate.main, *arguments, *folders)

    assert "seed9/weights.npz: no such file" in fails(made, tmp_path / "seed9")
    assert "its settings are not those of" in fails(
        made, tmp_path / "a/seed0", tmp_path / "b/seed0"
    )
    assert "trained on data with digest" in fails(
        tmp_path / "other.npz", tmp_path / "a/seed0"
    )
    record = tmp_path / "b/seed0" / runs.RECORD
    record.write_text(record.read_text().replace('"epoch": ', '"epoch": 7'))
    assert "weights.npz and record.json differ in epoch" in fails(
        made, tmp_path / "b/seed0"
    )
    weights = tmp_path / "a/seed0" / runs.WEIGHTS
    weights.write_bytes(weights.read_bytes()[:100])
    assert "not a run's folder" in fails(made, tmp_path / "a/seed0")
    assert not (tmp_path / "s.csv").exists()


def test_a_gpu_stacks_all_seeds_and_a_cpu_none():
    assert stacks([3, 1], torch.device("cuda")) == [[3, 1]]
    assert stacks([3, 1], torch.device("cpu")) == [[3], [1]]
