"""What Snakemake would run, and what it would tell each job: dry runs of a checkout."""

import re
import subprocess
import sys

import pytest

from tests.dag import checkout, jobs, planned, snakemake
from workflow.configuration import ROOT


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


@pytest.mark.parametrize(
    "product",
    [
        "results/paper-reference/audit.md",
        "results/paper-reference/search/omniglot.md",
        "figures/paper-reference/figure1.png",
        "figures/paper-reference/figure3.png",
    ],
)
def test_a_product_of_no_run_is_refused_before_the_work(fresh, product):
    given = "table2={datasets: [omniglot]}", "onehot=[]", "figure3={components: []}"
    status, output = snakemake(
        fresh, "-n", "--config", "scores=reference", *given, "--", product
    )
    assert status != 0
    assert re.search(
        r"^ *the committed runs have nothing to make this of, expected a run or more$",
        output,
        re.M,
    )


def test_dry_run_of_the_search(fresh):
    # 4 datasets x 3 priors x 3 rates x 2 seeds
    assert jobs(fresh, "--", "protocol_search") == {
        "protocol_search": 1, "search": 4, "search_train": 72, "dataset": 4,
    }  # fmt: skip


def test_dry_run_of_one_cell(fresh):
    cell = "results/paper/scores/freyfaces/standard.csv"
    seeds = {f"train_seed{seed}": 1 for seed in range(8)}
    assert jobs(fresh, cell) == seeds | {"dataset": 1, "evaluate": 1}


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        (
            "models/priors/slip.py",
            "class Slip(:",
            "priors/slip.py, line 1: no Python (inv",
        ),
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


def test_a_slip_in_a_prior_is_one_line_of_a_command(fresh):
    slip = fresh / "models/priors/slip.py"
    slip.write_text("class Slip(:")
    try:
        command = [sys.executable, "-m", "workflow.scripts.table2", "--help"]
        done = subprocess.run(command, cwd=fresh, capture_output=True, text=True)
    finally:
        slip.unlink()
    assert done.returncode == 1
    assert re.fullmatch(
        r"error: .*priors/slip.py, line 1: no Python \(.*\)\n", done.stderr
    )
