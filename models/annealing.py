"""What a prior that may not normalise integrates to, by annealed importance sampling.

Neal 2001, along the densities N(w|0, I) exp(beta R(w)), 0 <= beta <= 1, with
Hamiltonian Monte Carlo (Neal 2011) between them. R is the log-ratio to N(0, I): with w
= z the paper's T, with whitened coordinates that of audit.whitened. In 40 dimensions
plain averages of exp R over samples of N(0, I) are useless: few fall where R is large.
"""

import itertools
import math
from collections.abc import Callable

import torch

LEAPFROGS = 5
STEPS = 0.01, 0.6  # drawn log-uniformly, for each chain anew: no scale to be tuned
ENDS = 4.0  # beta follows a sigmoid between -ENDS and ENDS: slowest at both ends

Ratio = Callable[[torch.Tensor], torch.Tensor]


def log_normaliser(
    ratio: Ratio, latent_dim: int, streams, chains: int, temperatures: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """ln of the integral of N(w|0, I) exp R(w), nats, and its effective chains: (S,).

    ratio: R, differentiable, (S, C, L) -> (S, C). The integral's estimate is unbiased,
    so that its logarithm is on average too low. Its standard error is about
    sqrt(1/E - 1/C) for E effective ones of C chains, as far as the chains know: a
    region that none of them finds is missing from the integral and from its error.
    """
    z = streams.normal("scores", chains, latent_dim)
    log_ratio, gradient = _log_ratio(ratio, z)
    weight = torch.zeros_like(log_ratio, dtype=torch.float64)  # logarithms, (S, C)
    for before, now in itertools.pairwise(_schedule(temperatures)):
        weight += (now - before) * log_ratio.double()
        z, log_ratio, gradient = _move(ratio, z, log_ratio, gradient, now, streams)
    total, squares = weight.logsumexp(1), (2 * weight).logsumexp(1)
    return (total - math.log(chains)).cpu(), torch.exp(2 * total - squares).cpu()


def _schedule(temperatures: int) -> list[float]:
    betas = torch.linspace(-ENDS, ENDS, temperatures + 1, dtype=torch.float64).sigmoid()
    return ((betas - betas[0]) / (betas[-1] - betas[0])).tolist()


def _log_ratio(ratio, z) -> tuple[torch.Tensor, torch.Tensor]:
    """R and its gradient in w."""
    with torch.enable_grad():
        z = z.detach().requires_grad_()
        log_ratio = ratio(z)
        (gradient,) = torch.autograd.grad(log_ratio.sum(), z)
    return log_ratio.detach(), gradient


def _move(ratio, z, log_ratio, gradient, beta, streams):
    """One Hamiltonian transition that leaves N(w|0, I) exp(beta R(w)) as it is."""
    rows, low = z.shape[1], math.log(STEPS[0])
    span = math.log(STEPS[1]) - low
    step = torch.exp(low + span * streams.uniform("scores", rows, 1))
    start = momentum = streams.normal("scores", *z.shape[1:])
    proposal, new_log_ratio, force = z, log_ratio, beta * gradient - z
    for _ in range(LEAPFROGS):
        momentum = momentum + 0.5 * step * force
        proposal = proposal + step * momentum
        new_log_ratio, new_gradient = _log_ratio(ratio, proposal)
        force = beta * new_gradient - proposal
        momentum = momentum + 0.5 * step * force
    log_acceptance = beta * (new_log_ratio - log_ratio) - 0.5 * (
        proposal.square() - z.square() + momentum.square() - start.square()
    ).sum(-1)
    accepted = streams.uniform("scores", rows).log() < log_acceptance
    wide = accepted.unsqueeze(-1)
    return (
        torch.where(wide, proposal, z),
        torch.where(accepted, new_log_ratio, log_ratio),
        torch.where(wide, new_gradient, gradient),
    )
