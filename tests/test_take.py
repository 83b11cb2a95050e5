"""Finished runs are taken over into a reference folder: all that is named, or none."""

import json
import shutil

import pandas as pd
import pytest

from workflow import reference
from workflow.scripts import take


def test_a_pair_is_taken_over_without_weights(finished, tmp_path):
    results, pair = finished / "results/quick", "digits-gray/iop"
    take.main(["--results", str(results), "--reference", str(tmp_path), pair])
    ours, theirs = (root / f"runs/{pair}/seed1" for root in (tmp_path, results))
    assert sorted(p.name for p in ours.iterdir()) == ["curve.csv", "record.json"]
    assert json.loads((ours / "record.json").read_text()) == json.loads(
        (theirs / "record.json").read_text()
    )
    short, whole = (pd.read_csv(path / "curve.csv") for path in (ours, theirs))
    assert set(short["configuration"]) == {"quick configuration"}
    columns = ["epoch", "valid_elbo", "ratio_objective"]
    pd.testing.assert_frame_equal(short[columns], whole[columns], rtol=1e-6)
    assert reference.seeds("digits-gray", "iop", tmp_path) == [0, 1]


def test_sizes_and_runs_of_different_data_are_not_taken_over(finished, tmp_path):
    results, place = tmp_path / "results", tmp_path / "reference"
    shutil.copytree(finished / "results/quick", results)
    arguments = ["--results", str(results), "--reference", str(place)]
    take.main([*arguments, "digits-gray/iop"])
    sizes = pd.read_csv(place / "table1.csv").set_index("dataset")["digest"]
    assert list(sizes.index) == ["digits-gray"]
    take.main([*arguments, "digits-binary/iop"])
    before = (place / "table1.csv").read_bytes()
    assert len(pd.read_csv(place / "table1.csv")) == 2
    table = results / "table1.csv"
    table.write_text(table.read_text().replace(sizes["digits-gray"], "f" * 64))
    with pytest.raises(SystemExit, match=f"{sizes.iloc[0][:16]}, expected {'f' * 16}"):
        take.main([*arguments, "digits-gray/iop"])
    assert (place / "table1.csv").read_bytes() == before
    table.unlink()
    with pytest.raises(SystemExit, match=r"table1\.csv: expected a row of onehot"):
        take.main([*arguments, "digits-gray/iop", "onehot/iop"])


def test_a_variant_is_of_the_data_that_the_table_above_names(finished, tmp_path):
    results, place = tmp_path / "results", tmp_path / "reference"
    shutil.copytree(finished / "results/quick", results)
    arguments = ["--results", str(results), "--reference"]
    take.main([*arguments, str(place), "digits-gray/iop"])
    variant = place / "variants/mine"
    take.main([*arguments, str(variant), "digits-gray/iop", "digits-binary/iop"])
    sizes = pd.read_csv(variant / "table1.csv")  # of what is not above alone
    assert list(sizes["dataset"]) == ["digits-binary"]
    assert set(reference.data_digests(variant)) == {"digits-gray", "digits-binary"}
    for path in (results / "table1.csv", *results.rglob("record.json")):
        above = reference.data_digests(place)["digits-gray"]
        path.write_text(path.read_text().replace(above, "f" * 64))
    with pytest.raises(SystemExit, match=f"digest {'f' * 16}, expected {above[:16]}"):
        take.main([*arguments, str(variant), "digits-gray/standard"])


