"""A prior of one's own for tests, right as it is."""

from models import distributions
from models.priors.base import Prior


class Centred(Prior):
    """N(c, I), its centre a buffer: a constant that differs between seeds."""

    def __init__(self, settings, pixels, streams):
        super().__init__(settings, pixels, streams)
        self.register_buffer("centre", streams.normal("init", 1, settings.latent_dim))

    def log_density(self, z, encoder):
        centre = self.centre.view(len(z), *[1] * (z.dim() - 2), -1)
        return distributions.standard_normal(z - centre)
