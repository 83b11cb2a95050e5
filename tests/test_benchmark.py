"""The benchmark: its other side does the same work, and its counts are right."""

import argparse
import csv
import itertools
import json
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import epochs, gpu_check, pairs, profiling, speed
from benchmarks.plain import PlainTrainer
from models import data, machine, options, train
from models.randomness import Streams
from models.settings import Settings
from models.training import Trainer
from tests.conftest import images


@pytest.mark.parametrize("method", ["standard", "vampprior", "iop"])
def test_the_plain_trainer_learns_what_the_engine_learns(method):
    """Other random numbers, so other weights, but about the same reconstruction."""
    settings = Settings(
        method=method, latent_dim=2, hidden_units=32, components=5, warmup_epochs=0,
        learning_rate=3e-3, ratio_epochs=1,
    )  # fmt: skip
    data = images("gaussian", n=500)
    torch.manual_seed(0)
    plain, engine = PlainTrainer(data, settings), Trainer(data, settings, [0])
    for trainer in (plain, engine):
        for _ in range(40):
            trainer.run_epoch()
    ours = engine._validate()[0, 0].item()  # reconstruction
    weights = {name: value.detach()[None] for name, value in plain.w.items()}
    engine.model.load_state_dict(weights)
    assert engine._validate()[0, 0].item() == pytest.approx(ours, abs=0.3)
    untrained = Trainer(data, settings, [0])._validate()[0, 0].item()
    assert ours > untrained + 1


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
@pytest.mark.parametrize("method", speed.METHODS)
def test_both_sides_do_the_same_products(method, likelihood):
    """But for what PlainTrainer names; densities as products and T's unused gradients
    are less than a hundredth.
    """
    data, settings = speed.made(likelihood, 200), Settings(method=method)
    ours, _ = speed.counted(Trainer(data, settings, [0, 1]))
    plain = PlainTrainer(data, settings)
    with FlopCounterMode(display=False) as counter:
        plain.run_epoch()
    theirs = counter.get_total_flops() * 250 / 1e9  # of 50,000 images
    if (method, likelihood) == ("iop", "gaussian"):  # the encoder, nine times more
        theirs -= 9 * 2 * 50_000 * (784 * 1000 + 500 * 1000 + 500 * 80) / 1e9
    assert ours == pytest.approx(theirs, rel=0.011)


def test_times_are_of_a_seeds_epoch_and_medians(monkeypatch):
    """Of 100 images that take 2, 8 and 3 seconds plainly, 1 second in the engine."""
    clock = itertools.cycle([2.0, 1.0, 8.0, 1.0, 3.0, 1.0])
    monkeypatch.setattr(speed, "seconds", lambda work, device: next(clock))
    monkeypatch.setattr(speed, "engine_epoch", lambda trainer: None)
    monkeypatch.setattr(speed, "counted", lambda trainer: (1500.0, 250.0))
    monkeypatch.setattr(speed, "overhead", lambda trainer, epoch, device: epoch)
    flags = argparse.Namespace(images=100, rounds=3, modes=["float32"])
    (row,) = speed.measure("standard", "bernoulli", flags, torch.device("cpu"))
    assert (row["engine_seconds"], row["plain_seconds"]) == (500, 1500)
    ratios = [row[f"ratio_{of}"] for of in ("min", "median", "max")]
    assert ratios == [2, 3, 8]
    assert row["gigaflop_per_second"] == 3
    assert row["gigabyte_per_second"] == 0.5
    assert row["overhead"] == 500


