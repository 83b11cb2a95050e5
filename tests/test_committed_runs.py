"""Every committed run is what its record says: curve, best epoch, stop and scores."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from models.settings import Settings
from workflow import reference

RECORDS = sorted(reference.FOLDER.rglob("record.json"))
SCORES = sorted(reference.FOLDER.rglob("scores/*/*.csv"))
DIGITS = 2e-6  # of a curve's seven, relative


def test_there_are_runs_and_scores():
    assert len(RECORDS) > 200
    assert len(SCORES) > 20


@pytest.mark.parametrize("path", RECORDS, ids=lambda p: str(p.parent)[-60:])
def test_a_run_keeps_its_best_epoch_and_stops_as_its_settings_say(path):
    record = json.loads(path.read_text())
    curve = pd.read_csv(path.with_name("curve.csv")).set_index("epoch")
    settings, last = Settings(**record["settings"]), record["epochs"]
    assert path.parent.name == f"seed{record['seed']}"
    assert str(record["seed"]) in re.search(r"--seeds ([\d ]+)", record["command"])[1]
    assert list(curve.index) == list(range(1, last + 1))
    # the warm-up's epochs are not kept; the curve has seven digits, so ties may be
    settled = min(settings.warmup_epochs, settings.max_epochs)
    late = curve["valid_elbo"].loc[settled:]
    late = late[np.isfinite(late)]
    best = record["best_valid_elbo"]
    assert late.loc[record["epoch"]] == pytest.approx(best, rel=DIGITS)
    assert late.max() == pytest.approx(best, rel=DIGITS)
    waited = last - max(record["epoch"], settled)
    if record.get("diverged", False):
        assert not np.isfinite(curve["valid_elbo"].iloc[-1])
    elif last < settings.max_epochs:
        assert waited == settings.patience
    assert waited <= settings.patience
    if "beta" not in curve:  # of a search the validation ELBO alone
        return
    rise = np.minimum(1, curve.index / max(settings.warmup_epochs, 1))
    np.testing.assert_allclose(curve["beta"], rise, rtol=1e-6)
    assert (np.diff(curve["seconds"], prepend=0) > 0).all()
    whole = curve[np.isfinite(curve["valid_elbo"])]
    for split in ("train", "valid"):
        terms = whole[f"{split}_reconstruction"] - whole[f"{split}_kl"]
        size = whole[f"{split}_reconstruction"].abs() + whole[f"{split}_kl"].abs()
        assert ((terms - whole[f"{split}_elbo"]).abs() <= 1e-6 * size).all()


@pytest.mark.parametrize("path", SCORES, ids=lambda p: str(p)[-60:])
def test_scores_are_of_the_runs_beside_them(path):
    table = pd.read_csv(path, dtype=str)
    runs = path.parents[2] / "runs" / path.parent.name / path.stem
    for seed, rows in table.groupby("seed"):
        record = runs / f"seed{seed}/record.json"
        if not record.exists():  # of the first variants the scores alone were kept
            assert path.parents[2].name in ("patience50", "patience50-reduced")
            continue
        facts = json.loads(record.read_text())
        expected = {
            name: facts[name]
            for name in ("epoch", "epochs", "commit", "precision", "device")
        }
        expected |= {
            "settings_digest": Settings(**facts["settings"]).digest,
            "data_digest": facts["data_digest"][:16],
        }
        for column, value in expected.items():
            assert set(rows[column]) == {str(value)}, (seed, column)
