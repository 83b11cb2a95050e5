"""The page on variants of the protocol, from made scores with known differences."""

import json
import re

import numpy as np
import pandas as pd
import pytest
import yaml
from made import row
from scipy import stats

from tests.dag import edited
from workflow import configuration
from workflow.configuration import ROOT
from workflow.report import audit_rows, scores, tabular, variants
from workflow.report.reading import BadInput
from workflow.report.statistics import Summary
from workflow.report.verdicts import Printed
from workflow.scripts import sensitivity

PAPER = {("freyfaces", "iop"): Printed(Summary(8, 1396.27, 2.75), None)}
SHORT = {"training": {"patience": 7}}
BEFORE, AFTER = [10.0, 11.0, 12.0, 14.0, 30.0], [10.5, 10.8, 12.9, 14.4]


class Made:
    """A reference folder and a folder of variants, to be filled."""

    def __init__(self, folder):
        self.variants, self.reference = folder / "variants", folder / "reference"
        self.variants.mkdir()
        self.reference.mkdir()
        (self.reference / "table1.csv").write_text("dataset,digest\nfreyfaces,data\n")

    def variant(self, name, **overlay):
        overlay |= {"name": name, "label": "made"}
        text = yaml.safe_dump(overlay)
        (self.variants / f"{name}.yaml").write_text(text)

    def write(
        self, name, method, values, audit=(), dataset="freyfaces", stale=False,
        threads=1, **changes,
    ):  # fmt: skip
        """Scores, and perhaps ln Z, of seeds 0, 1, ... with the side's settings."""
        (side,) = [side for side in self.sides() if side.name == name]
        found = configuration.settings(side.config, dataset, method)
        changes = {"settings_digest": found.digest, "data_digest": "data"} | changes
        other = {"epoch": 7} if stale else {}
        record = {"threads": threads, "compiled": False}
        effort = [{"samples": 100}, {"samples": 1000}]
        prior = {"split": "prior", "samples": 100}
        effort.append(prior | {"metric": "log_normaliser"})
        effort.append(prior | {"metric": "temperatures", "value": 2000})
        for kind, of, several in (
            ("scores", values, [{}]),
            ("audit", audit, [more | other for more in effort]),
        ):
            rows = [
                row(dataset, method.partition("-")[0], seed, value) | changes | more
                for more in several
                for seed, value in enumerate(of)
            ]
            if rows:
                path = side.folder / kind / f"{dataset}/{method}.csv"
                path.parent.mkdir(parents=True, exist_ok=True)
                columns = [*scores.COLUMNS, "scoring_commit", "scoring_device"]
                pd.DataFrame(rows, columns=columns).to_csv(path, index=False)
            for of in rows:
                run = side.folder / f"runs/{dataset}/{method}/seed{of['seed']}"
                run.mkdir(parents=True, exist_ok=True)
                (run / "record.json").write_text(json.dumps(record))

    def sides(self):
        return variants.sides(self.variants, self.reference)

    def rows(self):
        return variants.compared(self.sides())

    def page(self):
        return sensitivity.page(self.sides(), PAPER)


@pytest.fixture
def made(tmp_path):
    made = Made(tmp_path)
    made.variant("short", **SHORT)
    made.write("shipped", "iop", BEFORE, audit=[1.0, 2.0, 3.0, 4.0, 5.0])
    made.write("short", "iop", AFTER, audit=[2.0, 2.5, 3.0, 6.0])
    return made


def test_the_seeds_that_both_have_are_paired_as_scored_and_normalised(made):
    scored, normalised = made.rows()
    theirs = stats.ttest_rel(AFTER, BEFORE[:4])
    assert scored["test"].p == pytest.approx(theirs.pvalue)
    assert scored["test"].difference == pytest.approx(0.4)
    assert [of.n for of in scored["summaries"]] == [4, 4]
    a, b = np.subtract(BEFORE[:4], [1, 2, 3, 4]), np.subtract(AFTER, [2, 2.5, 3, 6])
    assert normalised["normalised"]
    assert normalised["test"].difference == pytest.approx((b - a).mean())
    assert normalised["test"].p == pytest.approx(stats.ttest_rel(b, a).pvalue)
    text = made.page()
    assert text.count(" Audits: commit 0123456789ab; device cpu.") == 2
    assert "≈ Proposed method " in text
    assert "patience 150 → 7 " in text
    assert " 11.75 ± 1.71 | 12.15 ± 1.84 " in text
    assert " 1396.27 ± 2.75 |" in text
    assert "config/stand-ins.yaml config/variants/short.yaml -- " in text


