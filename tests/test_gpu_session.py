"""The script for a GPU machine, rehearsed on the CPU at a small size."""

import importlib
import json
import os
import shutil
import subprocess
import sys
import tarfile

import pandas as pd
import pytest

from models import data
from tests.conftest import images
from tests.dag import checkout

pytestmark = pytest.mark.skipif(not shutil.which("flock"), reason="no flock")
READ = {"JOBS", "PRECISION", "COMPILE", "WEIGHTS", "CONFIGURATION"}  # by the script
AUDIT = "--samples 20 --chains 10 --temperatures 30"
SMALL = "--seeds 0 1 --hidden-units 8 --latent-dim 2 --max-epochs 2 --warmup-epochs 1"


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    """A copy of the checkout without git, with two datasets and a plan."""
    folder = checkout(tmp_path_factory.mktemp("machine"))
    kinds = {"first": "gaussian", "second": "bernoulli", "onehot": "bernoulli"}
    for name, likelihood in kinds.items():
        data.save(images(likelihood, name=name), folder / f"data/{name}.npz")
    lines = [
        f"{dataset} {method} {SMALL} --method {method}"
        for dataset, method in (
            ("first", "standard"),
            ("first", "iop"),
            ("second", "standard"),
            ("second", "broken"),
            ("onehot", "standard"),
        )
    ]
    status, output = session(folder, "plan", "plan", IOP_REPRO_COMMIT="0123456789ab")
    assert status == 0, output
    head, code, *pairs = (folder / "plan").read_text().splitlines()
    assert head == "# commit 0123456789ab"
    assert pairs[0].startswith("onehot standard --seeds 0 1 2 3 4 5 6 7 --method")
    (folder / "plan").write_text("\n".join([head, code, *lines]))  # no line's end
    return folder


