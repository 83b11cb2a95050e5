"""The VAE with any prior: evidence lower bound and importance weights."""

import torch
from torch import nn

from models import distributions
from models.networks import DECODERS, GaussianEncoder
from models.priors import find
from models.priors.base import Prior
from models.randomness import Streams
from models.settings import Settings, View


class VAE(nn.Module):
    """Encoder q(z|x), decoder p(x|z) and prior p(z), for a stack of seeds."""

    def __init__(
        self, encoder: nn.Module, decoder: nn.Module, prior: Prior, latent_dim: int
    ):
        super().__init__()
        self.encoder, self.decoder, self.prior = encoder, decoder, prior
        self.latent_dim = self.noise_dim = latent_dim  # epsilon is of z's size

    @classmethod
    def build(cls, settings: Settings, pixels: int, likelihood: str, streams: Streams):
        """Draw the initial weights of a model for data of `pixels` dimensions."""
        sizes = pixels, settings.hidden_units, settings.latent_dim
        prior = find(settings.method)
        return cls(
            GaussianEncoder(streams, *sizes),
            DECODERS[likelihood](streams, *sizes[::-1]),
            prior(View(settings, prior.own_settings), pixels, streams),
            settings.latent_dim,
        )

    @property
    def own_settings(self) -> tuple[str, ...]:
        """Names of the settings that only some methods read, this one among them."""
        return self.prior.own_settings

    @property
    def ratio(self):
        """The density-ratio net of Eq. 20, or None."""
        return self.prior.ratio

    def terms(self, x, noise) -> tuple[torch.Tensor, torch.Tensor]:
        """Reconstruction and KL term of Eq. 3 by one sample, in nats, both (S, B).

        x: (S, B, D); noise: (S, B, L), epsilon of Eq. 18. Their difference is the
        ELBO; for the implicit optimal prior that is Eq. 19.
        """
        mean, log_variance = self.encoder(x)
        z = _reparameterise(mean, log_variance, noise)
        reconstruction = self.decoder.log_density(x, z)
        return reconstruction, self.prior.kl(z, mean, log_variance, self.encoder)

    def log_weights(self, x, noise) -> torch.Tensor:
        """ln p(x|z) p(z) / q(z|x) in nats for M samples of z: (S, M, B).

        x: (S, B, D); noise: (S, M, B, L). The mean of the weights over M estimates
        p(x) (Eq. 2; Burda, Grosse and Salakhutdinov 2015).
        """
        mean, log_variance = (t.unsqueeze(1) for t in self.encoder(x))  # (S, 1, B, L)
        z = _reparameterise(mean, log_variance, noise)
        return (
            self.decoder.log_density(x.unsqueeze(1), z)
            + self.prior.log_density(z, self.encoder)
            - distributions.normal(z, mean, log_variance)
        )

    def posterior_sample(self, x, noise) -> torch.Tensor:
        """z ~ q(z|x): (S, B, D) and (S, B, L) -> (S, B, L)."""
        return _reparameterise(*self.encoder(x), noise)

    def ratio_source(self, x) -> tuple[torch.Tensor, torch.Tensor]:
        """What ratio_rows draws from: mean and log-variance of q(z|x), (S, B, L)."""
        return self.encoder(x)

    def ratio_rows(self, source, noise) -> torch.Tensor:
        """Inputs of the ratio net from its numerator: z1 of Eq. 20, (S, B, L)."""
        return _reparameterise(*source, noise)

    def ratio_counterparts(self, rows, z0) -> torch.Tensor:
        """Inputs of the ratio net from its denominator: z0 of Eq. 20, (S, B, L)."""
        return z0


def _reparameterise(mean, log_variance, noise):
    return mean + torch.exp(0.5 * log_variance) * noise
