"""What a record says of code and commit."""

import ast
import functools
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from models import provenance

CODE = '"""Says."""\ndef twice(x):\n    """Says, too."""\n    return 2 * x  # why\n'


@pytest.fixture
def fingerprint(tmp_path, monkeypatch):
    def of(text):
        (tmp_path / "code.py").write_text(text)
        provenance.fingerprint.cache_clear()
        return provenance.fingerprint(("code.py",))

    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    yield of
    provenance.fingerprint.cache_clear()


def test_code_is_told_by_what_it_does(fingerprint):
    silent = "def twice(x):\n\n    return (2 * x)\n"
    assert fingerprint(CODE) == fingerprint(silent)
    assert fingerprint(CODE) != fingerprint(CODE.replace("2", "3"))
    assert fingerprint(CODE) != fingerprint(CODE.replace("twice", "double"))
    assert fingerprint("x = [1, [2]]\n") != fingerprint("x = [[1], 2]\n")
    assert fingerprint("f(None)\n") != fingerprint("f()\n")


def test_how_tables_show_a_prior_is_no_code_but_a_title_elsewhere_is(fingerprint):
    prior = (
        "class Mine:\n    title = 'A'\n    approximate: bool = False\n    rate = 1\n"
    )
    assert fingerprint(prior) == fingerprint(prior.replace("'A'", "'B'"))
    assert fingerprint(prior) == fingerprint(prior.replace("False", "True"))
    assert fingerprint(prior) != fingerprint(prior.replace("1", "2"))
    figure = "def draw():\n    title = 'A'\n    return title\n"
    assert fingerprint(figure) != fingerprint(figure.replace("'A'", "'B'"))


def test_empty_fields_of_a_later_python_change_no_fingerprint(fingerprint, monkeypatch):
    """As FunctionDef.type_params, which is there since 3.12."""
    before = fingerprint(CODE)
    fields = *ast.FunctionDef._fields, "later", "latest"
    monkeypatch.setattr(ast.FunctionDef, "_fields", fields)
    monkeypatch.setattr(ast.FunctionDef, "later", [], raising=False)
    monkeypatch.setattr(ast.FunctionDef, "latest", None, raising=False)
    assert fingerprint(CODE) == before


@pytest.mark.skipif(not shutil.which("git"), reason="no git")
@pytest.mark.parametrize(
    ("said", "name", "kind"),
    [
        (
            "vendor_id\t: AuthenticAMD\ncpu family\t: 26\nmodel\t\t: 2\n"
            "model name\t: AMD EPYC\nstepping\t: 1\n\nmodel name\t: another\n",
            "AMD EPYC",
            "AuthenticAMD 26 2 1",
        ),
        ("processor\t: 0\nBogoMIPS\t: 50.00\n", "arm", "arm"),  # without a name
        (None, "arm", "arm"),  # no Linux
    ],
)
def test_a_processor_has_a_name_and_a_kind(said, name, kind, monkeypatch):
    def read(path):
        assert str(path) == "/proc/cpuinfo"
        if said is None:
            raise FileNotFoundError
        return said

    monkeypatch.setattr(Path, "read_text", read)
    monkeypatch.setattr(provenance.platform, "processor", lambda: "arm")
    assert (provenance.processor(), provenance.processor_kind()) == (name, kind)


