"""What a model is held to before it trains: above all a prior of one's own."""

import dataclasses
import re
import sys

import pytest
import torch
from torch import nn

from models import distributions, priors, vae
from models.networks import RatioNet
from models.priors.base import Prior
from models.training import Trainer
from tests.conftest import images


class Centred(Prior):
    """N(c, I), its centre a buffer: a constant that differs between seeds."""

    def __init__(self, settings, pixels, streams):
        super().__init__(settings, pixels, streams)
        self.register_buffer("centre", streams.normal("init", 1, settings.latent_dim))

    def log_density(self, z, encoder):
        centre = self.centre.view(len(z), *[1] * (z.dim() - 2), -1)
        return distributions.standard_normal(z - centre)


@pytest.fixture
def refused(monkeypatch, small):
    """Whether a prior is refused, with which words; for which seeds."""

    def check(prior, words, seeds=(0,)):
        monkeypatch.setattr(vae, "find", lambda method: prior)
        with pytest.raises(ValueError, match=re.escape(words)) as caught:
            Trainer(images("bernoulli"), small, list(seeds))
        assert "\n" not in str(caught.value)

    return check


@pytest.mark.parametrize("shape", [(), (3,), (1, 3)])
def test_what_has_no_axis_of_seeds_is_refused(refused, shape):
    class Shared(Centred):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            self.centre = torch.zeros(shape)

    words = f"prior.centre is {shape}, expected first an axis of seeds, here 2, as"
    refused(Shared, words, (0, 1))


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


PRIOR = """
from models.priors.base import Prior
from models.priors.vampprior import VampPrior
from models import distributions


class Own({base}):
    own_settings = ("components",)

    def __init__(self, settings, pixels, streams):
        super().__init__(settings, pixels, streams)
        self.number = {reads}

    def log_density(self, z, encoder):
        return {density}
"""


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"reads": "settings.noise_dim"},
            "line 12: reads settings.noise_dim, expected it in own_settings",
        ),
        (
            {"reads": "getattr(settings, 'ratio_epochs', 3)"},
            "line 12: reads settings.ratio_epochs, expected it in own_settings",
        ),
        (
            {"base": "VampPrior"},
            "line 11: reads settings.pseudo_input_mean, expected it in own_settings",
        ),
        (
            {"reads": "settings.componets"},
            "line 12: settings.componets: no such setting, expected one of ",
        ),
        (
            {"reads": "streams.normal('prior', 3)"},
            "line 12: stream 'prior': expected one of init, ",
        ),
        (
            {"density": "distributions.standard_normal(z) + pixels"},
            "line 15: log_density of (1, 5, 4, 3) fails (NameError: name 'pix",
        ),
        ({"reads": "nothing"}, "line 12: building it fails (NameError: "),
        ({"density": "(z"}, "line 15: no Python ('(' was never closed)"),
        ({"reads": "settings.components + settings.patience"}, None),
    ],
)
def test_what_a_file_gets_wrong_is_told_with_its_place(
    changes, words, monkeypatch, tmp_path, small
):
    parts = {"base": "Prior", "reads": "0"}
    parts["density"] = "distributions.standard_normal(z)"
    (tmp_path / "priors").mkdir()
    (tmp_path / "priors/own.py").write_text(PRIOR.format_map(parts | changes))
    monkeypatch.setattr(priors, "__path__", [str(tmp_path / "priors")])
    chosen = dataclasses.replace(small, method="own")
    try:
        if words is None:
            Trainer(images("bernoulli"), chosen, [0])
            return
        with pytest.raises(ValueError, match=re.escape(f"own.py, {words}")) as caught:
            Trainer(images("bernoulli"), chosen, [0])
        assert "\n" not in str(caught.value)
    finally:
        sys.modules.pop("models.priors.own", None)


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
