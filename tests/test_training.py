"""Algorithm 1: reproducible bit for bit, alone or in company, killed or not."""

import dataclasses

import numpy as np
import pytest
import torch

from models import quadrature, stopping
from models.building import build
from models.checkpoint import Scratch
from models.data import Dataset
from models.networks import RatioNet, StackedLinear
from models.randomness import Streams
from models.settings import Settings
from models.training import Trainer, train
from tests.conftest import images

METHODS = ["standard", "vampprior", "iop", "avb"]
LIKELIHOODS = ["bernoulli", "gaussian"]
SECONDS = stopping.CURVE.index("seconds")


def outcome(run):
    """Everything of a run but the time it took."""
    curve = [row[:SECONDS] for row in run.curve]
    weights = {n: value.numpy().tobytes() for n, value in run.weights.items()}
    return repr(curve), weights, run.best_epoch, run.best_elbo


def trained(settings, likelihood, seeds):
    return train(Trainer(images(likelihood), settings, seeds))


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
@pytest.mark.parametrize("method", METHODS)
def test_a_stack_is_its_members_up_to_rounding(method, likelihood, small):
    settings = dataclasses.replace(small, method=method)
    together = trained(settings, likelihood, [4, 0, 2])
    for run, seed in zip(together, [4, 0, 2], strict=True):
        alone = trained(settings, likelihood, [seed])[0]
        ours, theirs = (np.array(r.curve)[:, :SECONDS] for r in (run, alone))
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)
        for name, value in run.weights.items():
            np.testing.assert_allclose(value, alone.weights[name], atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_a_killed_run_goes_on_bit_for_bit(method, small, tmp_path):
    settings = dataclasses.replace(small, method=method, max_epochs=6)
    whole = trained(settings, "bernoulli", [0, 1])

    class Killed(Exception):
        pass

    def kill(trainer):
        if trainer.epoch == 4:
            raise Killed

    def trainer():
        return Trainer(images("bernoulli"), settings, [0, 1])

    scratch = Scratch(tmp_path / "x", key="run", interval=0)
    with pytest.raises(Killed):
        train(trainer(), scratch, kill)
    epochs = []
    resumed = train(trainer(), scratch, lambda trainer: epochs.append(trainer.epoch))
    assert epochs == [5, 6]
    assert list(map(outcome, resumed)) == list(map(outcome, whole))


@pytest.mark.parametrize("method", METHODS)
def test_estimated_elbos_have_ln_p_beside_them(method, small):
    """Every tenth epoch, of the model as it then is; not beside bounds."""
    few = np.tile(np.eye(4, dtype=np.float32), (4, 1))
    data = Dataset("made", "bernoulli", False, few, few, few)
    chosen = {"method": method, "latent_dim": 2, "max_epochs": 11, "patience": 11}
    trainer = Trainer(data, dataclasses.replace(small, **chosen), [0, 1])
    found = {}

    def look(trainer):
        if trainer.epoch == 10:
            found["exact"] = quadrature.log_likelihood(
                trainer.model, few, Streams([0, 1])
            )

    runs = train(trainer, report=look)
    column = stopping.CURVE.index("valid_exact_log_likelihood")
    for k, run in enumerate(runs):
        exact = [row[column] for row in run.curve]
        due = [exact.pop(9)]
        assert np.isnan(exact).all()
        known = method in ("iop", "avb")
        assert due == [found["exact"][k]] if known else np.isnan(due)


def test_ratio_net_recovers_the_log_ratio_of_two_gaussians():
    """Eq. 14: T* = ln N(z|m, s^2) - ln N(z|0, 1), known in closed form."""
    mean, deviation = 0.8, 0.6
    streams = Streams([0, 1])
    net = RatioNet(streams, 1, 50, keep=0.5)
    optimizer = torch.optim.Adam(net.parameters())
    for step in range(1500):
        optimizer.param_groups[0]["lr"] = 3e-3 * 0.1 ** (step / 750)
        z1 = mean + deviation * streams.normal("ratio", 200, 1)
        z0 = streams.normal("ratio", 200, 1)
        loss = -net.objective(z1, z0).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    z = torch.linspace(-0.6, 1.8, 25).reshape(1, 25, 1).expand(2, 25, 1)
    p, q = torch.distributions.Normal(0, 1), torch.distributions.Normal(mean, deviation)
    expected = (q.log_prob(z) - p.log_prob(z)).squeeze(-1)
    error = (net(z).detach() - expected).abs()
    assert expected.max() - expected.min() > 2
    assert error.max() < 0.3
    assert error.mean() < 0.1


def test_pseudo_inputs_begin_around_their_mean(small):
    settings = dataclasses.replace(
        small, method="vampprior", components=100, pseudo_input_mean=0.3,
        pseudo_input_std=0.05,
    )  # fmt: skip
    u = build(settings, 400, "gaussian", Streams([0])).prior.pseudo_inputs
    assert u.mean().item() == pytest.approx(0.3, abs=5 * 0.05 / 200)
    assert u.std().item() == pytest.approx(0.05, rel=0.03)


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
