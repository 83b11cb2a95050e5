"""What README and docs/speed.md say of speed is what the committed runs say."""

import csv
import json

import numpy as np
import pandas as pd
import pytest
from committed import flowing, trained

from benchmarks import epochs, report
from models.provenance import ROOT


@pytest.mark.parametrize("name", ["epyc", "xeon-amx"])
def test_the_documented_table_is_that_of_the_committed_run(name):
    with open(ROOT / f"results/reference/speed/{name}.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert report.markdown(rows) in (ROOT / "docs/speed.md").read_text()


def test_the_documented_epochs_are_those_of_the_committed_run():
    with open(ROOT / "results/reference/speed/epyc-epochs.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    text = (ROOT / "docs/speed.md").read_text()
    assert epochs.markdown(rows) in text
    standard, vamp, ours = (
        float(row["seconds_per_epoch"]) for row in rows if row["dataset"] == "mnist"
    )
    claim = (
        f"an epoch with the VampPrior takes {vamp:.0f} s and one with the implicit "
        f"optimal prior {ours:.0f} s, so the latter is {ours / vamp:.1f} times *slower*"
    )
    assert claim in " ".join(text.split())
    words = (
        f"takes {standard:.0f} seconds with the standard prior, {vamp:.0f} with the "
        f"VampPrior and {ours:.0f} with the IOP"
    )
    assert words in flowing("README.md")


def test_the_readme_gives_the_range_of_the_committed_ratios():
    rows = []
    for name in ("epyc", "xeon-amx"):
        with open(ROOT / f"results/reference/speed/{name}.csv", newline="") as file:
            rows += list(csv.DictReader(file))
    readme, highest = flowing("README.md"), []
    for mode, words in (
        ("float32", "In float32 the engine is {:.1f} to {:.1f} times as fast"),
        (
            "bfloat16 compiled",
            "it is {:.1f} to {:.1f} times on a CPU with AVX-512 BF16",
        ),
    ):
        ratios = {True: [], False: []}
        for row in (row for row in rows if row["mode"] == mode):
            more = (row["method"], row["likelihood"]) == ("iop", "gaussian")
            ratios[more].append(float(row["ratio_median"]))  # more work in plain code
        assert words.format(min(ratios[False]), max(ratios[False])) in readme
        highest.append(max(ratios[True]))
    assert "times as often: up to {:.1f} and {:.1f} times)".format(*highest) in readme


def test_the_documented_ceilings_are_those_of_the_committed_run():
    with open(ROOT / "results/reference/speed/epyc.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    text = flowing("docs/speed.md")
    plain = {
        row["method"]: float(row["plain_seconds"])
        for row in rows
        if (row["mode"], row["likelihood"]) == ("float32", "bernoulli")
    }
    words = f"VampPrior takes {plain['vampprior'] / plain['iop']:.2f} times as long as"
    assert words in text, words
    at_least, at_most = (
        of(
            float(row["gigaflop"])
            / float(row["matmul_ceiling"])
            / float(row["engine_seconds"])
            for row in rows
            if row["mode"] == "float32"
        )
        for of in (min, max)
    )
    words = (
        f"{100 * at_least:.0f} to {100 * at_most:.0f} % of the float32 engine's time"
    )
    assert words in text, words
    for mode, words in (
        ("float32", "would be {}, {} and {} in float32"),
        ("bfloat16", "and {}, {} and {} in bfloat16"),
    ):
        limits = [
            float(row["plain_seconds"])
            / (float(row["gigaflop"]) / float(row["matmul_ceiling"]))
            for row in rows
            if (row["mode"], row["likelihood"]) == (mode, "bernoulli")
        ]
        assert words.format(*(f"{limit:.1f}" for limit in limits)) in text


def test_the_page_on_speed_says_what_bone_marrow_took():
    epochs, epoch = {}, {}
    for method in ("vampprior-500", "iop"):
        curves = [
            pd.read_csv(path)
            for path in ROOT.glob(
                f"results/reference/runs/bone-marrow/{method}/*/c*.csv"
            )
        ]
        assert len(curves) == 8
        epochs[method] = np.mean([len(of) for of in curves])
        # of the seeds, too: neighbours slowed some
        pace = sorted(of["seconds"].diff().median() for of in curves)
        epoch[method] = np.median(pace)
    assert [f"{seconds:.0f}" for seconds in pace] == ["6"] * 6 + ["15"] * 2
    ratio = epoch["vampprior-500"] / epoch["iop"]
    length = epochs["vampprior-500"] / epochs["iop"]
    words = (
        "| bone marrow | VampPrior 3e-4, IOP 1e-4, as chosen | 150 | "
        f"{epochs['vampprior-500']:.0f} | {epochs['iop']:.0f} | {ratio:.2f} | "
        f"{ratio * length:.2f} |"
    )
    assert words in flowing("docs/speed.md")


def test_the_page_on_speed_says_what_the_committed_runs_took():
    """Whatever neighbours slowed: the least of the runs as measured is close."""
    place = ROOT / "results/reference"
    epochs, epoch, least, earlier, took = {}, {}, {}, {}, {}
    for method in ("vampprior-500", "iop"):
        paths = sorted((place / "runs/freyfaces" / method).glob("*/record.json"))
        runs = [json.loads(path.read_text()) for path in paths]
        assert all(len(run["stack"]) == 1 for run in runs)
        epochs[method] = sum(run["epochs"] for run in runs) / len(runs)
        medians = [
            pd.read_csv(path.with_name("curve.csv"))["seconds"].diff().median()
            for path in paths
        ]
        epoch[method] = np.median(medians)
        took[method] = np.mean([run["training_seconds"] for run in runs])
        least[method] = min(run["training_seconds"] / run["epochs"] for run in runs)
        scores = pd.read_csv(
            place / f"variants/patience50/scores/freyfaces/{method}.csv"
        )
        earlier[method] = scores.drop_duplicates("seed")["epochs"].mean()
    ratio, length, before = (
        of["vampprior-500"] / of["iop"] for of in (epoch, epochs, earlier)
    )
    assert least["vampprior-500"] / least["iop"] == pytest.approx(ratio, rel=0.05)
    scores = pd.read_csv(place / "variants/rate3e-4/scores/freyfaces/iop.csv")
    slower = scores.drop_duplicates("seed")["epochs"].mean()
    same = ratio * epochs["vampprior-500"] / slower
    scores = pd.read_csv(place / "variants/rate1e-3/scores/freyfaces/vampprior-500.csv")
    faster = scores.drop_duplicates("seed")["epochs"].mean()
    curves = trained("variants/rate1e-3/runs/freyfaces/vampprior-500")
    own = np.median([curve["seconds"].diff().median() for _, curve in curves])
    own /= epoch["iop"]
    alone = pd.read_csv(place / "speed/epyc-epochs.csv").set_index(
        ["dataset", "method"]
    )
    seconds = alone["seconds_per_epoch"]["mnist"]
    needed = 2.83 * seconds["iop"] / seconds["vampprior-500"]
    seconds = alone["seconds_per_epoch"]["omniglot-rebuilt"]
    other = seconds["vampprior-1000"] / seconds["iop"]
    text = flowing("docs/speed.md")
    for words in (
        f"would have to take {needed:.1f} times as long",
        f"with twice the pseudo-inputs, it takes {other:.2f} times as long",
        "| FreyFaces | VampPrior 3e-4, IOP 1e-3, as chosen | 150 | "
        f"{epochs['vampprior-500']:.0f} | {epochs['iop']:.0f} | {ratio:.2f} | "
        f"{ratio * length:.2f} |",
        f"| FreyFaces | 3e-4 | 150 | {epochs['vampprior-500']:.0f} | {slower:.0f} | "
        f"{ratio:.2f} | {same:.2f} |",
        f"| FreyFaces | 1e-3 | 150 | {faster:.0f} | {epochs['iop']:.0f} | "
        f"{ratio:.2f} | {ratio * faster / epochs['iop']:.2f} |",
        f"would be {own:.2f} and {own * faster / epochs['iop']:.2f}.",
        f"| FreyFaces | 1e-3 | 50 | {earlier['vampprior-500']:.0f} | "
        f"{earlier['iop']:.0f} | {ratio:.2f} | {ratio * before:.2f} |",
        f"number would be {took['vampprior-500'] / took['iop']:.2f}.",
    ):
        assert words in text
    words = (
        f"on FreyFaces the VampPrior's takes {ratio * length:.2f} times as long as the "
        f"IOP's at the chosen rates, {same:.2f} and {ratio * before:.2f} times at "
        "equal rates"
    )
    assert words in flowing("README.md"), words
    words = f"stand-in for OMNIGLOT, with K = 1,000, {other:.2f} times on a core)"
    assert words in flowing("README.md"), words
