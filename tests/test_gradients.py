"""Losses and gradients of the stacked core against the readable reference."""

import dataclasses

import pytest
import torch

from benchmarks import reference
from models.networks import StackedLinear
from models.randomness import Streams
from models.settings import Settings
from models.steps import Steps
from models.training import build

SEEDS = [0, 7]
METHODS = ["standard", "vampprior", "iop", "avb"]
LIKELIHOODS = ["bernoulli", "gaussian"]


def batch(likelihood):
    generator = torch.Generator().manual_seed(3)
    x = torch.rand(2, 9, 6, generator=generator)
    return x.round() if likelihood == "bernoulli" else x


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
@pytest.mark.parametrize("method", METHODS)
def test_vae_step(method, likelihood, small):
    beta = 0.3
    streams = Streams(SEEDS)
    settings = dataclasses.replace(small, method=method)
    model = build(settings, 6, likelihood, streams)
    x, noise = batch(likelihood), streams.normal("noise", 9, model.noise_dim)
    reconstruction, kl = model.terms(x, noise)
    steps = Steps(model, settings)
    loss, sums = steps._plain_vae_loss(x, noise, torch.tensor(beta))
    torch.testing.assert_close(sums, torch.stack([reconstruction, kl]).sum(-1))
    loss.sum().backward()
    for k in range(len(SEEDS)):
        w = reference.weights_of(model, k)
        xk, nk = x[k].double(), noise[k].double()
        if method == "avb":
            r, d = reference.avb_terms(w, likelihood, xk, nk)
        else:
            r, d = reference.terms(w, method, likelihood, xk, nk)
        (beta * d - r).mean().backward()
        torch.testing.assert_close(
            loss[k].double(), (beta * d - r).mean(), rtol=1e-4, atol=1e-4
        )
        torch.testing.assert_close(reconstruction[k].double(), r, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(kl[k].double(), d, rtol=1e-4, atol=1e-4)
        compared = 0
        for name, parameter in model.named_parameters():
            ours, theirs = parameter.grad[k].double(), w[name].grad
            torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=2e-5, msg=name)
            compared += int(theirs.abs().max() > 1e-3)
        assert compared > 4  # not a comparison of zeros


@pytest.mark.parametrize("method", ["iop", "avb"])
def test_ratio_step(method, small):
    streams = Streams(SEEDS)
    settings = dataclasses.replace(small, method=method)
    model = build(settings, 6, "bernoulli", streams)
    noise = streams.normal("ratio", 9, model.noise_dim)
    source = model.ratio_source(batch("bernoulli"))
    rows = model.ratio_rows(source, noise).detach()
    z0 = streams.normal("ratio", 9, 3)
    others = model.ratio_counterparts(rows, z0)
    mask = model.ratio.dropout_mask(streams, 18)
    assert set(mask.unique().tolist()) == {0.0, 2.0}
    objective = model.ratio.objective(rows, others, mask)
    objective.sum().backward()
    name = "ratio" if method == "avb" else "prior.ratio"
    for k in range(len(SEEDS)):
        w = reference.weights_of(model, k)
        arrays = (t[k].double() for t in (rows, others, mask))
        theirs = reference.ratio_objective(w, *arrays, name)
        theirs.backward()
        torch.testing.assert_close(objective[k].double(), theirs, rtol=1e-5, atol=1e-6)
        for part, parameter in model.ratio.named_parameters():
            expected = w[f"{name}.{part}"].grad
            torch.testing.assert_close(
                parameter.grad[k].double(), expected, rtol=1e-3, atol=1e-6
            )


def test_each_step_moves_its_own_weights_by_its_own_rate(small):
    """Adam's first step is its rate times the gradient's sign."""
    rates = {"learning_rate": 1e-3, "ratio_learning_rate": 3e-3}
    settings = dataclasses.replace(small, method="iop", **rates)
    streams = Streams(SEEDS)
    model = build(settings, 6, "bernoulli", streams)
    steps = Steps(model, settings)
    x, noise = batch("bernoulli"), streams.normal("noise", 9, 3)
    rows = model.ratio_rows(steps.source(x), noise).detach()
    z0 = streams.normal("ratio", 9, 3)

    def moved(step, *arguments):
        """The largest change of theta and phi, and of psi."""
        before = [p.detach().clone() for p in model.parameters()]
        step(*arguments)
        largest = {False: 0.0, True: 0.0}
        for (name, p), old in zip(model.named_parameters(), before, strict=True):
            psi = "ratio" in name
            largest[psi] = max(largest[psi], (p - old).abs().max().item())
        return largest[False], largest[True]

    theta, psi = moved(steps.vae, x, noise, torch.tensor(1.0))
    assert (theta, psi) == (pytest.approx(1e-3, rel=1e-3), 0)
    theta, psi = moved(steps.ratio, rows, z0)
    assert (theta, psi) == (0, pytest.approx(3e-3, rel=1e-3))


def test_glorot_bounds_hold_for_each_block():
    """Of every layer of a model: two blocks where it has a gate or two outputs."""
    settings = Settings(method="iop", latent_dim=30, hidden_units=100)
    model = build(settings, 60, "gaussian", Streams(range(4)))
    once = {"prior.ratio.first", "prior.ratio.second", "prior.ratio.last"}
    layers = {n: m for n, m in model.named_modules() if isinstance(m, StackedLinear)}
    assert len(layers) == 6 + len(once)
    for name, layer in layers.items():
        _, inputs, outputs = layer.weight.shape
        outputs //= 1 if name in once else 2
        bound = (6 / (inputs + outputs)) ** 0.5
        assert 0.97 * bound < layer.weight.abs().max() <= bound, name
        variance = layer.weight.var(dim=(1, 2)).mean().item()
        assert variance == pytest.approx(bound**2 / 3, rel=0.15), name
        assert not layer.bias.any(), name
