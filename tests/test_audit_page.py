"""The page of the audit, from made scores and audits with known values."""

import itertools

import numpy as np
import pandas as pd
import pytest
from made import NAMED, arguments, run, seeds, spread, write

from workflow.report import tabular
from workflow.scripts import audit

IOP, VAMP = spread(1400, 3), spread(1396, 2)
INTEGRALS = spread(10, 4)
STEPS = [500, *[2000] * 7]
AUDITS = [
    seeds("freyfaces", "iop", IOP + 20, samples=1000),
    seeds("freyfaces", "vampprior", VAMP + 22, 500, samples=1000),
    *(
        seeds("freyfaces", *pair, metric=metric, split=split, samples=samples)
        for metric, split, samples, ours, theirs in (
            ("log_normaliser", "prior", 100, INTEGRALS, spread(-0.5, 0.1)),
            ("effective_chains", "prior", 100, np.arange(8) + 7.0, np.full(8, 50.0)),
            ("temperatures", "prior", 100, STEPS, np.full(8, 2000)),
            ("mean_ratio", "train", 1000, spread(25, 1), spread(80, 1)),
            ("kl_aggregated", "train", 1000, spread(100, 1), spread(95, 1)),
        )
        for pair in (("iop", ours), ("vampprior", theirs, 500))
    ),
    seeds(
        "freyfaces", "vampprior", np.arange(8) + 30.0, 500, metric="components_in_use",
        split="train", samples=1000,
    ),
]  # fmt: skip
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
        facts = {"dataset": "freyfaces", "seed": seed, "epoch": 300, "epochs": 350}
        value = (-0.9, -0.51, -0.52, -0.53, -0.49, -0.48, 0, 0)[seed]
        value = value if method == "iop" else "nan"
        lines = [f"{epoch},-7\n" for epoch in range(1, 351)]
        lines[299] = f"300,{value}\n"
        text = "".join(["epoch,ratio_objective\n", *lines])
        folders.append(run(tmp_path / f"{method}-{seed}", method, text, **facts))
    return folders


