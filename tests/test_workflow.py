"""The DAG, the whole of it at a small size, and what a change makes anew."""

import contextlib
import json
import math
import re
import shlex
import subprocess
import sys

import pandas as pd
import pytest

from models import data
from tests.dag import TINY, edited, jobs, snakemake

PRODUCTS = {
    *(
        f"results/quick/{n}.{e}"
        for n in ("table1", "table2")
        for e in "csv md tex".split()
    ),
    *(
        f"results/quick/{n}.{e}"
        for n in ("comparison", "audit", "onehot", "speed_claim")
        for e in ("csv", "md")
    ),
    *(
        f"results/quick/{n}.csv"
        for n in ("scores", "comparison_order", "comparison_sizes", "audit_ratio")
    ),
    *(f"figures/quick/figure{i}.{e}" for i in (1, 2, 3) for e in "png pdf svg".split()),
}


def test_every_product_is_made_and_whole(finished):
    folders = finished / "results/quick", finished / "figures/quick"
    files = [path for folder in folders for path in folder.iterdir() if path.is_file()]
    assert {str(path.relative_to(finished)) for path in files} == PRODUCTS
    assert all(path.stat().st_size > 100 for path in files)
    left = [p.name for p in (finished / "results").rglob(".*")]
    assert left == []


def test_every_product_says_that_it_is_quick(finished):
    for product in PRODUCTS:
        path = finished / product
        if path.suffix in (".md", ".tex", ".svg"):
            words = " ".join(re.sub("<!--|-->|<[^>]*>", " ", path.read_text()).split())
            assert "Made by the quick configuration." in words, product
        elif path.suffix == ".csv":
            assert "quick configuration" in path.read_text(), product
    for name in ("table1", "table2", "comparison"):
        table = pd.read_csv(finished / f"results/quick/{name}.csv")
        assert set(table["configuration"]) == {"quick configuration"}


def test_scores_are_long_and_traceable(finished):
    scores = pd.read_csv(finished / "results/quick/scores.csv")
    pairs = scores.groupby(["dataset", "prior", "components"], dropna=False)
    assert len(pairs) == 4 + 6 + 1
    for (dataset, prior, _), rows in pairs:
        assert set(rows["seed"]) == {0, 1}
        metrics = {"elbo", "reconstruction", "kl"}
        metrics |= set() if prior == "avb" else {"log_likelihood"}
        exact = rows[rows["samples"] == 0]
        known = {"exact_log_likelihood", "optimal_prior_log_likelihood"}
        known -= {"optimal_prior_log_likelihood"} if prior == "avb" else set()
        assert set(exact["metric"]) == (known if dataset == "onehot" else set())
        assert len(exact) == 2 * len(set(exact["metric"]))
        assert (exact["value"] < -math.log(4) + 1e-3).all()
        rows = rows.drop(exact.index)
        assert set(rows["metric"]) == metrics
        assert len(rows) == 2 * 2 * len(metrics)
        wide = rows.pivot_table("value", ["split", "seed"], "metric")
        difference = wide["reconstruction"] - wide["kl"] - wide["elbo"]
        assert difference.abs().max() < 1e-6


def test_records_say_where_a_run_comes_from(finished):
    folder = finished / "results/quick/runs/digits-gray/vampprior-10"
    record = json.loads((folder / "seed1/record.json").read_text())
    assert record["seed"] == 1
    assert record["settings"]["components"] == 10
    assert record["settings"]["method"] == "vampprior"
    assert record["versions"]["torch"]
    dataset = data.load(finished / "data/digits-gray.npz")
    assert record["data_digest"] == dataset.digest
    assert record["training_seconds"] > 0
    assert record["commit"]
    assert record["device"]
    assert record["processor"]
    curve = pd.read_csv(folder / "seed1/curve.csv")
    assert list(curve["epoch"]) == list(range(1, record["epochs"] + 1))
    # the command in the record repeats the run
    again = finished / "again"
    assert record["configuration"] == "quick configuration"
    assert set(curve["configuration"]) == {"quick configuration"}
    command = record["command"].replace(str(folder.relative_to(finished)), str(again))
    assert command.startswith("python -m models.train ")
    subprocess.run(
        [sys.executable, *shlex.split(command)[1:]],
        cwd=finished,
        check=True,
        capture_output=True,
    )
    repeated = pd.read_csv(again / "seed1/curve.csv")
    pd.testing.assert_frame_equal(
        repeated.drop(columns="seconds"),
        curve.drop(columns="seconds"),
        check_exact=True,
    )


