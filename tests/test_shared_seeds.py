"""What runs of the same seed share, and what not."""

import dataclasses

import numpy as np
import torch

from models import (
    runs,
)
from models.randomness import Streams
from models.training import Trainer
from tests.conftest import images


def test_what_shares_a_seed_shares_no_noise(small):
    """Neither datasets, methods nor numbers of components, in training or in scores."""
    base = dataclasses.replace(small, method="vampprior")
    draws = []
    for name, settings in (
        ("made", base),
        ("other", base),
        ("made", dataclasses.replace(base, components=5)),
        ("made", dataclasses.replace(base, method="iop")),
    ):
        facts = [{"settings": settings.as_dict(), "dataset": name, "seed": 0}]
        dataset = dataclasses.replace(images("gaussian"), name=name)
        draws.append(Trainer(dataset, settings, [0]).streams.normal("noise", 500))
        draws.append(runs.streams(facts, "cpu", "a").normal("scores", 500))
        draws.append(runs.streams(facts, "cpu", "b").normal("scores", 500))
    correlation = np.corrcoef(torch.cat(draws)) - np.eye(len(draws))
    assert np.abs(correlation).max() < 0.25
    # the very names that the committed scores were drawn under
    named = Streams([0], purpose="made/vampprior/5/b").normal("scores", 500)
    assert torch.equal(draws[8], named)


def test_other_settings_leave_a_seeds_numbers_as_they_are(small):
    """Rates, patience, precision: or comparing them seed by seed would pair nothing."""
    base = dataclasses.replace(small, method="iop")
    others = {  # by kind; the one text is the precision
        bool: lambda value: not value,
        int: lambda value: value + 1,
        float: lambda value: value / 2,
        str: lambda value: "bfloat16",
    }
    for field in set(base.as_dict()) - {"method", "components"}:
        value = getattr(base, field)
        changed = dataclasses.replace(base, **{field: others[type(value)](value)})
        assert changed != base
        assert changed.streams("made") == base.streams("made"), field