def session(folder, *arguments, **environment):
    done = subprocess.run(
        ["bash", "benchmarks/gpu_session.sh", *arguments],
        cwd=folder,
        env={name: os.environ[name] for name in os.environ.keys() - READ}
        | {"DEVICE": "cpu", "PYTHON": sys.executable, "AUDIT": AUDIT}
        | environment,
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout + done.stderr


def test_pairs_are_trained_in_the_order_given_and_packed(machine):
    command = ["train", "out", "plan"]
    status, output = session(machine, *command, "second/standard", "first")
    assert status == 0, output
    order = [
        output.index(f"{pair} finished")
        for pair in ("second standard", "first standard", "first iop")
    ]
    assert order == sorted(order)
    with tarfile.open(machine / "out/results.tar.gz") as packed:
        names = packed.getnames()
        record = json.load(
            packed.extractfile("results/gpu/runs/first/iop/seed1/record.json")
        )
        audit = pd.read_csv(packed.extractfile("results/gpu/audit/first/iop.csv"))
    assert record["commit"] == "0123456789ab"
    assert "results/gpu/scores/first/iop.csv" in names
    assert set(audit.query("metric == 'log_normaliser'")["samples"]) == {10}
    assert not [n for n in names if n.endswith(("weights.npz", ".checkpoint"))]
    again, output = session(machine, *command, "first")  # nothing is trained twice
    assert again == 0
    assert "epoch" not in output


def test_pairs_can_be_trained_side_by_side_in_another_precision(machine):
    python, log = machine / "python", machine / "log"
    python.write_text(
        f'#!/bin/bash\necho start >>{log}\n{sys.executable} "$@"\nstatus=$?\n'
        f"echo stop >>{log}\nexit $status\n"
    )
    python.chmod(0o755)
    how = {"JOBS": "4", "PRECISION": "tensorfloat32", "PYTHON": str(python)}
    names = ["second/standard", "second"]  # one of them twice
    status, output = session(machine, "train", "beside", "plan", *names, **how)
    assert status == 1
    assert "second broken FAILED" in output
    assert output.count("second standard finished") == 1
    lines = log.read_text().split()
    running = [sum(1 if x == "start" else -1 for x in lines[:i]) for i in range(9)]
    assert max(running) > 1
    with tarfile.open(machine / "beside/results.tar.gz") as packed:
        name = "results/gpu-tensorfloat32/runs/second/standard/seed1/record.json"
        record = json.load(packed.extractfile(name))
    assert record["settings"]["precision"] == "tensorfloat32"


def test_a_pair_of_onehot_brings_the_samples_of_figure_1_compiled(machine):
    how = {"COMPILE": "1", "TORCHDYNAMO_DISABLE": "1"}  # told, but not done
    status, output = session(machine, "train", "third", "plan", "onehot", **how)
    assert status == 0, output
    with tarfile.open(machine / "third/results.tar.gz") as packed:
        names = packed.getnames()
        name = "results/gpu/runs/onehot/standard/seed0/record.json"
        command = json.load(packed.extractfile(name))["command"]
    assert "--compile" in command
    assert "results/gpu/posterior/onehot/standard.csv" in names
    assert "results/gpu/audit/onehot/standard.csv" not in names


def test_seeds_that_have_stopped_are_scored_while_their_pair_trains(machine):
    status, output = session(machine, "train", "whole", "plan", "second/standard")
    assert status == 0, output
    pair = machine / "results/gpu/runs/second/standard"
    table = machine / "results/gpu/scores/second/standard.csv"
    text = table.read_text()
    audit = machine / "results/gpu/audit/second/standard.csv"
    try:  # as it is while seed 0 still trains
        table.unlink()
        (pair / "seed0").rename(pair / "other")
        command = ["stopped", "some", "plan"]
        label = {"CONFIGURATION": "of mine", "WEIGHTS": "1"}
        status, output = session(machine, *command, **label)
    finally:
        (pair / "other").rename(pair / "seed0")
        table.write_text(text)
    assert status == 0, output
    with tarfile.open(machine / "some/results.tar.gz") as packed:
        root = "results/gpu-stopped"
        names = [x for x in packed.getnames() if x.endswith((".csv", ".npz"))]
        found = pd.read_csv(packed.extractfile(f"{root}/scores/second/standard.csv"))
        audited = pd.read_csv(packed.extractfile(f"{root}/audit/second/standard.csv"))
    assert set(found["seed"]) == set(audited["seed"]) == {1}
    assert set(found["configuration"]) == {"of mine"}
    whole = pd.read_csv(table).query("seed == 1")
    assert list(found["value"]) == list(whole["value"])
    assert list(audited["value"]) == list(
        pd.read_csv(audit).query("seed == 1")["value"]
    )
    assert sorted(names) == [
        f"{root}/audit/second/standard.csv",
        f"{root}/runs/second/standard/seed1/curve.csv",
        f"{root}/runs/second/standard/seed1/weights.npz",
        f"{root}/scores/second/standard.csv",
    ]


@pytest.mark.parametrize(
    ("failing", "status"), [("none", 0), ("speed", 1), ("profiling", 1)]
)
def test_the_check_gives_commands_that_there_are(machine, failing, status):
    python, log = machine / "logs", machine / f"{failing}.log"
    python.write_text(
        f'#!/bin/bash\n[[ $1 == -m ]] || exec {sys.executable} "$@"\n'
        f'echo "${{@:2}}" >>{log}\n[[ $2 != benchmarks.{failing} ]]\n'
    )
    python.chmod(0o755)
    assert session(machine, "check", "out", "plan", PYTHON=str(python))[0] == status
    commands = [line.split() for line in log.read_text().splitlines()]
    assert len(commands) == 6
    for module, *arguments in commands:
        with pytest.raises(SystemExit, match="error: --device nought: not a device"):
            importlib.import_module(module).main([*arguments, "--device", "nought"])


def test_a_plan_of_other_code_is_refused(machine):
    text = (machine / "plan").read_text()
    (machine / "other").write_text(text.replace("# code ", "# code 0"))
    for command in (["check", "out", "other"], ["train", "out", "other", "first"]):
        status, output = session(machine, *command)
        assert status == 1
        assert "error: other: not of this code; make the plan anew" in output
    scoring = machine / "models/annealing.py"
    text = scoring.read_text()
    scoring.write_text(text.replace("LEAPFROGS = 5", "LEAPFROGS = 6"))
    try:
        status, output = session(machine, "stopped", "out", "plan")
    finally:
        scoring.write_text(text)
    assert status == 1
    assert "error: plan: not of this code; make the plan anew" in output


def test_a_pair_that_has_been_begun_keeps_its_line(machine):
    assert session(machine, "train", "out", "plan", "second/standard")[0] == 0
    text = (machine / "plan").read_text()
    line = f"second standard {SMALL} --method standard"
    assert line in text
    (machine / "edited").write_text(text.replace(line, f"{line} --learning-rate 0.1"))
    train = ["train", "out", "edited", "second/standard"]
    for command in (train, ["stopped", "again", "edited"]):
        status, output = session(machine, *command)
        assert status == 1
        assert f"error: second standard: begun with other flags, {SMALL}" in output
        assert "finished" not in output


def test_a_pair_that_fails_or_is_unknown_stops_no_other(machine):
    status, output = session(machine, "train", "out", "plan", "first", JOBS="0")
    assert (status, output) == (2, "error: JOBS: 0; expected 1 or more\n")
    names = ["second/broken", "third", "second/standard"]
    status, output = session(machine, "train", "out", "plan", *names)
    assert status == 1
    assert "second broken FAILED" in output
    assert "third: not in plan" in output
    assert "second standard finished" in output
