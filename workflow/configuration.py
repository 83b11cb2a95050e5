"""A configuration: checked, and resolved into runs."""

import os
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import yaml

from models.options import HELP
from models.provenance import ROOT
from models.settings import SHARED, Settings
from workflow import methods, strict_yaml
from workflow.data import registry
from workflow.schema import misfit

SCHEMA = ROOT / "workflow" / "schemas" / "config.schema.yaml"
KINDS = {int: "integer", float: "number", bool: "boolean", str: "string"}
SHIPPED = "paper.yaml", "stand-ins.yaml"  # what variants are laid over


def schema() -> dict:
    """Return the schema, with the datasets, priors and settings that there are."""
    found = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    priors = list(methods.PRIORS)
    found["$defs"]["dataset"]["enum"] = list(registry.load())
    found["$defs"]["prior"]["enum"] = priors
    found["$defs"]["method"]["enum"] = [*priors, "avb"]
    found["$defs"]["training"]["properties"] = {
        field.name: {"type": KINDS[field.type], "description": HELP[field.name]}
        for field in fields(Settings)
        if field.name != "method"
    }
    for part in (found, *found["properties"].values()):
        part["required"] = list(part.get("properties", {}))
    return found


def load(*names: str | Path) -> dict:
    """Return files laid over each other as Snakemake does it.

    Mappings are merged key by key, all else is replaced. names: below config/, or
    absolute. Raises ValueError for a file that is not YAML, has a key twice, or none.
    """
    merged: dict = {}
    for name in names:
        text = (ROOT / "config" / name).read_text(encoding="utf-8")
        try:
            content = strict_yaml.parse(text)
        except yaml.YAMLError as error:
            line = " ".join(str(error).split())
            raise ValueError(f"{name}: not YAML ({line})") from error
        if not isinstance(content, dict):
            raise ValueError(f"{name}: {content!r}; expected keys and values")
        _lay_over(merged, content)
    return merged


def _lay_over(below: dict, above: dict) -> None:
    for key, value in above.items():
        if isinstance(value, dict) and isinstance(below.get(key), dict):
            _lay_over(below[key], value)
        else:
            below[key] = value


def check(config: dict) -> dict:
    """Return the configuration, if it is one.

    Raises ValueError with one line: the key, what stands there, what was expected.
    """
    if line := misfit(schema(), config, "configuration"):
        raise ValueError(line)
    for where, values in _layers(config):
        try:
            Settings(**_typed(values))
        except ValueError as error:
            raise ValueError(f"{where}.{error}") from error
    _check_cells(config["cells"])
    first = first_epoch(config)
    for dataset, name in onehot_pairs(config):
        found = settings(config, dataset, name)
        if found.latent_dim != 2:
            raise ValueError(
                f"{dataset}, {name}: latent_dim is {found.latent_dim}; expected 2, "
                "since Figure 1 is drawn in two dimensions (onehot: [] leaves it out)"
            )
        if found.max_epochs < first:
            raise ValueError(
                f"{dataset}, {name}: max_epochs is {found.max_epochs}; expected "
                f"{first} or more: where the last warm-up ends, Figure 2 begins "
                "(onehot: [] leaves it out)"
            )
    return config


def _layers(config: dict) -> Iterator[tuple[str, dict]]:
    """Every part with settings, and its key."""
    yield "training", config["training"]
    for dataset, values in config["datasets"].items():
        yield f"datasets.{dataset}", values
    for dataset, column in config["cells"].items():
        for name, values in column.items():
            yield f"cells.{dataset}.{name}", values


def _typed(values: dict) -> dict:
    """Settings with the types that they have: in YAML 1 may stand for 1.0."""
    kinds = Settings.__dataclass_fields__
    return {key: kinds[key].type(value) for key, value in values.items()}


def _check_cells(cells: dict) -> None:
    """Refuse keys of a cell that its method does not read, and AVB on images."""
    for dataset, column in cells.items():
        for name, values in column.items():
            if name == "avb" and dataset != "onehot":
                raise ValueError(f"cells.{dataset}: 'avb'; expected it in onehot alone")
            own = methods.OWN_SETTINGS[name]
            if unread := sorted(set(values) - SHARED - set(own)):
                raise ValueError(
                    f"cells.{dataset}.{name}.{unread[0]}: not in {name}'s own_settings "
                    f"({', '.join(own) or 'none'}); expected that or a key of all"
                )


