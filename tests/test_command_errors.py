"""What the core's command lines refuse, each in one line."""

import functools
import json

import numpy as np
import pytest
import torch
from commanded import SMALL, run_training, scores

from models import (
    audit,
    data,
    evaluate,
    evaluation,
    machine,
    posterior,
    priors,
    runs,
    train,
)
from models.training import Trainer
from tests.conftest import images


def failure(capsys, command, *arguments):
    with pytest.raises(SystemExit) as caught:
        command([str(a) for a in arguments])
    text = str(caught.value.code)
    assert "\n" not in text
    return text


def test_an_output_of_the_wrong_kind_is_seen_before_the_work(
    made, tmp_path, monkeypatch, capsys
):
    (tmp_path / "file").touch()
    arguments = ["--data", made, "--seeds", 0, "--output", tmp_path / "file"]
    monkeypatch.setattr(train, "Trainer", None)  # never reached
    line = failure(capsys, train.main, *arguments)
    assert line == f"error: --output {tmp_path}/file: a file, expected a folder"
    arguments = ["--data", made, "--runs", "x", "--output", tmp_path]
    line = failure(capsys, evaluate.main, *arguments)
    assert line == f"error: --output {tmp_path}: a folder, expected a file"


def test_a_dataset_under_the_name_of_another_is_refused(made, tmp_path, capsys):
    other = tmp_path / "mnist.npz"
    other.write_bytes(made.read_bytes())
    of = ["--data", other, "--output", tmp_path / "out"]
    said = f"error: {other}: holds made, expected mnist, as its name is"
    assert failure(capsys, train.main, *of, "--seeds", 0) == said
    assert failure(capsys, evaluate.main, *of, "--runs", "x") == said
    assert failure(capsys, posterior.main, *of, "--runs", "x") == said


def test_a_run_is_scored_once(made, tmp_path, capsys):
    of = ["--data", made, "--output", tmp_path / "scores.csv", "--runs"]
    line = failure(capsys, evaluate.main, *of, "out/seed0", "out/../out/seed0/")
    assert line == "error: --runs out/seed0: given twice, expected each run once"


def test_an_interruption_is_one_line(made, tmp_path, monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Trainer, "run_epoch", interrupted)
    with pytest.raises(SystemExit) as caught:
        run_training(made, "standard", [0], tmp_path / "out")
    assert caught.value.code == 130
    line = "interrupted: the same command goes on from the last checkpoint\n"
    assert capsys.readouterr().err == line


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
        (
            "--pseudo-input-mean",
            "inf",
            "pseudo_input_mean: inf, expected a finite",
        ),
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


def test_samples_that_no_plane_shows_are_refused(made, tmp_path, capsys):
    common = ["--data", str(made), "--seeds", "0", *SMALL, "--latent-dim", "3"]
    train.main([*common, "--output", str(tmp_path)])
    arguments = "--data", made, "--runs", tmp_path / "seed0", "--output", tmp_path / "p"
    text = failure(capsys, posterior.main, *arguments)
    assert "seed0: latent_dim is 3, expected 2, as Figure 1 has it" in text


def test_an_output_that_cannot_be_written_is_told_before_the_work(
    made, tmp_path, monkeypatch, capsys
):
    run_training(made, "standard", [0], tmp_path)
    (tmp_path / "file").touch()
    output = "--data", made, "--output", tmp_path / "file/x"
    monkeypatch.setattr(Trainer, "run_epoch", None)
    monkeypatch.setattr(runs, "read", None)
    assert f"{tmp_path}/file" in failure(capsys, train.main, *output, "--seeds", 1)
    for command in (evaluate, audit, posterior):
        of = *output, "--runs", tmp_path / "seed0"
        assert f"{tmp_path}/file" in failure(capsys, command.main, *of)


def test_out_of_memory_names_what_to_lower(made, tmp_path, monkeypatch, capsys):
    def full(self):
        raise torch.OutOfMemoryError("no room for 1 GiB\nand much more text")

    monkeypatch.setattr(Trainer, "run_epoch", full)
    seeds = ["--seeds", *map(str, range(8)), "--output", tmp_path / "out"]
    text = failure(capsys, train.main, "--data", made, *seeds)
    assert "of memory with one seed; expected a device with more; a lower ba" in text
    assert "batch_size is another protocol (no room for 1 GiB)" in text
    with monkeypatch.context() as patched:  # as on a GPU
        patched.setattr(machine, "stacks", lambda seeds, device: [seeds])
        text = failure(capsys, train.main, "--data", made, *seeds)
    assert "out of memory with 8 seeds side by side" in text
    assert "a device with more, or a lower seeds_per_job; a lower batch_size" in text
    monkeypatch.undo()
    huge = ["--method", "vampprior", "--components", 10**14, "--seeds", 0]
    out = ["--output", tmp_path / "out"]
    text = failure(capsys, train.main, "--data", made, *out, *huge)
    assert "out of memory with one seed" in text


def test_a_full_memory_while_scoring_is_one_line(made, tmp_path, monkeypatch, capsys):
    def full(*_):
        raise torch.OutOfMemoryError("no room for 1 GiB\nand much more text")

    def empty(*_):
        raise MemoryError

    monkeypatch.setattr(runs, "read", full)
    of = ["--data", made, "--output", tmp_path / "s.csv", "--runs", "a", "b"]
    line = failure(capsys, evaluate.main, *of)
    assert line == (
        "error: out of memory with one run; expected a device with more (no room for "
        "1 GiB)"
    )
    monkeypatch.setattr(machine, "stacks", lambda seeds, device: [seeds])
    monkeypatch.setattr(runs, "read", empty)
    line = failure(capsys, evaluate.main, *of)
    assert line == (
        "error: out of memory with 2 runs side by side; expected a device with more, "
        "or fewer --runs (MemoryError)"
    )


def test_evaluation_errors_are_one_line(made, tmp_path, capsys):
    run_training(made, "standard", [0], tmp_path / "a")
    run_training(made, "iop", [0], tmp_path / "b")
    (tmp_path / "more").mkdir()
    data.save(images("bernoulli", n=41), tmp_path / "more/made.npz")
    data.save(images("bernoulli", name="other"), tmp_path / "other.npz")

    def fails(dataset, *folders):
        arguments = ["--data", dataset, "--output", tmp_path / "s.csv", "--runs"]
        return failure(capsys, evaluate.main, *arguments, *folders)

    assert "seed9/weights.npz: no such file" in fails(made, tmp_path / "seed9")
    assert "its settings are not those of" in fails(
        made, tmp_path / "a/seed0", tmp_path / "b/seed0"
    )
    assert "trained on data with digest" in fails(
        tmp_path / "more/made.npz", tmp_path / "a/seed0"
    )
    assert "a/seed0: trained on made, expected other" in fails(
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
