"""Scores and canonical files made by hand, for the tables' tests."""

import json

import numpy as np
import pandas as pd

from models.data import Dataset, save

LABEL = "quick configuration: 50 % of the paper's seeds & less"
COMMIT = "0123456789ab"
NAMED = "--configuration", "paper configuration"


def row(dataset, prior, seed, value, components="", **changes):
    """A row of a score file; ``changes`` replace its other fields."""
    fields = {
        "dataset": dataset,
        "prior": prior,
        "components": components,
        "seed": seed,
        "split": "test",
        "metric": "log_likelihood",
        "value": value,
        "samples": 10,
        "epoch": 300,
        "epochs": 350,
        "diverged": False,
        "commit": COMMIT,
        "device": "cpu",
        "torch": "2.13.0",
        "precision": "float32",
        "settings_digest": "settings",
        "data_digest": dataset,
        "scoring_commit": COMMIT,
        "scoring_device": "cpu",
    }
    return fields | changes


def seeds(dataset, prior, values, components="", **changes):
    """A row for each value, with the seeds 0, 1, 2, ..."""
    return [row(dataset, prior, *s, components, **changes) for s in enumerate(values)]


def spread(mean, sd, n=8):
    """n values with exactly this mean and sample deviation."""
    values = np.arange(n) - (n - 1) / 2
    return mean + sd * values / values.std(ddof=1)


def write(folder, *groups):
    """A score file of these groups of rows; its path."""
    path = folder / "scores.csv"
    rows = [fields for group in groups for fields in group]
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


def cells(*datasets, priors=("standard", "vampprior", "iop")):
    """Arguments for every prior of the datasets, with K = 500 and S = 10."""
    methods = [f"{p}-500" if p == "vampprior" else p for p in priors]
    pairs = [f"{dataset}/{method}" for dataset in datasets for method in methods]
    return ["--cells", *pairs, "--importance-samples", "10"]


def run(folder, method, curve, **facts):
    """A run's folder: its record and its curve, a table or the file's text."""
    folder.mkdir(exist_ok=True)
    text = curve if isinstance(curve, str) else curve.to_csv(index=False)
    record = {
        "dataset": "onehot", "settings": {"method": method}, "seed": 0,
        "device": "cpu", "threads": 1, "compiled": False, "precision": "float32",
        "stack": [0],
        "commit": COMMIT, "versions": {"torch": "2.13.0"},
        "epochs": text.count("\n") - 1,
    }  # fmt: skip
    (folder / "record.json").write_text(json.dumps(record | facts))
    (folder / "curve.csv").write_text(text)
    return folder


def canonical(folder):
    """Canonical files of OneHot, as large as the paper's, and of a small stand-in."""
    paths = []
    for name, pixels, sizes in (
        ("onehot", 4, (1000, 100, 1000)),
        ("bone-marrow", 9, (30, 20, 10)),
    ):
        arrays = [np.zeros((size, pixels), "float32") for size in sizes]
        paths.append(str(folder / f"{name}.npz"))
        save(Dataset(name, "bernoulli", False, *arrays, origin="made"), paths[-1])
    return paths


def arguments(*values):
    """A command's arguments, as a shell would hand them on."""
    return [str(value) for value in values]


MNIST = [
    seeds("mnist", "standard", spread(-85.84, 0.07)),
    seeds("mnist", "vampprior", spread(-83.90, 0.08), 500),
    seeds("mnist", "iop", spread(-83.21, 0.13)),
]
MARROW = [
    seeds("bone-marrow", "standard", [1000.0, 1001.0, 1002.0]),
    seeds("bone-marrow", "vampprior", [1001.0, 1005.0, 1000.0], 500),
    seeds("bone-marrow", "iop", [1010.0, 1011.0, 1012.0]),
]
