"""Log-densities in nats, summed over the last axis; shapes broadcast."""

import math

import torch
from torch.nn.functional import softplus

LOG_2PI = math.log(2 * math.pi)


def bernoulli(x: torch.Tensor, logit: torch.Tensor) -> torch.Tensor:
    """ln B(x | sigmoid(logit)): (..., D), (..., D) -> (...)."""
    return (x * logit - softplus(logit)).sum(-1)


def normal(x, mean, log_variance) -> torch.Tensor:
    """ln N(x | mean, exp(log_variance)), diagonal: three (..., D) -> (...)."""
    squares = (x - mean).square() * torch.exp(-log_variance)
    return -0.5 * (LOG_2PI + log_variance + squares).sum(-1)


def standard_normal(z: torch.Tensor) -> torch.Tensor:
    """ln N(z | 0, I): (..., L) -> (...)."""
    return -0.5 * (LOG_2PI + z.square()).sum(-1)


def kl_to_standard_normal(mean, log_variance) -> torch.Tensor:
    """KL(N(mean, exp(log_variance)) || N(0, I)): two (..., L) -> (...)."""
    terms = mean.square() + torch.exp(log_variance) - 1 - log_variance
    return 0.5 * terms.sum(-1)


def normal_mixture(z, mean, log_variance) -> torch.Tensor:
    """ln (1/K) sum_k N(z | mean_k, exp(log_variance_k)), diagonal.

    z (S, ..., L), the others (S, K, L) -> (S, ...). The quadratic form is expanded
    into one matrix product, which cancels badly: hence float64 inside, always.
    """
    rows = z.flatten(1, -2).double()  # (S, R, L)
    mean, log_variance = mean.double(), log_variance.double()
    precision = torch.exp(-log_variance)
    constant = -0.5 * (LOG_2PI + log_variance + mean.square() * precision).sum(-1)
    features = torch.cat([rows.square(), rows], -1)  # (S, R, 2L)
    weights = torch.cat([-0.5 * precision, mean * precision], -1)  # (S, K, 2L)
    terms = torch.baddbmm(constant.unsqueeze(1), features, weights.mT)  # (S, R, K)
    density = torch.logsumexp(terms, -1) - math.log(mean.shape[1])
    return density.to(z.dtype).unflatten(1, z.shape[1:-1])
