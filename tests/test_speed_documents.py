"""What README and docs/speed.md say of speed is what the committed runs say."""

import csv

import pytest
from committed import flowing

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
