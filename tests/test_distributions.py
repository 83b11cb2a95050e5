"""Log-densities and divergences against scipy and torch.distributions in float64."""

import math

import numpy as np
import pytest
import scipy.stats
import torch
from torch import distributions as td

from models import distributions

GENERATOR = torch.Generator().manual_seed(1)


def draw(*shape):
    return torch.randn(*shape, generator=GENERATOR, dtype=torch.float64)


def test_bernoulli_equals_scipy():
    x, logit = (draw(2, 5, 7) > 0).double(), 3 * draw(2, 5, 7)
    expected = scipy.stats.bernoulli.logpmf(x, torch.sigmoid(logit)).sum(-1)
    np.testing.assert_allclose(distributions.bernoulli(x, logit), expected, rtol=1e-12)


def test_bernoulli_of_gray_values_is_the_expectation_over_binarisations():
    gray, logit = draw(7).sigmoid(), draw(7)
    ones, zeros = torch.ones(7).double(), torch.zeros(7).double()
    each = [distributions.bernoulli(v[:, None], logit[:, None]) for v in (ones, zeros)]
    expected = (gray * each[0] + (1 - gray) * each[1]).sum()
    torch.testing.assert_close(distributions.bernoulli(gray, logit), expected)


def test_normal_equals_scipy():
    x, mean, log_variance = draw(2, 5, 7), draw(2, 5, 7), draw(2, 5, 7)
    deviation = torch.exp(log_variance / 2)
    expected = scipy.stats.norm.logpdf(x, mean, deviation).sum(-1)
    ours = distributions.normal(x, mean, log_variance)
    np.testing.assert_allclose(ours, expected, rtol=1e-12)


def test_standard_normal_equals_scipy():
    z = draw(3, 4)
    expected = scipy.stats.multivariate_normal(np.zeros(4)).logpdf(z)
    np.testing.assert_allclose(distributions.standard_normal(z), expected, rtol=1e-12)


def test_kl_equals_torch():
    mean, log_variance = draw(3, 4), draw(3, 4)
    q = td.Normal(mean, torch.exp(log_variance / 2))
    p = td.Normal(torch.zeros(4).double(), torch.ones(4).double())
    expected = td.kl_divergence(q, p).sum(-1)
    ours = distributions.kl_to_standard_normal(mean, log_variance)
    torch.testing.assert_close(ours, expected)


@pytest.mark.parametrize("shift", [0.0, -4.0, -8.0])
def test_mixture_equals_brute_force_however_sharp(shift):
    """Float32 in, yet no loss from the expanded square."""
    mean = draw(2, 50, 40).float()
    log_variance = (shift + 0.3 * draw(2, 50, 40)).float()
    chosen = torch.randint(50, (2, 30), generator=GENERATOR)
    rows = torch.arange(2)[:, None]
    deviation = torch.exp(log_variance[rows, chosen] / 2)
    z = mean[rows, chosen] + deviation * draw(2, 30, 40).float()
    ours = distributions.normal_mixture(z, mean, log_variance)
    for s in range(2):
        for b in range(30):
            scale = torch.exp(log_variance[s].double() / 2).numpy()
            densities = scipy.stats.norm.logpdf(
                z[s, b].double().numpy(), mean[s].double().numpy(), scale
            )
            terms = [density.sum() for density in densities]
            expected = scipy.special.logsumexp(terms) - math.log(50)
            assert ours[s, b].item() == pytest.approx(expected, rel=1e-5, abs=1e-4)


def test_mixture_integrates_to_one():
    mean, log_variance = draw(1, 5, 1), draw(1, 5, 1) - 2
    z = torch.linspace(-15, 15, 60_001, dtype=torch.float64)
    density = distributions.normal_mixture(z[None, :, None], mean, log_variance).exp()
    assert np.trapezoid(density[0], z) == pytest.approx(1, abs=1e-8)
