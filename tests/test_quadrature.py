"""ln p(x) by quadrature, where it is known: linear-Gaussian models."""

import dataclasses
import types

import numpy as np
import pytest
import scipy.stats
import torch
from torch import nn

from models import evaluation, quadrature
from models.building import build
from models.priors.iop import ImplicitOptimalPrior
from models.priors.standard import StandardPrior
from models.priors.vampprior import VampPrior
from models.randomness import Streams
from models.vae import VAE
from tests.test_evaluation import LATENT, PIXELS, VARIANCE, Linear, W

SEEDS = [0, 1]
TILT = torch.tensor([0.7, -1.2])


@pytest.fixture(scope="module")
def images():
    """Five images, the first twice."""
    found = np.random.default_rng(2).standard_normal((5, PIXELS)).astype(np.float32)
    return np.concatenate([found, found[:1]])


def evidence(images, mean, covariance):
    """ln p(x) of each image where p(z) is Gaussian: mean (L,), covariance (L, L)."""
    w = W.numpy()
    spread = w.T @ covariance @ w + VARIANCE * np.eye(PIXELS)
    return scipy.stats.multivariate_normal(mean @ w, spread).logpdf(images)


def found(model, images):
    assert quadrature.possible(model, images)
    return quadrature.log_likelihood(model, images, Streams(SEEDS)).numpy()


@pytest.mark.parametrize("implicit_encoder", [False, True])
def test_a_standard_prior(implicit_encoder, small, images):
    vae = VAE(Linear(), Linear(), StandardPrior(small, PIXELS, Streams(SEEDS)), LATENT)
    if implicit_encoder:  # AVB: other dimensions of noise, no prior of its own
        vae = types.SimpleNamespace(decoder=Linear(), latent_dim=2, noise_dim=10)
    expected = evidence(images, np.zeros(2), np.eye(2)).mean()
    np.testing.assert_allclose(found(vae, images), expected, rtol=1e-6)


def test_a_prior_that_does_not_integrate_to_one(small, images):
    """N(z | 0, I) exp(a z + c) is a multiple of N(z | a, I)."""
    prior = ImplicitOptimalPrior(small, PIXELS, Streams(SEEDS))
    prior.ratio = Given(lambda z: z @ TILT + 3)
    vae = VAE(Linear(), Linear(), prior, LATENT)
    expected = evidence(images, TILT.numpy(), np.eye(2)).mean()
    np.testing.assert_allclose(found(vae, images), expected, rtol=1e-6)


class Given(nn.Module):
    """T as a function."""

    def __init__(self, function):
        super().__init__()
        self.forward = function


def test_a_mixture(small, images):
    settings = dataclasses.replace(small, components=3, pseudo_input_std=1.0)
    prior = VampPrior(settings, PIXELS, Streams(SEEDS))
    vae = VAE(Linear(widen=-2.0), Linear(), prior, LATENT)
    means, log_variance = (t.detach().numpy() for t in prior.mixture(vae.encoder))
    for k, ours in enumerate(found(vae, images)):
        covariance = np.diag(np.exp(log_variance[k, 0]))
        densities = [np.exp(evidence(images, m, covariance)) for m in means[k]]
        expected = np.log(np.mean(densities, 0)).mean()
        assert ours == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    "hopeless",
    [
        lambda z: z @ (8 * TILT),
        lambda z: 6 * z[..., 0],  # resolved, but 1e-3 of it lies outside
        lambda z: 50 * torch.sin(1e5 * z[..., 0]),
    ],
    ids=["beyond every grid", "at the edge", "too fine for every grid"],
)
def test_what_no_grid_holds_or_resolves_is_nan_for_that_seed(hopeless, small, images):
    prior = ImplicitOptimalPrior(small, PIXELS, Streams(SEEDS))
    vae = VAE(Linear(), Linear(), prior, LATENT)
    prior.ratio = Given(lambda z: torch.stack([z[0] @ TILT, hopeless(z[1])]))
    expected = evidence(images, TILT.numpy(), np.eye(2)).mean()
    np.testing.assert_allclose(found(vae, images), [expected, np.nan], rtol=1e-6)


def test_the_aggregated_posterior_in_the_priors_place(small, images):
    """q(z) of four images, one of them twice: Eq. 8 with the shares of each."""
    vae = VAE(
        Linear(widen=-2.0),
        Linear(),
        StandardPrior(small, PIXELS, Streams(SEEDS)),
        LATENT,
    )
    some = images[[0, 1, 2, 0]]
    x = torch.from_numpy(some).expand(len(SEEDS), *some.shape)
    means, log_variance = (t.detach().numpy() for t in vae.encoder(x))
    ours = quadrature.log_likelihood(vae, images, Streams(SEEDS), aggregated=some)
    for k, value in enumerate(ours.numpy()):
        covariance = np.diag(np.exp(log_variance[k, 0]))
        densities = [np.exp(evidence(images, m, covariance)) for m in means[k]]
        assert value == pytest.approx(np.log(np.mean(densities, 0)).mean(), rel=1e-6)


def test_it_is_for_two_dimensions_and_few_images(small, images):
    vae = build(dataclasses.replace(small, latent_dim=3), 6, "bernoulli", Streams([0]))
    assert not quadrature.possible(vae, images)
    vae = build(dataclasses.replace(small, latent_dim=2), 6, "bernoulli", Streams([0]))
    assert quadrature.possible(vae, images)
    many = np.random.default_rng(0).random((17, 6))
    assert not quadrature.possible(vae, many)


@pytest.mark.parametrize("method", ["standard", "vampprior", "iop"])
def test_importance_samples_come_up_to_it(method, small):
    """A nonlinear model: many samples, and the same seed alone and in company."""
    settings = dataclasses.replace(small, method=method, latent_dim=2)
    vae = build(settings, 6, "bernoulli", Streams(SEEDS))
    with torch.no_grad():
        if method == "iop":  # so far T is constant but for little
            vae.prior.ratio.last.weight.mul_(4)
    x = np.eye(6, dtype=np.float32)
    exact = found(vae, x)
    many = evaluation.log_likelihood(vae, x, Streams(SEEDS), 20000).numpy()
    if method == "iop":
        many = many - _log_integral(vae)
    np.testing.assert_allclose(exact, many, atol=0.01)


def _log_integral(vae):
    """ln Z from a million draws of N(0, I)."""
    z = torch.randn(1_000_000, 2, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        return vae.prior.ratio(z.expand(len(SEEDS), -1, 2)).exp().mean(-1).log().numpy()
