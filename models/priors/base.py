"""What a prior has to offer."""

from collections.abc import Callable

import torch
from torch import nn

from models import distributions
from models.networks import RatioNet
from models.randomness import Streams
from models.settings import View


class Prior(nn.Module):
    """p(z) for a stack of seeds.

    A prior is one file of this folder with one subclass, which defines `log_density`
    and, where it has a better estimate of the KL divergence, `kl`. A mixture of
    Gaussians with equal weights may define mixture(encoder), its means and
    log-variances, (S, K, L) each, for audit and quadrature. Its parameters are trained
    with the encoder's and decoder's, but for those of `ratio`.
    """

    title = ""  # in tables and figures
    own_settings: tuple[str, ...] = ()  # those of Settings that only some priors read
    approximate = False  # whether log_density is an estimate that need not normalise

    def __init__(self, settings: View, pixels: int, streams: Streams):
        super().__init__()
        self.ratio: RatioNet | None = None  # trained between epochs by Eq. 20

    def log_density(self, z: torch.Tensor, encoder: nn.Module) -> torch.Tensor:
        """ln p(z) in nats: (S, ..., L) -> (S, ...)."""
        raise NotImplementedError("expected a prior to define it")

    def frozen(self, encoder: nn.Module) -> Callable[[torch.Tensor], torch.Tensor]:
        """ln p(z) as a function of z alone, for as long as no weight changes."""
        return lambda z: self.log_density(z, encoder)

    def kl(self, z, mean, log_variance, encoder) -> torch.Tensor:
        """KL(q(z|x) || p(z)) in nats, (S, B); here from the one sample z.

        z, mean, log_variance: (S, B, L), the sample and its posterior (Eq. 3).
        """
        posterior = distributions.normal(z, mean, log_variance)
        return posterior - self.log_density(z, encoder)
