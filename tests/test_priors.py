"""What a file of models/priors has to say and to hold."""

import re
import sys

import pytest
import torch

from models import distributions, priors, runs, vae
from models.networks import RatioNet
from models.priors.base import Prior
from models.training import Trainer, train
from tests.conftest import images


class Centred(Prior):
    """N(c, I), its centre a buffer: a constant that differs between seeds."""

    def __init__(self, settings, pixels, streams):
        super().__init__(settings, pixels, streams)
        self.register_buffer("centre", streams.normal("init", 1, settings.latent_dim))

    def log_density(self, z, encoder):
        centre = self.centre.view(len(z), *[1] * (z.dim() - 2), -1)
        return distributions.standard_normal(z - centre)


@pytest.mark.parametrize(
    ("own", "says"),
    [
        ("pass", "own_settings is inherited, expected it in the class"),
        (
            "own_settings = ()\n\n\nclass Other(Wide):\n    pass",
            "2 priors, expected one",
        ),
        ("own_settings = ('components',)", ""),
    ],
)
def test_what_a_prior_leaves_to_another_is_unseen(monkeypatch, tmp_path, own, says):
    (tmp_path / "wide.py").write_text(
        "from models.priors.vampprior import VampPrior\n\n\n"
        f"class Wide(VampPrior):\n    {own}\n"
    )
    monkeypatch.setattr(priors, "__path__", [*priors.__path__, str(tmp_path)])
    try:
        if says:
            with pytest.raises(ValueError, match=says):
                priors.find("wide")
        else:
            assert priors.find("wide").__name__ == "Wide"
    finally:
        sys.modules.pop("models.priors.wide", None)


@pytest.mark.parametrize("shape", [(), (3,), (1, 3)])
def test_what_has_no_axis_of_seeds_is_refused(monkeypatch, small, shape):
    class Shared(Centred):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            self.centre = torch.zeros(shape)

    monkeypatch.setattr(vae, "find", lambda method: Shared)
    words = re.escape(f"prior.centre is {shape}, expected first an axis of 2 seeds")
    with pytest.raises(ValueError, match=words):
        Trainer(images("bernoulli"), small, [0, 1])


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
def test_a_density_of_another_shape_is_refused(monkeypatch, small, wrong, shape):
    """Of a single seed each of these would broadcast or end in a traceback."""

    class Wrong(Centred):
        def log_density(self, z, encoder):
            return wrong(super().log_density(z, encoder))

    monkeypatch.setattr(vae, "find", lambda method: Wrong)
    words = f"log_density gives {shape} of (1, 5, 4, 3), expected (1, 5, 4)"
    with pytest.raises(ValueError, match=re.escape(words)):
        Trainer(images("bernoulli"), small, [0])


def test_a_density_that_fails_on_importance_samples_fails_at_once(monkeypatch, small):
    """And not after a whole training, whose z has an axis less."""

    class Wrong(Centred):
        def log_density(self, z, encoder):
            return distributions.standard_normal(z - self.centre)

    monkeypatch.setattr(vae, "find", lambda method: Wrong)
    with pytest.raises(RuntimeError, match=r"size of tensor a \(5\) must match"):
        Trainer(images("bernoulli"), small, [0, 1])


def test_a_divergence_of_another_shape_is_refused(monkeypatch, small):
    class Wrong(Centred):
        def kl(self, *arguments):
            return super().kl(*arguments).mean(-1, keepdim=True)

    monkeypatch.setattr(vae, "find", lambda method: Wrong)
    with pytest.raises(ValueError, match=r"kl gives \(1, 1\) of \(1, 4, 3\), expected"):
        Trainer(images("bernoulli"), small, [0])


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


def test_a_tensor_that_is_no_buffer_is_refused(monkeypatch, small):
    class Bare(Centred):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            self.scale = torch.ones(2, 1)

    monkeypatch.setattr(vae, "find", lambda method: Bare)
    with pytest.raises(ValueError, match=r"prior\.scale is a tensor, expected a param"):
        Trainer(images("bernoulli"), small, [0, 1])


def test_a_drawn_constant_is_the_same_where_a_run_is_scored(
    monkeypatch, small, tmp_path
):
    """Though it is not among the weights."""

    class Drawn(Centred):
        def __init__(self, settings, pixels, streams):
            super().__init__(settings, pixels, streams)
            drawn = streams.normal("init", 1, settings.latent_dim)
            self.register_buffer("fixed", drawn, persistent=False)

    monkeypatch.setattr(vae, "find", lambda method: Drawn)
    dataset = images("bernoulli")
    trainer = Trainer(dataset, small, [3])
    (run,) = train(trainer)
    record = dict.fromkeys(("commit", "device", "versions", "precision"), "made")
    runs.write(tmp_path, run, dataset, small, record)
    ((model, _),) = runs.read([tmp_path], dataset, torch.device("cpu"))
    assert torch.equal(model.prior.fixed, trainer.model.prior.fixed)
