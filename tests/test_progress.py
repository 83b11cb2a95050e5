"""What a waiting user sees: lines with the time left, of one run and of the whole."""

import io
import re
import sys
import types

import pytest

import models.progress
from models.progress import Progress, clock
from models.training import Trainer
from tests.conftest import images
from workflow.scripts import progress
from workflow.scripts.progress import Follower

OUTPUT = """\
rule train_seed0:
    output: results/a/weights.npz, results/a/curve.csv
    jobid: 7
rule table1:
    output: results/table1.csv
    jobid: 2
Finished jobid: 7 (Rule: train_seed0)
1 of 4 steps (25%) done
Finished jobid: 2 (Rule: table1)
2 of 4 steps (50%) done
"""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (83.4, "1:23"), (59.7, "1:00"), (3723, "1:02:03")],
)
def test_clock(seconds, text):
    assert clock(seconds) == text


def test_follower_names_what_was_made_and_extrapolates():
    follower = Follower(start=100.0)
    shown = [follower.line(text, 130.0) for text in OUTPUT.splitlines()]
    assert [line for line in shown if line] == [
        "[1/4] 0:30 elapsed, about 1:30 left  results/a/weights.npz",
        "[2/4] 0:30 elapsed, about 0:30 left  results/table1.csv",
    ]


def test_a_failure_shows_the_output_and_the_status(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    code = "print('1 of 2 steps'); print('the reason'); raise SystemExit(3)"
    assert progress.main(["--", sys.executable, "-c", code]) == 3
    out, err = capfd.readouterr()
    assert re.match(r"\[1/2\] \d+:\d\d elapsed, about \d+:\d\d left", out)
    assert "the reason" not in out
    assert "the reason" in err


def test_a_run_tells_epoch_elbo_and_time_left(small):
    stream = io.StringIO()
    trainer = Trainer(images("bernoulli"), small, [0, 1])
    report = Progress("made/standard", interval=0, stream=stream)
    while not trainer.finished:
        trainer.run_epoch()
        report(trainer)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("made/standard: epoch 1/3, valid ELBO -")
    assert lines[-1].endswith(", done")


def test_the_time_left_is_that_of_this_process(monkeypatch):
    """Of a run that went on from epoch 50: ten seconds an epoch, a line in 25."""
    now = iter([0.0, 10.0, 20.0, 30.0, 40.0])
    monkeypatch.setattr(models.progress.time, "monotonic", lambda: next(now))
    stream = io.StringIO()
    report = Progress("a", interval=25, stream=stream)
    settings = types.SimpleNamespace(max_epochs=100)
    for epoch in (51, 52, 53, 54):
        one = types.SimpleNamespace(valid_elbo=-1.0)
        report(
            types.SimpleNamespace(
                epoch=epoch, settings=settings, finished=False, runs=[one]
            )
        )
    assert stream.getvalue() == (
        "a: epoch 53/100, valid ELBO -1.00, 0:30 elapsed, at most 7:50 left\n"
    )


def test_a_byte_that_is_no_text_does_not_end_the_run(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    code = (
        "import os; os.write(1, b'\\xe4\\n1 of 2 steps\\n'); open('made', 'w').close()"
    )
    assert progress.main(["--", sys.executable, "-c", code]) == 0
    assert capfd.readouterr().out.startswith("[1/2]")
    assert (tmp_path / "made").exists()


def test_an_interruption_is_one_line(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(progress.Follower, "line", interrupted)
    code = "print(1); print('2' * 10**6)"  # more than a pipe holds
    assert progress.main(["--", sys.executable, "-c", code]) == 130
    assert capfd.readouterr().err == "interrupted: the same command goes on\n"
    assert len(progress.LOG.read_text()) > 10**6


def test_a_command_that_there_is_not_is_one_line(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    assert progress.main(["--", "snakemade", "--cores", "1"]) == 1
    assert capfd.readouterr().err == "progress: snakemade: no such command\n"
