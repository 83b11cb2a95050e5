"""The committed runs in results/reference: which there are, of the data they say.

``snakemake --config scores=reference`` makes every product of them; take.py brings
finished runs there.
"""

import dataclasses
from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd

from models.settings import Settings
from workflow import configuration, methods
from workflow.report import reading
from workflow.report.reading import BadInput

FOLDER = configuration.ROOT / "results/reference"
SHORT = 16  # digits of a digest in a score file
PLACES = {"settings": "the configuration", "data": "table1.csv"}
FASTER = ("tensorfloat32", "bfloat16")  # what cells of a float32 column may have


def seeds(dataset: str, method: str, folder: Path = FOLDER) -> list[int]:
    """The seeds of a pair that have a record, ascending."""
    return sorted(
        int(path.name.removeprefix("seed"))
        for path in _finished(folder / "runs" / dataset / method)
    )


def _finished(place: Path) -> Iterator[Path]:
    """The folders seedN of a folder that have a record; another name is no run's."""
    for path in place.glob("seed*/record.json"):
        if path.parent.name.removeprefix("seed").isdecimal():
            yield path.parent


def present(
    config: dict,
    pairs: Iterable[tuple[str, str]],
    folder: Path = FOLDER,
    kind: str = "scores",
) -> list[tuple[str, str]]:
    """The pairs that are there.

    Raises BadInput for runs of other settings or data, of more seeds, or measured with
    other numbers of samples, chains or temperatures.

    A faster precision passes for float32: a machine may have no time for more. Table 2
    and the comparison say of which cells that is.
    """
    found, data = [], data_digests(folder)
    for dataset, method in pairs:
        path = folder / kind / dataset / f"{method}.csv"
        if path.exists():
            wanted = configuration.settings(config, dataset, method)
            table = _of(wanted, data.get(dataset, "")[:SHORT], path)
            _check_effort(config, table, kind, path)
            found.append((dataset, method))
    return found


def _of(wanted: Settings, data: str, path: Path) -> pd.DataFrame:
    """A file of scores or audits. Raises BadInput unless all is of these."""
    passing = [wanted.digest]
    if wanted.precision == "float32":
        faster = (dataclasses.replace(wanted, precision=mode) for mode in FASTER)
        passing += [settings.digest for settings in faster]
    expected = {"settings_digest": passing, "data_digest": [data]}
    table = reading.table(path, [*expected, "metric", "samples", "seed", "value"])
    for column, fine in expected.items():
        digests, what = set(table[column]), column.removesuffix("_digest")
        if len(digests) != 1 or not digests <= set(fine):
            raise BadInput(
                f"{_named(path)}: its runs have other {what} than {PLACES[what]}, "
                f"digest {', '.join(sorted(digests))}, expected {fine[0] or 'one'}"
            )
    return table


def _named(path: Path) -> Path:
    """The path of a file of scores or audits as messages have it."""
    return path.relative_to(path.parents[4])


def _check_effort(config: dict, table: pd.DataFrame, kind: str, path: Path) -> None:
    """Raise BadInput for more seeds or another effort than the configuration's."""
    if (last := reading.integers(table, "seed", path).max()) >= config["seeds"]:
        raise BadInput(
            f"seeds: {config['seeds']}; expected {last + 1} or more, since "
            f"{_named(path)} has seed {last}"
        )
    for key, asked, there in _effort(config, table, kind, path):
        if asked != there:
            asked, there = (", ".join(map(str, of)) for of in (asked, there))
            raise BadInput(
                f"{key}: {asked}; expected {there or 'none'} as in {_named(path)}"
            )


def _effort(
    config: dict, table: pd.DataFrame, kind: str, path: Path
) -> Iterator[tuple]:
    """The keys that say how runs are scored or audited: asked for, and in a table."""

    def of(metric: str, column: str) -> list[int]:
        rows = table[table["metric"] == metric]
        return sorted(set(reading.integers(rows, column, path)))

    samples = of("log_likelihood", "samples")
    if kind == "audit":
        audit = config["audit"]
        yield "audit.samples", sorted(audit["samples"]), samples
        yield "audit.chains", [audit["chains"]], of("log_normaliser", "samples")
        yield "audit.temperatures", [audit["temperatures"]], of("temperatures", "value")
    elif samples:
        yield "importance_samples", [config["importance_samples"]], samples


def data_digests(folder: Path = FOLDER) -> dict[str, str]:
    """Digest of each dataset's arrays, by table1.csv; of a variant, as that above."""
    return table1_digests(folder) | table1_digests(above(folder))


def above(folder: Path) -> Path:
    """Where the runs lie that those of a variant's folder are held against."""
    return folder.absolute().parent.parent


def table1_digests(folder: Path) -> dict[str, str]:
    """What a folder's own table1.csv says; nothing where there is none."""
    path = folder / "table1.csv"
    if not path.exists():
        return {}
    table = reading.table(path, ("dataset", "digest"))
    return dict(zip(table["dataset"], table["digest"], strict=True))


def search_runs(dataset: str, folder: Path = FOLDER) -> list[str]:
    """The folders of a dataset's search, METHOD/rateR/seedN, in a fixed order."""
    place = folder / "search" / dataset
    return sorted(
        path.relative_to(place).as_posix()
        for rate in place.glob("*/rate*")
        for path in _finished(rate)
    )


def searched(config: dict, folder: Path = FOLDER) -> list[str]:
    """The datasets of Table 2 whose search is there, with every rate and seed.

    Raises BadInput for a run of other data or settings, but for rate and patience.
    """
    found, data = [], data_digests(folder)
    for dataset in config["table2"]["datasets"]:
        runs = search_runs(dataset, folder)
        for run in runs:
            path = folder / "search" / dataset / run / "record.json"
            name = path.relative_to(folder.parents[1])
            method = run.partition("/")[0]
            try:
                methods.split(method)
            except ValueError as error:
                raise BadInput(f"{name}: of {error}") from error
            now = configuration.settings(config, dataset, method)
            with reading.record(path) as record:
                settings, digest = record["settings"], record["data_digest"]
                free = {key: settings[key] for key in ("learning_rate", "patience")}
            if settings != now.as_dict() | free:
                raise BadInput(
                    f"{name}: of other settings than the configuration's for "
                    f"{dataset}; search again"
                )
            if digest != data.get(dataset):
                raise BadInput(
                    f"{name}: of other data than table1.csv's {dataset}; search again"
                )
        if set(configuration.search_runs(config, dataset)) <= set(runs):
            found.append(dataset)
    return found
