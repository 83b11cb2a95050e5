"""The audit of Table 2: what is measured, and the page made of it."""

import argparse
import csv
import dataclasses
import itertools
import json
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from made import COMMIT, command, registry, seeds, spread, write

from models import audit as measuring
from models import data, train
from models.distributions import standard_normal
from models.randomness import Streams, threshold
from models.training import build
from tests.conftest import images
from workflow.scripts import audit, table2

SMALL = (
    "--hidden-units 8 --latent-dim 2 --batch-size 16 --max-epochs 2 --warmup-epochs 1 "
    "--components 4 --ratio-epochs 1"
).split()


def measured(tmp_path, method):
    """Rows of the command for two seeds of a little run."""
    path, output = tmp_path / "made.npz", tmp_path / f"{method}.csv"
    data.save(images("bernoulli"), path)
    run = ["--data", str(path), "--output", str(tmp_path / method)]
    train.main([*run, "--method", method, "--seeds", "3", "5", *SMALL])
    folders = [str(tmp_path / f"{method}/seed{k}") for k in (3, 5)]
    flags = "--samples 20 60 --chains 8 --temperatures 5".split()
    measuring.main(
        ["--data", str(path), "--runs", *folders, "--output", str(output), *flags]
    )
    with open(output, newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("method", ["standard", "vampprior", "iop"])
def test_what_is_measured(method, tmp_path):
    rows = measured(tmp_path, method)
    kinds = [(row["seed"], row["metric"], row["samples"]) for row in rows]
    assert sorted(kinds) == sorted(
        (seed, *kind)
        for seed in ("3", "5")
        for kind in (
            ("log_likelihood", "20"),
            ("log_likelihood", "60"),
            ("log_normaliser", "8"),
            ("effective_chains", "8"),
            ("temperatures", "8"),
            ("mean_ratio", str(measuring.DRAWS)),
            ("kl_aggregated", str(measuring.DRAWS)),
        )
    )


def test_the_standard_prior_has_no_ratio(tmp_path):
    rows = measured(tmp_path, "standard")
    values = {row["metric"]: float(row["value"]) for row in rows}
    assert values["log_normaliser"] == values["mean_ratio"] == 0
    assert values["effective_chains"] == pytest.approx(8)
    assert values["kl_aggregated"] > 0
    assert values["temperatures"] == 5


def test_avb_is_refused(tmp_path):
    with pytest.raises(SystemExit, match="avb has no importance weights"):
        measured(tmp_path, "avb")


def stack(small, method):
    """An untrained stack of two seeds, and its streams for a use."""
    settings = dataclasses.replace(small, method=method)
    return build(settings, 6, "bernoulli", Streams([0, 1])), partial(Streams, [0, 1])


def values(model, streams, dataset):
    arguments = argparse.Namespace(samples=[5], chains=8, temperatures=5)
    use = lambda name: streams(purpose=name)  # noqa: E731
    rows = measuring.measure(model, dataset, use, arguments)
    return {metric: value for _, metric, _, value in rows}


@pytest.mark.parametrize("method", ["vampprior", "iop"])
def test_the_means_are_of_the_prior_over_the_training_set(small, method):
    """Side by side, as on a GPU; ln p(z)/N(z|0, I) from the prior's own density."""
    model, streams = stack(small, method)
    dataset = images("bernoulli")
    found = values(model, streams, dataset)
    z, exact = measuring.aggregated(model, dataset, streams(purpose="audit of q(z)"))
    torch.testing.assert_close(found["kl_aggregated"].float(), exact.mean(1))
    density = model.prior.log_density(z, model.encoder) - standard_normal(z)
    torch.testing.assert_close(found["mean_ratio"].float(), density.mean(1))
    other = dataclasses.replace(dataset, train=1 - dataset.train)
    assert (values(model, streams, other)["kl_aggregated"] != exact.mean(1)).all()
    other = dataclasses.replace(dataset, test=1 - dataset.test)
    again = values(model, streams, other)
    assert torch.equal(again["kl_aggregated"], found["kl_aggregated"])
    assert (again["log_likelihood"] != found["log_likelihood"]).all()


@pytest.mark.parametrize("likelihood", ["gaussian", "bernoulli"])
def test_the_aggregated_posterior_is_that_of_equation_8(small, likelihood):
    """Density and samples, against torch's own mixture in float64."""
    vae = build(small, 6, likelihood, Streams([0, 1]))
    dataset = images(likelihood)
    z, log_ratio = measuring.aggregated(vae, dataset, Streams([0, 1]))
    x = torch.from_numpy(dataset.train).expand(2, -1, -1)
    if dataset.dynamic:  # the encoder sees binary images, as in training
        x = Streams([0, 1]).bernoulli("binarise", threshold(x), *x.shape[1:])
        assert set(x.unique().tolist()) == {0, 1}
    with torch.no_grad():
        mean, log_variance = (t.double() for t in vae.encoder(x))
    for k in range(2):
        parts = torch.distributions.Independent(
            torch.distributions.Normal(mean[k], torch.exp(0.5 * log_variance[k])), 1
        )
        even = torch.distributions.Categorical(torch.ones(len(dataset.train)))
        q = torch.distributions.MixtureSameFamily(even, parts)
        normal = torch.distributions.Normal(0.0, 1.0).log_prob(z[k].double()).sum(-1)
        torch.testing.assert_close(
            log_ratio[k].double(), q.log_prob(z[k].double()) - normal, atol=1e-4, rtol=0
        )
        # a thousand samples: means and deviations within 5 standard errors
        error = q.stddev / measuring.DRAWS**0.5
        assert ((z[k].mean(0) - q.mean).abs() < 5 * error).all()
        assert ((z[k].double().std(0) / q.stddev - 1).abs() < 0.12).all()


IOP, VAMP = spread(1400, 3), spread(1396, 2)
INTEGRALS = spread(10, 4)
AUDITS = [
    seeds("freyfaces", "iop", IOP + 20, samples=1000),
    seeds("freyfaces", "vampprior", VAMP + 22, 500, samples=1000),
    *(
        seeds("freyfaces", *pair, metric=metric, split=split, samples=samples)
        for metric, split, samples, ours, theirs in (
            ("log_normaliser", "prior", 100, INTEGRALS, spread(-0.5, 0.1)),
            ("effective_chains", "prior", 100, np.arange(8) + 7.0, np.full(8, 50.0)),
            ("temperatures", "prior", 100, np.full(8, 2000), np.full(8, 2000)),
            ("mean_ratio", "train", 1000, spread(25, 1), spread(80, 1)),
            ("kl_aggregated", "train", 1000, spread(100, 1), spread(95, 1)),
        )
        for pair in (("iop", ours), ("vampprior", theirs, 500))
    ),
]
SCORES = [
    seeds("freyfaces", "iop", IOP),
    seeds("freyfaces", "vampprior", VAMP, 500),
    # not audited, another split, another S: none is shown
    seeds("freyfaces", "standard", spread(1380, 1)),
    seeds("freyfaces", "iop", IOP - 500, split="valid"),
    seeds("freyfaces", "iop", IOP - 500, samples=5),
]


def runs(tmp_path):
    """Folders of the runs: of T alone there is an objective, with -0.5 half way."""
    folders = []
    for method, seed in itertools.product(("vampprior", "iop"), range(8)):
        folders.append(tmp_path / f"{method}-{seed}")
        folders[-1].mkdir(exist_ok=True)
        facts = {"dataset": "freyfaces", "seed": seed, "epoch": 300, "epochs": 350}
        facts |= {"settings": {"method": method}, "commit": COMMIT}
        (folders[-1] / "record.json").write_text(json.dumps(facts))
        value = (-0.9, -0.51, -0.52, -0.53, -0.49, -0.48, 0, 0)[seed]
        value = value if method == "iop" else "nan"
        text = f"epoch,ratio_objective\n299,-7\n300,{value}\n301,-7\n"
        (folders[-1] / "curve.csv").write_text(text)
    return folders


def page(tmp_path, audits=AUDITS, folders=None):
    for name in ("scores", "audits"):
        (tmp_path / name).mkdir(exist_ok=True)
    out = [tmp_path / name for name in ("a.csv", "r.csv", "a.md")]
    audit.main(
        command(
            "--scores", write(tmp_path / "scores", *SCORES),
            "--audits", write(tmp_path / "audits", *audits),
            "--runs", *(folders or runs(tmp_path)),
            "--registry", registry(tmp_path), "--label", "a label",
            "--csv", out[0], "--ratio-csv", out[1], "--markdown", out[2],
        )
    )  # fmt: skip
    keys = ["prior", "normalised", "samples"]
    return pd.read_csv(out[0]).set_index(keys), pd.read_csv(out[1]), out[2].read_text()


def test_the_normaliser_is_taken_off_seed_by_seed(tmp_path):
    table, _, text = page(tmp_path)
    assert set(table.index) == {
        (*kind, samples)
        for kind in (("iop", True), ("iop", False), ("vampprior", True))
        for samples in (10, 1000)
    }
    for samples, more in ((10, 0), (1000, 20)):
        plain, ours = (table.loc["iop", k, samples] for k in (False, True))
        assert plain["mean"] == pytest.approx(1400 + more)
        assert ours["mean"] == pytest.approx(1390 + more)
        assert ours["sd"] == pytest.approx(np.std(IOP - INTEGRALS, ddof=1))
        assert not plain["bold"]
    assert "| ≈ Proposed method           |   8 |     1400.00 ± 3.00 |" in text
    assert "| VAE with VampPrior          |   8 | **1396.00 ± 2.00** |" in text
    assert "a label" in text


def test_bold_goes_by_what_is_normalised(tmp_path):
    """Ours leads as scored; less ln Z it lies below the VampPrior."""
    table, _, _ = page(tmp_path)
    vamp, ours = table.loc["vampprior", True, 10], table.loc["iop", True, 10]
    assert vamp["best"]
    assert not ours["bold"]
    assert ours["p_value"] < 0.001


def test_the_ratio_in_numbers(tmp_path):
    _, ratio, text = page(tmp_path)
    vamp, ours = ratio.itertuples()
    assert (vamp.prior, ours.prior) == ("vampprior", "iop")
    assert (ours.n, ours.chains, ours.effective_chains) == (8, 100, 7)
    assert ours.log_normaliser == pytest.approx(10)
    assert ours.log_normaliser_sd == pytest.approx(4)
    assert (ours.temperatures, ours.draws) == (2000, 1000)
    assert (ours.mean_ratio, ours.kl_to_normal) == pytest.approx((25, 100))
    assert ours.kl_to_prior == pytest.approx(100 - 25 + 10)
    distances = spread(100, 1) - spread(25, 1) + INTEGRALS
    assert ours.kl_to_prior_sd == pytest.approx(np.std(distances, ddof=1))
    # its Z is 1, whatever was estimated
    assert vamp.kl_to_prior == pytest.approx(95 - 80)
    assert "| 100; 2000 |  7.0 | 10.00 ± 4.00 |" in text
    assert ours.ratio_objective == pytest.approx(-0.5)
    assert pd.isna(vamp.ratio_objective)
    assert "|   -0.5 |" in text


def test_a_known_integral_that_is_missed_is_said_so(tmp_path):
    _, _, text = page(tmp_path)  # by half a nat of the VampPrior, by ten of ours
    assert "not to be trusted" not in text
    missed = seeds(
        "freyfaces", "vampprior", spread(-5, 0.1), 500, metric="log_normaliser",
        split="prior", samples=100,
    )  # fmt: skip
    others = [
        rows
        for rows in AUDITS
        if (rows[0]["metric"], rows[0]["prior"]) != ("log_normaliser", "vampprior")
    ]
    _, _, text = page(tmp_path, [*others, missed])
    words = "**On FreyFaces the estimate gives ln Z = -5.00 for VAE with VampPrior,"
    assert words in text


def test_an_s_that_only_some_pairs_have_leaves_a_gap(tmp_path):
    extra = seeds("freyfaces", "iop", IOP + 10, samples=100)
    table, _, text = page(tmp_path, [*AUDITS, extra])
    assert ("vampprior", True, 100) not in table.index
    assert table.loc["iop", True, 100]["best"]
    (line,) = [x for x in text.splitlines() if "VampPrior" in x and "1396" in x]
    assert [cell.strip() for cell in line.split("|")][5] == table2.ABSENT


def test_likelihoods_with_the_samples_of_table_2_are_not_doubled(tmp_path):
    again = seeds("freyfaces", "iop", IOP + 500)
    table, _, _ = page(tmp_path, [*AUDITS, again])
    assert table.loc["iop", False, 10]["mean"] == pytest.approx(1400)


@pytest.mark.parametrize(
    "column", ["settings_digest", "data_digest", "epoch", "commit"]
)
def test_an_audit_of_other_weights_is_refused(tmp_path, column):
    other = 7 if column == "epoch" else "f" * 12
    stale = [[row | {column: other} for row in group] for group in AUDITS]
    with pytest.raises(SystemExit, match="seed 0 is of other weights than the scores"):
        page(tmp_path, stale)


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        (
            "record.json",
            '"epochs": 350',
            '"epochs": 351',
            "none has the audited",
        ),
        (
            "record.json",
            '"seed": 3',
            '"seed": 9',
            "of freyfaces, iop, seed 3: epoch",
        ),
        ("record.json", '"epoch"', '"x"', r"record\.json: not a run's record"),
        (
            "curve.csv",
            "300,",
            "302,",
            r"curve\.csv: 0 lines of epoch 300, expected",
        ),
        ("curve.csv", "300,-0.53", "300,x", "'ratio_objective' is 'x', expected a fin"),
    ],
)
def test_a_run_that_is_not_the_audited_one_is_refused(
    tmp_path, name, old, new, message
):
    folders = runs(tmp_path)
    path = tmp_path / "iop-3" / name
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(SystemExit, match=message):
        page(tmp_path, folders=folders)


def test_a_metric_of_another_file_is_refused(tmp_path):
    wrong = [*AUDITS, seeds("freyfaces", "iop", IOP, metric="elbo")]
    with pytest.raises(SystemExit, match="'metric' is 'elbo', expected one of log_lik"):
        page(tmp_path, wrong)
