"""Lower precision: for training's products alone, and how it is told."""

import dataclasses
import functools

import numpy as np
import pytest
import torch

from models import distributions, machine
from models.networks import GaussianDecoder
from models.randomness import Streams
from models.settings import PRECISIONS
from models.training import Trainer, train
from tests.conftest import images
from tests.test_training import LIKELIHOODS, METHODS

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
