"""The gradient steps, however they are wrapped: one arithmetic."""

import contextlib
import copy
import dataclasses
import functools
import shutil

import numpy as np
import pytest
import torch

from models import building, graphs, machine, steps, training
from models.networks import RatioNet
from models.randomness import Streams
from models.steps import Steps
from models.training import Trainer, train
from tests.conftest import images
from tests.test_training import LIKELIHOODS, METHODS, SECONDS, outcome


@pytest.fixture
def recording(monkeypatch):
    """CUDA graphs without a GPU: a replay works on the memory of the recording."""
    made = []

    def record(work):
        result = torch.zeros(())

        def replay():
            fresh = work()
            result.resize_(fresh.shape).copy_(fresh)

        made.append(replay)
        return replay, result

    monkeypatch.setattr(graphs, "warm", lambda work: work())
    monkeypatch.setattr(graphs, "record", record)
    return made


def trained(settings, likelihood, captured, block, seeds=(0, 2)):
    trainer = Trainer(images(likelihood), settings, seeds, block=block)
    trainer._steps = Steps(trainer.model, settings, captured=captured)
    return train(trainer)


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
@pytest.mark.parametrize("method", METHODS)
def test_captured_steps_are_the_plain_ones(method, likelihood, small, recording):
    settings = dataclasses.replace(small, method=method)
    captured = trained(settings, likelihood, True, block=2)
    plain = trained(settings, likelihood, False, block=2)
    assert list(map(outcome, captured)) == list(map(outcome, plain))
    assert outcome(plain[0]) != outcome(plain[1])  # two seeds
    # 40 images: a block of two batches of 16, and one of the 8 that are left
    assert len(recording) == (4 if method in ("iop", "avb") else 2)


def test_a_compacted_stack_is_recorded_anew(small, recording, monkeypatch):
    settings = dataclasses.replace(small, method="iop", warmup_epochs=0, patience=1)

    def validate(self):  # seed 1 stops after epoch 2, and is dropped
        row = [float(self.epoch * (r.seed == 0)) for r in self.members]
        return torch.tensor([row, [0.0] * len(row)])

    monkeypatch.setattr(Trainer, "_validate", validate)
    captured = trained(settings, "bernoulli", True, 2, (0, 1))
    plain = trained(settings, "bernoulli", False, 2, (0, 1))
    assert list(map(outcome, captured)) == list(map(outcome, plain))
    assert len(recording) == 8


def test_a_restored_stack_is_recorded_anew(small, recording):
    """Of the same shape, but its weights are other tensors."""
    settings = dataclasses.replace(small, method="iop")
    trainer = Trainer(images("bernoulli"), settings, [0, 2], block=2)
    trainer._steps = Steps(trainer.model, settings, captured=True)
    for count in (4, 4, 8):
        if count == 8:
            trainer.restore(copy.deepcopy(trainer.state()))
        trainer.run_epoch()
        assert len(recording) == count


def test_a_block_draws_once_and_steps_as_often(small, monkeypatch):
    """However many batches are drawn at once, each is a step of its own."""
    drawn = []
    normal = Streams.normal

    def counting(self, name, *shape):
        drawn.append((name, shape))
        return normal(self, name, *shape)

    monkeypatch.setattr(Streams, "normal", counting)
    settings = dataclasses.replace(small, method="iop", max_epochs=1)
    for block, expected in ((1, [16, 16, 8]), (2, [32, 8]), (50, [40])):
        drawn.clear()
        trainer = Trainer(images("bernoulli"), settings, [0], block=block)
        trainer.run_epoch()
        assert [shape[0] for name, shape in drawn if name == "noise"] == expected
        for optimizer, taken in zip(trainer._steps.optimizers, (3, 6), strict=True):
            assert {s["step"].item() for s in optimizer.state.values()} == {taken}


@pytest.mark.parametrize(
    ("likelihood", "precision"),
    [("bernoulli", "float32"), ("gaussian", "float32"), ("gaussian", "bfloat16")],
)
@pytest.mark.parametrize("method", METHODS)
def test_compiled_steps_are_the_plain_ones(
    method, likelihood, precision, small, monkeypatch
):
    """Through the compiler's tracer and autograd, whatever generates the code."""
    compiler = functools.partial(torch.compile, backend="aot_eager")
    monkeypatch.setattr(torch, "compile", compiler)
    monkeypatch.setattr(steps, "COMPILED_RATIO", ("cpu",))  # as on a GPU
    # whole chunks, which alone are compiled
    monkeypatch.setitem(training.CHUNK, "cpu", 20)
    settings = dataclasses.replace(small, method=method, precision=precision)
    agree(settings, likelihood)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own
@pytest.mark.skipif(not shutil.which("g++"), reason="no C++ compiler")
def test_compiled_code_is_the_plain_one(small):
    if not machine.compiler_works(torch.device("cpu")):
        pytest.skip("the compiler does not work here")
    agree(dataclasses.replace(small, method="iop"), "bernoulli")


def agree(settings, likelihood):
    torch.compiler.reset()
    plain, compiled = (
        train(Trainer(images(likelihood), settings, [0], compiled=c))[0]
        for c in (False, True)
    )
    ours, theirs = (np.array(r.curve)[:, :SECONDS] for r in (compiled, plain))
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)
    for name, value in compiled.weights.items():
        np.testing.assert_allclose(value, plain.weights[name], atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_everything_lies_on_the_device(method, small, monkeypatch):
    """On the meta device, which computes nothing and refuses to mix with the CPU."""

    def draw(self, name, shape, dtype, fill):
        return torch.zeros((len(self.seeds), *shape), dtype=dtype, device="meta")

    def adam(parameters, rate):  # the fused one knows real devices only
        return torch.optim.Adam(parameters, lr=rate)

    monkeypatch.setattr(Streams, "__init__", lambda self, seeds, device, purpose: None)
    monkeypatch.setattr(Streams, "seeds", (0, 1), raising=False)
    monkeypatch.setattr(Streams, "device", torch.device("meta"), raising=False)
    monkeypatch.setattr(Streams, "_draw", draw)
    monkeypatch.setattr(steps, "_adam", adam)
    monkeypatch.setattr(building, "_check_company", lambda *_: None)  # on a CPU always
    # nor does this device know lower precision
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: contextlib.nullcontext())
    monkeypatch.setattr(torch.Tensor, "cpu", lambda self: torch.zeros(self.shape))
    settings = dataclasses.replace(small, method=method)
    for likelihood in LIKELIHOODS:
        trainer = Trainer(images(likelihood), settings, [0, 1], "meta", block=2)
        trainer.run_epoch()
        assert {p.device.type for p in trainer.model.parameters()} == {"meta"}
        assert all(len(run.curve) == 1 for run in trainer.runs)


def test_without_dropout_the_ratio_steps_take_no_mask(small, recording):
    settings = dataclasses.replace(small, method="iop", ratio_keep_probability=1.0)
    assert RatioNet(Streams([0]), 2, 3, 1.0).dropout_mask(Streams([0]), 4) is None
    captured = trained(settings, "bernoulli", True, block=1)
    plain = trained(settings, "bernoulli", False, block=1)
    assert list(map(outcome, captured)) == list(map(outcome, plain))