def test_counts_of_the_standard_prior_in_closed_form():
    data = speed.made("bernoulli", 200)
    gigaflop, gigabyte = speed.counted(Trainer(data, Settings(), [0]))
    layers = [(784, 1000), (500, 1000), (500, 80), (40, 1000), (500, 1000), (500, 784)]
    products = sum(n * m for n, m in layers)
    # forward, and back to weights and inputs, but for the images' own gradient
    flop = 2 * (3 * products - 784 * 1000) * 50_000
    assert gigaflop == pytest.approx(flop / 1e9)
    parameters = products + sum(m for _, m in layers)
    assert gigabyte == pytest.approx(28 * parameters * 500 / 1e9)
    _, more = speed.counted(Trainer(data, Settings(method="iop"), [0]))
    psi = sum(n * m + m for n, m in [(40, 500), (500, 500), (500, 1)])
    assert more - gigabyte == pytest.approx(28 * psi * 500 * 10 / 1e9)


def test_the_overhead_is_of_mnists_validation_and_a_checkpoint_a_minute(monkeypatch):
    """Of two seeds: 3 s for 2,500 of 10,000 images, 5 s to book, 12 s to save."""
    trainer = Trainer(speed.made("bernoulli", 100, 2500), Settings(), [0, 1])
    clock = iter([3.0, 5.0, 12.0])
    monkeypatch.setattr(speed, "seconds", lambda work, device: next(clock))
    found = speed.overhead(trainer, 17.0, torch.device("cpu"))
    assert found == pytest.approx((3 * 4 / 2 + 5 / 2) / 17 + 12 / 60)


def test_the_check_of_a_gpu_agrees_with_itself_and_finds_a_difference(
    monkeypatch, capsys
):
    gpu_check.main(["--device", "cpu", "--epochs", "2"])
    out = capsys.readouterr().out
    assert out.count("agrees") == 8
    assert "as they should be" in out

    def off(dataset, settings, seeds, device, compiled):
        if device != "cpu" and settings.method == "vampprior":
            raise RuntimeError("no such kernel")
        return np.full((1, 9), 1.0 if device == "cpu" else 1.0001)

    monkeypatch.setattr(gpu_check, "curves", off)
    with pytest.raises(SystemExit, match="what DIFFERS or FAILS above"):
        gpu_check.main(["--device", "cpu", "--epochs", "2"])
    out = capsys.readouterr().out
    assert (out.count("DIFFERS"), out.count("Error: no such kernel")) == (6, 2)


class Wide(Streams):
    def normal(self, *shape):
        return 2 * super().normal(*shape)


class Lonely(Streams):
    def __init__(self, seeds, *rest):
        super().__init__([seed + (len(seeds) == 1) for seed in seeds], *rest)


@pytest.mark.parametrize("wrong", [Wide, Lonely])
def test_the_check_of_a_gpu_finds_wrong_random_numbers(wrong, monkeypatch, capsys):
    monkeypatch.setattr(gpu_check, "Streams", wrong)
    monkeypatch.setattr(gpu_check, "curves", lambda *_: np.zeros((1, 9)))
    with pytest.raises(SystemExit, match="error: cpu: what DIFFERS"):
        gpu_check.main(["--device", "cpu"])
    out = capsys.readouterr().out
    assert "random numbers of cpu: DIFFER" in out
    assert out.count("agrees") == 8


def test_the_check_of_a_gpu_finds_a_seed_that_ends_early(monkeypatch):
    def curves(dataset, settings, seeds, device, compiled):
        return np.ones((2 if device == "cpu" else 1, 9))

    monkeypatch.setattr(gpu_check, "curves", curves)
    fine, words = gpu_check.compare(None, None, torch.device("cpu:0"), False)
    assert not fine
    assert words.endswith("DIFFERS")


def test_the_check_of_a_gpu_begins_nothing_when_its_time_is_up(monkeypatch, capsys):
    clock = types.SimpleNamespace(monotonic=itertools.count(0, 60).__next__)
    monkeypatch.setattr(gpu_check, "time", clock)
    monkeypatch.setattr(gpu_check, "curves", lambda *_: np.zeros((1, 9)))
    gpu_check.main(["--device", "cpu", "--seconds", "100"])
    out = capsys.readouterr().out
    assert (out.count("agrees"), out.count("not begun")) == (1, 7)


