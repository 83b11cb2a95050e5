"""A scratch checkpoint is whole, of its own run, or none."""

import dataclasses
import os
import types

import pytest
import torch
from commanded import SMALL

from models import checkpoint, machine, provenance, train
from models.checkpoint import Scratch
from models.data import save
from models.training import Trainer
from tests.conftest import images


def test_a_foreign_or_damaged_checkpoint_is_ignored(small, tmp_path, capsys):
    trainer = Trainer(images("bernoulli"), small, [0])
    trainer.run_epoch()
    scratch = Scratch(tmp_path / "x", key="this")
    scratch.save(trainer.state())
    assert scratch.load()["epoch"] == 1
    assert Scratch(tmp_path / "x", key="other").load() is None
    assert "/x: of other settings, data, code or dev" in capsys.readouterr().err
    whole = (tmp_path / "x").read_bytes()
    (tmp_path / "x").write_bytes(whole[: len(whole) // 2])
    assert scratch.load() is None
    assert "/x: unreadable, begun anew (" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("where", "error"),
    [
        ("Path.read_bytes", OSError(5, "Input/output error")),
        ("torch.load", MemoryError()),
        ("torch.load", RuntimeError("DefaultCPUAllocator: can't allocate memory")),
    ],
)
def test_a_checkpoint_that_may_be_whole_is_not_begun_anew(
    where, error, tmp_path, monkeypatch
):
    def fail(*_, **__):
        raise error

    scratch = Scratch(tmp_path / "x", key="this")
    scratch.save({})
    monkeypatch.setattr(f"models.checkpoint.{where}", fail)
    with pytest.raises(type(error)):
        scratch.load()
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


def test_a_checkpoint_that_cannot_be_read_may_be_whole(tmp_path):
    (tmp_path / "x").mkdir()
    with pytest.raises(OSError, match="directory"):
        Scratch(tmp_path / "x", key="this").load()


def test_an_interval_lies_between_two_saves(tmp_path, monkeypatch):
    clock = types.SimpleNamespace(monotonic=lambda: now)
    monkeypatch.setattr(checkpoint, "time", clock)
    now, saved = 100.0, []
    scratch = Scratch(tmp_path / "x", key="this")
    for now in (100.0, 159.0, 160.0, 219.0, 221.0, 280.0, 281.0):
        scratch.save_if_due(lambda now=now: saved.append(now) or {})
    assert saved == [160.0, 221.0, 281.0]


def test_the_seconds_before_a_resumption_count(small):
    first, again = (Trainer(images("bernoulli"), small, [0]) for _ in range(2))
    first.run_epoch()
    first.seconds, first.started = 1000.0, "then"
    again.restore(first.state())
    assert (again.seconds, again.started) == (1000.0, "then")


@pytest.mark.parametrize(
    "change",
    "data name settings code method cpu device versions compiled precision".split(),
)
def test_a_checkpoint_of_another_run_is_ignored(change, made, tmp_path, monkeypatch):
    monkeypatch.setattr(Scratch, "remove", lambda self: None)
    common = ["--seeds", "0", *SMALL, "--output", str(tmp_path / "out")]
    train.main(["--data", str(made), *common])
    path, more, run_epoch, epochs = made, [], Trainer.run_epoch, []
    if change == "data":
        dataset = images("bernoulli")
        path = tmp_path / "other/made.npz"
        save(dataclasses.replace(dataset, train=1 - dataset.train), path)
    elif change == "name":  # of which the random numbers are
        path = tmp_path / "other.npz"
        save(dataclasses.replace(images("bernoulli"), name="other"), path)
    elif change == "settings":
        more = ["--learning-rate", "0.01"]
    elif change == "method":
        more = ["--method", "iop"]
    elif change == "cpu":  # of the same name
        cpu = torch.backends.cpu
        monkeypatch.setattr(cpu, "get_cpu_capability", lambda: "another")
    elif change == "device":
        monkeypatch.setattr(machine, "describe", lambda device: "another")
    elif change == "precision":  # that the device computes in
        monkeypatch.setattr(machine, "product_kind", lambda *_: "another")
    elif change == "versions":
        monkeypatch.setattr(provenance, "versions", lambda: {"torch": "another"})
    elif change == "compiled":
        monkeypatch.setattr(machine, "compiler_works", lambda device: True)
        monkeypatch.setattr(torch, "compile", lambda function, **_: function)
        more = ["--compile"]
    else:
        monkeypatch.setattr(provenance, "training_code", lambda *_: "another")

    def counting(trainer):
        epochs.append(trainer.epoch)
        return run_epoch(trainer)

    monkeypatch.setattr(Trainer, "run_epoch", counting)
    train.main(["--data", str(path), *common, *more])
    assert epochs == [0, 1]  # of SMALL: none was taken from the other run


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no full device here")
def test_a_disk_that_is_full_is_told_and_an_older_checkpoint_stands(tmp_path):
    scratch = Scratch(tmp_path / "x", key="this")
    scratch.save({"epoch": 1})
    (tmp_path / f".{os.getpid()}.x").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        scratch.save({"epoch": 2})
    assert scratch.load() == {"epoch": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["x"]
