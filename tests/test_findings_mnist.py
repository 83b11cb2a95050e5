"""MNIST's one seed, and the runs that diverged: the documents against the files."""

import json

import pandas as pd
import pytest
from committed import FINDINGS, README, flowing, printed, scored, text_of

from workflow import reference

DIVERGED = "variants/rate1e-3"
PAIR = "mnist", "standard"


def record(kind):
    path = reference.FOLDER / kind / "runs/mnist/standard/seed0/record.json"
    return json.loads(path.read_text())


@pytest.fixture(scope="module")
def ends():
    return pd.read_csv(reference.FOLDER / "diverged.csv")


def test_the_readme_shows_the_seed_of_mnist(ends):
    (ours,), (old,) = scored(*PAIR), scored(*PAIR, kind=f"{DIVERGED}/scores")
    theirs, of = printed("mnist")["standard"], record(".")
    line = f"| {ours:.2f} | {theirs.mean:.2f} ± {theirs.sd:.2f} | "
    line += f"{ours - theirs.mean:+.2f} |"
    assert f"| MNIST | standard | 1 {line}" in text_of(README)
    assert ours > theirs.mean
    assert not of["diverged"]
    assert of["settings"]["learning_rate"] == 3e-4
    assert of["epochs"] == of["settings"]["max_epochs"] == 1000
    assert list(set(ends["learning_rate"])) == [1e-3]
    assert len(ends) == 9
    assert len(ends[ends["device"].str.contains("H100")]) == 8
    last = ends[ends["weights_kept"]]["diverged_at"].item()
    for words in (
        f"lies {(ours - theirs.mean) / theirs.sd:.1f} of the paper's standard "
        "deviations above the paper's mean",
        f"of the 1,000 epochs {of['epoch']} is kept",
        f"the ninth, at epoch {last}, left a score of {old:.2f}",
    ):
        assert words in flowing(README), words


def test_the_protocol_says_how_the_runs_on_mnist_end(ends):
    protocol, gone = flowing("docs/protocol.md"), ends["diverged_at"]
    words = "nine of nine runs with the standard prior diverged after "
    assert f"{words}{gone.min()} to {gone.max()} epochs" in protocol
    assert set(zip(ends["dataset"], ends["method"], strict=True)) == {PAIR}
    assert (
        record(DIVERGED)["epochs"] == ends[ends["weights_kept"]]["diverged_at"].item()
    )
    path = reference.FOLDER / DIVERGED / "runs/mnist/standard/seed0/curve.csv"
    curve = pd.read_csv(path).set_index("epoch")["train_reconstruction"]
    before, there, after = curve.loc[739:741]
    assert f"falls from {before:.0f} to {there:.0f} nats and is back" in protocol
    assert abs(after - before) < 1


def test_the_findings_says_what_mnist_gave():
    (ours,), (old,) = scored(*PAIR), scored(*PAIR, kind=f"{DIVERGED}/scores")
    audit = pd.read_csv(reference.FOLDER / "audit/mnist/standard.csv")
    more = audit.query("metric == 'log_likelihood'").set_index("samples")["value"]
    paper = printed("mnist")
    gap = paper["vampprior"].mean - paper["standard"].mean
    now, then = record("."), record(DIVERGED)
    assert now["threads"] == 2
    for words in (
        f"{ours:.2f}, in the paper -85.84 ± 0.07",
        f"thousand importance samples it is {more[100]:.2f} and {more[1000]:.2f}",
        f"nats, beside the paper's gap of {gap:.2f}",
        f"ten to a thousand is {more[1000] - ours:.2f} nats",
        f"weights of epoch {then['epoch']} score {old:.2f}, and their validation ELBO "
        f"is {then['best_valid_elbo']:.2f}, at 3e-4 {now['best_valid_elbo']:.2f}",
    ):
        assert words in flowing(FINDINGS), words