@pytest.mark.parametrize("launched", [1.0, 2.0])
def test_the_check_of_a_gpu_holds_graphs_against_launches(launched, monkeypatch):
    def curves(dataset, settings, seeds, device, compiled, captured=None):
        return np.full((1, 9), launched if captured is False else 1.0)

    monkeypatch.setattr(gpu_check, "curves", curves)
    fine, words = gpu_check.compare(None, None, torch.device("cuda"), False)
    assert fine is (launched == 1.0)
    assert words.endswith(f"launches {'agree' if fine else 'DIFFER'}")


def test_the_profile_counts_the_products_of_a_step(capsys):
    """Three layers of T forward, and backward but for its inputs: Eq. 20's step."""
    profiling.main(
        ["--images", "200", "--seeds", "1", "--method", "iop", "--top", "99"]
    )
    vae, ratio = capsys.readouterr().out.split("ratio step: ")
    assert "iop, 1 seeds" in vae
    calls = {line.split()[-1]: float(line.split()[0]) for line in ratio.splitlines()}
    assert calls["aten::bmm"] == 2 * 3 - 1
    assert calls["aten::_fused_adam_"] == 1
    shares = [line.split()[2] for line in ratio.splitlines() if "%" in line]
    assert 90 < sum(float(share.rstrip("%")) for share in shares) < 110


def test_the_plan_of_a_gpu_session_trains_what_the_workflow_trains(capsys):
    pairs.main()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4 + 12 + 5  # OneHot, Table 2, and Figure 3 beside Table 2's K
    parser = train.parser()
    for line in lines:
        dataset, method, *flags = line.split()
        common = ["--data", dataset, "--output", "x"]
        arguments = parser.parse_args([*common, *flags])
        assert arguments.seeds == list(range(8))
        name, _, components = method.partition("-")
        assert options.settings(arguments).method == name
        assert not components or arguments.components == int(components)


@pytest.mark.parametrize("command", [speed, gpu_check, profiling])
def test_a_device_that_is_not_there_is_one_line(command):
    with pytest.raises(SystemExit, match="error: --device nought: not a device"):
        command.main(["--device", "nought"])


@pytest.mark.parametrize("option", ["--rounds", "--images"])
def test_a_benchmark_of_nothing_is_refused(option, capsys):
    with pytest.raises(SystemExit):
        speed.main([option, "0"])
    assert f"argument {option}: '0', expected 1 or more" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="error: --threads 2: expected 1, one core"):
        speed.main(["--threads", "2"])
    with pytest.raises(SystemExit):
        epochs.main(["--datasets", "freyface"])
    assert "invalid choice: 'freyface' (choose from" in capsys.readouterr().err


def test_no_mode_left_is_said_before_anything_is_timed(monkeypatch):
    monkeypatch.setattr(machine, "compiler_works", lambda device: False)
    with pytest.raises(SystemExit, match="error: none of the modes asked for runs"):
        speed.main(["--modes", next(m for m, how in speed.MODES.items() if how[1])])


def test_an_epoch_of_a_pair_is_timed_by_the_command_that_users_run(tmp_path):
    data.save(images("gaussian"), tmp_path / "made.npz")
    flags = ["--hidden-units", "8", "--latent-dim", "2", "--method", "iop"]
    arguments = argparse.Namespace(
        data=tmp_path, seeds=2, device="cpu", threads=1, compile=False, no_capture=True
    )
    row = epochs.measure("made", "iop", flags, arguments)
    assert list(row) == epochs.COLUMNS
    assert row["seconds_per_epoch"] > 0
    assert row["peak_gib"] > 0
    assert f"| made | iop | {row['seconds_per_epoch']:.2f} (" in epochs.markdown([row])
    with pytest.raises(subprocess.CalledProcessError):
        epochs.measure("made", "iop", [*flags, "--batch-size", "0"], arguments)


