"""Early stopping: the best snapshot, and a stack that its stopped seeds leave."""

import dataclasses

import numpy as np
import pytest
import torch

from models import vae
from models.checkpoint import Scratch
from models.stopping import CURVE, Run
from models.training import Trainer, train
from tests.conftest import images
from tests.own_prior import Centred
from tests.test_training import METHODS, SECONDS, outcome


def scripted(monkeypatch, settings, elbos):
    """Train with validation ELBOs as written, (epochs, seeds)."""
    values = iter(elbos)

    def validate(self):
        row = torch.tensor(next(values))
        return torch.stack([row, torch.zeros_like(row)])

    monkeypatch.setattr(Trainer, "_validate", validate)
    seeds = list(range(len(elbos[0])))
    return train(Trainer(images("bernoulli"), settings, seeds))


def test_early_stopping_and_best_snapshot_of_each_seed(monkeypatch, small):
    settings = dataclasses.replace(
        small, warmup_epochs=2, patience=3, max_epochs=20, method="standard"
    )
    # seed 0: its 9 is in the warm-up and does not count; best at 4, so it stops at 7
    first = [9.0, 1.0, 2.0, 3.0, 2.0, 3.0, 2.5, 8.0, 8.0, 8.0]
    # seed 1: best at 2, the end of the warm-up; stops at 5
    second = [0.0, 5.0, 4.0, 4.0, 4.0, 9.0, 9.0, 9.0, 9.0, 9.0]
    runs = scripted(monkeypatch, settings, list(zip(first, second, strict=True)))
    assert [run.best_epoch for run in runs] == [4, 2]
    assert [run.best_elbo for run in runs] == [3.0, 5.0]
    assert [len(run.curve) for run in runs] == [7, 5]
    monkeypatch.undo()
    # the snapshot is that of its epoch: a run that ends there has the same weights
    short = dataclasses.replace(settings, max_epochs=4)
    trainer = Trainer(images("bernoulli"), short, [0, 1])
    while not trainer.finished:
        trainer.run_epoch()
    for name, value in trainer.model.state_dict().items():
        assert np.array_equal(runs[0].weights[name], value[0].numpy())


def early_stoppers(monkeypatch, settings, stops):
    """Trainers whose seed k stops after stops[k] epochs."""

    def validate(self):
        row = [float(self.epoch <= stops[r.seed]) * self.epoch for r in self.members]
        return torch.tensor([row, [0.0] * len(row)])

    monkeypatch.setattr(Trainer, "_validate", validate)
    quick = dataclasses.replace(settings, warmup_epochs=0, patience=1, max_epochs=9)
    return lambda seeds, **how: Trainer(images("bernoulli"), quick, seeds, **how)


@pytest.mark.parametrize("method", METHODS)
def test_a_stopped_seed_leaves_the_stack_and_the_rest_as_they_are(
    method, monkeypatch, small
):
    settings = dataclasses.replace(small, method=method)
    trainer = early_stoppers(monkeypatch, settings, [1, 6, 3, 4])
    stack, sizes = trainer([0, 1, 2, 3]), []
    while not stack.finished:
        stack.run_epoch()
        sizes.append(len(next(stack.model.parameters())))
    # stopped after epochs 2, 7, 4 and 5: compacted to 3 of 4, 2 of 3, 1 of 2
    assert sizes == [4, 3, 3, 2, 1, 1, 1]
    for run in stack.runs:
        alone = train(trainer([run.seed]))[0]
        assert run.best_epoch == alone.best_epoch == [1, 6, 3, 4][run.seed]
        ours, theirs = (np.array(r.curve)[:, :SECONDS] for r in (run, alone))
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)
        for name, value in run.weights.items():
            np.testing.assert_allclose(value, alone.weights[name], atol=1e-5)


def test_a_buffer_leaves_the_stack_with_its_seed(monkeypatch, small):
    monkeypatch.setattr(vae, "find", lambda method: Centred)
    trainer = early_stoppers(monkeypatch, small, [1, 6])
    for run in train(trainer([0, 1])):
        alone = train(trainer([run.seed]))[0]
        ours, theirs = (np.array(r.curve)[:, :SECONDS] for r in (run, alone))
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)
        centres = (r.weights["prior.centre"] for r in (run, alone))
        torch.testing.assert_close(*centres, rtol=0, atol=0)


