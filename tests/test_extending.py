"""docs/extending.md, typed in and run."""

import hashlib
import re
import subprocess
import sys
import types

import numpy as np
import pandas as pd
import pytest
import scipy
import torch

from models import distributions
from tests.dag import checkout, edited, jobs, snakemake
from workflow.configuration import ROOT


@pytest.fixture(scope="module")
def extended(tmp_path_factory):
    folder = checkout(tmp_path_factory.mktemp("extended"))
    text = (ROOT / "docs/extending.md").read_text()
    blocks = dict(re.findall(r"^`([\w./]+)`:\n\n```\w+\n(.*?)^```$", text, re.M | re.S))
    assert len(blocks) == 6
    for name in blocks.keys() - {"config/datasets.yaml"}:
        (folder / name).write_text(blocks[name])
    subprocess.run([sys.executable, "make_stripes.py"], cwd=folder, check=True)
    digest = hashlib.sha256((folder / "stripes.npz").read_bytes()).hexdigest()
    with open(folder / "config/datasets.yaml", "a") as registry:
        registry.write("\n" + blocks["config/datasets.yaml"].replace("SHA256", digest))
    words = commands("## Both in one table")[0][1:]
    status, output = snakemake(folder, "--config", "seeds_per_job=2", *words)
    assert status == 0, output
    return folder


def commands(words):
    """The words of each command of the first block of commands behind some words."""
    text = (ROOT / "docs/extending.md").read_text().partition(words)[2]
    block = re.search(r"```bash\n(.*?)```", text, re.S)[1].replace("\\\n", " ")
    return [line.split() for line in block.splitlines()]


def test_the_new_prior_and_dataset_are_in_the_table(extended):
    table = (extended / "results/stripes/table2.md").read_text()
    assert "VAE with Gaussian mixture" in table
    assert "Stripes" in table
    assert "not the paper's data" in table
    cells = pd.read_csv(extended / "results/stripes/table2.csv")
    assert list(cells["prior"]) == ["standard", "vampprior", "mixture", "iop"]
    assert list(cells["n"]) == [2, 2, 2, 2]
    assert list(cells["components"].fillna(0)) == [0, 20, 5, 0]


def test_its_k_is_in_its_path(extended):
    runs = {path.name for path in (extended / "results/stripes/runs/stripes").iterdir()}
    assert runs == {"standard", "vampprior-20", "mixture-5", "iop"}


def test_without_the_workflow(extended):
    for words in commands("Without the workflow"):
        short = ["--max-epochs", "2", "--warmup-epochs", "1"]
        short = short if "models.train" in words else []
        subprocess.run([sys.executable, *words[1:], *short], cwd=extended, check=True)
    scores = pd.read_csv(extended / "results/mine.csv")
    assert set(scores["seed"]) == {0, 1}
    assert set(scores["prior"]) == {"mixture"}
    command = [sys.executable, "embed.py"]
    run = subprocess.run(command, cwd=extended, check=True, capture_output=True)
    seed, shape, nats = re.fullmatch(
        r"(\d) torch.Size\((.*)\) tensor\(\[(.*)\], dtype=torch.float64\)\n",
        run.stdout.decode(),
    ).groups()
    assert (seed, shape) == ("0", "[1, 5, 40]")
    assert np.isfinite(float(nats))


def test_the_audit_takes_it_as_any_other(extended):
    """A density that integrates to one."""
    runs = [f"results/stripes/runs/stripes/mixture-5/seed{seed}" for seed in (0, 1)]
    flags = "--samples 20 --chains 100 --temperatures 200 --output results/a.csv"
    command = ["-m", "models.audit", "--data", "data/stripes.npz", *flags.split()]
    subprocess.run(
        [sys.executable, *command, "--runs", *runs], cwd=extended, check=True
    )
    found = pd.read_csv(extended / "results/a.csv").query("metric == 'log_normaliser'")
    assert found["value"].abs().max() < 0.5


def test_learnt_weights_are_those_of_a_mixture():
    """The lines of the document against scipy, in float64."""
    text = (ROOT / "docs/extending.md").read_text()
    lines = re.search(r"  ```python\n(  rows = .*?)  ```", text, re.S)[1]
    code = "def density(self, z):\n" + lines
    rng = np.random.default_rng(0)
    sizes = {"mean": (2, 3, 4), "log_variance": (2, 3, 4), "logit": (2, 3)}
    drawn = {name: rng.normal(size=size) for name, size in sizes.items()}
    prior = types.SimpleNamespace(**{n: torch.from_numpy(v) for n, v in drawn.items()})
    z = rng.normal(size=(2, 5, 6, 4))
    names = {"torch": torch, "distributions": distributions}
    exec(code, names)
    found = names["density"](prior, torch.from_numpy(z))
    for s, m, b in ((0, 0, 0), (1, 4, 5)):
        weights = scipy.special.softmax(drawn["logit"][s])
        parts = [
            scipy.stats.multivariate_normal(mean, np.diag(np.exp(log_variance)))
            for mean, log_variance in zip(
                drawn["mean"][s], drawn["log_variance"][s], strict=True
            )
        ]
        expected = sum(
            w * part.pdf(z[s, m, b]) for w, part in zip(weights, parts, strict=True)
        )
        assert found[s, m, b].item() == pytest.approx(np.log(expected))


def test_beside_the_committed_runs_it_alone_is_trained(extended):
    train, take, page = commands("## A prior beside")
    found = jobs(extended, *train[1:])
    assert {rule for rule in found if rule.startswith("train")} == {
        f"train_seed{seed}" for seed in range(8)
    }
    assert found["evaluate"] == found["audit_runs"] == 1
    assert take[-1] == "freyfaces/mixture-500"
    status, output = snakemake(extended, *page[1:])
    assert status == 0, output
    text = (extended / "results/beside-reference/comparison.md").read_text()
    (cell,) = [line for line in text.splitlines() if "| Standard VAE" in line][:1]
    assert "holds" in cell
    assert "not comparable" not in text


def test_another_file_makes_the_data_anew(extended):
    registry = extended / "config/datasets.yaml"
    digest = hashlib.sha256((extended / "stripes.npz").read_bytes()).hexdigest()
    arguments = "data/stripes.npz", "--configfile", "config/stripes.yaml"
    assert jobs(extended, *arguments) == {}
    with edited(registry, digest, "f" * 64):
        assert jobs(extended, *arguments) == {"dataset": 1}


def test_a_new_prior_retrains_no_other(extended):
    another = extended / "models/priors/another.py"
    text = (extended / "models/priors/mixture.py").read_text()
    another.write_text(text.replace('title = "', 'title = "Another '))
    target = "results/stripes/table2.md"
    arguments = target, "--configfile", "config/stripes.yaml"
    changed = extended / "models/priors/mixture.py"
    changed.write_text(changed.read_text().replace("zeros_like", "ones_like"))
    found = jobs(extended, *arguments, "--config", "seeds_per_job=2")
    assert found["train_seed0to1"] == 1  # of four pairs
