"""The gradient steps, however they are wrapped: one arithmetic."""

import contextlib
import copy
import dataclasses
import functools
import shutil

import numpy as np
import pytest
import torch

from models import distributions, graphs, machine, steps, training
from models.networks import GaussianDecoder, RatioNet
from models.randomness import Streams
from models.settings import PRECISIONS
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


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("likelihood", LIKELIHOODS)
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
    # nor does this device know lower precision
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: contextlib.nullcontext())
    monkeypatch.setattr(torch.Tensor, "cpu", lambda self: torch.zeros(self.shape))
    settings = dataclasses.replace(small, method=method)
    for likelihood in LIKELIHOODS:
        trainer = Trainer(images(likelihood), settings, [0, 1], "meta", block=2)
        trainer.run_epoch()
        assert {p.device.type for p in trainer.model.parameters()} == {"meta"}
        assert all(len(run.curve) == 1 for run in trainer.runs)


PRODUCTS = {
    "float32": ("highest", torch.float32),
    "tensorfloat32": ("high", torch.float32),
    "reduced": ("medium", torch.float32),
    "bfloat16": ("highest", torch.bfloat16),
}


@pytest.mark.parametrize("precision", PRECISIONS)
def test_lower_precision_is_for_training_alone(precision, small, monkeypatch):
    seen = {"train": set(), "valid": set()}
    for place in ("_update_vae", "_update_ratio", "_validate"):
        monkeypatch.setattr(
            Trainer, place, noting(getattr(Trainer, place), seen, place)
        )
    settings = dataclasses.replace(small, method="iop", precision=precision)
    train(Trainer(images("bernoulli"), settings, [0]))
    expected = {"train": {PRODUCTS[precision]}, "valid": {PRODUCTS["float32"]}}
    assert seen == expected
    assert torch.get_float32_matmul_precision() == "highest"


def noting(method, seen, place):
    phase = "valid" if place == "_validate" else "train"

    def wrapped(self, *arguments):
        kind = torch.bmm(torch.ones(1, 1, 1), torch.ones(1, 1, 1)).dtype
        seen[phase].add((torch.get_float32_matmul_precision(), kind))
        return method(self, *arguments)

    return wrapped


def test_the_kind_of_products_is_found_by_trying():
    cpu = torch.device("cpu")
    assert machine.product_kind("float32", cpu) == "float32"
    a, b = torch.randn(2, 1, 512, 512, generator=torch.Generator().manual_seed(1))
    with machine.products("reduced", cpu):
        error = (torch.bmm(a, b).double() - torch.bmm(a.double(), b.double())).abs()
    # a factor's relative error: 2**-9 in bfloat16; the sums have standard deviation 23
    reduced = bool(error.max() > 0.01)
    assert machine.product_kind("reduced", cpu) == (
        "bfloat16" if reduced else "float32"
    )
    assert machine.product_kind("bfloat16", cpu) == "bfloat16"
    assert machine.product_kind("tensorfloat32", cpu) != "bfloat16"


@pytest.mark.parametrize("rounding", ["bfloat16", "tensorfloat32", "float32"])
def test_the_kind_of_factors_is_told_by_their_rounding(rounding, monkeypatch):
    bits = {"bfloat16": 7, "tensorfloat32": 10, "float32": 23}[rounding]
    product = torch.bmm

    def rounded(a, b):  # factors with so many bits behind the point
        steps = 2.0**bits
        return product((a * steps).round() / steps, (b * steps).round() / steps)

    monkeypatch.setattr(torch, "bmm", rounded)
    assert machine.product_kind("reduced", torch.device("cpu")) == rounding


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
@pytest.mark.parametrize("method", METHODS)
def test_bfloat16_products_leave_the_loss_and_its_gradient_close(
    method, likelihood, small
):
    """Against float32: a few roundings of 2**-9 each, and no weight in bfloat16."""
    settings = dataclasses.replace(small, method=method, hidden_units=64)
    data = images(likelihood)
    found = []
    for precision in ("float32", "bfloat16"):
        trainer = Trainer(data, settings, [0, 2])
        x = torch.from_numpy(data.valid).expand(2, *data.valid.shape)
        noise = trainer.streams.normal(
            "noise", len(data.valid), trainer.model.noise_dim
        )
        with machine.products(precision, torch.device("cpu")):
            loss, terms = trainer._steps._plain_vae_loss(x, noise, torch.ones(()))
            loss.sum().backward()
        assert loss.dtype == terms.dtype == torch.float32
        gradient = torch.cat([p.grad.flatten() for p in trainer._steps.theta])
        assert gradient.dtype == torch.float32
        found.append((loss.detach(), gradient))
    (exact, slope), (ours, other) = found
    np.testing.assert_allclose(ours, exact, rtol=0.01, atol=0.03)
    assert not torch.equal(ours, exact)
    assert (other - slope).norm() < 0.03 * slope.norm()


