"""The standard Gaussian prior (Kingma and Welling 2013)."""

from models import distributions
from models.priors.base import Prior


class StandardPrior(Prior):
    """p(z) = N(0, I); its KL divergence has a closed form."""

    title = "Standard VAE"

    def log_density(self, z, encoder):
        return distributions.standard_normal(z)

    def kl(self, z, mean, log_variance, encoder):
        return distributions.kl_to_standard_normal(mean, log_variance)
