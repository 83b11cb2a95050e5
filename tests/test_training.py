"""Algorithm 1: reproducible bit for bit, alone or in company, killed or not."""

import dataclasses
import re
import sys

import numpy as np
import pytest
import torch

from models import distributions, priors, quadrature, stopping, vae
from models.checkpoint import Scratch
from models.data import Dataset
from models.networks import RatioNet
from models.priors.base import Prior
from models.randomness import Streams
from models.training import Trainer, train
from tests.conftest import images

METHODS = ["standard", "vampprior", "iop", "avb"]
LIKELIHOODS = ["bernoulli", "gaussian"]
SECONDS = stopping.CURVE.index("seconds")


def outcome(run):
    """Everything of a run but the time it took."""
    curve = [row[:SECONDS] for row in run.curve]
    weights = {n: value.numpy().tobytes() for n, value in run.weights.items()}
    return repr(curve), weights, run.best_epoch, run.best_elbo


def trained(settings, likelihood, seeds):
    return train(Trainer(images(likelihood), settings, seeds))


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
@pytest.mark.parametrize("method", METHODS)
def test_twice_the_same(method, likelihood, small):
    settings = dataclasses.replace(small, method=method)
    first, second = (trained(settings, likelihood, [0, 2]) for _ in range(2))
    assert list(map(outcome, first)) == list(map(outcome, second))
    assert outcome(first[0]) != outcome(first[1])
    assert len(first[0].curve) == 3


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
@pytest.mark.parametrize("method", METHODS)
def test_a_stack_is_its_members_up_to_rounding(method, likelihood, small):
    settings = dataclasses.replace(small, method=method)
    together = trained(settings, likelihood, [4, 0, 2])
    for run, seed in zip(together, [4, 0, 2], strict=True):
        alone = trained(settings, likelihood, [seed])[0]
        ours, theirs = (np.array(r.curve)[:, :SECONDS] for r in (run, alone))
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)
        for name, value in run.weights.items():
            np.testing.assert_allclose(value, alone.weights[name], atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_a_killed_run_goes_on_bit_for_bit(method, small, tmp_path):
    settings = dataclasses.replace(small, method=method, max_epochs=6)
    whole = trained(settings, "bernoulli", [0, 1])

    class Killed(Exception):
        pass

    def kill(trainer):
        if trainer.epoch == 4:
            raise Killed

    def trainer():
        return Trainer(images("bernoulli"), settings, [0, 1])

    scratch = Scratch(tmp_path / "x", key="run", interval=0)
    with pytest.raises(Killed):
        train(trainer(), scratch, kill)
    epochs = []
    resumed = train(trainer(), scratch, lambda trainer: epochs.append(trainer.epoch))
    assert epochs == [5, 6]
    assert list(map(outcome, resumed)) == list(map(outcome, whole))


@pytest.mark.parametrize("method", METHODS)
def test_estimated_elbos_have_ln_p_beside_them(method, small):
    """Every tenth epoch, of the model as it then is; not beside bounds."""
    few = np.tile(np.eye(4, dtype=np.float32), (4, 1))
    data = Dataset("made", "bernoulli", False, few, few, few)
    chosen = {"method": method, "latent_dim": 2, "max_epochs": 11, "patience": 11}
    trainer = Trainer(data, dataclasses.replace(small, **chosen), [0, 1])
    found = {}

    def look(trainer):
        if trainer.epoch == 10:
            found["exact"] = quadrature.log_likelihood(
                trainer.model, few, Streams([0, 1])
            )

    runs = train(trainer, report=look)
    column = stopping.CURVE.index("valid_exact_log_likelihood")
    for k, run in enumerate(runs):
        exact = [row[column] for row in run.curve]
        due = [exact.pop(9)]
        assert np.isnan(exact).all()
        known = method in ("iop", "avb")
        assert due == [found["exact"][k]] if known else np.isnan(due)


def test_a_foreign_or_damaged_checkpoint_is_ignored(small, tmp_path, capsys):
    trainer = Trainer(images("bernoulli"), small, [0])
    trainer.run_epoch()
    scratch = Scratch(tmp_path / "x", key="this")
    scratch.save(trainer.state())
    assert scratch.load()["epoch"] == 1
    assert Scratch(tmp_path / "x", key="other").load() is None
    whole = (tmp_path / "x").read_bytes()
    (tmp_path / "x").write_bytes(whole[: len(whole) // 2])
    assert capsys.readouterr().err == ""
    assert scratch.load() is None
    assert "/x: unreadable, begun anew (" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


def test_a_checkpoint_that_cannot_be_read_may_be_whole(tmp_path):
    (tmp_path / "x").mkdir()
    with pytest.raises(OSError, match="directory"):
        Scratch(tmp_path / "x", key="this").load()


@pytest.mark.parametrize(
    ("own", "says"),
    [
        ("pass", "own_settings is inherited, expected it in the class"),
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


def test_warm_up_rises_linearly_to_one(small):
    settings = dataclasses.replace(small, warmup_epochs=4, max_epochs=6)
    curve = trained(settings, "bernoulli", [0])[0].curve
    assert [row[1] for row in curve] == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]


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


class Centred(Prior):
    """N(c, I), its centre a buffer: a constant that differs between seeds."""

    def __init__(self, settings, pixels, streams):
        super().__init__(settings, pixels, streams)
        self.register_buffer("centre", streams.normal("init", 1, settings.latent_dim))

    def log_density(self, z, encoder):
        return distributions.standard_normal(z - self.centre)


def test_a_buffer_leaves_the_stack_with_its_seed(monkeypatch, small):
    monkeypatch.setattr(vae, "find", lambda method: Centred)
    trainer = early_stoppers(monkeypatch, small, [1, 6])
    for run in train(trainer([0, 1])):
        alone = train(trainer([run.seed]))[0]
        ours, theirs = (np.array(r.curve)[:, :SECONDS] for r in (run, alone))
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)
        centres = (r.weights["prior.centre"] for r in (run, alone))
        torch.testing.assert_close(*centres, rtol=0, atol=0)


@pytest.mark.parametrize("shape", [(), (3,), (1, 3)])
def test_what_has_no_axis_of_seeds_is_refused(monkeypatch, small, shape):
    class Shared(Centred):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            self.centre = torch.zeros(shape)

    monkeypatch.setattr(vae, "find", lambda method: Shared)
    words = re.escape(f"prior.centre is {shape}, expected first an axis of 2 seeds")
    with pytest.raises(ValueError, match=words):
        Trainer(images("bernoulli"), small, [0, 1])


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
    assert failed.failure.startswith("seed 0: the ELBO is nan after epoch 2")
    assert len(failed.curve) == 2
    assert not fine.failure
    assert fine.best_epoch == 3


def test_psi_stands_still_in_the_vae_phase_and_theta_phi_in_the_ratio_phase(small):
    settings = dataclasses.replace(small, method="iop")
    trainer = Trainer(images("bernoulli"), settings, [0])
    names = [n for n, _ in trainer.model.named_parameters()]

    def changed(step):
        before = {n: p.clone() for n, p in trainer.model.named_parameters()}
        step()
        after = dict(trainer.model.named_parameters())
        return {n for n in names if not torch.equal(before[n], after[n])}

    psi = {n for n in names if n.startswith("prior.ratio")}
    assert psi
    assert changed(lambda: trainer._update_vae(1.0)) == set(names) - psi
    assert changed(trainer._update_ratio) == psi


def test_ratio_net_recovers_the_log_ratio_of_two_gaussians():
    """Eq. 14: T* = ln N(z|m, s^2) - ln N(z|0, 1), known in closed form."""
    mean, deviation = 0.8, 0.6
    streams = Streams([0, 1])
    net = RatioNet(streams, 1, 50, keep=0.5)
    optimizer = torch.optim.Adam(net.parameters())
    for step in range(1500):
        optimizer.param_groups[0]["lr"] = 3e-3 * 0.1 ** (step / 750)
        z1 = mean + deviation * streams.normal("ratio", 200, 1)
        z0 = streams.normal("ratio", 200, 1)
        loss = -net.objective(z1, z0).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    z = torch.linspace(-0.6, 1.8, 25).reshape(1, 25, 1).expand(2, 25, 1)
    p, q = torch.distributions.Normal(0, 1), torch.distributions.Normal(mean, deviation)
    expected = (q.log_prob(z) - p.log_prob(z)).squeeze(-1)
    error = (net(z).detach() - expected).abs()
    assert expected.max() - expected.min() > 2
    assert error.max() < 0.3
    assert error.mean() < 0.1


def test_dynamic_binarisation_is_fresh_and_only_of_training_images(small):
    trainer = Trainer(images("bernoulli"), small, [0])
    x = trainer._train.expand(1, 40, 6)
    first, second = trainer._images(x), trainer._images(x)
    assert set(first.unique().tolist()) == {0.0, 1.0}
    assert not torch.equal(first, second)
    gray = Trainer(images("gaussian"), small, [0])
    assert gray._images(x) is x
