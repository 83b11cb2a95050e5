"""Scores of trained models: ELBO and importance-weighted log-likelihood."""

import math

import numpy as np
import torch

from models.randomness import Streams

# both decide which numbers are drawn, so they are part of every score
CHUNK = 100  # images at a time
BLOCK = 50  # samples of each at a time, so that memory does not grow with their number


@torch.no_grad()
def elbo(model, images: np.ndarray, streams: Streams) -> dict[str, torch.Tensor]:
    """Mean ELBO (Eq. 3, one sample an image) and its two terms in nats, each (S,).

    images: (N, D). For the implicit optimal prior and AVB an estimate.
    """
    totals = torch.zeros(2, len(streams.seeds), dtype=torch.float64)
    for x in _chunks(images, streams):
        noise = streams.normal("scores", x.shape[1], model.noise_dim)
        totals += torch.stack(model.terms(x, noise)).double().sum(-1).cpu()
    reconstruction, kl = totals / len(images)
    return {
        "elbo": reconstruction - kl,
        "reconstruction": reconstruction,
        "kl": kl,
    }


@torch.no_grad()
def log_likelihood(
    model, images: np.ndarray, streams: Streams, samples: int = 10
) -> torch.Tensor:
    """Mean importance-weighted estimate of ln p(x) in nats, (S,).

    images: (N, D). With one sample it is the ELBO in expectation; it rises with
    `samples` towards ln p(x) (Burda, Grosse and Salakhutdinov 2015). For the implicit
    optimal prior p(z) is itself an estimate, which the paper marks with an ≈.
    Raises ValueError for AVB, whose q(z|x) is not known as a density.
    """
    if not hasattr(model, "log_weights"):
        raise ValueError("avb has no importance weights, expected runs with a prior")
    total = torch.zeros(len(streams.seeds), dtype=torch.float64)
    for x in _chunks(images, streams):
        summed = torch.tensor(-math.inf, dtype=torch.float64, device=streams.device)
        for start in range(0, samples, BLOCK):
            block = min(BLOCK, samples - start)
            noise = streams.normal("scores", block, x.shape[1], model.noise_dim)
            weights = model.log_weights(x, noise).double()  # (S, M, B)
            summed = torch.logaddexp(summed, weights.logsumexp(1))
        total += (summed - math.log(samples)).sum(-1).cpu()
    return total / len(images)


def _chunks(images, streams):
    for chunk in torch.from_numpy(images).split(CHUNK):
        x = chunk.to(streams.device)
        yield x.expand(len(streams.seeds), *x.shape)
