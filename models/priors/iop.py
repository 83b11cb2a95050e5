"""The implicit optimal prior: the paper's method, Section 3."""

from models import distributions
from models.networks import RatioNet
from models.priors.base import Prior


class ImplicitOptimalPrior(Prior):
    """p(z) = q(z), the aggregated posterior, by the density ratio to N(0, I).

    T estimates ln q(z)/N(z|0, I) (Eq. 14), so ln p(z) = ln N(z|0, I) + T(z), which
    integrates to one only as far as T is exact.
    """

    title = "Proposed method"
    approximate = True
    own_settings = ("ratio_epochs", "ratio_keep_probability", "ratio_learning_rate")

    def __init__(self, settings, pixels, streams):
        super().__init__(settings, pixels, streams)
        self.ratio = RatioNet(
            streams,
            settings.latent_dim,
            settings.hidden_units,
            settings.ratio_keep_probability,
        )

    def log_density(self, z, encoder):
        return distributions.standard_normal(z) + self.ratio(z)

    def kl(self, z, mean, log_variance, encoder):
        # Eq. 15; z is reparameterised, so T's gradient reaches phi through z, while
        # its explicit dependence on phi is ignored (Eq. 21)
        return distributions.kl_to_standard_normal(mean, log_variance) - self.ratio(z)
