"""The core's command lines, as a user types them, and their error lines."""

import csv
import dataclasses
import functools
import itertools
import json

import numpy as np
import pytest
import torch
from commanded import SMALL, run_training, scores

from models import (
    data,
    evaluate,
    evaluation,
    machine,
    posterior,
    priors,
    quadrature,
    runs,
    train,
    training,
)
from models.randomness import Streams
from models.stopping import CURVE, Run
from models.training import Trainer
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


def test_a_compiler_that_breaks_is_an_error_that_says_so(made, tmp_path, monkeypatch):
    """No run that says it is compiled and is not."""

    def broken(graph, inputs):
        raise OverflowError("no space left for the compiler")

    compiler = functools.partial(torch.compile, backend=broken)
    monkeypatch.setattr(torch, "compile", compiler)
    monkeypatch.setattr(machine, "compiler_works", lambda device: True)
    command = ["--data", str(made), "--seeds", "0", *SMALL, "--method", "standard"]
    words = (
        r"^error: the steps cannot be compiled; leave --compile out \(.*no space left"
    )
    with pytest.raises(SystemExit, match=words):
        train.main([*command, "--output", str(tmp_path / "out"), "--compile"])


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


def test_posterior_samples(made, tmp_path, monkeypatch):
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
    other = images("bernoulli")  # with other validation images: it shows none of them
    other = dataclasses.replace(other, valid=1 - other.valid)
    stack = runs.read(folders, data.load(made), torch.device("cpu"))
    monkeypatch.setattr(runs, "read", lambda *_: stack)
    shown = posterior.samples(folders, other, torch.device("cpu"))
    assert [[str(field) for field in row] for row in shown] == [
        list(row.values()) for row in rows
    ]


def failure(capsys, command, *arguments):
    with pytest.raises(SystemExit) as caught:
        command([str(a) for a in arguments])
    text = str(caught.value.code)
    assert "\n" not in text
    return text


def test_training_errors_are_one_line(made, tmp_path, monkeypatch, capsys):
    base = ["--data", made, "--output", tmp_path / "out"]

    def fails(*arguments):
        return failure(capsys, train.main, *base, *arguments)

    assert f"--method vamp: expected one of {', '.join(priors.names())}, avb" in fails(
        "--seeds", 0, "--method", "vamp"
    )
    assert "--seeds [1, 1]: expected distinct integers" in fails("--seeds", 1, 1)
    assert "patience: 0, expected 1 or more" in fails("--seeds", 0, "--patience", 0)
    assert "--seeds [-1]: expected distinct integers, 0 or" in fails("--seeds", -1)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for device, message in (
        ("nought", "not a device"),
        ("meta", "expected cpu, cud"),
        ("cuda", "this torch sees no GPU"),
    ):
        assert f"--device {device}: {message}" in fails(
            "--seeds", 0, "--device", device
        )
    for option, value, message in (
        ("--learning-rate", 0, "learning_rate: 0.0, expected in (0, 1]"),
        ("--pseudo-input-std", "nan", "pseudo_input_std: nan, expected 0 or more"),
        ("--pseudo-input-mean", "inf", "pseudo_input_mean: inf, expected a number"),
    ):
        assert message in fails("--seeds", 0, option, value)
    for option, value, message in (
        ("--threads", "0", "'0', expected 1 or more"),
        ("--pseudo-input-clip", "no", "'no', expected true or false"),
    ):
        with pytest.raises(SystemExit):
            train.main([*map(str, base), "--seeds", "0", option, value])
        assert f"argument {option}: {message}" in capsys.readouterr().err
    missing = failure(
        capsys, train.main, "--data", "no.npz", "--output", "o", "--seeds", 0
    )
    assert "no.npz" in missing
    assert not (tmp_path / "out").exists()


def test_samples_that_no_plane_shows_are_refused(made, tmp_path, capsys):
    common = ["--data", str(made), "--seeds", "0", *SMALL, "--latent-dim", "3"]
    train.main([*common, "--output", str(tmp_path)])
    arguments = "--data", made, "--runs", tmp_path / "seed0", "--output", tmp_path / "p"
    text = failure(capsys, posterior.main, *arguments)
    assert "seed0: latent_dim is not 2; Figure 1 is 2-d" in text