def page(tmp_path, audits=AUDITS, folders=None):
    for name in ("scores", "audits"):
        (tmp_path / name).mkdir(exist_ok=True)
    out = [tmp_path / name for name in ("a.csv", "r.csv", "a.md")]
    audit.main(
        arguments(
            "--scores", write(tmp_path / "scores", *SCORES),
            "--audits", write(tmp_path / "audits", *audits),
            "--runs", *(folders or runs(tmp_path)),
            *NAMED, "--label", "a label", "--importance-samples", 10,
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
    assert "Audits: commit 0123456789ab; device cpu." in text


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
    assert (ours.temperatures, ours.draws) == (500, 1000)
    assert (ours.mean_ratio, ours.kl_to_normal) == pytest.approx((25, 100))
    assert ours.kl_to_prior == pytest.approx(100 - 25 + 10)
    distances = spread(100, 1) - spread(25, 1) + INTEGRALS
    assert ours.kl_to_prior_sd == pytest.approx(np.std(distances, ddof=1))
    # its Z is 1, whatever was estimated
    assert vamp.kl_to_prior == pytest.approx(95 - 80)
    assert "|  100; 500 |  7.0 | 10.00 ± 4.00 |" in text
    assert ours.ratio_objective == pytest.approx(-0.5)
    assert pd.isna(vamp.ratio_objective)
    assert (vamp.components, vamp.components_in_use) == (500, pytest.approx(33.5))
    assert pd.isna(ours.components_in_use)
    assert " 33.5 of 500 |" in text
    table = text.partition("## The density ratio")[2].splitlines()
    header, row = (
        [field.strip() for field in line.split("|")]
        for line in table
        if line.startswith(("| Dataset ", "| FreyFaces | ≈ "))
    )
    shown = dict(zip(header, row, strict=True))
    assert shown["Mean of T over q(z)"] == "25.00 ± 1.00"
    assert shown["KL(q(z) ‖ N(0, I))"] == "100.00 ± 1.00"
    assert shown["KL(q(z) ‖ p(z))"].startswith("85.00 ±")
    assert "|   -0.5 |" in text


def test_a_count_that_some_seeds_lack_is_not_shown(tmp_path):
    """Of audits by different versions, say: n says eight."""
    fewer = [rows[:3] if rows[0]["metric"] == "components_in_use" else rows
             for rows in AUDITS]  # fmt: skip
    _, ratio, _ = page(tmp_path, fewer)
    assert ratio["components_in_use"].isna().all()


def test_priors_of_one_title_have_a_line_each(monkeypatch):
    rows = [
        {
            "dataset": "freyfaces", "prior": prior, "normalised": False, "n": 8,
            "mean": mean, "sd": 1.0, "samples": 10, "bold": False,
        }
        for prior, mean in (("vampprior", 1402.0), ("standard", 1300.0))
    ]  # fmt: skip
    for row in rows:
        monkeypatch.setitem(audit.METHODS, row["prior"], "Same")
    _, lines = audit.grid(rows)
    same = ["FreyFaces", "Same", "8"]
    assert lines == [[*same, "1402.00 ± 1.00"], [*same, "1300.00 ± 1.00"]]


def test_a_mixture_whose_k_is_a_constant_has_no_k_to_show():
    row = {"components_in_use": 12.34, "components": 500}
    assert audit._used(row) == "12.3 of 500"
    assert audit._used(row | {"components": None}) == "12.3"


@pytest.mark.parametrize("metric", ["log_normaliser", "mean_ratio", "kl_aggregated"])
@pytest.mark.parametrize("left", [0, 7])
def test_an_audit_that_lacks_rows_is_refused(tmp_path, metric, left):
    fewer = [
        rows[:left]
        if (rows[0]["metric"], rows[0]["prior"]) == (metric, "iop")
        else rows
        for rows in AUDITS
    ]
    seed = 7 if left else 0
    with pytest.raises(
        SystemExit, match=rf"csv: seed {seed} has no {metric}; audit it"
    ):
        page(tmp_path, fewer)


def test_audits_of_several_k_are_refused(tmp_path):
    more = seeds("freyfaces", "vampprior", VAMP, 100, samples=1000)
    words = "freyfaces/vampprior with K = 100 and 500, expected one"
    with pytest.raises(SystemExit, match=words):
        page(tmp_path, [*AUDITS, more])


def test_chains_that_started_elsewhere_are_named(tmp_path):
    (early, *_) = audit.EARLIER
    old = [[row | {"scoring_commit": early} for row in rows] for rows in AUDITS]
    _, _, text = page(tmp_path, old)
    assert f"Of commit {early} the chains started from N(0, I)." in text
    _, _, text = page(tmp_path)
    assert "started from" not in text


def test_a_known_integral_that_is_missed_is_said_so(tmp_path):
    _, _, text = page(tmp_path)  # by half a nat of the VampPrior, by ten of ours
    assert "whose density integrates to one" not in text
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
    words = (
        "**On FreyFaces the estimate gives ln Z = -5.00 for VAE with VampPrior, whose"
    )
    assert f"{words} density integrates to one: mass" in text
    high = [row | {"value": 40.0} for row in missed]
    _, _, text = page(tmp_path, [*others, high])
    assert (
        "ln Z = +40.00 for VAE with VampPrior, whose density should integrate" in text
    )


def test_seeds_audited_with_other_chains_are_refused(tmp_path):
    of = ("log_normaliser", "iop")
    uneven = [
        [
            row | {"samples": 7} if (*key(row), row["seed"]) == (*of, 3) else row
            for row in group
        ]
        for group in AUDITS
    ]
    with pytest.raises(SystemExit, match="log_normaliser with 7 and 100 samples, expe"):
        page(tmp_path, uneven)


def key(row):
    return row["metric"], row["prior"]


def test_an_s_that_only_some_pairs_have_leaves_a_gap(tmp_path):
    extra = seeds("freyfaces", "iop", IOP + 10, samples=100)
    table, _, text = page(tmp_path, [*AUDITS, extra])
    assert ("vampprior", True, 100) not in table.index
    assert not table.loc["iop", True, 100]["best"]  # of nothing
    (line,) = [x for x in text.splitlines() if "VampPrior" in x and "1396" in x]
    assert [cell.strip() for cell in line.split("|")][5] == tabular.ABSENT


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
            '"epoch": 300',
            '"epoch": 299',
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
        ("curve.csv", "350,-7\n", "", r"curve\.csv: 349 rows, expected 350, one an ep"),
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