def test_nothing_to_do_after_a_run_and_one_rule_alone(finished):
    assert jobs(finished, *TINY) == {}
    assert jobs(finished, "--forcerun", "figure3", *TINY) == {"figure3": 1, "all": 1}
    # more importance samples never retrain
    found = jobs(finished, *TINY, "--config", "importance_samples=20")
    assert found["evaluate"] == 11
    assert not any(rule.startswith("train") for rule in found)


def test_what_decides_no_number_makes_nothing_anew(finished):
    """A comment, a licence, data that are not asked for; how jobs are cut and run."""
    with (
        edited(finished / "models/vae.py", "* noise\n", "* noise  # a comment\n"),
        edited(finished / "config/datasets.yaml", "licence: ", "licence: formerly "),
        edited(finished / "workflow/data/bone_marrow.py", "SIDE", "EDGE"),
    ):
        how = "seeds_per_job=1", "compile=True"
        assert jobs(finished, *TINY, "--config", *how) == {}


def test_another_order_is_made_anew(finished):
    rows = "table1=[digits-gray, onehot, digits-binary]"
    assert jobs(finished, *TINY, "--config", rows) == {
        "table1": 1, "comparison": 1, "all": 1,
    }  # fmt: skip
    columns = "table2={datasets: [digits-gray, digits-binary]}"
    found = jobs(finished, *TINY, "--config", columns)
    assert {"audit", "speed_claim"} <= set(found)
    assert not any(rule.startswith(("train", "evaluate")) for rule in found)


def test_words_are_made_anew_and_nothing_else(finished):
    for name, old, new in (
        ("config/datasets.yaml", "title: Digits (gray)", "title: Gray digits"),
        ("models/priors/iop.py", '"Proposed method"', '"Ours"'),
    ):
        with edited(finished / name, old, new):
            assert set(jobs(finished, *TINY)) == {
                "all", "table1", "table2", "comparison", "onehot", "speed_claim",
                "audit", "figure1", "figure2", "figure3",
            }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "old", "new", "pairs"),
    [
        ("vae", "0.5 * log_variance", "0.6 * log_variance", 11),
        ("quadrature", "TOLERANCE = 1e-3", "TOLERANCE = 1e-2", 4),  # OneHot's curves
    ],
)
def test_code_retrains_what_it_decides(finished, name, old, new, pairs):
    with edited(finished / f"models/{name}.py", old, new):
        assert jobs(finished, *TINY)["train_seed0to1"] == pairs


@pytest.mark.parametrize(
    ("changes", "measured"),
    [
        (
            [("models/evaluation", "CHUNK = 100", "CHUNK = 99")],
            {"evaluate", "audit_runs"},
        ),
        (
            [
                ("models/annealing", "LEAPFROGS = 5", "LEAPFROGS = 6"),
                ("models/posterior", "seed vector z1", "seed image z1"),
                ("workflow/report/statistics", "0.05", "0.01"),
            ],
            {"audit_runs", "posterior"},
        ),
    ],
)
def test_code_makes_anew_what_it_decides(changes, measured, finished):
    with contextlib.ExitStack() as stack:
        for name, old, new in changes:
            stack.enter_context(edited(finished / f"{name}.py", old, new))
        found = set(jobs(finished, *TINY))
    assert found & {"evaluate", "audit_runs", "posterior"} == measured
    assert "table2" in found
    assert not any(rule.startswith(("train", "dataset")) for rule in found)


def test_data_that_are_there_hide_no_job(finished):
    """Another configuration on the same data still has all its jobs."""
    found = jobs(finished, "--configfile", "config/quick.yaml", "--config", "name=b")
    assert found["train_seed0to2"] == 12
    assert "dataset" not in found


def test_a_new_recipe_retrains(finished):
    with edited(finished / "config/datasets.yaml", "split_seed: 42", "split_seed: 43"):
        found = jobs(finished, *TINY)
    assert found["dataset"] == 2
    assert found["train_seed0to1"] == 7  # the two digits, not OneHot


@pytest.mark.parametrize("start", [[], ["-s", "workflow/Snakefile"]])
def test_changed_data_code_makes_anew_what_it_decides(finished, start):
    """From either Snakefile: both are at other places than their helpers."""
    with edited(finished / "workflow/data/protocol.py", "np.float32", "np.float16"):
        assert jobs(finished, *start, *TINY)["dataset"] == 3


def test_a_failing_job_shows_its_reason(finished):
    path = finished / "data/digits-gray.npz"
    whole = path.read_bytes()
    target = "results/failing/scores/digits-gray/standard.csv"
    try:
        path.write_bytes(whole[:1000])
        status, output = snakemake(finished, target, *TINY, "--config", "name=failing")
    finally:
        path.write_bytes(whole)
    assert status != 0
    assert "error: data/digits-gray.npz: not a canonical dataset file" in output
    assert not (finished / target).exists()
