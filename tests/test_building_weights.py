"""What a prior's weights are held to before it trains: an axis of seeds, and draws."""

import pytest
import torch
from own_prior import Centred
from torch import nn

from models import distributions
from models.priors.base import Prior


@pytest.mark.parametrize("shape", [(), (3,), (1, 3)])
def test_what_has_no_axis_of_seeds_is_refused(refused, shape):
    class Shared(Centred):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            self.centre = torch.zeros(shape)

    words = f"prior.centre is {shape}, expected first an axis of seeds, here 2, as"
    refused(Shared, words, (0, 1))


@pytest.mark.parametrize(
    ("start", "use", "words"),
    [
        (
            lambda n, width: torch.zeros(1, 1, width),
            lambda c, z: z - c,
            "prior.weight is (1, 1, 3), expected first an axis of seeds, here 2",
        ),
        (
            lambda n, width: torch.zeros(n, width),
            lambda c, z: z - c.mean(0),
            "seed 1 has another log_density",
        ),
        (
            lambda n, width: torch.ones(n),
            lambda c, z: z * c.mean(),
            "seed 1 has another log_density",
        ),
    ],
)
def test_what_zeros_and_ones_hide_is_refused(refused, start, use, words):
    """With the first weights, the same for all seeds, they would seem to be apart."""

    class Shared(Prior):
        def __init__(self, settings, pixels, streams):
            super().__init__(settings, pixels, streams)
            first = start(len(streams.seeds), settings.latent_dim)
            self.weight = nn.Parameter(first)

        def log_density(self, z, encoder):
            return distributions.standard_normal(use(self.weight, z))

    refused(Shared, words)


@pytest.mark.parametrize("layer", [True, False])
def test_weights_that_no_seed_fixes_are_refused(refused, layer):
    class Drawn(Centred):
        def __init__(self, settings, pixels, streams):
            super().__init__(settings, pixels, streams)
            latent = settings.latent_dim
            if layer:  # its bias has an axis of one, as a single seed's would
                self.layer = nn.Linear(latent, 1)
            else:
                self.centre = torch.randn(len(streams.seeds), 1, latent)

    refused(Drawn, "draws from torch's own generator while it is built, as nn.Linear")


@pytest.mark.parametrize(
    "hold", [lambda one: one, lambda one: [one], lambda one: {"k": one}]
)
def test_a_tensor_that_is_no_buffer_is_refused(refused, hold):
    class Bare(Centred):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            self.scale = hold(torch.ones(2, 1))

    refused(Bare, "prior.scale is a tensor, expected a parameter or", (0, 1))


def test_a_constant_that_differs_between_seeds_has_to_persist(refused):
    """Else it would not be saved, and on a GPU stay when a seed has stopped."""

    class Drawn(Centred):
        def __init__(self, settings, pixels, streams):
            super().__init__(settings, pixels, streams)
            drawn = streams.normal("init", 1, settings.latent_dim)
            self.register_buffer("fixed", drawn, persistent=False)

    refused(Drawn, "prior.fixed has an axis of seeds, expected it persistent")
