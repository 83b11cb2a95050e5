"""Adversarial variational Bayes (Mescheder, Nowozin and Geiger 2017), on OneHot."""

import torch
from torch import nn

from models.networks import DECODERS, ImplicitEncoder, RatioNet
from models.randomness import Streams
from models.settings import Settings, View


class AVB(nn.Module):
    """A VAE whose encoder is implicit, z = f(x, noise), with prior N(0, I).

    A ratio net T(x, z) estimates ln q(z|x)/N(z|0, I), so KL(q(z|x) || p) = E[T]. Same
    interface as vae.VAE, but without `prior` and without `log_weights`, importance
    weights, which need the density q(z|x).
    """

    title = "AVB"
    approximate = True
    own_settings = (
        "noise_dim",
        "ratio_epochs",
        "ratio_keep_probability",
        "ratio_learning_rate",
    )

    def __init__(self, encoder, decoder, ratio, latent_dim, noise_dim):
        super().__init__()
        self.encoder, self.decoder, self.ratio = encoder, decoder, ratio
        self.latent_dim, self.noise_dim = latent_dim, noise_dim

    @classmethod
    def build(cls, settings: Settings, pixels: int, likelihood: str, streams: Streams):
        """Draw the initial weights of a model for data of `pixels` dimensions."""
        s = View(settings, cls.own_settings)
        hidden, latent = s.hidden_units, s.latent_dim
        return cls(
            ImplicitEncoder(streams, pixels + s.noise_dim, hidden, latent),
            DECODERS[likelihood](streams, latent, hidden, pixels),
            RatioNet(streams, pixels + latent, hidden, s.ratio_keep_probability),
            latent,
            s.noise_dim,
        )

    def terms(self, x, noise) -> tuple[torch.Tensor, torch.Tensor]:
        """Reconstruction and estimated KL term in nats, both (S, B).

        x: (S, B, D); noise: (S, B, .), the encoder's second input.
        """
        z = self.encoder(x, noise)
        return self.decoder.log_density(x, z), self.ratio(torch.cat([x, z], -1))

    def posterior_sample(self, x, noise) -> torch.Tensor:
        """z ~ q(z|x): (S, B, D) and (S, B, .) -> (S, B, L)."""
        return self.encoder(x, noise)

    def ratio_source(self, x) -> torch.Tensor:
        """What ratio_rows draws from: x itself, (S, B, D)."""
        return x

    def ratio_rows(self, x, noise) -> torch.Tensor:
        """Inputs of T from its numerator: (x, z) with z ~ q(z|x), (S, B, D + L)."""
        return torch.cat([x, self.encoder(x, noise)], -1)

    def ratio_counterparts(self, rows, z0) -> torch.Tensor:
        """Inputs of T from its denominator: the same x with z ~ N(0, I)."""
        return torch.cat([rows[..., : -self.latent_dim], z0], -1)
