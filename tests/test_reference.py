"""The committed runs: rendered, and refused where they are not what is said."""

import dataclasses
import shutil
from pathlib import Path

import pandas as pd
import pytest

from models.settings import PRECISIONS
from tests.dag import TINY, checkout, edited, jobs, snakemake, tiny
from workflow import configuration, reference
from workflow.report import reading
from workflow.scripts import search, take

PAIRS = [
    *(f"onehot/{m}" for m in ("standard", "avb", "vampprior-4", "iop")),
    *(f"digits-binary/{m}" for m in ("standard", "iop")),
    *(f"digits-gray/{m}" for m in ("standard", "vampprior-5", "vampprior-10", "iop")),
]


@pytest.fixture(scope="module")
def taken(finished, tmp_path_factory):
    """A checkout whose reference are the tiny runs, but for two pairs and a seed."""
    folder = checkout(tmp_path_factory.mktemp("taken"))
    place = folder / "results/reference"
    for name in ("runs", "scores", "audit", "posterior", "search"):
        shutil.rmtree(place / name, ignore_errors=True)
    table = "results/quick/search/digits-gray.md"
    status, output = snakemake(finished, *TINY, "--", table)
    assert status == 0, output
    results = ["--results", str(finished / "results/quick")]
    chosen = ["--reference", str(place), "--search", "digits-gray"]
    take.main([*results, *PAIRS, *chosen])
    return folder


def test_products_of_the_reference_train_nothing(finished, taken):
    rendering = [*TINY, "--config", "scores=reference"]
    found = jobs(taken, *rendering)
    assert set(found) == {
        "all", "scores", "table1", "table2", "comparison", "onehot", "speed_claim",
        "audit", "figure1", "figure2", "figure3", "search",
    }  # fmt: skip
    status, output = snakemake(taken, *rendering)
    assert status == 0, output
    ours, theirs = (
        pd.read_csv(path).set_index(["dataset", "prior"])
        for path in (
            taken / "results/quick-reference/table2.csv",
            finished / "results/quick/table2.csv",
        )
    )
    ours_audit, theirs_audit = (
        pd.read_csv(folder / "audit.csv").query("dataset == 'digits-gray'")
        for folder in (taken / "results/quick-reference", finished / "results/quick")
    )
    pd.testing.assert_frame_equal(
        ours_audit.reset_index(drop=True), theirs_audit.reset_index(drop=True)
    )
    assert set(ours_audit["samples"]) == {10, 20}
    ratio = pd.read_csv(finished / "results/quick/audit_ratio.csv")
    assert set(zip(ratio["chains"], ratio["temperatures"], strict=True)) == {(3, 5)}
    ours_search, theirs_search = (
        pd.read_csv(folder / "search/digits-gray.csv")
        for folder in (taken / "results/quick-reference", finished / "results/quick")
    )
    keys = ["method", "rate", "seed"]
    pd.testing.assert_frame_equal(
        ours_search.sort_values(keys, ignore_index=True),
        theirs_search.sort_values(keys, ignore_index=True),
    )
    assert len(ours_search) == 3 * 2
    assert set(ours_search["patience"]) == {2}
    there = ours.index.drop(("digits-binary", "vampprior"))
    pd.testing.assert_series_equal(ours["mean"][there], theirs["mean"][there])
    assert pd.isna(ours["mean"]["digits-binary", "vampprior"])
    for number in (1, 2, 3):
        path = taken / f"figures/quick-reference/figure{number}.svg"
        assert path.stat().st_size > 1000
    assert not (taken / "results/quick").exists()


def test_without_audits_the_page_is_left_out(taken, tmp_path):
    place = taken / "results/reference/audit"
    place.rename(tmp_path / "away")
    try:
        found = jobs(taken, *TINY, "--config", "scores=reference", "name=b")
    finally:
        (tmp_path / "away").rename(place)
    assert "table2" in found
    assert "audit" not in found


def test_a_column_without_committed_runs_is_missing(taken, tmp_path):
    (tmp_path / "mine.yaml").write_text("table2: {datasets: [mnist]}")
    files = [*TINY, str(tmp_path / "mine.yaml")]
    found = [f"results/mine-reference/{name}.md" for name in ("comparison", "table2")]
    rendering = ["--config", "scores=reference", "name=mine", "--", *found]
    status, output = snakemake(taken, *files, *rendering)
    assert status == 0, output
    table = pd.read_csv(taken / "results/mine-reference/comparison.csv")
    assert set(table["verdict"]) == {"missing"}
    assert "Scores: none." in (taken / found[1]).read_text()


