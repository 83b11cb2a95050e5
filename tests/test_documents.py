"""The documents: links lead somewhere, tables are tables."""

import re

import pytest
from snakemake.cli import parse_config

from workflow import configuration
from workflow.configuration import ROOT

DOCUMENTS = [
    "README.md",
    "config/README.md",
    *(
        f"docs/{name}.md"
        for name in ("protocol", "extending", "speed", "sensitivity", "findings")
    ),
]
BFLOAT16 = "config/variants/bfloat16.yaml"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links(name):
    links = re.findall(r"\]\(([^)#]+)[)#]", (ROOT / name).read_text())
    for link in links:
        if not link.startswith("https://"):
            assert ((ROOT / name).parent / link).exists(), link


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_to_a_heading(name):
    path = ROOT / name
    links = re.findall(r"\]\(([\w./-]*)#([^)]+)\)", path.read_text())
    for file, heading in links:
        text = (path.parent / file if file else path).read_text()
        titles = re.findall(r"^#+ (.+)$", text, re.M)
        slugs = [re.sub(r"[^\w -]", "", t.lower()).replace(" ", "-") for t in titles]
        assert heading in slugs, f"{file}#{heading}"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_row_of_a_table_has_as_many_cells_as_its_header(name):
    """A bar in a cell, as of |z|, would cut it in two."""
    width = 0
    for line in (ROOT / name).read_text().splitlines():
        bars = len(re.findall(r"(?<!\\)\|", line)) * line.lstrip().startswith("|")
        assert not bars or not width or bars == width, line
        width = bars


@pytest.mark.parametrize("name", [*DOCUMENTS, BFLOAT16])
def test_what_follows_config_is_taken(name):
    """Snakemake reads true as text, for one."""
    said = re.findall(r"--config((?: \w+=[\w-]+)+)", (ROOT / name).read_text())
    for given in said:
        shipped = configuration.load(*configuration.SHIPPED)
        configuration.check(shipped | parse_config(given.split()))
    assert said or name not in ("README.md", "docs/speed.md", BFLOAT16)


def test_readme_names_the_commands_that_there_are():
    readme = (ROOT / "README.md").read_text()
    targets = re.findall(r"^make (\w+)", readme, re.M)
    makefile = (ROOT / "Makefile").read_text()
    assert targets
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.M), target
