"""The configuration: what it resolves to, in agreement with the core and the paper."""

import os
import sys
from pathlib import Path

import pytest

from models import audit, evaluate, scoring
from models.settings import Settings
from workflow import configuration
from workflow.configuration import ROOT
from workflow.data import registry

CONFIGURATIONS = [
    ("paper.yaml",),
    *(("paper.yaml", n) for n in ("quick.yaml", "stand-ins.yaml")),
    *(
        ("paper.yaml", file)
        for file in sorted((ROOT / "config/variants").glob("*.yaml"))
    ),
]


# docs/protocol.md: as in the VampPrior's public code, OneHot's own moments
PSEUDO_INPUTS = {
    "onehot": (0.25, 0.43),
    "mnist": (0.05, 0.01),
    "omniglot": (0.05, 0.01),
    "freyfaces": (0.5, 0.02),
    "histopathology": (0.4, 0.05),
}
RATES = {  # docs/protocol.md; of every other cell 1e-3
    ("mnist", "standard"): 3e-4,
    ("mnist", "vampprior"): 3e-4,
    ("mnist", "iop"): 3e-4,
    ("freyfaces", "vampprior"): 3e-4,
    ("histopathology", "standard"): 1e-4,
    ("histopathology", "vampprior"): 3e-4,
    ("histopathology", "iop"): 1e-4,
}


@pytest.mark.parametrize("names", CONFIGURATIONS)
def test_shipped_configurations_are_valid(names):
    configuration.check(configuration.load(*names))


def test_keys_of_an_anchor_are_merged_and_may_be_replaced(tmp_path):
    """Snakemake's YAML does it, too."""
    (tmp_path / "mine.yaml").write_text(
        "datasets:\n  mnist: &same {latent_dim: 5, patience: 7}\n"
        "  freyfaces: {<<: *same, patience: 9}\n"
    )
    found = configuration.load("paper.yaml", tmp_path / "mine.yaml")["datasets"]
    assert found["freyfaces"]["latent_dim"] == 5
    assert found["freyfaces"]["patience"] == 9


def test_without_methods_on_onehot_nothing_is_asked_of_it():
    short = {"onehot": [], "training": {"max_epochs": 10}}
    found = configuration.check(configuration.load("paper.yaml") | short)
    assert "onehot" not in dict(configuration.pairs(found))


def test_only_the_shipped_settings_are_the_papers_protocol():
    paper, quick, stand_ins, *lower = (
        configuration.check(configuration.load(*names)) for names in CONFIGURATIONS
    )
    assert configuration.follows_the_paper(paper)
    assert configuration.follows_the_paper(stand_ins)
    assert not configuration.follows_the_paper(quick)
    assert not any(map(configuration.follows_the_paper, lower))
    onehot = paper["datasets"]["onehot"] | {"components": 5}
    for change in (
        {"training": paper["training"] | {"patience": 49}},
        {"cells": {"mnist": {"iop": {"learning_rate": 0.0005}}}},
        {"cells": {"onehot": {"avb": {"learning_rate": 0.0005}}}},  # Figures 1 and 2
        {"datasets": paper["datasets"] | {"onehot": onehot}},
    ):
        assert not configuration.follows_the_paper(paper | change)


def test_what_the_paper_does_not_have_does_not_part_from_it():
    """Nor does it stand in the way of the paper's own cells."""
    paper = configuration.check(configuration.load("paper.yaml"))
    own = {"pseudo_input_mean": 0.3, "learning_rate": 0.0002, "components": 5}
    change = {
        "datasets": paper["datasets"] | {"digits-gray": own},
        "table2": {**paper["table2"], "datasets": ["digits-gray", "freyfaces"]},
    }
    assert configuration.follows_the_paper(configuration.check(paper | change))


def test_figure_2_begins_where_the_last_warm_up_ends():
    paper = configuration.load("paper.yaml")
    assert configuration.first_epoch(configuration.check(paper)) == 100
    longer = paper | {"cells": {"onehot": {"iop": {"warmup_epochs": 300}}}}
    assert configuration.first_epoch(configuration.check(longer)) == 300


def test_a_stand_in_is_trained_as_what_it_stands_for():
    """The same frames split anew, too."""
    names = "paper.yaml", "stand-ins.yaml", "other-split.yaml"
    config = configuration.check(configuration.load(*names))
    assert configuration.follows_the_paper(config)
    places = {name: entry.stands_in_for for name, entry in registry.load().items()}
    places = {name: place for name, place in places.items() if place}
    assert set(places.values()) == {"omniglot", "freyfaces", "histopathology"}
    for name, place in places.items():
        for prior in config["table2"]["priors"]:
            method = configuration.method(config, place, prior)
            assert configuration.settings(
                config, name, method
            ) == configuration.settings(config, place, method)


