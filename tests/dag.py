"""Snakemake on a copy of what a clone would hold, for the tests of the workflow."""

import contextlib
import re
import shutil
import subprocess
import sys

from workflow import configuration
from workflow.configuration import ROOT

TINY = ["--configfile", "config/quick.yaml", "tests/tiny.yaml"]


def tiny():
    """The configuration of TINY, checked."""
    names = "paper.yaml", "quick.yaml", "../tests/tiny.yaml"
    return configuration.check(configuration.load(*names))


@contextlib.contextmanager
def edited(path, old, new):
    """Put other text into a file for as long as the block lasts."""
    before = path.read_text()
    assert old in before
    path.write_text(before.replace(old, new))
    try:
        yield
    finally:
        path.write_text(before)


def snakemake(folder, *arguments):
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "2", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout + done.stderr


def jobs(folder, *arguments):
    """What a dry run lists: {rule: count}."""
    return planned(folder, *arguments)[0]


def planned(folder, *arguments):
    """The same, and the whole output."""
    status, output = snakemake(folder, "-n", *arguments)
    assert status == 0, output
    table = re.search(r"^job +count\n-.*?\n(.*?)\n\n", output, re.M | re.S)
    if table is None:
        assert "Nothing to be done" in output, output
        return {}, output
    rows = (line.split() for line in table[1].splitlines())
    return {rule: int(count) for rule, count in rows if rule != "total"}, output


def checkout(folder):
    """Copy what a clone would hold, without products; there need not be a git."""
    leave = shutil.ignore_patterns(".git", ".venv", ".snakemake", "__pycache__", "data")
    for name in ("Snakefile", "environment.yml"):
        shutil.copy2(ROOT / name, folder)
    for name in ("benchmarks", "config", "models", "profiles", "tests", "workflow"):
        shutil.copytree(ROOT / name, folder / name, ignore=leave)
    shutil.copytree(ROOT / "workflow/data", folder / "workflow/data")
    shutil.copytree(ROOT / "results/reference", folder / "results/reference")
    return folder
