"""The configuration: strict, one clear line an error, in agreement with the core."""

import subprocess
import sys
from dataclasses import fields

import pytest
import yaml

from models.settings import PRECISIONS, Settings
from workflow import configuration, methods
from workflow.configuration import ROOT

CONFIGURATIONS = [
    ("paper.yaml",),
    *(("paper.yaml", n) for n in ("quick.yaml", "stand-ins.yaml")),
    *(("paper.yaml", f"{n}.yaml") for n in PRECISIONS if n != "float32"),
    *(("paper.yaml", file) for file in (ROOT / "config/variants").glob("*.yaml")),
]


@pytest.mark.parametrize("names", CONFIGURATIONS)
def test_shipped_configurations_are_valid(names):
    configuration.check(configuration.load(*names))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sedes": 3}, "sedes: no such key; did you mean seeds?"),
        ({"seeds": "8"}, "seeds: '8' is not of type 'integer'"),
        ({"seeds": 0}, "seeds: 0 is less than the minimum of 1"),
        ({"seeds": 8.0}, "seeds: 8.0 is not of type 'integer'"),
        (
            {"training": {"learning_rate": float("nan")}},
            "training.learning_rate: nan; expected a number",
        ),
        (
            {"datasets": {"onehot": {"latent_dim": 3}}},
            "datasets.onehot.latent_dim: 3; expected 2",
        ),
        (
            {"training": {"learnin_rate": 0.1}},
            "training.learnin_rate: no such key; did",
        ),
        (
            {"training": {"learning_rate": "1e-3"}},
            "training.learning_rate: '1e-3'; expected a number, like 0.001 or 1.0e-3",
        ),
        (
            {"training": {"learning_rate": 2}},
            "training.learning_rate: 2 is greater tha",
        ),
        ({"datasets": {"mnits": {}}}, "datasets: 'mnits'; expected onehot, mnist, omn"),
        ({"table1": ["mnits"]}, "table1.0: 'mnits'; expected onehot, mnist, omnig"),
        (
            {"onehot": ["vamp"]},
            "onehot.0: 'vamp'; expected " + ", ".join([*methods.PRIORS, "avb"]),
        ),
        ({"table2": {"datasets": ["mnist"], "priors": ["avb"]}}, "table2.priors.0: 'a"),
        ({"figure3": {"dataset": "mnist", "components": [10, 10]}}, "figure3.compone"),
        ({"cells": {"mnist": {"standart": {}}}}, "cells.mnist: 'standart'; expected"),
        (
            {"cells": {"mnist": {"iop": {"components": 5}}}},
            "cells.mnist.iop.components: iop does not read it; expected keys of every",
        ),
        (
            {"training": {"max_epochs": 50}},
            "onehot, standard: max_epochs is 50; expected 100 or more: where the last",
        ),
        (
            {"cells": {"onehot": {"iop": {"max_epochs": 50, "warmup_epochs": 10}}}},
            "onehot, iop: max_epochs is 50; expected 100 or more",
        ),
        (
            {"cells": {"mnist": {"avb": {}}}},
            "cells.mnist: 'avb'; expected it in onehot",
        ),
        ({"label": "with {braces}"}, "label: 'with {braces}'; expected words without"),
        ({"name": "A b"}, "name: 'A b'; expected small letters, digits and hyphens"),
        ({"name": "reference"}, "name: 'reference'; expected small letters, digits"),
        ({"name": "my-reference"}, "name: 'my-reference'; expected small letters"),
        ({True: 3}, "True: no such key; expected"),
    ],
)
def test_an_error_is_one_clear_line(change, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is checked
        configuration.check(configuration.load("paper.yaml") | change)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ("sedes: 3", "configuration error: sedes: no such key; did you mean seeds?"),
        ("name: 2", "configuration error: name: 2 is not of type 'string'"),
        ("training: {patience: 9}", "configuration error: label: ''; expected words"),
        ("seeds: 2\nseeds: 3", "mine.yaml: not YAML (key 'seeds' twice, expected onc"),
    ],
)
def test_snakemake_shows_that_line_and_fails(change, line, tmp_path):
    (tmp_path / "mine.yaml").write_text(change)
    files = ["--configfile", str(tmp_path / "mine.yaml")]
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "-n", *files],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert line in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [\n", "mine.yaml: not YAML (while"),
        ("- a\n", "mine.yaml: ['a']; expected k"),
    ],
)
def test_a_file_that_is_no_configuration_is_one_line(tmp_path, text, message):
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is checked
        configuration.load("paper.yaml", tmp_path / "mine.yaml")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_prior_has_no_hyphen(tmp_path, monkeypatch):
    (tmp_path / "priors").mkdir()
    (tmp_path / "priors/my-prior.py").write_text("class Mine:\n    title = 'Mine'\n")
    monkeypatch.setattr(methods, "MODELS", tmp_path)
    with pytest.raises(
        ValueError, match=r"my-prior\.py: expected a name without a hyp"
    ):
        methods.priors()
    (tmp_path / "priors/my-prior.py").rename(tmp_path / "priors/mine.py")
    assert methods.priors() == {"mine": {"title": "Mine"}}
    (tmp_path / "priors/mine.py").rename(tmp_path / "priors/avb.py")
    with pytest.raises(ValueError, match=r"avb\.py: expected another name"):
        methods.priors()