def test_runs_of_other_settings_are_refused(taken):
    path = taken / "results/reference/scores/digits-gray/iop.csv"
    digest = pd.read_csv(path)["settings_digest"].iloc[0]
    with edited(path, digest, "0" * 16):
        status, output = snakemake(taken, "-n", *TINY, "--config", "scores=reference")
    assert status != 0
    expected = f"digest 0000000000000000, expected {digest}"
    assert "digits-gray/iop.csv: its runs have other settings" in output
    assert expected in output


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (
            "importance_samples: 20",
            "importance_samples: 20; expected 10 as in results/reference/scores/",
        ),
        (
            "audit: {samples: [10]}",
            "audit.samples: 10; expected 20 as in results/reference/audit/",
        ),
        ("audit: {chains: 4}", "audit.chains: 4; expected 3 as in results/ref"),
        ("audit: {temperatures: 6}", "audit.temperatures: 6; expected 5 as in resul"),
        ("seeds: 1", "seeds: 1; expected 2 or more, since results/reference/scores/"),
    ],
)
def test_what_the_committed_runs_do_not_have_is_refused(taken, tmp_path, asked, words):
    (tmp_path / "mine.yaml").write_text(asked)
    files = [*TINY, str(tmp_path / "mine.yaml")]
    status, output = snakemake(taken, "-n", *files, "--config", "scores=reference")
    assert status != 0
    (line,) = [x for x in output.splitlines() if "configuration error" in x]
    assert words in line


def test_runs_in_a_faster_precision_are_let_pass_for_float32_alone(taken):
    place = taken / "results/reference"
    config, pair = tiny(), ("digits-gray", "iop")
    path = place / "scores/digits-gray/iop.csv"
    wanted = configuration.settings(config, *pair)
    assert wanted.precision == "float32"
    digest = {
        precision: dataclasses.replace(wanted, precision=precision).digest
        for precision in PRECISIONS
    }

    def passes(of):
        with edited(path, wanted.digest, digest[of]):
            try:
                return reference.present(config, [pair], place) == [pair]
            except reading.BadInput:
                return False

    assert [passes(of) for of in PRECISIONS] == [True, True, False, True]
    for asked in PRECISIONS[1:]:
        config["training"]["precision"] = asked
        assert [of for of in PRECISIONS if passes(of)] == [asked]
    config["training"]["precision"] = "float32"
    first = path.read_text().splitlines()[1]
    other = first.replace(wanted.digest, digest["tensorfloat32"])
    refused = pytest.raises(reading.BadInput, match="other settings than the conf")
    with edited(path, first, other), refused:  # one cell is of one precision
        reference.present(config, [pair], place)


def test_a_checkout_may_lie_directly_below_the_root():
    folder = Path("/nowhere/results/reference")
    assert reference.data_digests(folder) == {}
    assert reference.data_digests(reference.above(folder)) == {}


def test_runs_of_other_data_are_refused(taken):
    path = taken / "results/reference/table1.csv"
    sizes = pd.read_csv(path).set_index("dataset")["digest"]
    old = {"mnist", "freyfaces"} & set(sizes.index)
    assert old  # those that nobody took over are still there
    for dataset in ("digits-binary", "digits-gray"):
        words = rf"{dataset}/.*\.csv: its runs have other data than"
        refused = pytest.raises(reading.BadInput, match=words)
        with edited(path, sizes[dataset], "f" * 64), refused:
            reference.present(tiny(), configuration.pairs(tiny()), path.parent)
    place = taken / "results/reference"
    record = place / "search/digits-gray/iop/rate0.01/seed0/record.json"
    refused = pytest.raises(ValueError, match=r"of other data than table1\.csv")
    with edited(record, sizes["digits-gray"], "f" * 64), refused:
        reference.searched(tiny(), place)