def test_out_of_memory_names_what_to_lower(made, tmp_path, monkeypatch, capsys):
    def full(self):
        raise torch.OutOfMemoryError("no room for 1 GiB\nand much more text")

    monkeypatch.setattr(Trainer, "run_epoch", full)
    seeds = ["--seeds", *map(str, range(8)), "--output", tmp_path / "out"]
    text = failure(capsys, train.main, "--data", made, *seeds)
    assert "out of memory with one seed; expected less" in text
    assert "lower batch_size or components (no room for 1 GiB)" in text
    with monkeypatch.context() as patched:  # as on a GPU
        patched.setattr(machine, "stacks", lambda seeds, device: [seeds])
        text = failure(capsys, train.main, "--data", made, *seeds)
    assert "out of memory with 8 seeds side by side" in text
    assert "lower seeds_per_job, batch_size or components (no room for 1 GiB)" in text
    monkeypatch.undo()
    huge = ["--method", "vampprior", "--components", 10**14, "--seeds", 0]
    out = ["--output", tmp_path / "out"]
    text = failure(capsys, train.main, "--data", made, *out, *huge)
    assert "out of memory with one seed" in text


def test_evaluation_errors_are_one_line(made, tmp_path, capsys):
    run_training(made, "standard", [0], tmp_path / "a")
    run_training(made, "iop", [0], tmp_path / "b")
    other = images("bernoulli", n=41)
    data.save(other, tmp_path / "other.npz")

    def fails(dataset, *folders):
        arguments = ["--data", dataset, "--output", tmp_path / "s.csv", "--runs"]
        return failure(capsys, evaluate.main, *arguments, *folders)

    assert "seed9/weights.npz: no such file" in fails(made, tmp_path / "seed9")
    assert "its settings are not those of" in fails(
        made, tmp_path / "a/seed0", tmp_path / "b/seed0"
    )
    assert "trained on data with digest" in fails(
        tmp_path / "other.npz", tmp_path / "a/seed0"
    )
    record = tmp_path / "b/seed0" / runs.RECORD
    record.write_text(record.read_text().replace('"epoch": ', '"epoch": 7'))
    assert "weights.npz and record.json differ in epoch" in fails(
        made, tmp_path / "b/seed0"
    )
    weights = tmp_path / "a/seed0" / runs.WEIGHTS
    weights.write_bytes(weights.read_bytes()[:100])
    assert "not a run's folder" in fails(made, tmp_path / "a/seed0")
    run_training(made, "standard", [0], tmp_path / "c")
    altered(tmp_path / "c/seed0", lambda facts: facts["settings"].update(depth=3))
    assert "not a run's folder (Settings.__init__() got an unexpected" in fails(
        made, tmp_path / "c/seed0"
    )
    run_training(made, "standard", [0], tmp_path / "d")
    altered(tmp_path / "d/seed0", lambda facts: None, "encoder.head.bias")
    assert "d/seed0: not this version's weights (Error(s) in loading" in fails(
        made, tmp_path / "d/seed0"
    )
    record = tmp_path / "d/seed0" / runs.RECORD
    record.write_text(record.read_text().replace('"versions"', '"others"'))
    assert "not a run's folder ('versions')" in fails(made, tmp_path / "d/seed0")
    assert not (tmp_path / "s.csv").exists()


def altered(folder, change, without=None):
    """Change the facts of a run, in weights and record, and drop a weight."""
    with np.load(folder / runs.WEIGHTS) as file:
        content = {name: file[name] for name in file.files if name != without}
    facts = json.loads(str(content["facts"]))
    change(facts)
    np.savez(folder / runs.WEIGHTS, **content | {"facts": np.array(json.dumps(facts))})
    record = json.loads((folder / runs.RECORD).read_text())
    (folder / runs.RECORD).write_text(json.dumps(record | facts))


def test_a_score_that_is_no_number_is_an_error(made, tmp_path, monkeypatch):
    run_training(made, "standard", [0], tmp_path)
    nothing = torch.tensor([float("nan")], dtype=torch.float64)
    monkeypatch.setattr(evaluation, "log_likelihood", lambda *_: nothing)
    with pytest.raises(SystemExit, match="valid log_likelihood of seed 0 is nan"):
        scores(made, [tmp_path / "seed0"], tmp_path / "s.csv")
    assert not (tmp_path / "s.csv").exists()


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
    assert exact == ["0", "0"]
    assert len(rows) == 2 * 8 + 2
    told = capsys.readouterr().err
    assert "test exact_log_likelihood of seed 1 is nan: left out" in told


def test_the_record_has_the_best_elbo_not_the_last(small, tmp_path):
    run = Run(4)
    for epoch, elbo in ((1, 0.0), (2, -3.0), (3, -5.0)):
        row = dict.fromkeys(CURVE, 0.0) | {"epoch": epoch, "valid_elbo": elbo}
        run.add(tuple(row[name] for name in CURVE), small, dict)
    runs.write(tmp_path, run, images("gaussian"), small, {}, curve_only=True)
    record = json.loads((tmp_path / runs.RECORD).read_text())
    found = [record[name] for name in ("best_valid_elbo", "epoch", "epochs")]
    assert found == [-3.0, 2, 3]