def test_seconds_of_seeds_that_train_apart_add_up(tmp_path, monkeypatch):
    """Two, one after the other: 7, 3, 5 and 4 s of epochs each, 50 s in all."""

    def trained(command, **_):
        run = Path(command[command.index("--output") + 1]) / "seed0"
        run.mkdir()
        (run / "curve.csv").write_text("epoch,seconds\n1,7\n2,10\n3,15\n4,19\n")
        facts = {"precision": "p", "compiled": False, "threads": 1, "device": "d"}
        facts |= {"commit": "c", "stack": [0], "versions": {"torch": "t"}}
        (run / "record.json").write_text(json.dumps(facts))
        return types.SimpleNamespace(pid=1)

    usage = types.SimpleNamespace(ru_maxrss=2**20 if sys.platform == "linux" else 2**30)
    clock = types.SimpleNamespace(perf_counter=iter([0.0, 50.0]).__next__)
    monkeypatch.setattr(epochs.subprocess, "Popen", trained)
    monkeypatch.setattr(epochs.os, "wait4", lambda pid, options: (pid, 0, usage))
    monkeypatch.setattr(epochs, "time", clock)
    arguments = argparse.Namespace(
        data=tmp_path, seeds=2, device="cpu", threads=1, compile=False, no_capture=True
    )
    row = epochs.measure("made", "iop", [], arguments)
    found = [row[of] for of in epochs.COLUMNS[3:7]]
    assert found == [8, 6, 10, 12]
    line = "| made | iop | 8.00 (6.00 to 10.00) | 12.0 | 1.00 |"
    assert line in epochs.markdown([row])
    assert row["peak_gib"] == 1


def test_the_epochs_of_the_datasets_asked_for_are_timed(tmp_path, monkeypatch, capsys):
    flags = {}

    def measure(dataset, method, found, arguments):
        flags[method] = found
        row = dict.fromkeys(epochs.COLUMNS, 1) | {"precision": "float32"}
        return row | {"dataset": dataset, "method": method}

    monkeypatch.setattr(epochs, "measure", measure)
    common = ["--data", str(tmp_path), "--output", str(tmp_path / "out")]
    with pytest.raises(SystemExit, match=r"error: .*/freyfaces\.npz: no such file"):
        epochs.main([*common, "--datasets", "freyfaces"])
    (tmp_path / "freyfaces.npz").touch()
    epochs.main([*common, "--datasets", "freyfaces"])
    assert list(flags) == ["standard", "vampprior-500", "iop"]
    assert flags["vampprior-500"][:2] == ["--method", "vampprior"]
    with open(tmp_path / "out/epochs.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["method"] for row in rows] == list(flags)
    assert {row["dataset"] for row in rows} == {"freyfaces"}
    text = (tmp_path / "out/epochs.md").read_text()
    assert text.count("| freyfaces | ") == 3


def test_the_command(tmp_path, capsys, monkeypatch):
    validate = torch.distributions.Distribution._validate_args
    monkeypatch.setattr(torch.distributions.Distribution, "_validate_args", validate)
    if not torch.cpu._is_avx512_bf16_supported():  # imitated, it takes minutes
        monkeypatch.setitem(speed.MODES, "bfloat16", ("float32", False))
    monkeypatch.setattr(speed, "METHODS", ("standard",))
    brief = ["--rounds", "1", "--images", "100", "--modes", "float32", "bfloat16"]
    speed.main(["--output", str(tmp_path), *brief])
    with open(tmp_path / "speed.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4
    for row in rows:
        ratio = float(row["plain_seconds"]) / float(row["engine_seconds"])
        assert float(row["ratio_median"]) == pytest.approx(ratio)
    assert (tmp_path / "speed.png").stat().st_size > 1000
    lines = (tmp_path / "speed.md").read_text().splitlines()
    assert len(lines) == 2 + 4 + 2
    assert f"| {float(rows[-1]['ratio_median']):.2f} (" in lines[5]
    assert "ceilings" in capsys.readouterr().out