def test_a_compiled_stack_is_not_compiled_again_for_fewer_seeds(monkeypatch, small):
    monkeypatch.setattr(torch, "compile", lambda function, **_: function)
    stops = [1, 6, 3, 4]
    stack = early_stoppers(monkeypatch, small, stops)([0, 1, 2, 3], compiled=True)
    while not stack.finished:
        stack.run_epoch()
        assert len(next(stack.model.parameters())) == 4
    assert [run.best_epoch for run in stack.runs] == stops
    assert [len(run.curve) for run in stack.runs] == [stop + 1 for stop in stops]


def test_a_compacted_stack_resumes_bit_for_bit(monkeypatch, small, tmp_path):
    settings = dataclasses.replace(small, method="iop")
    trainer = early_stoppers(monkeypatch, settings, [1, 8, 2, 8])
    whole = train(trainer([0, 1, 2, 3]))
    stack, scratch = trainer([0, 1, 2, 3]), Scratch(tmp_path / "x", key="run")
    for _ in range(5):
        stack.run_epoch()
    assert [run.seed for run in stack.members] == [1, 3]
    scratch.save(stack.state())
    resumed = train(trainer([0, 1, 2, 3]), scratch)
    assert list(map(outcome, resumed)) == list(map(outcome, whole))


def test_a_diverged_seed_is_named_and_leaves_the_others_alone(monkeypatch, small):
    elbos = [[0.0, 0.0], [float("nan"), 1.0], [2.0, 2.0]]
    failed, fine = scripted(monkeypatch, small, elbos)
    assert failed.failure.startswith("seed 0: valid_elbo is nan after epoch 2")
    assert len(failed.curve) == 2
    assert not fine.failure
    assert fine.best_epoch == 3


@pytest.mark.parametrize("method", METHODS)
def test_weights_that_are_no_numbers_reach_no_other_seed(method, small):
    """Nor end its training: its numbers are those beside a sound one."""
    settings = dataclasses.replace(small, method=method)
    found = []
    for broken in (False, True):
        trainer = Trainer(images("bernoulli"), settings, [0, 1])
        trainer._keeps_all = True  # a smaller stack would round otherwise
        if broken:
            trainer.model.decoder.head.bias.data[1] = torch.inf
        found.append(train(trainer))
    (sound, other), (beside, failed) = found
    assert failed.failure
    assert not other.failure
    assert outcome(beside) == outcome(sound)


def test_a_patience_shorter_than_the_warm_up_ends_no_run_within_it(monkeypatch, small):
    settings = dataclasses.replace(
        small, warmup_epochs=4, patience=2, max_epochs=20, method="standard"
    )
    elbos = [9.0, 8.0, 7.0, 1.0, 2.0, 1.0, 1.0, 1.0, 1.0]
    (run,) = scripted(monkeypatch, settings, [(value,) for value in elbos])
    assert (run.best_epoch, len(run.curve)) == (5, 7)


def test_a_run_shorter_than_its_warm_up_keeps_its_last_weights(small):
    short = dataclasses.replace(small, warmup_epochs=5, max_epochs=2)
    (run,) = train(Trainer(images("bernoulli"), short, [0]))
    assert run.best_epoch == 2
    assert run.weights


@pytest.mark.parametrize("column", ["train_reconstruction", "train_kl", "valid_elbo"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_term_that_is_no_number_ends_a_run(column, value, small):
    row = dict.fromkeys(CURVE, 1.0) | {"epoch": 3, column: value}
    run = Run(0)
    run.add(tuple(row[name] for name in CURVE), small, dict)
    assert run.stopped
    assert run.failure.startswith(f"seed 0: {column} is {value} after epoch 3")


@pytest.mark.parametrize("estimated", [False, True])
def test_what_was_best_before_a_divergence_counts_unless_it_is_an_estimate(
    estimated, small
):
    run = Run(0)
    for epoch, elbo in ((3, 1.0), (4, np.nan)):
        row = dict.fromkeys(CURVE, 1.0) | {"epoch": epoch, "valid_elbo": elbo}
        row = tuple(row[name] for name in CURVE)
        run.add(row, small, lambda: {"w": 1}, estimated)
    kept = (0, -np.inf, {}) if estimated else (3, 1.0, {"w": 1})
    assert (run.best_epoch, run.best_elbo, run.weights) == kept
