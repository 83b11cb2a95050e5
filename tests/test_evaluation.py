"""The importance-weighted bound where ln p(x) is known: a linear-Gaussian model."""

import argparse
import dataclasses
import math

import numpy as np
import pytest
import scipy.special
import scipy.stats
import torch
from torch import nn

from benchmarks import reference
from models import distributions, evaluate, evaluation, quadrature
from models.building import build
from models.data import Dataset
from models.priors.standard import StandardPrior
from models.randomness import Streams
from models.vae import VAE
from tests.conftest import images

PIXELS, LATENT, VARIANCE = 4, 2, 0.3
W = torch.tensor([[1.0, -0.5, 0.3, 0.8], [0.2, 0.9, -1.1, 0.4]])  # (L, D)


class Linear(nn.Module):
    """p(x|z) = N(W'z, VARIANCE) and a q(z|x) that is off by a factor and a width."""

    def __init__(self, gain=1.0, widen=0.0):
        super().__init__()
        precision = torch.eye(LATENT) + W @ W.T / VARIANCE
        self.to_mean = gain * torch.linalg.solve(precision, W / VARIANCE)  # (L, D)
        covariance = torch.linalg.inv(precision)
        self.log_variance = covariance.diagonal().log() + widen

    def forward(self, x):
        mean = x @ self.to_mean.T
        return mean, self.log_variance.expand_as(mean)

    def log_density(self, x, z):
        return distributions.normal(x, z @ W, torch.tensor(math.log(VARIANCE)))


def model(small, **encoder):
    prior = StandardPrior(small, PIXELS, Streams([0]))
    return VAE(Linear(**encoder), Linear(), prior, LATENT)


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(1)
    z = rng.standard_normal((400, LATENT))
    noise = math.sqrt(VARIANCE) * rng.standard_normal((400, PIXELS))
    return (z @ W.numpy() + noise).astype(np.float32)


def log_evidence(data):
    covariance = W.numpy().T @ W.numpy() + VARIANCE * np.eye(PIXELS)
    normal = scipy.stats.multivariate_normal(np.zeros(PIXELS), covariance)
    return normal.logpdf(data).mean()


def test_bound_rises_with_samples_and_meets_the_evidence(small, data):
    vae = model(small, gain=0.8, widen=0.7)
    bounds = [
        evaluation.log_likelihood(vae, images, Streams([0]), samples).item()
        for images, samples in (
            *((np.tile(data, (4, 1)), samples) for samples in (1, 3, 10)),
            (data, 2000),
        )
    ]
    assert min(np.diff(bounds[:3])) > 0.02
    assert bounds[-1] == pytest.approx(log_evidence(data), abs=0.005)


def test_samples_that_fill_no_whole_block_count_alike(small, data, monkeypatch):
    """70 of each image, in blocks of 50: against the mean of all their weights."""
    vae, held = model(small, widen=0.7), []
    log_weights = vae.log_weights

    def kept(x, noise):
        held.append(log_weights(x, noise))
        return held[-1]

    monkeypatch.setattr(vae, "log_weights", kept)
    few = data[: evaluation.CHUNK]
    bound = evaluation.log_likelihood(vae, few, Streams([0]), 70).item()
    weights = torch.cat(held, 1)[0].double().numpy()
    assert weights.shape == (70, len(few))
    assert len(np.unique(weights[:, 0])) == 70  # a block draws anew
    expected = (scipy.special.logsumexp(weights, 0) - math.log(70)).mean()
    assert bound == pytest.approx(expected, rel=1e-12)


def test_one_sample_is_the_elbo_in_expectation(small, data):
    """The ELBO's KL term in closed form, the bound's from the sample."""
    vae = model(small, gain=0.9, widen=0.3)
    repeated = np.tile(data, (80, 1))
    elbo = evaluation.elbo(vae, repeated, Streams([0]))["elbo"].item()
    bound = evaluation.log_likelihood(vae, repeated, Streams([1]), 1).item()
    assert elbo == pytest.approx(bound, abs=0.05)
    assert elbo < log_evidence(data) - 0.05


def test_elbo_of_linear_gaussian_model_in_closed_form(small, data):
    vae = model(small, gain=0.9, widen=0.3)
    x = torch.from_numpy(data).double()
    mean, log_variance = (t.double() for t in vae.encoder(torch.from_numpy(data)))
    squares = (x - mean @ W.double()).square().sum(-1)
    spread = (log_variance.exp() * W.double().square().sum(-1)).sum(-1)
    constant = PIXELS * math.log(2 * math.pi * VARIANCE)
    reconstruction = -0.5 * (constant + (squares + spread) / VARIANCE)
    kl = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(-1)
    repeated = np.tile(data, (50, 1))
    ours = evaluation.elbo(vae, repeated, Streams([0]))
    assert ours["kl"].item() == pytest.approx(kl.mean().item(), rel=1e-5)
    expected = reconstruction.mean().item()
    assert ours["reconstruction"].item() == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize("method", ["standard", "vampprior", "iop"])
