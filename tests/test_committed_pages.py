"""The committed runs' pages, number for number by pandas and scipy, and pictures."""

import json

import numpy as np
import pandas as pd
import pytest
from committed import against, printed, scored, welch
from PIL import Image

from workflow import configuration, reference
from workflow.scripts import (
    audit,
    comparison,
    figure1,
    figure2,
    figure3,
    onehot,
    speed_claim,
)

FOLDER = reference.FOLDER
METHODS = {"standard": "standard", "vampprior": "vampprior-500", "iop": "iop"}
ONEHOT = METHODS | {"avb": "avb", "vampprior": "vampprior-50"}


def page(script, folder, *arguments):
    """Write a script's page below the folder; its CSV."""
    outputs = {"--csv": folder / "page.csv", "--markdown": folder / "page.md"}
    more = [str(word) for pair in outputs.items() for word in pair]
    script.main([*map(str, arguments), *more, "--configuration", "made"])
    return pd.read_csv(outputs["--csv"])


def files(kind, dataset, methods=METHODS):
    return [FOLDER / f"{kind}/{dataset}/{method}.csv" for method in methods.values()]


def runs(dataset, methods=METHODS):
    """The folders of every committed seed."""
    pairs = [FOLDER / f"runs/{dataset}/{method}" for method in methods.values()]
    return [folder for pair in pairs for folder in sorted(pair.iterdir())]


def test_the_comparison_with_the_paper(tmp_path):
    values = page(
        comparison, tmp_path, "--scores", *files("scores", "freyfaces"),
        "--cells", *(f"freyfaces/{method}" for method in METHODS.values()),
        "--importance-samples", 10, "--table1", FOLDER / "table1.csv",
        "--paper", FOLDER / "paper.csv",
        "--paper-table1", FOLDER / "paper_table1.csv",
        "--order-csv", tmp_path / "o.csv", "--sizes-csv", tmp_path / "s.csv",
        "--protocol", "paper",
    ).set_index("prior")  # fmt: skip
    paper = printed("freyfaces")
    ours = {prior: scored("freyfaces", method) for prior, method in METHODS.items()}
    for prior, row in values.iterrows():
        test = against(ours[prior], paper[prior])
        low, high = test.confidence_interval(0.95)
        found = row[["mean", "sd", "difference", "low", "high", "p_value"]]
        mean = ours[prior].mean()
        expected = [mean, ours[prior].std(), mean - paper[prior].mean, low, high]
        assert found.tolist() == pytest.approx([*expected, test.pvalue])
    order = pd.read_csv(tmp_path / "o.csv")
    assert len(order) == 3
    for row in order.itertuples():
        one, other = ours[row.prior], ours[row.other]
        assert row.gap == pytest.approx(other.mean() - one.mean())
        assert row.p_value == pytest.approx(welch(one, other))


@pytest.mark.parametrize("dataset", ["freyfaces", "bone-marrow"])
def test_the_audit(dataset, tmp_path):
    likelihoods = page(
        audit, tmp_path, "--scores", *files("scores", dataset),
        "--audits", *files("audit", dataset), "--runs", *runs(dataset),
        "--importance-samples", 10, "--ratio-csv", tmp_path / "r.csv",
    )  # fmt: skip
    ratios = pd.read_csv(tmp_path / "r.csv").set_index("prior")
    assert len(likelihoods) == 3 * 4  # the IOP with and without its Z
    for prior, method in METHODS.items():
        audited = pd.read_csv(FOLDER / f"audit/{dataset}/{method}.csv")
        wide = audited.pivot_table("value", "seed", ["metric", "samples"])
        integral = wide["log_normaliser", 100]
        row = ratios.loc[prior]
        kl = wide["kl_aggregated", 1000] - wide["mean_ratio", 1000]
        kl = kl + integral * (prior == "iop")
        for name, of in (("log_normaliser", integral), ("kl_to_prior", kl)):
            assert row[name] == pytest.approx(of.mean())
            assert row[f"{name}_sd"] == pytest.approx(of.std())
        for row in likelihoods.query("prior == @prior").itertuples():
            of = wide.get(("log_likelihood", row.samples))
            of = scored(dataset, method) if row.samples == 10 else of
            of = of - integral * (prior == "iop" and row.normalised)
            assert (row.mean, row.sd) == pytest.approx((of.mean(), of.std()))


