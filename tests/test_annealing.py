"""Normalisers by annealing, where they are known: closed forms, quadrature, one."""

import math

import pytest
import torch

from models import annealing
from models.distributions import normal_mixture, standard_normal
from models.networks import RatioNet
from models.randomness import Streams

LATENT = 10
SLOPE = torch.linspace(-1, 1.5, LATENT)


def linear(z):
    """Its normaliser is exp(|a|^2 / 2 + c)."""
    return z @ SLOPE - 3


def narrow(z):
    """A Gaussian bump around 1, of variance 1/49."""
    return -24.5 * (z - 1).square().sum(-1)


KNOWN = {
    linear: SLOPE.square().sum().item() / 2 - 3,
    # of exp(-b/2 (z - 1)^2) N(z | 0, 1): (1 + b)^(-1/2) exp(-b / (2 (1 + b)))
    narrow: LATENT * (-0.5 * math.log(50) - 49 / 100),
}


@pytest.mark.parametrize("ratio", KNOWN)
def test_against_a_closed_form(ratio):
    found, effective = annealing.log_normaliser(
        ratio, LATENT, Streams([0, 1]), chains=400, temperatures=1000
    )
    # over other seeds it scatters by 0.01 and 0.05
    assert found.tolist() == pytest.approx([KNOWN[ratio]] * 2, abs=0.25)
    assert effective.min() > 80
    if ratio is narrow:  # what makes annealing necessary: plain averages miss by far
        plain = ratio(Streams([0]).normal("scores", 400, LATENT)).logsumexp(1)
        assert plain.item() - math.log(400) < KNOWN[ratio] - 1


def test_of_a_constant_ratio_every_chain_is_effective():
    """All weigh the same: E is C, and ln Z the constant, exactly."""
    found, effective = annealing.log_normaliser(
        lambda z: 2 + 0 * z.sum(-1), LATENT, Streams([0, 1]), 30, temperatures=5
    )
    assert found.tolist() == pytest.approx([2, 2])
    assert effective.tolist() == pytest.approx([30, 30])


def test_few_temperatures_scatter_but_are_not_biased():
    """A transition that left another density as it is would bias the mean of Z."""
    found, effective = annealing.log_normaliser(
        linear, LATENT, Streams([3]), chains=40_000, temperatures=16
    )
    assert effective.item() < 0.5 * 40_000
    assert found.item() == pytest.approx(KNOWN[linear], abs=0.05)  # scatters by 0.01


def test_a_ratio_net_against_quadrature():
    streams = Streams([0, 1])
    net = RatioNet(streams, 2, 16, keep=0.5).requires_grad_(False)
    net.first.weight *= 4
    net.last.weight *= 8
    axis = torch.linspace(-7, 7, 1401)
    grid = torch.cartesian_prod(axis, axis).expand(2, -1, -1)
    density = (standard_normal(grid) + net(grid)).double()
    exact = density.logsumexp(1) + 2 * math.log(axis[1] - axis[0])
    found, _ = annealing.log_normaliser(net, 2, streams, 400, 300)
    assert exact.abs().min() > 0.5
    torch.testing.assert_close(found, exact, rtol=0, atol=0.1)


def test_a_mixture_integrates_to_one():
    """A normalised density, most of it where N(0, I) has little."""
    mean = torch.tensor([[[2.0, 0, 0], [0, 2, 0], [-1, -2, 0], [0, 0, 1]]])

    def ratio(z):
        density = normal_mixture(z, mean, torch.full_like(mean, -2.0))
        return density - standard_normal(z)

    assert ratio(Streams([0]).normal("scores", 100, 3)).mean() < -3
    found, effective = annealing.log_normaliser(ratio, 3, Streams([0]), 200, 300)
    assert effective.item() > 100
    assert found.item() == pytest.approx(0, abs=0.15)  # scatters by 0.03


def test_a_seed_is_the_same_alone_and_in_company():
    both, _ = annealing.log_normaliser(linear, LATENT, Streams([4, 5]), 10, 20)
    alone, _ = annealing.log_normaliser(linear, LATENT, Streams([5]), 10, 20)
    assert both[1].item() == pytest.approx(alone.item(), abs=1e-4)
    assert both[0] != both[1]


def test_log_ratio_and_gradient_stay_those_of_the_point_after_a_rejection():
    """Else the next leapfrogs would start with another point's force."""
    streams = Streams([0])
    z = streams.normal("scores", 200, LATENT)

    def ratio(z):
        return -300 * z.square().sum(-1)

    log_ratio, gradient = annealing._log_ratio(ratio, z)
    moved, found, new_gradient = annealing._move(
        ratio, z, log_ratio, gradient, 1.0, streams
    )
    stayed = (moved == z).all(-1)
    assert 0 < stayed.sum() < 200
    torch.testing.assert_close(new_gradient, -600 * moved)
    torch.testing.assert_close(found, ratio(moved))