def test_a_variant_is_held_against_what_it_differs_least_from(made):
    made.variant("both", training={"patience": 7, "precision": "bfloat16"})
    made.write("both", "iop", AFTER, precision="bfloat16", device="another")
    by_name = {line["after"]: line for line in made.rows()}
    assert by_name["short"]["before"] == "shipped"
    assert by_name["both"]["before"] == "short"
    assert not by_name["both"]["normalised"]  # of one side there is no audit
    words = "precision float32 → bfloat16, device cpu → another (both with patience 7)"
    assert words in made.page()
    made.variant("other", training={"patience": 7, "precision": "reduced"})
    made.write("other", "iop", AFTER, precision="tensorfloat32")
    befores = {line["after"]: line["before"] for line in made.rows()}
    assert befores == {"short": "shipped", "both": "short", "other": "short"}


def test_a_precision_that_no_configuration_asked_for_is_named(made):
    words = "patience 150 → 7, precision float32 → tensorfloat32"
    assert words not in made.page()
    made.write("short", "iop", AFTER, precision="tensorfloat32")
    assert words in made.page()


def test_another_number_of_threads_is_named_where_it_is_compared(made):
    words = "patience 150 → 7, threads 1 → 2 |"
    made.write("short", "iop", AFTER, threads=2)
    assert words in " ".join(made.page().split())
    made.write("short", "iop", AFTER)
    alone = made.reference / "runs/freyfaces/iop/seed4/record.json"  # of one side
    with edited(alone, '"threads": 1', '"threads": 2'):
        assert "threads" not in made.page()


def test_where_chains_started_is_named_if_it_changed(made):
    words = "patience 150 → 7, ln Z's chains from N(0, I) → a Gaussian like q(z)"
    assert words not in made.page()
    (early, *_) = audit_rows.EARLIER
    made.write("shipped", "iop", BEFORE, audit=[1.0, 2.0], scoring_commit=early)
    assert made.page().count(words) == 1  # in the normalised row
    assert "patience 150 → 7  " in made.page()
    made.write("short", "iop", AFTER, audit=[2.0, 2.5], scoring_commit=early)
    assert words not in made.page()
    both = [early, "0123456789ab"]
    mixed = pd.DataFrame({"metric": "log_normaliser", "scoring_commit": both})
    assert audit_rows.starts(mixed) == "N(0, I) and a Gaussian like q(z)"


def test_lower_precision_needs_every_prior_within_a_nat(made):
    made.variant("bf", training={"precision": "bfloat16"})
    near = np.add(BEFORE, [0.1, -0.2, 0.3, -0.1, 0.1])
    for prior in ("standard", "iop"):
        made.write("shipped", prior, BEFORE)
        made.write("bf", prior, near, precision="bfloat16")
    untried = "nat of 0: bfloat16 needs more runs."
    assert untried in made.page()  # the VampPrior is missing
    made.write("shipped", "vampprior-500", BEFORE, components=500)
    for apart, words in (
        ([0.1, -0.2, 0.3, -0.1, 0.1], "does"),
        ([0, 0, 0, 0, 0], "does"),
        ([0.4, 0.5, 0.5, 0.6, 0.5], "does not"),  # surely by 0.5
        ([3, -3, 2, -2, 0.1], "needs more runs"),  # too few seeds to say
        ([2, 2.5, 3, 3.5, 3], "does not"),
    ):
        made.write(
            "bf", "vampprior-500", np.add(BEFORE, apart), components=500,
            precision="bfloat16",
        )  # fmt: skip
        assert f"nat of 0: bfloat16 {words}." in made.page()
    (made.reference / "table1.csv").write_text(
        "dataset,digest\nfreyfaces,data\nmnist,data\n"
    )
    for name, shift, more in (
        ("shipped", 0, {}),
        ("bf", 3, {"precision": "bfloat16"}),  # a change of 3 on another dataset
    ):
        values = np.add(BEFORE, shift)
        made.write(name, "standard", values, dataset="mnist", **more)
    made.write("bf", "vampprior-500", near, components=500, precision="bfloat16")
    assert "nat of 0: bfloat16 does not." in made.page()
    made.write("shipped", "standard", BEFORE[:1], dataset="mnist")
    made.write("bf", "standard", BEFORE[:1], dataset="mnist", precision="bfloat16")
    assert untried in made.page()  # one seed has no test
    made.write("bf", "iop", near)  # on a device that has no such precision
    with pytest.raises(BadInput, match="bf: freyfaces/iop was computed in the prec"):
        made.page()