def test_a_commit_that_is_said_goes_before_a_git_that_does_not_know(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    for name in ("IOP_REPRO_COMMIT", "GIT_DIR"):
        monkeypatch.delenv(name, raising=False)
    assert provenance.commit() == "unknown"
    monkeypatch.setenv("IOP_REPRO_COMMIT", "0123456789ab")
    assert provenance.commit() == "0123456789ab"
    who = ["-c", "user.name=n", "-c", "user.email=e"]
    for command in (["init", "-q"], [*who, "commit", "-qm", "m", "--allow-empty"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    head = provenance.commit()
    assert re.fullmatch("[0-9a-f]{12}", head)
    assert head != "0123456789ab"
    (tmp_path / "code.py").write_text("x = 1\n")
    assert provenance.commit() == "0123456789ab"
    monkeypatch.delenv("IOP_REPRO_COMMIT")
    assert provenance.commit() == f"{head}+"
    (tmp_path / "code.py").unlink()
    assert provenance.commit() == head
    (tmp_path / "workflow").mkdir()
    (tmp_path / "workflow/Snakefile").write_text("rule all:\n")
    assert provenance.commit() == f"{head}+"
    monkeypatch.setattr(provenance, "ROOT", tmp_path / "workflow")
    assert provenance.commit() == "unknown"  # that repository is another's


def test_training_code_is_what_a_prior_imports_too(tmp_path, monkeypatch):
    shutil.copytree(provenance.ROOT / "models", tmp_path / "models")
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    models = tmp_path / "models"

    def codes(**files):
        for name, text in files.items():
            (models / f"{name.replace('_', '/')}.py").write_text(text)
        provenance.fingerprint.cache_clear()
        return [provenance.training_code(prior, 40) for prior in ("mine", "standard")]

    mine = (
        "import torch\nfrom models.coupling import Coupling\nfrom . import vampprior\n"
    )
    deep = "from models import deeper, evaluation\nimport models.coupling\n"
    before = codes(priors_mine=mine, coupling=deep, deeper="x = 1\n")
    for name, text in (
        ("deeper", "x = 2\n"),
        ("coupling", deep + "y = 1\n"),
        ("priors_vampprior", "x = 1\n"),
        ("evaluation", "x = 1\n"),
    ):
        after = codes(**{name: text})
        assert after[0] != before[0], name
        assert after[1] == before[1], name
        before = after
    (models / "deeper.py").unlink()
    (models / "deeper").mkdir()
    packages = []
    for text in ("x = 1\n", "x = 2\n"):
        (models / "deeper/__init__.py").write_text(text)
        packages.append(codes())
    assert packages[0][0] != packages[1][0]
    assert packages[0][1] == packages[1][1] == before[1]
    before = packages[1]
    assert codes(audit="x = 1\n") == before
    provenance.fingerprint.cache_clear()


# move no number
SILENT = {
    "building",
    "checkpoint",
    "provenance",
    "files",
    "memory",
    "priors",
    "options",
}


IMPORTS = """
import importlib, json, sys
found = {}
for name in sys.argv[1:]:
    for module in [m for m in sys.modules if m.partition(".")[0] == "models"]:
        del sys.modules[module]
    importlib.import_module(f"models.{name}")
    found[name] = [m[7:].replace(".", "/") for m in sys.modules if m[:7] == "models."]
print(json.dumps(found))
"""


@functools.cache
def imported():
    """By module: the files of models/ that it has imported once it is there."""
    names = "training", "evaluate", "audit", "posterior"
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS, *names],
        cwd=provenance.ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return {name: set(files) for name, files in json.loads(done.stdout).items()}


@pytest.fixture
def training_code(monkeypatch):
    """The files that decide what is trained where z has two dimensions."""
    seen = set()
    monkeypatch.setattr(
        provenance, "fingerprint", lambda files: seen.update(files) or ""
    )
    for method in ("standard", "vampprior", "iop", "avb"):
        provenance.training_code(method, 2)
    return {name.removeprefix("models/").removesuffix(".py") for name in seen}


def test_training_code_is_what_training_imports(training_code):
    found = imported()["training"]
    assert found - SILENT <= training_code
    assert len(found) > 12


@pytest.mark.parametrize("module", ["evaluate", "audit", "posterior"])
def test_a_measurements_code_is_what_it_imports(module, training_code):
    """Beside what is trained, which its rule has as a parameter of its own."""
    rules = (provenance.ROOT / "workflow/rules/common.smk").read_text()
    lists = re.findall(r"^\w+_CODE = core\((.*?)\)", rules, re.M | re.S)
    (counted,) = (
        names for text in lists if module in (names := re.findall(r'"(\w+)"', text))
    )
    found = imported()[module] | {module}
    assert found - SILENT - training_code == set(counted) - training_code