def test_an_unfinished_search_is_kept_but_not_shown(taken, tmp_path):
    config = tiny()
    place = tmp_path / "reference"
    shutil.copytree(taken / "results/reference", place)
    assert reference.searched(config, place) == ["digits-gray"]
    shutil.rmtree(place / "search/digits-gray/iop/rate0.01/seed0")
    assert reference.searched(config, place) == []
    (results := tmp_path / "results").mkdir()
    message = "search/digits-gray: no finished run"
    arguments = ["--results", str(results), "--reference", str(place)]
    with pytest.raises(SystemExit, match=message):
        take.main([*arguments, "--search", "digits-gray"])
    shutil.copytree(taken / "results/reference/search", results / "search")
    take.main([*arguments, "--search", "digits-gray"])
    assert reference.searched(config, place) == ["digits-gray"]


def test_a_search_at_other_settings_is_refused(taken):
    place = taken / "results/reference/search/digits-gray"
    path = place / "iop/rate0.01/seed0/record.json"
    with edited(path, '"hidden_units": 8', '"hidden_units": 9'):
        status, output = snakemake(taken, "-n", *TINY, "--config", "scores=reference")
    assert status != 0
    assert "iop/rate0.01/seed0/record.json: of other settings" in output
    words = r"seed0/record\.json: not a run's record \(it has no 'settings'\)"
    refused = pytest.raises(reading.BadInput, match=words)
    with edited(path, path.read_text(), "{}"), refused:
        reference.searched(tiny(), taken / "results/reference")


def test_a_folder_that_is_no_run_is_passed_over_and_no_method_refused(taken, tmp_path):
    shutil.copytree(taken / "results/reference", place := tmp_path / "reference")
    runs, search_place = place / "runs/digits-gray/iop", place / "search/digits-gray"
    before = reference.search_runs("digits-gray", place)
    for folder in (runs, search_place / "iop/rate0.01"):
        shutil.copytree(folder / "seed0", folder / "seed0.old")
    assert reference.seeds("digits-gray", "iop", place) == [0, 1]
    assert reference.search_runs("digits-gray", place) == before
    shutil.copytree(search_place / "iop", search_place / "gone")
    with pytest.raises(
        ValueError, match=r"seed0/record\.json: of 'gone', expected one"
    ):
        reference.searched(tiny(), place)


@pytest.mark.parametrize("name", ["paper.yaml", "stand-ins.yaml", "other-split.yaml"])
def test_the_committed_runs_are_of_the_shipped_settings_and_data(name):
    layers = [] if name == "paper.yaml" else ["stand-ins.yaml"]
    config = configuration.check(configuration.load("paper.yaml", *layers, name))
    assert reference.present(config, configuration.pairs(config))


def searches(config, folder):
    """The rows and curves of each whole search."""
    for dataset in reference.searched(config, folder):
        place = folder / "search" / dataset
        runs = reference.search_runs(dataset, folder)
        rows, curves = zip(*(search.read(place / run) for run in runs), strict=True)
        rows = pd.DataFrame(rows)
        yield rows.assign(chosen=search.choose(rows)), list(curves)


def rates(config, folder):
    """Of each searched cell: the rate that was chosen, and the configuration's."""
    found = {}
    for rows, _ in searches(config, folder):
        for _, row in rows[rows["chosen"]].iterrows():
            cell = row["dataset"], row["method"]
            now = configuration.settings(config, *cell)
            found[cell] = row["rate"], now.learning_rate
    return found


@pytest.mark.parametrize("name", ["paper.yaml", "stand-ins.yaml"])
def test_the_configuration_carries_the_rates_that_a_whole_search_chose(name):
    config = configuration.check(configuration.load("paper.yaml", name))
    found = rates(config, reference.FOLDER)
    assert found
    for cell, (chosen, carried) in found.items():
        assert chosen == carried, cell


def test_the_configuration_carries_the_patience_that_the_searches_chose():
    config = configuration.check(configuration.load("paper.yaml", "stand-ins.yaml"))
    enough = [
        search.enough(search.shortened(*found))
        for found in searches(config, reference.FOLDER)
    ]
    assert config["training"]["patience"] == max(enough)


def test_a_rate_that_is_not_the_chosen_one_is_noticed(taken):
    config = tiny()
    found = rates(config, taken / "results/reference")
    assert {method for _, method in found} == {"standard", "vampprior-5", "iop"}
    assert {carried for _, carried in found.values()} == {0.001}
    assert {chosen for chosen, _ in found.values()} == {0.01}  # in so few epochs
