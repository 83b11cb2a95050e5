"""What a file of models/priors has to hold."""

import sys

import pytest

from models import priors


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
