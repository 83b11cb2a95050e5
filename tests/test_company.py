"""A seed is the same alone, in company, and side by side in one stack."""

import json

import numpy as np
import pytest
import torch
from commanded import run_training, scores

from models import machine, runs
from models.machine import stacks


def test_a_seed_is_the_same_alone_and_in_company(made, tmp_path):
    """Weights, curve and scores, through the commands."""
    run_training(made, "iop", [3, 5], tmp_path / "company")
    run_training(made, "iop", [5], tmp_path / "alone")
    weights = []
    for name in ("company", "alone"):
        with np.load(tmp_path / name / "seed5" / runs.WEIGHTS) as file:
            weights.append({key: file[key].tobytes() for key in file.files})
    assert weights[0] == weights[1]
    company = scores(
        made, [tmp_path / f"company/seed{k}" for k in (3, 5)], tmp_path / "c.csv"
    )
    alone = scores(made, [tmp_path / "alone/seed5"], tmp_path / "a.csv")
    assert [row for row in company if row["seed"] == "5"] == alone
    assert not list(tmp_path.rglob("*.checkpoint"))


@pytest.mark.parametrize("method", ["standard", "vampprior", "iop", "avb"])
def test_side_by_side_as_on_a_gpu(made, method, tmp_path, monkeypatch):
    """All seeds in one stack, from training to scores; the same up to rounding."""
    run_training(made, method, [3, 5], tmp_path / "apart")
    folders = [tmp_path / f"apart/seed{k}" for k in (3, 5)]
    apart = scores(made, folders, tmp_path / "apart.csv")
    monkeypatch.setattr(machine, "stacks", lambda seeds, device: [list(seeds)])
    run_training(made, method, [3, 5], tmp_path / "stacked")
    folders = [tmp_path / f"stacked/seed{k}" for k in (3, 5)]
    record = json.loads((folders[1] / runs.RECORD).read_text())
    assert record["stack"] == [3, 5]
    stacked = scores(made, folders, tmp_path / "stacked.csv")
    key = ("seed", "split", "metric")
    for rows in (apart, stacked):
        rows.sort(key=lambda row: [row[k] for k in key])
    for ours, theirs in zip(stacked, apart, strict=True):
        assert [ours[k] for k in key] == [theirs[k] for k in key]
        assert float(ours["value"]) == pytest.approx(float(theirs["value"]), rel=1e-4)


def test_a_gpu_stacks_all_seeds_and_a_cpu_none():
    assert stacks([3, 1], torch.device("cuda")) == [[3, 1]]
    assert stacks([3, 1], torch.device("cpu")) == [[3], [1]]
