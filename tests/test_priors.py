"""What a file of models/priors has to hold."""

import dataclasses
import re
import sys

import pytest

from models import priors
from models.training import Trainer
from tests.conftest import images


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
