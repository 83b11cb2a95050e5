"""The documents: every relative link leads somewhere."""

import re

import pytest

from workflow.scripts.configuration import ROOT

DOCUMENTS = [
    "README.md",
    "config/README.md",
    *(
        f"docs/{name}.md"
        for name in ("protocol", "extending", "speed", "sensitivity", "findings")
    ),
]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links(name):
    links = re.findall(r"\]\(([^)#]+)\)", (ROOT / name).read_text())
    for link in links:
        if not link.startswith("https://"):
            assert ((ROOT / name).parent / link).exists(), link


def test_readme_names_the_commands_that_there_are():
    readme = (ROOT / "README.md").read_text()
    targets = re.findall(r"^make (\w+)", readme, re.M)
    makefile = (ROOT / "Makefile").read_text()
    assert targets
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.M), target
