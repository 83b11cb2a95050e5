"""The DAG: what it would run, and the whole of it at a small size."""

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
from tests.dag import TINY, checkout, edited, jobs, planned, snakemake
from workflow.configuration import ROOT

PRODUCTS = [
    *(
        f"results/quick/{n}{e}"
        for n in ("table1", "table2")
        for e in (".csv", ".md", ".tex")
    ),
    *(f"results/quick/{n}" for n in ("scores.csv", "comparison.csv", "comparison.md")),
    *(
        f"results/quick/{n}{e}"
        for n in ("speed_claim", "audit")
        for e in (".csv", ".md")
    ),
    "results/quick/audit_ratio.csv",
    *(
        f"figures/quick/figure{i}{e}"
        for i in (1, 2, 3)
        for e in (".png", ".pdf", ".svg")
    ),
]


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    return checkout(tmp_path_factory.mktemp("fresh"))


def test_dry_run_of_the_paper(fresh):
    # OneHot 4, Table 2 4 x 3, Figure 3 5 more values of K: 21 pairs
    seeds = {f"train_seed{seed}": 21 for seed in range(8)}
    assert jobs(fresh) == seeds | {
        "all": 1, "dataset": 5, "evaluate": 21, "scores": 1, "posterior": 4,
        "table1": 1, "table2": 1, "comparison": 1, "onehot": 1, "speed_claim": 1,
        "audit_runs": 12, "audit": 1, "figure1": 1, "figure2": 1, "figure3": 1,
    }  # fmt: skip


def test_all_lists_every_output_of_its_jobs(fresh):
    """A table that is removed comes back, also if its page is there.

    By the output of Snakemake 9, as is what follows.
    """
    _, output = planned(fresh)
    listed = set(re.search(r"^rule all:\n +input: (.*)", output, re.M)[1].split(", "))
    made = re.findall(r"^ +output: (.*)", output, re.M)
    products = {path for line in made for path in line.split(", ")}
    below = re.compile(r"(results|figures)/paper/[\w.]+")
    assert listed == {path for path in products if below.fullmatch(path)}


def test_jobs_are_told_what_was_asked(fresh):
    """Nowhere else a device, precision or S that is not a command's default."""
    place = "results/patience50"
    files = ["config/stand-ins.yaml", "config/variants/patience50.yaml"]
    asked = ["gpu=1", "compile=True", "importance_samples=20", "seeds=1"]
    targets = [f"{place}/{name}.md" for name in ("comparison", "audit")]
    targets.append(f"{place}/search/freyfaces.md")
    _, output = planned(
        fresh, "-p", "--configfile", *files, "--config", *asked, "--", *targets
    )
    said = {}
    for line in re.findall(r"^Shell command: (python -m .*)", output, re.M):
        said.setdefault(line.split()[2], []).append(line)
    for module, flags in (
        ("models.train", "--device cuda --compile --patience"),
        ("models.evaluate", "--device cuda --samples 20"),
        ("models.audit", "--device cuda --chains 100 --temperatures 2000"),
        ("workflow.scripts.comparison", "--protocol other"),
    ):
        for line in said[module]:
            for flag in re.findall(r"--\w+(?: \w+)?", flags):
                assert flag in line, line
    assert all("--samples 100 1000 --chains" in line for line in said["models.audit"])
    trained = said["models.train"]
    assert {"--curves-only" in line for line in trained} == {False, True}
    assert all(
        "--patience 50" in line for line in trained if "--curves-only" not in line
    )


def test_dry_run_of_the_gpu_command_of_the_readme(fresh):
    readme = (ROOT / "README.md").read_text()
    (command,) = re.findall(r"^snakemake (--profile .*?) +#", readme, re.M)
    found, output = planned(fresh, *command.split())
    assert "gpu=1, seeds=0 1 2 3 4 5 6 7" in output
    assert "device=cpu" not in output
    assert found["train_seed0to7"] == 21
    assert sum(n for rule, n in found.items() if rule.startswith("train")) == 21


def test_dry_run_of_a_dataset_alone(fresh):
    """Neither OneHot's figures nor Figure 3 nor what they need."""
    only = "table2={datasets: [freyfaces]}", "onehot=[]", "figure3={components: []}"
    found = jobs(fresh, "--config", *only, "table1=[freyfaces]", "seeds=1")
    assert found == {
        "all": 1, "dataset": 1, "train_seed0": 3, "evaluate": 3, "audit_runs": 3,
        "scores": 1, "table1": 1, "table2": 1, "comparison": 1, "speed_claim": 1,
        "audit": 1,
    }  # fmt: skip


def test_dry_run_of_quick_needs_no_download(fresh):
    found, output = planned(fresh, "--configfile", "config/quick.yaml")
    made = set(re.findall(r"output: data/([\w-]+)\.npz", output))
    assert made == {"onehot", "digits-binary", "digits-gray"}
    assert found["train_seed0to2"] == 12
    assert found["evaluate"] == 12


def test_dry_run_of_the_committed_runs(fresh):
    given = "--configfile", "config/stand-ins.yaml", "--config", "scores=reference"
    once = "all scores table1 table2 comparison onehot speed_claim audit".split()
    once += ["figure1", "figure2", "figure3"]
    assert jobs(fresh, *given) == dict.fromkeys(once, 1) | {"search": 2}


def test_dry_run_of_the_search(fresh):
    # 4 datasets x 3 priors x 3 rates x 2 seeds
    assert jobs(fresh, "--", "protocol_search") == {
        "protocol_search": 1, "search": 4, "search_train": 72, "dataset": 4,
    }  # fmt: skip


def test_dry_run_of_one_cell(fresh):
    cell = "results/paper/scores/freyfaces/standard.csv"
    seeds = {f"train_seed{seed}": 1 for seed in range(8)}
    assert jobs(fresh, cell) == seeds | {"dataset": 1, "evaluate": 1}


def test_every_product_is_made_and_whole(finished):
    for product in PRODUCTS:
        assert (finished / product).stat().st_size > 100, product
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


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("models/priors/slip.py", "class Slip(:", "invalid syntax (slip.py, line 1)"),
        ("models/priors/slip.py", "class Slip:\n  title = str(1)", "title is not wri"),
        ("config/datasets.yaml", "onehot:\n\tpixels: 4", "datasets.yaml: not YAML"),
    ],
)
def test_a_slip_in_an_edited_file_is_one_line(fresh, name, text, line):
    path = fresh / name
    before = path.read_bytes() if path.exists() else None
    try:
        path.write_text(text)
        status, output = snakemake(fresh, "-n")
    finally:
        path.unlink() if before is None else path.write_bytes(before)
    assert status != 0
    assert "configuration error: " in output
    assert line in output
    assert "Traceback" not in output


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