def test_table_2s_priors_are_compared_on_onehot_too(made):
    (made.reference / "table1.csv").write_text(
        "dataset,digest\nfreyfaces,data\nonehot,data\n"
    )
    made.variant("steep", datasets={"onehot": {"warmup_epochs": 0}})
    for name, values in (("shipped", BEFORE), ("steep", AFTER)):
        for method, components in (("vampprior-50", 50), ("avb", "")):
            made.write(name, method, values, dataset="onehot", components=components)
    text = " ".join(made.page().split())
    assert "| OneHot | VAE with VampPrior | warmup epochs 100 → 0 | 4 | 11.75 ±" in text
    assert "AVB" not in text  # its scores are no likelihoods
    assert "results/steep/scores/onehot/vampprior-50.csv" in text


def test_equal_scores_have_no_test(made):
    made.write("short", "iop", BEFORE)
    (line,) = [line for line in made.page().splitlines() if "| ≈" in line]
    assert f"| none in any seed | {tabular.ABSENT} |" in re.sub(" +", " ", line)


def test_one_seed_has_no_test(made):
    made.write("short", "iop", AFTER[:1], audit=[2.0])
    assert made.rows()[0]["test"] is None
    assert " 10.00 | 10.50 | " in " ".join(made.page().split())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"settings_digest": "0" * 16}, "its runs have other settings than the"),
        (
            {"data_digest": "other"},
            "short/scores/freyfaces/iop.csv: its runs have other data",
        ),
        ({"samples": 20}, "importance_samples: 10; expected 20 as in variants/short"),
        ({"seed": 7}, "short: freyfaces/iop has no seed in common with shipped"),
    ],
)
def test_sides_that_do_not_match_are_refused(made, change, message):
    made.write("short", "iop", AFTER[:1], **change)
    with pytest.raises(BadInput, match=re.escape(message)):
        made.page()


def test_scores_with_other_samples_are_not_compared(made):
    made.variant("more", importance_samples=20, training={"patience": 8})
    made.write("more", "iop", AFTER, samples=20)
    with pytest.raises(BadInput, match="more: importance_samples is 20, expected 10 a"):
        made.page()


def test_an_audit_of_another_effort_is_refused(made):
    made.write("shipped", "iop", BEFORE, audit=[1.0])
    made.write("short", "iop", AFTER, audit=[2.0])
    path = made.reference / "variants/short/audit/freyfaces/iop.csv"
    words = re.escape("audit.temperatures: 2000; expected 200 as in")
    with edited(path, "2000", "200"), pytest.raises(BadInput, match=words):
        made.page()
    made.page()


def test_an_audit_of_other_weights_is_refused(made):
    made.write("short", "iop", AFTER, audit=[2.0], stale=True)
    with pytest.raises(BadInput, match=r"iop\.csv: seed 0 is of other weights than"):
        made.page()


def test_a_variant_without_a_difference_or_a_base_is_refused(made):
    made.variant("same")
    made.write("same", "iop", AFTER)
    with pytest.raises(BadInput, match="same: freyfaces/iop has the settings of ship"):
        made.rows()
    (made.variants / "same.yaml").unlink()
    made.write("short", "standard", AFTER)
    with pytest.raises(BadInput, match="short: freyfaces/standard has nothing to be"):
        made.rows()


def test_a_file_that_is_no_configuration_is_named(made):
    for text, message in (
        ("sedes: 3", "sedes: no such key"),
        ("- 1", r"\[1\]; expected keys"),
        ("{", ""),
    ):
        (made.variants / "wrong.yaml").write_text(text)
        with pytest.raises(BadInput, match=rf"wrong\.yaml: {message}"):
            made.sides()


def test_a_variant_of_another_name_is_refused(made):
    made.variant("wrong")
    (made.variants / "wrong.yaml").rename(made.variants / "right.yaml")
    with pytest.raises(BadInput, match=r"right\.yaml: name: wrong; expected right"):
        made.sides()


def test_the_committed_page_is_of_the_committed_scores():
    page = (ROOT / "docs/sensitivity.md").read_text()
    assert page.rstrip("\n") == sensitivity.committed().rstrip("\n")


def test_the_page_says_how_many_runs_of_a_variant_diverged(made):
    made.write("short", "iop", AFTER, diverged="True")
    assert "patience 150 → 7; diverged: 0 → 4 |" in " ".join(made.page().split())
    made.write("shipped", "iop", BEFORE, diverged="True")  # the fifth is not compared
    assert "patience 150 → 7; diverged: 4 → 4 |" in " ".join(made.page().split())
