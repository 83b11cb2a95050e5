"""ln p(x) without samples, where z has two dimensions: sums over grids.

On OneHot this is what the estimated ELBOs of Figure 2 can be held against.
"""

import functools
import math
from collections.abc import Iterator

import numpy as np
import torch

from models import distributions
from models.randomness import Streams

DISTINCT = 16  # images at most: each is evaluated at every node
GAUSSIAN = 7.0  # deviations that the grid of a Gaussian part reaches to either side
TILTED = 10.0  # the same where a ratio net changes N(0, I)
CELLS = (64, 128, 256, 512, 1024)  # along an axis, doubled until it changes nothing
TOLERANCE = 1e-3  # nats that count as nothing
OUTSIDE = 1e-4  # share of p(z) that may lie in a grid's outermost tenth
ROWS = 8192  # nodes at a time


def possible(model, images: np.ndarray) -> bool:
    """Whether z has two dimensions and few of the images (N, D) differ."""
    few = len(np.unique(images, axis=0)) <= DISTINCT
    return model.latent_dim == 2 and few


@torch.no_grad()
def log_likelihood(
    model, images: np.ndarray, streams: Streams, aggregated: np.ndarray | None = None
) -> torch.Tensor:
    """Mean ln p(x) in nats, (S,), with p(z) over its integral where that is not one.

    images: (N, D). For a VAE with any prior and for AVB, whose prior is N(0, I).
    aggregated: other images, likewise, whose q(z) (Eq. 8) takes the prior's place, as
    the optimal one (Eq. 6), of a VAE. streams: which seeds and device; draws nothing.
    Is nan where p(z) reaches into its grid's outermost tenth or no two grids agree.
    With a ratio net what lies beyond TILTED, or is so narrow that it falls between the
    nodes of the first two grids (0.16 apart), goes unseen.
    """
    seeds, device = len(streams.seeds), streams.device
    x, shares = _distinct(images, device)
    if aggregated is None:
        parts = list(_parts(model, seeds, device))
    else:
        inputs, share = _distinct(aggregated, device)
        inputs = inputs.expand(seeds, *inputs.shape)
        parts = list(_mixture(*model.encoder(inputs), share.log().float()))
    found = torch.full((seeds,), torch.nan, dtype=torch.float64, device=device)
    before = found
    for cells in CELLS:
        joint, whole, outside = _integrals(model.decoder, parts, x, cells)
        value = (joint - whole.unsqueeze(-1)) @ shares
        held = outside - whole <= math.log(OUTSIDE)
        same = held & ((value - before).abs() < TOLERANCE)
        found = torch.where(found.isnan() & same, value, found)
        if not (found.isnan() & held).any():
            break
        before = value
    return found.cpu()


def _distinct(images: np.ndarray, device) -> tuple[torch.Tensor, torch.Tensor]:
    """The images that differ, (C, D), and the share of each, (C,)."""
    distinct, counts = np.unique(images, axis=0, return_counts=True)
    shares = torch.from_numpy(counts / len(images))
    return torch.from_numpy(distinct).to(device), shares.to(device)


def _integrals(decoder, parts, x, cells: int) -> tuple[torch.Tensor, ...]:
    """ln of the integrals of p(x|z) p(z), (S, C), and of p(z), (S,), all and outside.

    x: (C, D). By the trapezoidal rule, whose ends are as good as zero.
    """
    axis = torch.linspace(-1, 1, cells + 1, device=x.device)
    nodes = torch.cartesian_prod(axis, axis)
    joint, whole, outside = [], [], []
    for mean, deviation, log_density, width in parts:
        area = 2 * math.log(2 * width / cells) + deviation.double().log().sum(-1)
        for unit in nodes.split(ROWS):
            some, beyond = width * unit, unit.abs().amax(-1) > 0.9
            z = mean.unsqueeze(1) + deviation.unsqueeze(1) * some  # (S, R, 2)
            prior = log_density(z).double() + area.unsqueeze(-1)  # (S, R)
            given = decoder.log_density(x, z.unsqueeze(2))  # (S, R, C)
            joint.append((given + prior.unsqueeze(-1)).logsumexp(1))
            whole.append(prior.logsumexp(1))
            outside.append(prior.masked_fill(~beyond, -math.inf).logsumexp(1))
    return tuple(torch.stack(each).logsumexp(0) for each in (joint, whole, outside))


def _parts(model, seeds: int, device) -> Iterator[tuple]:
    """Parts of p(z): mean and deviation (S, 2), ln density, and the grid's width."""
    prior = getattr(model, "prior", None)
    if hasattr(prior, "mixture"):
        mean, log_variance = prior.mixture(model.encoder)  # (S, K, 2)
        log_share = mean.new_full(mean.shape[1:2], -math.log(mean.shape[1]))
        yield from _mixture(mean, log_variance, log_share)
    else:
        mean = torch.zeros(seeds, 2, device=device)
        one = torch.ones_like(mean)
        if prior is None:
            yield mean, one, distributions.standard_normal, GAUSSIAN
        else:
            yield mean, one, prior.frozen(model.encoder), TILTED


def _mixture(mean, log_variance, log_share) -> Iterator[tuple]:
    """Parts of a mixture: mean and log_variance (S, K, 2), log_share (K,)."""
    for m, v, s in zip(mean.unbind(1), log_variance.unbind(1), log_share, strict=True):
        density = functools.partial(_component, m, v, s)
        yield m, torch.exp(0.5 * v), density, GAUSSIAN


def _component(mean, log_variance, log_share, z):
    density = distributions.normal(z, mean.unsqueeze(1), log_variance.unsqueeze(1))
    return density + log_share
