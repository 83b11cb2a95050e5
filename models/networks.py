"""The networks of Section 5.2, with a leading axis of seeds in every weight.

One batched matrix product serves all seeds; with a single seed the axis stays. Under
torch.autocast the products are of bfloat16 numbers; every network still returns the
precision that it was given, and a Gaussian decoder's last layer keeps it, too: with
standard deviations near 0.02 the squares of its errors weigh 2,500 times.
"""

import math

import torch
from torch import nn

from models import distributions
from models.randomness import Streams, threshold


class StackedLinear(nn.Module):
    """An affine map for each seed: (S, ..., n_in) -> (S, ..., n_out).

    Glorot-uniform weights (Glorot and Bengio 2010), zero biases. `blocks` maps that
    share their input stand side by side, each with the bound of a map of its own;
    n_out counts one of them.
    """

    def __init__(self, streams: Streams, n_in: int, n_out: int, blocks: int = 1):
        super().__init__()
        bound = math.sqrt(6 / (n_in + n_out))
        weight = streams.uniform("init", n_in, blocks * n_out) * 2 * bound - bound
        self.weight = nn.Parameter(weight)  # (S, n_in, blocks * n_out)
        self.bias = nn.Parameter(torch.zeros_like(weight[:, :1]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows = torch.baddbmm(self.bias, x.flatten(1, -2), self.weight)
        return rows.unflatten(1, x.shape[1:-1])


class GatedLayer(StackedLinear):
    """h = (W x + b) * sigmoid(V x + c) (Dauphin et al. 2016)."""

    def __init__(self, streams: Streams, n_in: int, n_out: int):
        super().__init__(streams, n_in, n_out, blocks=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.glu(super().forward(x))


def _gated_stack(streams, n_in, hidden):
    return nn.Sequential(
        GatedLayer(streams, n_in, hidden), GatedLayer(streams, hidden, hidden)
    )


class GaussianEncoder(nn.Module):
    """q(z|x): x (S, ..., D) -> mean and log-variance, both (S, ..., L)."""

    def __init__(self, streams: Streams, pixels: int, hidden: int, latent: int):
        super().__init__()
        self.body = _gated_stack(streams, pixels, hidden)
        self.head = StackedLinear(streams, hidden, latent, blocks=2)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mean, log_variance = self.head(self.body(x)).to(x.dtype).chunk(2, -1)
        return mean, log_variance


class ImplicitEncoder(nn.Module):
    """AVB's encoder: x (S, B, D) and noise (S, B, .) -> z (S, B, L)."""

    def __init__(self, streams: Streams, inputs: int, hidden: int, latent: int):
        super().__init__()
        self.body = _gated_stack(streams, inputs, hidden)
        self.head = StackedLinear(streams, hidden, latent)

    def forward(self, x: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(torch.cat([x, noise], -1))).to(x.dtype)


class BernoulliDecoder(nn.Module):
    """p(x|z) for binary data."""

    def __init__(self, streams: Streams, latent: int, hidden: int, pixels: int):
        super().__init__()
        self.body = _gated_stack(streams, latent, hidden)
        self.head = StackedLinear(streams, hidden, pixels)

    def log_density(self, x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        """ln p(x|z) in nats: x broadcast to (S, ..., D), z (S, ..., L) -> (S, ...)."""
        return distributions.bernoulli(x, self.head(self.body(z)).to(z.dtype))


class GaussianDecoder(nn.Module):
    """p(x|z) for gray images; the mean in [0, 1], a free variance for each pixel."""

    def __init__(self, streams: Streams, latent: int, hidden: int, pixels: int):
        super().__init__()
        self.body = _gated_stack(streams, latent, hidden)
        self.head = StackedLinear(streams, hidden, pixels, blocks=2)

    def log_density(self, x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        """ln p(x|z) in nats: x broadcast to (S, ..., D), z (S, ..., L) -> (S, ...)."""
        h = self.body(z).to(z.dtype)
        with torch.autocast(z.device.type, enabled=False):
            logit, log_variance = self.head(h).chunk(2, -1)
        return distributions.normal(x, torch.sigmoid(logit), log_variance)


DECODERS = {"bernoulli": BernoulliDecoder, "gaussian": GaussianDecoder}


class RatioNet(nn.Module):
    """T of Eq. 13: two tanh layers, (S, ..., n_in) -> (S, ...).

    Dropout, when a mask is given, stands before the last layer only.
    """

    def __init__(self, streams: Streams, n_in: int, hidden: int, keep: float):
        super().__init__()
        self.first = StackedLinear(streams, n_in, hidden)
        self.second = StackedLinear(streams, hidden, hidden)
        self.last = StackedLinear(streams, hidden, 1)
        self.hidden, self.keep = hidden, keep
        sign = torch.tensor([[-1.0], [1.0]])  # of z1's and z0's rows in Eq. 20
        self.register_buffer("sign", sign, persistent=False)

    def forward(self, z: torch.Tensor, mask: torch.Tensor | None = None):
        h = torch.tanh(self.second(torch.tanh(self.first(z))))
        if mask is not None:
            h = h * mask
        return self.last(h).squeeze(-1).to(z.dtype)

    def dropout_mask(self, streams: Streams, rows: int) -> torch.Tensor | None:
        """Inverted-dropout factors 0 or 1/keep, (S, rows, H); None if all are kept."""
        if self.keep == 1:
            return None
        keep = streams.bernoulli("dropout", threshold(self.keep), rows, self.hidden)
        return keep / self.keep

    def objective(self, numerator, denominator, mask=None) -> torch.Tensor:
        """Eq. 20 in nats, to be maximised: two (S, B, n_in) -> (S,).

        mask: (S, 2B, H) as from `dropout_mask`, the numerator's rows first.
        """
        t = self(torch.cat([numerator, denominator], 1), mask)  # (S, 2B)
        n = numerator.shape[1]
        # ln sigmoid(t) = -softplus(-t); over the whole contiguous row, because the
        # halves alone take another vector path at S = 1 and differ in the last bit
        signed = self.sign * t.unflatten(1, (2, n))
        return -nn.functional.softplus(signed).sum((1, 2)) / n