def test_figure_2_in_numbers(tmp_path):
    found = page(
        onehot, tmp_path, "--scores", *files("scores", "onehot", ONEHOT),
        "--runs", *runs("onehot", ONEHOT), "--first-epoch", 100,
    ).set_index("prior")  # fmt: skip
    assert set(found.index) == set(ONEHOT)
    for prior, method in ONEHOT.items():
        curves = pd.concat(pd.read_csv(f / "curve.csv").assign(seed=f.name)
                           for f in runs("onehot", {prior: method}))  # fmt: skip
        late = curves.query("epoch >= 100")
        row, each = found.loc[prior], late.groupby("seed")["valid_elbo"].mean()
        assert (row["elbo"], row["elbo_sd"]) == pytest.approx((each.mean(), each.std()))
        assert row["above"] == pytest.approx((late["valid_elbo"] > -np.log(4)).mean())
        kept = scored("onehot", method, metric="exact_log_likelihood")
        assert row["kept_exact"] == pytest.approx(kept.mean())


def test_the_claim_of_speed(tmp_path):
    """Each seed trained alone: medians of its epochs, then of the seeds."""
    found = page(speed_claim, tmp_path, "--runs", *runs("freyfaces"))
    found = found.set_index("method")
    epochs, seconds = {}, {}
    for prior, method in METHODS.items():
        folders = runs("freyfaces", {prior: method})
        records = [json.loads((f / "record.json").read_text()) for f in folders]
        assert all(len(record["stack"]) == 1 for record in records)
        curves = [pd.read_csv(f / "curve.csv")["seconds"] for f in folders]
        one = [curve.diff().fillna(curve[0]).median() for curve in curves]
        epochs[prior] = np.mean([len(curve) for curve in curves])
        seconds[prior] = np.median(one)
    for prior, row in found.iterrows():
        assert row["seconds_per_epoch"] == pytest.approx(seconds[prior])
        each = seconds[prior] / seconds["iop"]
        assert row["times_iop_per_epoch"] == pytest.approx(each)
        whole = each * epochs[prior] / epochs["iop"]
        assert row["times_iop_to_stop"] == pytest.approx(whole)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_the_pictures_shown_are_of_the_committed_runs(number, tmp_path):
    layers = ["stand-ins.yaml"] * (number == 3)
    config = configuration.check(configuration.load("paper.yaml", *layers))
    swept = reference.present(config, configuration.figure3_pairs(config))
    first = runs("onehot", ONEHOT)
    script, arguments = {
        1: (figure1, ["--samples", *files("posterior", "onehot", ONEHOT), "--seed", 0,
                      "--runs", *(f for f in first if f.name == "seed0")]),
        2: (figure2, ["--first-epoch", 100, "--runs", *first]),
        3: (figure3, ["--dataset", "bone-marrow", "--importance-samples", 10,
                      "--scores", *(FOLDER / f"scores/{d}/{m}.csv" for d, m in swept)]),
    }[number]  # fmt: skip
    arguments += ["--configuration", f"{config['name']} configuration"]
    arguments += ["--label", config["label"], "--output", tmp_path / "figure.png"]
    script.main([*map(str, arguments)])
    paths = tmp_path / "figure.png", configuration.ROOT / f"docs/figure{number}.png"
    pictures = [Image.open(path) for path in paths]
    said, shown = (picture.text["Description"] for picture in pictures)
    assert said == shown
    assert "commit" in said
    ours, shown = (np.asarray(p.convert("RGB")).astype(int) for p in pictures)
    assert ours.shape == shown.shape
    assert np.abs(ours - shown).mean() < 0.1  # another FreeType moves edges a little