def test_seeds_of_another_machine_are_added_and_their_own_replaced(finished, tmp_path):
    results = tmp_path / "results"
    shutil.copytree(finished / "results/quick", results)
    place, pair = tmp_path / "reference", "digits-gray/iop"
    arguments = ["--results", str(results), "--reference", str(place), pair]
    take.main(arguments)
    scores = results / f"scores/{pair}.csv"
    table = pd.read_csv(scores)
    later = table[table["seed"] == 1].assign(value=1.0)
    other = table[table["seed"] == 0].assign(value=1.0, seed=12)
    pd.concat([later, other]).to_csv(scores, index=False)
    runs = results / "runs" / pair
    (runs / "seed0").rename(runs / "seed12")
    (results / f"audit/{pair}.csv").unlink()
    take.main(arguments)
    merged = pd.read_csv(place / f"scores/{pair}.csv")
    assert list(dict.fromkeys(merged["seed"])) == [0, 1, 12]
    old = table[table["seed"] == 0]
    pd.testing.assert_frame_equal(merged[merged["seed"] == 0], old)
    # of the seeds that were not audited anew the old audit is no longer true
    audits = pd.read_csv(place / f"audit/{pair}.csv")
    assert set(audits["seed"]) == {0}
    assert set(merged[merged["seed"] != 0]["value"]) == {1.0}
    assert reference.seeds("digits-gray", "iop", place) == [0, 1, 12]
    later.assign(settings_digest="0" * 16).to_csv(scores, index=False)
    with pytest.raises(SystemExit, match="column 'settings_digest' would be 0000"):
        take.main(arguments)
    likelihoods = later["metric"] == "log_likelihood"
    later.assign(samples=later["samples"].mask(likelihoods, 20)).to_csv(
        scores, index=False
    )
    with pytest.raises(SystemExit, match="column 'samples' would be 10 and 20"):
        take.main(arguments)
    later.assign(more=1).to_csv(scores, index=False)
    with pytest.raises(SystemExit, match=r"csv: other columns, expected .*, more"):
        take.main(arguments)
    later.to_csv(scores, index=False)
    (runs / "seed1/record.json").unlink()
    with pytest.raises(SystemExit, match=r"record\.json: no such file, but its seed"):
        take.main(arguments)
    pd.testing.assert_frame_equal(
        pd.read_csv(place / f"scores/{pair}.csv"), merged
    )  # nothing was written


@pytest.mark.parametrize(
    ("kind", "pair", "seed"),
    [
        ("scores", "digits-gray/iop", 1),
        ("audit", "digits-gray/iop", 1),
        ("posterior", "onehot/iop", 0),
    ],
)
@pytest.mark.parametrize(
    ("column", "value"), [("epoch", 1), ("commit", "d" * 12), ("data_digest", "0" * 16)]
)
def test_scores_of_other_weights_are_refused(
    finished, tmp_path, kind, pair, seed, column, value
):
    results = tmp_path / "results"
    shutil.copytree(finished / "results/quick", results)
    path = results / f"{kind}/{pair}.csv"
    table = pd.read_csv(path)
    table.loc[table["seed"] == seed, column] = value
    table.to_csv(path, index=False)
    with pytest.raises(
        SystemExit, match=rf"{kind}.*csv: {column} {value} of seed {seed}"
    ):
        take.main(["--results", str(results), "--reference", str(tmp_path), pair])


def test_an_unfinished_pair_is_refused(tmp_path):
    with pytest.raises(SystemExit, match=r"mnist/iop\.csv: no such file, expected"):
        take.main(["--results", str(tmp_path), "mnist/iop"])


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("scores/onehot/iop.csv", "", r"iop\.csv: not a CSV file"),
        (
            "scores/onehot/iop.csv",
            "prior\niop\n",
            r"csv: column 'seed' is missing",
        ),
        ("runs/onehot/iop/seed0/curve.csv", "", r"curve\.csv: not a CSV file"),
        (
            "runs/onehot/iop/seed0/record.json",
            "{}",
            r"json: not a run's record",
        ),
    ],
)
def test_where_one_is_refused_nothing_is_written(
    finished, tmp_path, name, text, message
):
    results, place = tmp_path / "results", tmp_path / "reference"
    shutil.copytree(finished / "results/quick", results)
    (results / name).write_text(text)
    arguments = ["--results", str(results), "--reference", str(place)]
    with pytest.raises(SystemExit, match=message):
        take.main([*arguments, "digits-gray/iop", "onehot/iop"])
    assert not place.exists()


def test_a_pair_of_onehot_brings_the_samples_of_figure_1(finished, tmp_path):
    results = tmp_path / "results"
    shutil.copytree(finished / "results/quick", results)
    samples = results / "posterior/onehot/iop.csv"
    old = tmp_path / "old/posterior/onehot/iop.csv"
    old.parent.mkdir(parents=True)
    pd.read_csv(samples)[["seed", "z1"]].to_csv(old, index=False)
    arguments = ["--results", str(results), "--reference"]
    take.main([*arguments, str(tmp_path / "old"), "onehot/iop"])
    pd.testing.assert_frame_equal(pd.read_csv(old), pd.read_csv(samples))
    samples.unlink()
    arguments.append(str(tmp_path / "new"))
    with pytest.raises(SystemExit, match=r"posterior/onehot/iop\.csv: no such file"):
        take.main([*arguments, "onehot/iop"])
    assert not (tmp_path / "new").exists()


def test_a_pair_has_two_names(tmp_path, capsys):
    with pytest.raises(SystemExit):
        take.main(["--results", str(tmp_path), "mnist"])
    assert "'mnist', expected DATASET/METHOD" in capsys.readouterr().err
