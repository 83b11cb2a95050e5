"""What the tests of the core share."""

import argparse
import re
import shutil

import numpy as np
import pytest
from filelock import FileLock

from models import data, machine, vae
from models.data import Dataset
from models.settings import Settings
from models.training import Trainer
from tests.dag import TINY, checkout, snakemake
from tests.fake_sources import mirror, network  # noqa: F401  fixtures

LONG = "workflow extending gpu_session reference take interrupted benchmark".split()


def pytest_collection_modifyitems(items):
    """Files that take minutes first: else a worker is left alone with one."""
    order = {f"test_{name}": place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: order.get(item.path.stem, len(LONG)))


@pytest.fixture(autouse=True)
def prepared():
    """Every test runs as a training job does, whatever another has left behind."""
    machine.prepare(argparse.Namespace(device="cpu", threads=1))


@pytest.fixture
def small():
    """Settings of a model that trains in a moment."""
    return Settings(
        latent_dim=3,
        hidden_units=8,
        batch_size=16,
        max_epochs=3,
        warmup_epochs=2,
        patience=5,
        components=4,
        ratio_epochs=2,
        noise_dim=2,
    )


@pytest.fixture(scope="session")
def finished(tmp_path_factory, worker_id):
    """A checkout in which the tiny configuration has run: made once, copied to each."""
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent
    made = shared / "finished"
    with FileLock(f"{made}.lock"):
        if not made.exists():
            folder = checkout(tmp_path_factory.mktemp("making"))
            status, output = snakemake(folder, *TINY)
            assert status == 0, output
            folder.rename(made)
    copy = tmp_path_factory.mktemp("copy") / "finished"
    return shutil.copytree(made, copy, symlinks=True)


def images(
    likelihood: str, n: int = 40, pixels: int = 6, name: str = "made"
) -> Dataset:
    """A little made data; 40 images leave a batch of 8 after two of 16."""
    rng = np.random.default_rng(0)
    train = rng.random((n, pixels), dtype=np.float32)
    other = rng.random((n, pixels), dtype=np.float32)
    dynamic = likelihood == "bernoulli"
    if dynamic:
        other = other.round()
    return Dataset(name, likelihood, dynamic, train, other, other[::-1].copy())


@pytest.fixture
def made(tmp_path):
    """The file of a small dataset."""
    data.save(images("bernoulli"), tmp_path / "made.npz")
    return tmp_path / "made.npz"


@pytest.fixture
def refused(monkeypatch, small):
    """Whether a prior is refused, with which words; for which seeds."""

    def check(prior, words, seeds=(0,)):
        monkeypatch.setattr(vae, "find", lambda method: prior)
        with pytest.raises(ValueError, match=re.escape(words)) as caught:
            Trainer(images("bernoulli"), small, list(seeds))
        assert "\n" not in str(caught.value)

    return check
