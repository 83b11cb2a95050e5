"""One's own runs beside the committed ones: equal, unlike, or wrong."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from made import row
from scipy import stats

from workflow.scripts import rerun

VALUES = [1380.0, 1383.5, 1379.25]
VERSIONS = {"torch": "2.13.0", "numpy": "2.4.6"}


def write(root, values, record=None, **changes):
    """A pair's scores, two a seed, and its records."""
    scores, runs = root / "scores/freyfaces", root / "runs/freyfaces/standard"
    scores.mkdir(parents=True)
    rows = []
    for seed, value in enumerate(values):
        common = row("freyfaces", "standard", seed, value, **changes)
        rows += [common, common | {"metric": "elbo", "samples": 0, "value": 1.0}]
        (runs / f"seed{seed}").mkdir(parents=True)
        facts = {"device": "cpu", "threads": 1, "compiled": False, "precision": "p"}
        facts |= {"versions": VERSIONS} | (record or {})
        (runs / f"seed{seed}/record.json").write_text(json.dumps(facts))
    pd.DataFrame(rows).to_csv(scores / "standard.csv", index=False)
    return root


@pytest.fixture
def committed(tmp_path):
    return write(tmp_path / "committed", VALUES)


def command(committed, mine):
    places = ["--results", str(mine), "--reference", str(committed)]
    rerun.main([*places, "freyfaces/standard"])


def test_what_comes_out_again_is_said_of_the_seeds_that_both_have(
    committed, tmp_path, capsys
):
    other = {"versions": VERSIONS | {"numpy": "3"}}  # yet the same
    command(committed, write(tmp_path / "mine", VALUES[:2], other))
    assert capsys.readouterr().out.splitlines() == [
        f"freyfaces/standard seed {seed}: 2 scores, equal to the last bit"
        for seed in range(2)
    ]


def test_a_last_bit_counts_where_all_else_was_alike(committed, tmp_path, capsys):
    mine = write(tmp_path / "mine", [VALUES[0], np.nextafter(VALUES[1], 0)])
    with pytest.raises(SystemExit, match="rerun: scores differ though settings, data"):
        command(committed, mine)
    first, second, means = capsys.readouterr().out.splitlines()
    assert first.endswith("seed 0: 2 scores, equal to the last bit")
    assert "seed 1: 1 of 2 scores differ, test log-likelihood 1383.5" in second
    assert second.endswith("; all else was alike")
    assert means.endswith("p = 1.000")


def test_another_device_may_differ_and_its_mean_is_tested(committed, tmp_path, capsys):
    values = [1390.0, 1391.0, 1392.5]
    unlike = {"device": "another", "versions": VERSIONS | {"torch": "3"}}
    command(committed, write(tmp_path / "mine", values, unlike))
    *lines, means = capsys.readouterr().out.splitlines()
    words = "; device another, committed cpu; torch 3, committed 2.13.0"
    assert all(line.endswith(words) for line in lines)
    p = stats.ttest_ind(values, VALUES, equal_var=False).pvalue
    assert means.endswith(f"committed {np.mean(VALUES):.2f} ± "
                          f"{np.std(VALUES, ddof=1):.2f}, p = {p:.3f}")  # fmt: skip


def test_another_kind_of_processor_of_the_same_name_may_differ(
    committed, tmp_path, capsys
):
    values = [VALUES[0], VALUES[1] + 1, VALUES[2]]
    mine = write(tmp_path / "mine", values, {"processor": "AuthenticAMD 26 2 1"})
    command(committed, mine)
    words = "; processor AuthenticAMD 26 2 1, committed unknown"
    assert capsys.readouterr().out.splitlines()[1].endswith(words)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"settings_digest": "x"}, "of other settings than .* digest x, expected sett"),
        ({"data_digest": "x"}, "of other data than .* digest x, expected freyfaces"),
    ],
)
def test_other_runs_are_refused(changes, message, committed, tmp_path):
    mine = write(tmp_path / "mine", VALUES, **changes)
    with pytest.raises(SystemExit, match=f"^rerun: .*standard.csv: {message}"):
        command(committed, mine)


@pytest.mark.parametrize("what", ["seed", "samples"])
def test_nothing_in_common_is_refused(what, committed, tmp_path):
    mine = write(tmp_path / "mine", VALUES)
    path = mine / "scores/freyfaces/standard.csv"
    table = pd.read_csv(path)
    table.assign(**{what: table[what] + 5}).to_csv(path, index=False)
    word = "seed" if what == "seed" else "score"
    with pytest.raises(SystemExit, match=re.escape(f"{path}: no {word} of ")):
        command(committed, mine)
