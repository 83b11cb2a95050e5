"""The registry of datasets, config/datasets.yaml, read and checked."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml

from models.provenance import ROOT, fingerprint
from workflow import strict_yaml
from workflow.data import DataError
from workflow.schema import misfit

REGISTRY = ROOT / "config" / "datasets.yaml"
SCHEMA = ROOT / "workflow" / "schemas" / "datasets.schema.yaml"
DIGESTS = ("sha256", "md5", "git_blob")
# what decides the arrays; not how a file is found and fetched: its digest is known
CODE = (
    "models/data.py",
    "workflow/data/protocol.py",
    "workflow/data/readers.py",
    "workflow/data/unpickle.py",
)
FORMATS = {  # files that some readers need alone
    "bone-marrow": "workflow/data/bone_marrow.py",
    "omniglot-packed": "workflow/data/omniglot.py",
    "omniglot-zips": "workflow/data/omniglot.py",
}


@dataclass(frozen=True)
class File:
    """A raw file: its bare name and the digests it must have."""

    name: str
    sha256: str | None = None
    md5: str | None = None
    git_blob: str | None = None

    @property
    def digests(self) -> dict[str, str]:
        """The pinned digests by kind; empty where only the content is pinned."""
        return {kind: getattr(self, kind) for kind in DIGESTS if getattr(self, kind)}


@dataclass(frozen=True)
class Wheel:
    """A wheel of a package index whose ``folder`` holds the files."""

    requirement: str
    name: str
    sha256: str
    folder: str


@dataclass(frozen=True)
class Alternative:
    """One way to the raw arrays: files, where they may come from, and their reader.

    Without files the reader makes the arrays itself.
    """

    title: str
    reader: str
    files: tuple[File, ...] = ()
    base_urls: tuple[str, ...] = ()
    folder: str | None = None
    wheel: Wheel | None = None


@dataclass(frozen=True)
class Scaling:
    """Raw values to [0, 1]: noise added if ``noise_seed``, divided, clipped."""

    divisor: float = 1.0
    clip: tuple[float, float] | None = None
    noise_seed: int | None = None


@dataclass(frozen=True)
class Entry:
    """One dataset of the registry; the schema describes every field."""

    name: str
    title: str
    likelihood: str
    dynamic: bool
    height: int
    width: int
    splits: dict[str, int]
    licence: str
    citation: str
    alternatives: tuple[Alternative, ...]
    scaling: Scaling = Scaling()
    split_seed: int | None = None
    binarise_seed: int | None = None
    stands_in_for: str | None = None
    content_sha256: str | None = None

    def recipe(self) -> str:
        """Digest of what decides the arrays; a new address or title changes nothing."""
        facts = asdict(self)
        for prose in ("title", "licence", "citation", "stands_in_for"):
            del facts[prose]
        alternatives = facts.pop("alternatives")
        if self.content_sha256 is None:
            facts["from"] = [[a["reader"], a["files"]] for a in alternatives]
        text = json.dumps(facts, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def code(self) -> str:
        """Digest of the Python files that decide the arrays."""
        own = {FORMATS[a.reader] for a in self.alternatives if a.reader in FORMATS}
        return fingerprint((*CODE, *sorted(own)))


def load(path: str | os.PathLike = REGISTRY) -> dict[str, Entry]:
    """Read and check a registry; entries by key, in the order of the file.

    Raises DataError, one line naming the key and what was expected.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
        registry = strict_yaml.parse(text)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}, expected the registry") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        line = " ".join(str(error).split())
        raise DataError(f"{path}: not YAML ({line})") from error
    schema = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    if line := misfit(schema, registry, "the registry"):
        raise DataError(f"{path}: {line}")
    entries = {name: _entry(name, value) for name, value in registry.items()}
    for entry in entries.values():
        _check(entry, entries, path)
    return entries


def _entry(name: str, value: dict) -> Entry:
    value = dict(value)
    scaling = dict(value.pop("scaling", {}))
    if "clip" in scaling:
        scaling["clip"] = tuple(scaling["clip"])
    alternatives = tuple(_alternative(a) for a in value.pop("alternatives"))
    return Entry(
        name=name, scaling=Scaling(**scaling), alternatives=alternatives, **value
    )


def _alternative(value: dict) -> Alternative:
    value = dict(value)
    value["files"] = tuple(File(**file) for file in value.get("files", ()))
    value["base_urls"] = tuple(value.get("base_urls", ()))
    if "wheel" in value:
        value["wheel"] = Wheel(**value["wheel"])
    return Alternative(**value)


def _check(entry: Entry, entries: dict[str, Entry], path) -> None:
    """What a JSON schema cannot say, or not clearly."""
    where = f"{path}: {entry.name}"
    if entry.dynamic and (
        entry.likelihood != "bernoulli" or entry.binarise_seed is None
    ):
        raise DataError(
            f"{where}.dynamic: is true, expected likelihood bernoulli "
            "and a binarise_seed with it"
        )
    if entry.binarise_seed is not None and not entry.dynamic:
        raise DataError(
            f"{where}.binarise_seed: is {entry.binarise_seed}, expected none where "
            "dynamic is false: nothing is binarised"
        )
    others = [name for name in entries if name != entry.name]
    for name in others:
        if entries[name].title == entry.title:
            raise DataError(
                f"{where}.title: is {entry.title!r}, which {name} has, too, expected "
                "another: tables name datasets by it"
            )
    if entry.stands_in_for is not None and entry.stands_in_for not in others:
        raise DataError(
            f"{where}.stands_in_for: is {entry.stands_in_for!r}, "
            f"expected another dataset: {', '.join(others) or 'there is none'}"
        )
    clip = entry.scaling.clip
    if clip is not None and clip[0] >= clip[1]:
        raise DataError(f"{where}.scaling.clip: is {list(clip)}, expected lowest first")
    for index, alternative in enumerate(entry.alternatives):
        if alternative.reader == "npz" and len(alternative.files) != 1:
            raise DataError(
                f"{where}.alternatives.{index}.files: {len(alternative.files)} files, "
                "expected one that reader npz reads"
            )
        for number, file in enumerate(alternative.files):
            if not file.digests and entry.content_sha256 is None:
                raise DataError(
                    f"{where}.alternatives.{index}.files.{number}: no digest, expected "
                    f"{', '.join(DIGESTS)} (or content_sha256 of the dataset)"
                )
