"""What a configuration may not say, each refused in one clear line."""

import subprocess
import sys

import pytest

from workflow import configuration, methods
from workflow.configuration import ROOT


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sedes": 3}, "sedes: no such key; did you mean seeds?"),
        ({"seeds": "8"}, "seeds: '8'; expected a whole number"),
        ({"compile": "true"}, "compile: 'true'; expected true or false (--config: Tru"),
        ({"seeds": 0}, "seeds: 0; expected at least 1"),
        ({"seeds": 8.0}, "seeds: 8.0; expected a whole number"),
        (
            {"training": {"learning_rate": float("nan")}},
            "training.learning_rate: nan; expected a number",
        ),
        (
            {"training": {"learning_rate": 10**400}},
            "training.learning_rate: 1000",
        ),
        (
            {"datasets": {"onehot": {"latent_dim": 3}}},
            "onehot, standard: latent_dim is 3; expected 2",
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
            "training.learning_rate: 2.0, expected in (0, 1]",
        ),
        (
            {"cells": {"bone-marrow": {"iop": {"ratio_epochs": 0}}}},
            "cells.bone-marrow.iop.ratio_epochs: 0, expected 1 or more",
        ),
        (
            {"datasets": {"mnist": {"precision": "half"}}},
            "datasets.mnist.precision: 'half', expected float32, tensorfloat32",
        ),
        ({"search": {"seeds": 3}}, "search: no rates; expected rates, seeds, patience"),
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
            "cells.mnist.iop.components: not in iop's own_settings (ratio_epochs, rat",
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
        ({"name": "mine\n"}, "name: 'mine\\n'; expected small letters, digits and"),
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
        (
            "name: 2",
            "configuration error: name: 2; expected text (of digits: in quotes)",
        ),
        ("training: {patience: 9}", "configuration error: label: ''; expected words"),
        (
            "label: mine\ntraining: {patience: 9}",
            "configuration error: name: 'paper'; expected another where settings",
        ),
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
