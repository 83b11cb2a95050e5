"""docs/extending.md, typed in and run."""

import hashlib
import re
import subprocess
import sys

import pandas as pd
import pytest

from tests.test_workflow import checkout, jobs, snakemake
from workflow.scripts.configuration import ROOT


@pytest.fixture(scope="module")
def extended(tmp_path_factory):
    folder = checkout(tmp_path_factory.mktemp("extended"))
    text = (ROOT / "docs/extending.md").read_text()
    blocks = dict(re.findall(r"^`([\w./]+)`:\n\n```\w+\n(.*?)^```$", text, re.M | re.S))
    assert len(blocks) == 4
    for name in ("models/priors/mixture.py", "make_stripes.py", "config/stripes.yaml"):
        (folder / name).write_text(blocks[name])
    subprocess.run([sys.executable, "make_stripes.py"], cwd=folder, check=True)
    digest = hashlib.sha256((folder / "stripes.npz").read_bytes()).hexdigest()
    with open(folder / "config/datasets.yaml", "a") as registry:
        registry.write("\n" + blocks["config/datasets.yaml"].replace("SHA256", digest))
    command = re.search(r"```bash\nsnakemake (.*)\n```", text)[1].split()
    status, output = snakemake(folder, *command)
    assert status == 0, output
    return folder


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


def test_a_new_prior_retrains_no_other(extended):
    another = extended / "models/priors/another.py"
    another.write_text((extended / "models/priors/mixture.py").read_text())
    target = "results/stripes/table2.md"
    arguments = target, "--configfile", "config/stripes.yaml"
    assert not any(rule.startswith("train") for rule in jobs(extended, *arguments))
    changed = extended / "models/priors/mixture.py"
    changed.write_text(changed.read_text().replace("zeros_like", "ones_like"))
    assert jobs(extended, *arguments)["train_seed0"] == 1