def prepare_environment(config: dict) -> None:
    """Give the jobs the Python that runs this, on the path or not, and the mirror."""
    found = [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    os.environ["PATH"] = os.pathsep.join(found)
    if config["mirror"]:
        os.environ["IOP_REPRO_MIRROR"] = config["mirror"]


def seed_batches(config: dict) -> list[list[int]]:
    """Return the seeds of each training job."""
    seeds, size = list(range(config["seeds"])), config["seeds_per_job"]
    return [seeds[i : i + size] for i in range(0, len(seeds), size)]


def method(config: dict, dataset: str, prior: str) -> str:
    """Return the folder name of a method: with Table 2's K if it is a mixture."""
    if prior not in methods.MIXTURES:
        return prior
    return f"{prior}-{settings(config, dataset, prior).components}"


def settings(config: dict, dataset: str, method: str) -> Settings:
    """Return the protocol of a pair: training, then datasets, then cells.

    method: a prior or avb; with -K behind a mixture, that K is its components.
    """
    prior, _, components = method.partition("-")
    merged = dict(config["training"])
    merged |= config["datasets"].get(dataset, {})
    merged |= config["cells"].get(dataset, {}).get(prior, {})
    if components:
        merged["components"] = int(components)
    # what only other methods read must not retrain this one
    read = SHARED | set(methods.OWN_SETTINGS[prior])
    own = {key: value for key, value in merged.items() if key in read}
    return Settings(method=prior, **_typed(own))


def shipped() -> dict:
    """Return the paper's configuration with the stand-ins, checked."""
    try:
        return check(load(*SHIPPED))
    except ValueError as error:
        raise ValueError(f"of {' and '.join(SHIPPED)}: {error}") from error


def follows_the_paper(config: dict) -> bool:
    """Whether every run that the shipped configurations have has their settings.

    Only then may its values be held against the paper's. Priors and datasets of a
    reader's own have any settings: there is nothing to hold them against.
    """
    paper = shipped()
    known = {*paper["onehot"], *paper["table2"]["priors"]}
    # without -K, which would give the paper the same K
    every = {(dataset, name.partition("-")[0]) for dataset, name in pairs(config)}
    return all(
        settings(config, dataset, prior) == settings(paper, dataset, prior)
        for dataset, prior in every
        if dataset in paper["datasets"] and prior in known
    )


def table2_pairs(config: dict) -> list[tuple[str, str]]:
    """Return the (dataset, method) pairs of Table 2."""
    return [
        (dataset, method(config, dataset, prior))
        for dataset in config["table2"]["datasets"]
        for prior in config["table2"]["priors"]
    ]


def search_runs(config: dict, dataset: str) -> list[str]:
    """Return the folders of a column's search, METHOD/rateR/seedN."""
    return [
        f"{method(config, dataset, prior)}/rate{rate}/seed{seed}"
        for prior in config["table2"]["priors"]
        for rate in config["search"]["rates"]
        for seed in range(config["search"]["seeds"])
    ]


def audit_flags(config: dict) -> str:
    """Return command-line arguments that spell out the audit."""
    audit = config["audit"]
    samples = " ".join(map(str, audit["samples"]))
    return (
        f"--samples {samples} --chains {audit['chains']} "
        f"--temperatures {audit['temperatures']}"
    )


def onehot_pairs(config: dict) -> list[tuple[str, str]]:
    """Return the (dataset, method) pairs of Figures 1 and 2."""
    return [("onehot", method(config, "onehot", prior)) for prior in config["onehot"]]


def first_epoch(config: dict) -> int:
    """Return the first epoch of Figure 2: all of its runs are past their warm-up."""
    found = (settings(config, *pair).warmup_epochs for pair in onehot_pairs(config))
    return max(found, default=0)


def figure3_pairs(config: dict) -> list[tuple[str, str]]:
    """Return the (dataset, method) pairs of Figure 3: the sweep and our prior.

    None without a K to sweep over.
    """
    if not config["figure3"]["components"]:
        return []
    dataset = config["figure3"]["dataset"]
    chosen = settings(config, dataset, "vampprior").components
    sweep = sorted({*config["figure3"]["components"], chosen})
    return [*((dataset, f"vampprior-{k}") for k in sweep), (dataset, "iop")]


def pairs(config: dict) -> Iterator[tuple[str, str]]:
    """Yield every (dataset, method) pair to be run, once."""
    kinds = onehot_pairs(config), table2_pairs(config), figure3_pairs(config)
    yield from dict.fromkeys(pair for kind in kinds for pair in kind)
