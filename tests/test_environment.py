"""The pinned versions: the same in every file, and those that are here."""

import yaml

from workflow.configuration import ROOT


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
