"""What the core's command lines write, as a user types them."""

import csv
import itertools
import json

import numpy as np
import pytest
import torch
from commanded import SMALL, run_training, scores

from models import (
    data,
    evaluate,
    machine,
    posterior,
    provenance,
    quadrature,
    runs,
    train,
    training,
)
from models.randomness import Streams
from models.stopping import CURVE, Run
from tests.conftest import images


def test_seconds_are_of_all_epochs_and_of_the_whole_stack(made, tmp_path, monkeypatch):
    """Two epochs at three seconds: no seed of a stack gets a share of them."""
    clock = itertools.count(0.0, 3.0)
    monkeypatch.setattr(training.time, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(machine, "stacks", lambda seeds, device: [list(seeds)])
    run_training(made, "standard", [0, 1], tmp_path)
    for seed in (0, 1):
        with open(tmp_path / f"seed{seed}/curve.csv", newline="") as file:
            assert [row["seconds"] for row in csv.DictReader(file)] == ["3.0", "6.0"]
        record = json.loads((tmp_path / f"seed{seed}/record.json").read_text())
        assert record["training_seconds"] == 6


def test_the_record_says_in_which_precision_and_whether_compiled(
    made, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(machine, "compiler_works", lambda device: False)
    monkeypatch.setattr(machine, "product_kind", lambda precision, device: precision)
    common = ["--data", str(made), "--seeds", "0", *SMALL, "--method", "standard"]
    for name, more in (("plain", []), ("fast", ["--compile", "--precision=reduced"])):
        train.main([*common, "--output", str(tmp_path / name), *more])
    assert "no compiler works here" in capsys.readouterr().err
    plain, fast = (
        json.loads((tmp_path / name / "seed0" / runs.RECORD).read_text())
        for name in ("plain", "fast")
    )
    assert (plain["precision"], plain["compiled"]) == ("float32", False)
    assert (fast["precision"], fast["compiled"]) == ("reduced", False)
    assert "--compile" in fast["command"]
    assert not plain["captured"]  # there are no CUDA graphs on a CPU
    assert "--precision reduced" in fast["command"]
    found = {"commit": "a run's", "device": "its machine", "versions": {"torch": "7"}}
    record = tmp_path / "fast/seed0" / runs.RECORD
    record.write_text(json.dumps(fast | found))
    row = scores(made, [tmp_path / "fast/seed0"], tmp_path / "scores.csv")[0]
    found = [row[name] for name in ("precision", "commit", "device", "torch")]
    assert found == ["reduced", "a run's", "its machine", "7"]
    now = provenance.commit(), machine.describe(torch.device("cpu"))
    assert (row["scoring_commit"], row["scoring_device"]) == now


def test_more_importance_samples_move_no_other_score(made, tmp_path):
    run_training(made, "standard", [0], tmp_path)
    rows = []
    for samples in ("10", "20"):
        output = tmp_path / f"{samples}.csv"
        arguments = ["--data", str(made), "--runs", str(tmp_path / "seed0")]
        evaluate.main([*arguments, "--output", str(output), "--samples", samples])
        with open(output, newline="") as file:
            rows.append([r for r in csv.DictReader(file) if r["samples"] == "1"])
    assert rows[0] == rows[1]
    assert len(rows[0]) == 6


def test_posterior_samples(made, tmp_path):
    """Of AVB: what the encoder gives for the images and a noise of ten dimensions."""
    run_training(made, "avb", [0, 1], tmp_path)
    folders = [str(tmp_path / "seed0"), str(tmp_path / "seed1")]
    output = tmp_path / "p.csv"
    posterior.main(["--data", str(made), "--runs", *folders, "--output", str(output)])
    rows = list(csv.DictReader(output.read_text().splitlines()))
    assert len(rows) == 2 * 40
    assert [r["vector"] for r in rows[:40]] == [
        str(k) for k in images("bernoulli").test.argmax(1)
    ]
    assert len({(r["z1"], r["z2"]) for r in rows}) == 80
    x = torch.from_numpy(images("bernoulli").test)
    for model, facts in runs.read(folders, data.load(made), torch.device("cpu")):
        (seed,) = [fact["seed"] for fact in facts]
        noise = Streams([seed], purpose="made/avb/4/posterior").normal("scores", 40, 10)
        with torch.no_grad():
            (z,) = model.encoder(x[None], noise)
        shown = [[float(row[c]) for c in ("z1", "z2")] for row in rows]
        assert np.allclose(shown[40 * seed : 40 * (seed + 1)], z, rtol=1e-5)


def test_a_grid_that_resolves_nothing_is_left_out_and_told(
    made, tmp_path, monkeypatch, capsys
):
    """Of one seed: the other's integral and every other score are written."""
    run_training(made, "standard", [0, 1], tmp_path)
    found = torch.tensor([-4.0, float("nan")], dtype=torch.float64)
    monkeypatch.setattr(quadrature, "possible", lambda *_: True)
    monkeypatch.setattr(quadrature, "log_likelihood", lambda *_, **__: found)
    monkeypatch.setattr(machine, "stacks", lambda seeds, device: [list(seeds)])
    folders = [tmp_path / "seed0", tmp_path / "seed1"]
    rows = scores(made, folders, tmp_path / "s.csv")
    exact = [row["seed"] for row in rows if row["samples"] == "0"]
    assert exact == ["0"]
    assert len(rows) == 2 * 8 + 1
    told = capsys.readouterr().err
    assert "test exact_log_likelihood of seed 1 is nan: left out" in told


def test_with_the_record_all_is_there(small, tmp_path, monkeypatch):
    """Killed while the weights are written: neither they nor a record."""

    def killed(file, **_):
        file.write(b"half")
        raise KeyboardInterrupt

    run = Run(4)
    run.weights = {}
    run.add(tuple({"epoch": 2}.get(name, 0.0) for name in CURVE), small, dict)
    monkeypatch.setattr(np, "savez", killed)
    with pytest.raises(KeyboardInterrupt):
        runs.write(tmp_path, run, images("gaussian"), small, {})
    assert list(tmp_path.iterdir()) == []


def test_the_record_has_the_best_elbo_not_the_last(small, tmp_path):
    run = Run(4)
    for epoch, elbo in ((1, 0.0), (2, -3.0), (3, -5.0)):
        row = dict.fromkeys(CURVE, 0.0) | {"epoch": epoch, "valid_elbo": elbo}
        run.add(tuple(row[name] for name in CURVE), small, dict)
    runs.write(tmp_path, run, images("gaussian"), small, {}, curve_only=True)
    record = json.loads((tmp_path / runs.RECORD).read_text())
    found = [record[name] for name in ("best_valid_elbo", "epoch", "epochs")]
    assert found == [-3.0, 2, 3]