def test_every_key_is_described():
    def visit(properties, path=""):
        for key, rule in properties.items():
            assert rule["description"], path + key
            visit(rule.get("properties", {}), f"{path}{key}.")

    rules = configuration.schema()
    visit(rules["properties"])
    visit(rules["$defs"]["training"]["properties"])


def test_the_papers_protocol_is_that_of_commands_without_options(monkeypatch):
    training = configuration.load("paper.yaml")["training"]
    assert {**Settings().as_dict(), **training} == Settings().as_dict()
    asked = []

    def noted(arguments, measure):
        asked.append(vars(arguments))

    monkeypatch.setattr(scoring, "write", noted)
    for command in (evaluate, audit):
        command.main(["--data", "x", "--runs", "x", "--output", "x"])
    paper = configuration.load("paper.yaml")
    assert asked[0]["samples"] == paper["importance_samples"]
    assert {key: asked[1][key] for key in paper["audit"]} == paper["audit"]


def test_section_5_2():
    """Every number that the paper's text gives."""
    config = configuration.check(configuration.load("paper.yaml"))
    for dataset, method in configuration.pairs(config):
        s = configuration.settings(config, dataset, method)
        assert s.hidden_units == 500
        assert s.batch_size == 100
        prior = method.partition("-")[0]
        assert 1e-4 <= s.learning_rate == RATES.get((dataset, prior), 1e-3) <= 1e-3
        assert 1e-4 <= s.ratio_learning_rate == 1e-3
        assert s.max_epochs == 1000
        assert s.warmup_epochs == 100
        assert s.latent_dim == (2 if dataset == "onehot" else 40)
        assert s.ratio_keep_probability == 0.5
        assert s.ratio_epochs == 10
        assert s.noise_dim == 10
    k = {"onehot": 50, "mnist": 500, "omniglot": 1000}
    k |= {"freyfaces": 500, "histopathology": 500}
    for dataset, components in k.items():
        method = configuration.method(config, dataset, "vampprior")
        assert method == f"vampprior-{components}"
        s = configuration.settings(config, dataset, method)
        assert s.pseudo_input_clip == (dataset != "onehot")
        start = s.pseudo_input_mean, s.pseudo_input_std
        assert start == PSEUDO_INPUTS[dataset]
    assert config["seeds"] == 8
    assert config["importance_samples"] == 10


def test_settings_that_cannot_be_are_named():
    ones = (
        "latent_dim hidden_units batch_size max_epochs patience components "
        "ratio_epochs noise_dim"
    )
    for name, value in [(n, 0) for n in ones.split()] + [("warmup_epochs", -1)]:
        with pytest.raises(
            ValueError, match=f"^{name}: {value}, expected {value + 1} "
        ):
            Settings(**{name: value})


def test_narrower_layers_win():
    config = configuration.check(
        configuration.load("paper.yaml")
        | {
            "training": {"learning_rate": 0.1, "patience": 1, "batch_size": 7},
            "datasets": {
                "onehot": {"latent_dim": 2},
                "mnist": {"learning_rate": 0.2, "patience": 2},
            },
            "cells": {"mnist": {"iop": {"learning_rate": 0.3}}},
        }
    )
    iop, standard, other = (
        configuration.settings(config, *pair)
        for pair in [("mnist", "iop"), ("mnist", "standard"), ("freyfaces", "iop")]
    )
    assert (iop.learning_rate, iop.patience, iop.batch_size) == (0.3, 2, 7)
    assert (standard.learning_rate, standard.patience) == (0.2, 2)
    assert (other.learning_rate, other.patience) == (0.1, 1)


def test_seed_batches_cover_every_seed_once():
    config = {"seeds": 8, "seeds_per_job": 3}
    assert configuration.seed_batches(config) == [[0, 1, 2], [3, 4, 5], [6, 7]]


def test_jobs_get_the_mirror_and_this_python(monkeypatch):
    for name in ("PATH", "IOP_REPRO_MIRROR"):
        monkeypatch.setenv(name, "before")
    shipped = configuration.shipped()
    for given, expected in (("", "before"), ("mine", "mine")):
        configuration.prepare_environment(shipped | {"mirror": given})
        assert os.environ["IOP_REPRO_MIRROR"] == expected
    first = os.environ["PATH"].split(os.pathsep)[0]
    assert first == str(Path(sys.executable).parent)