def test_the_gaussian_decoder_keeps_its_last_layer_in_float32(monkeypatch):
    decoder = GaussianDecoder(Streams([0]), 3, 8, 5)
    seen = []
    monkeypatch.setattr(
        distributions, "normal", lambda x, mean, log_variance: seen.append(log_variance)
    )
    z = torch.randn(1, 7, 3, generator=torch.Generator().manual_seed(0))
    with machine.products("bfloat16", z.device):
        decoder.log_density(torch.zeros(1, 7, 5), z)
        h = decoder.body(z)
    assert h.dtype == torch.bfloat16
    with torch.no_grad():
        expected = decoder.head(h.float())[..., 5:]
    assert torch.equal(seen[0], expected)


@pytest.mark.parametrize("compiled", [False, True])
def test_the_gaussian_decoders_last_layer_learns_in_float32(
    compiled, small, monkeypatch
):
    """Its gradient, too, is no bfloat16 number, though autocast is on around it."""
    compiler = functools.partial(torch.compile, backend="aot_eager")
    monkeypatch.setattr(torch, "compile", compiler)
    settings = dataclasses.replace(small, precision="bfloat16")
    trainer = Trainer(images("gaussian"), settings, [0], compiled=compiled)
    gradients = {}

    def note(optimizer, *_):
        for name, p in trainer.model.named_parameters():
            gradients.setdefault(name, p.grad.clone())

    trainer._steps.optimizers[0].register_step_pre_hook(note)
    trainer.run_epoch()
    coarse = {
        name: torch.equal(g, g.bfloat16().float()) for name, g in gradients.items()
    }
    assert coarse["decoder.body.1.weight"]
    assert not coarse["decoder.head.weight"]


@pytest.mark.parametrize("precision", PRECISIONS[1:])
def test_the_mixture_keeps_its_precision_under_lower_products(precision):
    """As a bfloat16 product its density would be wrong by tens of nats."""
    generator = torch.Generator().manual_seed(0)
    mean = 2 * torch.randn(1, 50, 40, generator=generator)
    log_variance = torch.full_like(mean, -6.0)
    z = mean + torch.exp(0.5 * log_variance) * torch.randn(
        mean.shape, generator=generator
    )
    exact = distributions.normal_mixture(z.double(), mean, log_variance)
    with machine.products(precision, z.device):
        ours = distributions.normal_mixture(z, mean, log_variance)
    np.testing.assert_allclose(ours, exact, atol=1e-3)


def test_without_dropout_the_ratio_steps_take_no_mask(small, recording):
    settings = dataclasses.replace(small, method="iop", ratio_keep_probability=1.0)
    assert RatioNet(Streams([0]), 2, 3, 1.0).dropout_mask(Streams([0]), 4) is None
    captured = trained(settings, "bernoulli", True, block=1)
    plain = trained(settings, "bernoulli", False, block=1)
    assert list(map(outcome, captured)) == list(map(outcome, plain))


def test_an_unknown_precision_is_refused(small):
    with pytest.raises(ValueError, match="precision: 'half', expected float32, tens"):
        dataclasses.replace(small, precision="half")