def test_weights_follow_equation_2(method, small):
    """ln p(x|z) + ln p(z) - ln q(z|x), against the reference's parts."""
    streams = Streams([0, 1])
    settings = dataclasses.replace(small, method=method)
    vae = build(settings, 6, "gaussian", streams)
    x = torch.from_numpy(images("gaussian").test[:5]).expand(2, 5, 6)
    noise = streams.normal("scores", 3, 5, 3)
    weights = vae.log_weights(x, noise)
    assert weights.shape == (2, 3, 5)
    for k in range(2):
        w = reference.weights_of(vae, k)
        mean, log_variance = reference.encode(w, x[k].double())
        q = torch.distributions.Normal(mean, torch.exp(0.5 * log_variance))
        normal = torch.distributions.Normal(0.0, 1.0)
        for m in range(3):
            z = mean + q.stddev * noise[k, m].double()
            prior = normal.log_prob(z).sum(-1)
            if method == "vampprior":
                prior = reference.log_vampprior(w, z, True)
            elif method == "iop":
                prior = prior + reference.ratio(w, z)
            expected = (
                reference.reconstruction(w, x[k].double(), z, "gaussian")
                + prior
                - q.log_prob(z).sum(-1)
            )
            torch.testing.assert_close(
                weights[k, m].double(), expected, rtol=1e-4, atol=1e-4
            )


def test_samples_of_the_posterior_are_those_of_the_reference(small):
    model = build(small, 6, "bernoulli", Streams([0, 1]))
    x = torch.from_numpy(images("bernoulli").test).expand(2, -1, -1)
    noise = Streams([0, 1]).normal("scores", x.shape[1], 3)
    with torch.no_grad():
        ours = model.posterior_sample(x, noise)
    for k in (0, 1):
        w = reference.weights_of(model, k)
        z = reference.sample(w, x[k].double(), noise[k].double())
        torch.testing.assert_close(ours[k].double(), z, rtol=1e-5, atol=1e-5)


def test_avb_has_no_importance_weights(small):
    settings = dataclasses.replace(small, method="avb")
    avb = build(settings, 6, "bernoulli", Streams([0]))
    with pytest.raises(ValueError, match="avb has no importance weights"):
        evaluation.log_likelihood(avb, images("bernoulli").test, Streams([0]))


def test_scores_are_of_the_split_and_the_samples_that_they_name(small):
    data = images("gaussian")
    data = dataclasses.replace(data, test=data.test[:30] / 2)
    model = build(small, 6, "gaussian", Streams([0, 1]))

    def use(name):
        return Streams([0, 1], purpose=name)

    rows = evaluate.scores(model, data, use, argparse.Namespace(samples=7))
    found = {(split, metric): (n, value) for split, metric, n, value in rows}
    for split in ("valid", "test"):
        x = torch.from_numpy(getattr(data, split)).expand(2, -1, -1)
        with torch.no_grad():
            noise = use(f"{split} log-likelihood").normal("scores", 7, len(x[0]), 3)
            weights = model.log_weights(x, noise).double()
            noise = use(f"{split} elbo").normal("scores", len(x[0]), 3)
            reconstruction, kl = model.terms(x, noise)
        samples, likelihood = found[split, "log_likelihood"]
        assert samples == 7
        expected = weights.exp().mean(1).log().mean(1)
        torch.testing.assert_close(likelihood, expected)
        elbo = (reconstruction - kl).double().mean(1)
        torch.testing.assert_close(found[split, "elbo"][1], elbo, rtol=0, atol=1e-5)


def test_integrals_are_of_the_images_that_they_name(small):
    """Of models.evaluate, where z has two dimensions."""
    shares = {"train": [0, 0, 0, 1, 2, 3], "valid": [1, 1, 2], "test": [3, 3, 2, 0]}
    arrays = {of: np.eye(4, dtype=np.float32)[rows] for of, rows in shares.items()}
    dataset = Dataset("made", "bernoulli", False, **arrays)
    settings = dataclasses.replace(small, latent_dim=2, method="vampprior")
    seeds = [0, 1]
    model = build(settings, 4, "bernoulli", Streams(seeds))

    def streams(use):
        return Streams(seeds, purpose=use)

    arguments = argparse.Namespace(samples=3)
    found = {
        row[:3]: row[3].tolist()
        for row in evaluate.scores(model, dataset, streams, arguments)
    }
    test, train = arrays["test"], arrays["train"]
    exact = quadrature.log_likelihood(model, test, Streams(seeds))
    optimal = quadrature.log_likelihood(model, test, Streams(seeds), train)
    assert found["test", "exact_log_likelihood", 0] == exact.tolist()
    assert found["test", "optimal_prior_log_likelihood", 0] == optimal.tolist()
    assert not torch.allclose(exact, optimal)