@pytest.mark.parametrize("own", [("component",), "components", ["components"], 3])
def test_settings_of_a_prior_that_there_are_not(own, tmp_path, monkeypatch):
    """As where the comma of a tuple is forgotten: they would be ignored."""
    (tmp_path / "priors").mkdir()
    text = f"class Mine:\n    own_settings = {own!r}\n"
    (tmp_path / "priors/mine.py").write_text(text)
    monkeypatch.setattr(methods, "MODELS", tmp_path)
    with pytest.raises(
        ValueError, match=r"mine\.py: own_settings is .*, expected a tu"
    ):
        methods.priors()


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
    for change in (
        {"training": paper["training"] | {"patience": 49}},
        {"cells": {"mnist": {"iop": {"learning_rate": 0.0005}}}},
        {"cells": {"onehot": {"avb": {"learning_rate": 0.0005}}}},  # Figures 1 and 2
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


def test_frames_split_anew_are_trained_as_freyfaces_is():
    names = "paper.yaml", "stand-ins.yaml", "other-split.yaml"
    config = configuration.check(configuration.load(*names))
    assert configuration.follows_the_paper(config)
    for prior in config["table2"]["priors"]:
        method = configuration.method(config, "freyfaces", prior)
        assert configuration.settings(
            config, "freyfaces-split1", method
        ) == configuration.settings(config, "freyfaces", method)


def test_every_key_has_description_and_default():
    def visit(properties, path=""):
        for key, rule in properties.items():
            assert rule["description"], path + key
            assert ("default" in rule) != ("properties" in rule), path + key
            visit(rule.get("properties", {}), f"{path}{key}.")

    rules = configuration.schema()
    visit(rules["properties"])
    visit(rules["$defs"]["training"]["properties"])


def test_schema_and_settings_agree():
    training = configuration.schema()["$defs"]["training"]["properties"]
    settings = {f.name: f for f in fields(Settings) if f.name != "method"}
    assert set(training) == set(settings)
    types = {"integer": int, "number": float, "boolean": bool, "string": str}
    for key, rule in training.items():
        assert rule["default"] == settings[key].default, key
        assert types[rule["type"]] is settings[key].type, key


def test_an_empty_configuration_is_the_papers():
    """The schema's defaults and paper.yaml say the same."""
    paper, empty = (
        configuration.check(configuration.load("paper.yaml")),
        configuration.check({}),
    )
    for key in set(empty) - {"training", "datasets", "cells"}:
        assert paper[key] == empty[key], key
    assert {**Settings().as_dict(), **paper["training"]} == Settings().as_dict()


def test_what_a_part_leaves_out_has_its_default():
    search = configuration.check({"search": {"seeds": 3}})["search"]
    assert search == {"rates": [0.0001, 0.0003, 0.001], "seeds": 3, "patience": 200}


def test_section_5_2():
    """Every number that the paper's text gives."""
    config = configuration.check(configuration.load("paper.yaml"))
    for dataset, method in configuration.pairs(config):
        s = configuration.settings(config, dataset, method)
        assert s.hidden_units == 500
        assert s.batch_size == 100
        assert 1e-4 <= s.learning_rate <= 1e-3
        assert 1e-4 <= s.ratio_learning_rate <= 1e-3
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
    assert config["seeds"] == 8
    assert config["importance_samples"] == 10


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


def test_environment_agrees_with_the_pins():
    pins = [
        line
        for line in (ROOT / "requirements.txt").read_text().splitlines()
        if not line.startswith("#")
    ]
    assert all(line.count("==") == 1 for line in pins)
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    (pip,) = (d for d in environment["dependencies"] if isinstance(d, dict))
    text = (ROOT / "requirements.txt").read_text()
    first, second = text.split("# and these need:")
    direct = [line for line in first.splitlines() if not line.startswith("#")]
    assert pip["pip"] == direct
    assert len(second.splitlines()) > 10


def test_the_installed_versions_are_the_pinned_ones():
    from importlib.metadata import version

    for line in (ROOT / "requirements.txt").read_text().splitlines():
        if not line.startswith("#"):
            name, pinned = line.split("==")
            assert version(name).partition("+")[0] == pinned, name
