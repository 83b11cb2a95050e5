"""What a prior's terms are held to before it trains: shapes, gradients, company."""

import dataclasses

import pytest
import torch
from own_prior import Centred
from torch import nn

from models import distributions, vae
from models.networks import RatioNet
from models.priors.base import Prior
from models.training import Trainer
from tests.conftest import images


@pytest.mark.parametrize(
    ("wrong", "shape"),
    [
        (lambda p: p.mean(-1, keepdim=True), "(1, 5, 1)"),
        (lambda p: p.mean(-1), "(1, 5)"),
        (lambda p: p.sum(), "()"),
        (lambda p: p.unsqueeze(-1), "(1, 5, 4, 1)"),
        (lambda p: p.mT, "(1, 4, 5)"),
    ],
)
def test_a_density_of_another_shape_is_refused(refused, wrong, shape):
    """Of a single seed each of these would broadcast or end in a traceback."""

    class Wrong(Centred):
        def log_density(self, z, encoder):
            return wrong(super().log_density(z, encoder))

    refused(Wrong, f"log_density gives {shape} of (1, 5, 4, 3), expected (1, 5, 4)")


def test_a_density_without_its_sum_is_refused(refused):
    class Unsummed(Prior):
        def log_density(self, z, encoder):
            return -z.square() / 2

    refused(Unsummed, "log_density gives (1, 5, 4, 3) of (1, 5, 4, 3), expected (1, 5")


@pytest.mark.parametrize(
    ("density", "words"),
    [
        (lambda self, z, encoder: None, "log_density gives None, expected a tensor"),
        (
            lambda self, z, encoder: distributions.standard_normal(z).log(),
            "log_density gives nan, expected numbers",
        ),
        (
            lambda self, z, encoder: distributions.standard_normal(z.detach()),
            "log_density has no gradient in z, expected one",
        ),
        (
            lambda self, z, encoder: distributions.standard_normal(
                z.detach() - self.centre[:, None]
            ),
            "log_density has no gradient in z, expected one",
        ),
        (
            lambda self, z: distributions.standard_normal(z),
            "standard: log_density of (1, 5, 4, 3) fails (TypeError: ",
        ),
        (
            Prior.log_density,
            "standard: log_density of (1, 5, 4, 3) fails (NotImplementedError: ",
        ),
    ],
)
def test_a_density_that_cannot_be_trained_is_refused(refused, density, words):
    class Wrong(Centred):
        log_density = density

        def __init__(self, *arguments):
            super().__init__(*arguments)
            self.centre = nn.Parameter(self.centre)

    refused(Wrong, words)


def test_a_density_that_fails_on_importance_samples_fails_at_once(refused):
    """And not after a whole training, whose z has an axis less."""

    class Wrong(Centred):
        def log_density(self, z, encoder):
            return distributions.standard_normal(z - self.centre)

    words = "log_density of (2, 5, 4, 3) fails (RuntimeError: The size of tens"
    refused(Wrong, words, (0, 1))


@pytest.mark.parametrize(
    ("shift", "words"),
    [
        (
            lambda c, z: (
                z.flatten(1, -2).mean(1).view(len(z), *[1] * (z.dim() - 2), -1)
            ),
            "seed 1 has another log_density or kl beside seed 0 and other rows",
        ),
        (
            lambda c, z: c,
            "log_density with weights moved by about 0.1 of (2, 5, 4, 3) fails",
        ),
        (lambda c, z: c.mean(0), "seed 1 has another log_density or kl beside seed 0"),
        (lambda c, z: torch.randn(1), "seed 1 has another log_density or kl beside"),
    ],
)
def test_a_seed_that_depends_on_company_is_refused_on_a_cpu(refused, shift, words):
    """There seeds train alone, so that it would show on a GPU only."""

    class Shared(Centred):
        def log_density(self, z, encoder):
            return distributions.standard_normal(z - shift(self.centre[:, 0], z))

    refused(Shared, words)


@pytest.mark.parametrize(
    ("name", "other", "words"),
    [
        ("kl", lambda self, z, *_: z.sum(-1).detach(), "kl has no gradient, expected"),
        (
            "frozen",
            lambda self, encoder: lambda z: z.sum(),
            "frozen gives () of (1, 5, 4, 3), expected (1, 5, 4)",
        ),
        (
            "mixture",
            lambda self, encoder: (torch.zeros(1, 2), torch.zeros(1, 2)),
            "mixture gives (1, 2), expected means and log-variances (1, K, 3)",
        ),
    ],
)
def test_what_else_a_prior_may_offer_is_tried(refused, name, other, words):
    class Own(Centred):
        pass

    setattr(Own, name, other)
    refused(Own, words)


def test_a_divergence_of_another_shape_is_refused(refused):
    class Wrong(Centred):
        def kl(self, *arguments):
            return super().kl(*arguments).mean(-1, keepdim=True)

    refused(Wrong, "kl gives (1, 1) of (1, 4, 3), expected (1, 4)")


@pytest.mark.parametrize("method", ["standard", "vampprior", "iop", "avb"])
def test_what_there_is_passes_and_leaves_the_generators_alone(method, small):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    for likelihood in ("bernoulli", "gaussian"):
        found = dataclasses.replace(small, method=method)
        Trainer(images(likelihood), found, [0, 1])
    assert torch.equal(torch.get_rng_state(), before)


def test_a_ratio_net_names_what_trains_it(monkeypatch, small):
    """Else another `ratio_epochs` would be asked for, and not be used."""

    class Own(Centred):
        def __init__(self, settings, pixels, streams):
            super().__init__(settings, pixels, streams)
            self.ratio = RatioNet(streams, settings.latent_dim, 5, keep=1)

    monkeypatch.setattr(vae, "find", lambda method: Own)
    words = "expected ratio_epochs and ratio_learning_rate among its own_settings"
    with pytest.raises(ValueError, match=words):
        Trainer(images("bernoulli"), small, [0])
    Own.own_settings = ("ratio_epochs", "ratio_learning_rate")
    Trainer(images("bernoulli"), small, [0])
