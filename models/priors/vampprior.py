"""The VampPrior (Tomczak and Welling 2018), Section 2.3."""

from torch import nn

from models import distributions
from models.priors.base import Prior


class VampPrior(Prior):
    """p(z) = (1/K) sum_k q(z | u_k), with learnt pseudo-inputs u (Eq. 9)."""

    title = "VAE with VampPrior"
    own_settings = (
        "components",
        "pseudo_input_mean",
        "pseudo_input_std",
        "pseudo_input_clip",
    )

    def __init__(self, settings, pixels, streams):
        super().__init__(settings, pixels, streams)
        draw = streams.normal("init", settings.components, pixels)
        initial = settings.pseudo_input_mean + settings.pseudo_input_std * draw
        self.pseudo_inputs = nn.Parameter(initial)  # (S, K, D)
        self.clip = settings.pseudo_input_clip

    def mixture(self, encoder):
        """Means and log-variances of the K components, (S, K, L) each."""
        u = self.pseudo_inputs.clamp(0, 1) if self.clip else self.pseudo_inputs
        return encoder(u)

    def log_density(self, z, encoder):
        return distributions.normal_mixture(z, *self.mixture(encoder))

    def frozen(self, encoder):
        mean, log_variance = self.mixture(encoder)
        return lambda z: distributions.normal_mixture(z, mean, log_variance)
