"""The audit of Table 2: what is measured. Its page: test_audit_page.py."""

import argparse
import csv
import dataclasses
from functools import partial

import numpy as np
import pytest
import scipy.stats
import torch
from commanded import run_training

from models import annealing, data, evaluation
from models import audit as measuring
from models.building import build
from models.distributions import standard_normal
from models.randomness import Streams, threshold
from tests.conftest import images


def measured(tmp_path, method):
    """Rows of the command for two seeds of a little run."""
    path, output = tmp_path / "made.npz", tmp_path / f"{method}.csv"
    data.save(images("bernoulli"), path)
    run_training(path, method, [3, 5], tmp_path / method)
    folders = [str(tmp_path / f"{method}/seed{k}") for k in (3, 5)]
    flags = "--samples 20 60 --chains 8 --temperatures 5".split()
    measuring.main(
        ["--data", str(path), "--runs", *folders, "--output", str(output), *flags]
    )
    with open(output, newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("method", ["standard", "vampprior", "iop"])
def test_what_is_measured(method, tmp_path):
    rows = measured(tmp_path, method)
    kinds = [(row["seed"], row["metric"], row["samples"]) for row in rows]
    assert sorted(kinds) == sorted(
        (seed, *kind)
        for seed in ("3", "5")
        for kind in (
            ("log_likelihood", "20"),
            ("log_likelihood", "60"),
            ("log_normaliser", "8"),
            ("effective_chains", "8"),
            ("temperatures", "8"),
            ("mean_ratio", str(measuring.DRAWS)),
            ("kl_aggregated", str(measuring.DRAWS)),
            *[("components_in_use", str(measuring.DRAWS))] * (method == "vampprior"),
        )
    )
    values = {row["metric"]: float(row["value"]) for row in rows}
    assert values["kl_aggregated"] > 0
    assert values["temperatures"] == 5
    assert (values["mean_ratio"] == 0) == (method == "standard")


def test_avb_is_refused(tmp_path):
    with pytest.raises(SystemExit, match="avb has no importance weights"):
        measured(tmp_path, "avb")


def stack(small, method):
    """An untrained stack of two seeds, and its streams for a use."""
    settings = dataclasses.replace(small, method=method)
    return build(settings, 6, "bernoulli", Streams([0, 1])), partial(Streams, [0, 1])


def values(model, streams, dataset):
    arguments = argparse.Namespace(samples=[5], chains=8, temperatures=5)
    use = lambda name: streams(purpose=name)  # noqa: E731
    rows = measuring.measure(model, dataset, use, arguments)
    return {metric: value for _, metric, _, value in rows}


def samples(model, dataset, streams):
    posteriors = measuring.encoded(model, dataset, streams)
    return measuring.aggregated(*posteriors, streams)


@pytest.mark.parametrize("method", ["vampprior", "iop"])
def test_the_means_are_of_the_prior_over_the_training_set(small, method):
    """Side by side, as on a GPU; ln p(z)/N(z|0, I) from the prior's own density."""
    model, streams = stack(small, method)
    dataset = images("bernoulli")
    found = values(model, streams, dataset)
    z, exact = samples(model, dataset, streams(purpose="audit of q(z)"))
    torch.testing.assert_close(found["kl_aggregated"].float(), exact.mean(1))
    density = model.prior.log_density(z, model.encoder) - standard_normal(z)
    torch.testing.assert_close(found["mean_ratio"].float(), density.mean(1))
    if method == "vampprior":
        used = measuring.in_use(z, *model.prior.mixture(model.encoder))
        torch.testing.assert_close(found["components_in_use"], used)
    other = dataclasses.replace(dataset, train=1 - dataset.train)
    assert (values(model, streams, other)["kl_aggregated"] != exact.mean(1)).all()
    other = dataclasses.replace(dataset, test=1 - dataset.test)
    again = values(model, streams, other)
    assert torch.equal(again["kl_aggregated"], found["kl_aggregated"])
    assert (again["log_likelihood"] != found["log_likelihood"]).all()


@pytest.mark.parametrize("likelihood", ["gaussian", "bernoulli"])
def test_the_aggregated_posterior_is_that_of_equation_8(small, likelihood, monkeypatch):
    """Density and samples, against torch's own mixture in float64."""
    monkeypatch.setattr(measuring, "ENCODED", 15)  # of 40 images: in three parts
    vae = build(small, 6, likelihood, Streams([0, 1]))
    dataset = images(likelihood)
    z, log_ratio = samples(vae, dataset, Streams([0, 1]))
    x = torch.from_numpy(dataset.train).expand(2, -1, -1)
    if dataset.dynamic:  # the encoder sees binary images, as in training
        draw = Streams([0, 1])
        parts = [
            draw.bernoulli("binarise", threshold(part), *part.shape[1:])
            for part in x.split(15, 1)
        ]
        x = torch.cat(parts, 1)
        assert set(x.unique().tolist()) == {0, 1}
    with torch.no_grad():
        mean, log_variance = (t.double() for t in vae.encoder(x))
    for k in range(2):
        parts = torch.distributions.Independent(
            torch.distributions.Normal(mean[k], torch.exp(0.5 * log_variance[k])), 1
        )
        even = torch.distributions.Categorical(torch.ones(len(dataset.train)))
        q = torch.distributions.MixtureSameFamily(even, parts)
        normal = torch.distributions.Normal(0.0, 1.0).log_prob(z[k].double()).sum(-1)
        torch.testing.assert_close(
            log_ratio[k].double(), q.log_prob(z[k].double()) - normal, atol=1e-4, rtol=0
        )
        # a thousand samples: means and deviations within 5 standard errors
        error = q.stddev / measuring.DRAWS**0.5
        assert ((z[k].mean(0) - q.mean).abs() < 5 * error).all()
        assert ((z[k].double().std(0) / q.stddev - 1).abs() < 0.12).all()


def test_annealing_starts_from_the_moments_of_the_aggregated_posterior():
    """Wider by I; the same density in its coordinates."""
    generator = torch.Generator().manual_seed(2)
    mean = torch.randn(2, 30, 3, generator=generator) @ torch.tensor(
        [[2.0, 0.5, 0], [0, 1, -1], [0, 0, 0.1]]
    )
    log_variance = torch.randn(2, 30, 3, generator=generator) - 1

    def density(z):
        return -z.abs().sum(-1)

    ratio = measuring.whitened(density, mean, log_variance)
    w = torch.randn(2, 7, 3, generator=generator)
    for k in range(2):
        # moments of a mixture: the means' covariance and the mean of the variances
        wide = np.cov(mean[k].T.double(), bias=True) + np.eye(3)
        wide += np.diag(log_variance[k].double().exp().mean(0))
        centre = mean[k].double().mean(0).numpy()
        z = centre + w[k].double().numpy() @ np.linalg.cholesky(wide).T
        start = scipy.stats.multivariate_normal(centre, wide).logpdf(z)
        expected = -np.abs(z).sum(-1) - start
        np.testing.assert_allclose(ratio(w)[k], expected, rtol=0, atol=1e-4)


def test_components_in_use():
    """Eight far apart of which three hold the samples evenly; eight alike."""
    mean = 100 * torch.eye(8).expand(2, -1, -1)
    z = mean[:, [1, 4, 6]] + 0.1
    assert measuring.in_use(z, mean, 0 * mean).tolist() == pytest.approx([3, 3])
    alike = torch.zeros_like(mean)
    assert measuring.in_use(z, alike, alike).tolist() == pytest.approx([8, 8])
    uneven = torch.cat([z, z[:, :1]], 1)  # a half and two quarters
    uneven = uneven.repeat_interleave(60, 1)  # more than are held at a time
    shares = measuring.in_use(uneven, mean, 0 * mean)
    assert shares.tolist() == pytest.approx([2**1.5] * 2)


def test_the_integral_of_a_constant_ratio(small):
    """T = 2 everywhere: ln Z is 2, and so is T's mean over q(z)."""
    model, streams = stack(small, "iop")
    with torch.no_grad():
        model.prior.ratio.last.weight.zero_()
        model.prior.ratio.last.bias.fill_(2.0)
    found = values(model, streams, images("bernoulli"))
    assert found["log_normaliser"].tolist() == pytest.approx([2, 2], abs=0.5)
    assert found["mean_ratio"].tolist() == pytest.approx([2, 2], abs=1e-5)


def test_what_annealing_found_is_what_is_written(small, monkeypatch):
    """And it starts from the moments of this model's q(z)."""
    model, streams = stack(small, "iop")
    dataset, w = images("bernoulli"), Streams([0, 1]).normal("noise", 7, 3)
    integral, effective = torch.tensor([3.0, -4.0]), torch.tensor([5.0, 6.0])
    asked = []

    def log_normaliser(ratio, *arguments):
        asked.append((ratio(w), *arguments[2:]))
        return integral, effective

    monkeypatch.setattr(annealing, "log_normaliser", log_normaliser)
    flags = argparse.Namespace(samples=[2], chains=8, temperatures=11)
    rows = measuring.measure(model, dataset, lambda name: streams(purpose=name), flags)
    found = {metric: of.tolist() for _, metric, _, of in rows}
    posteriors = measuring.encoded(model, dataset, streams(purpose="audit of q(z)"))
    density = model.prior.frozen(model.encoder)
    ((ratio, *numbers),) = asked
    torch.testing.assert_close(ratio, measuring.whitened(density, *posteriors)(w))
    assert numbers == [8, 11]
    assert found["log_normaliser"] == [3.0, -4.0]
    assert found["effective_chains"] == [5.0, 6.0]
    assert found["temperatures"] == [11.0, 11.0]


def test_log_likelihoods_have_the_samples_that_they_name(small):
    model, streams = stack(small, "standard")
    dataset = images("bernoulli")
    flags = argparse.Namespace(samples=[1, 2000], chains=2, temperatures=2)

    def use(name):
        return streams(purpose=name)

    rows = list(measuring.measure(model, dataset, use, flags))
    one, many = (of for _, metric, _, of in rows if metric == "log_likelihood")
    again = evaluation.log_likelihood(model, dataset.test, use("again"), 2000)
    torch.testing.assert_close(many, again, rtol=0, atol=0.02)
    assert not torch.allclose(one, many, atol=0.02)


def test_samples_of_q_z_come_from_all_images_with_their_deviation():
    mean = torch.zeros(2, 40, 3)
    mean[:, 20:] = 10  # two clumps, far apart and narrow
    log_variance = torch.full_like(mean, -4.0)
    z, _ = measuring.aggregated(mean, log_variance, Streams([0, 1]))
    second = z[..., 0] > 5
    assert second.float().mean(1).tolist() == pytest.approx([0.5] * 2, abs=0.08)
    for of in (z[second] - 10, z[~second]):
        assert of.std().item() == pytest.approx(np.exp(-2), rel=0.05)
        assert of.mean().item() == pytest.approx(0, abs=0.02)
