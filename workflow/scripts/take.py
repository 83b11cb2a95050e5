"""Take finished runs over into results/reference.

``python -m workflow.scripts.take --results results/paper freyfaces/standard ...`` takes
pairs: scores, curves, records, audits, where there are, and, of OneHot, posterior
samples, but no weights; and the sizes of Table 1. ``--search freyfaces`` takes the
search for a dataset's learning rates.
"""

import argparse
import csv
import shutil
from pathlib import Path

import pandas as pd

from models.files import replacing
from workflow.scripts import reading
from workflow.scripts.reading import BadInput
from workflow.scripts.reference import (
    FOLDER,
    SHORT,
    data_digests,
    search_runs,
    seeds,
)

DIGITS = 7  # of a curve's values: more than a float32 has
SEARCH_CURVE = ("configuration", "epoch", "valid_elbo")  # all that a search reads


def take_search(results: Path, dataset: str, folder: Path = FOLDER) -> None:
    """Copy the finished runs of a search out of a results folder; others stay."""
    source, target = (root / "search" / dataset for root in (results, folder))
    runs = search_runs(dataset, results)
    if not runs:
        raise BadInput(f"{source}: no finished run, expected METHOD/rateR/seedN")
    for run in runs:
        _shorten(source / run / "curve.csv", target / run / "curve.csv", SEARCH_CURVE)
        _copy(source / run / "record.json", target / run / "record.json")


def take_pair(results: Path, dataset: str, method: str, folder: Path = FOLDER) -> None:
    """Copy the seeds that a pair has scores of out of a results folder.

    Of a seed that was there already, everything is replaced; other seeds stay. Raises
    BadInput, before anything is written, where a file is missing or the seeds would
    then have different settings, data, samples or columns.
    """
    pair = Path(dataset) / method
    tables = {}
    for kind in ("scores", "audit", "posterior"):
        source, target = (root / kind / f"{pair}.csv" for root in (results, folder))
        if source.exists():
            tables[target] = _read(source)
        elif kind == "scores":
            raise BadInput(f"{source}: no such file, expected a finished pair's")
        elif target.exists():  # of these seeds it would be about older weights
            tables[target] = _read(target).iloc[:0]
    scores = tables[folder / "scores" / f"{pair}.csv"]
    new = set(scores["seed"])
    runs = [results / "runs" / pair / f"seed{seed}" for seed in new]
    for run in runs:
        for name in ("record.json", "curve.csv"):
            if not (run / name).exists():
                raise BadInput(f"{run / name}: no such file, but its seed has scores")
    merged = {target: _merged(frame, target, new) for target, frame in tables.items()}
    for run in runs:
        target = folder / "runs" / pair / run.name
        _copy(run / "record.json", target / "record.json")
        _shorten(run / "curve.csv", target / "curve.csv")
    for target, frame in merged.items():
        if frame.empty:
            target.unlink()
            continue
        with replacing(target) as temporary:
            frame.to_csv(temporary, index=False)


def take_sizes(results: Path, datasets: set[str], folder: Path = FOLDER) -> None:
    """Take the datasets' rows of table1.csv over, where a results folder has one.

    Raises BadInput, before anything is written, unless all runs of the datasets, here
    and there, are of the data that it then names.
    """
    source, target = (root / "table1.csv" for root in (results, folder))
    known = data_digests(folder)
    if source.exists():
        frame = _read(source)
        frame = frame[frame["dataset"].isin(datasets)]
        frame = frame[frame["dataset"].map(known) != frame["digest"]]
        known |= dict(zip(frame["dataset"], frame["digest"], strict=True))
    for dataset in sorted(datasets):
        for path in (*_runs(results, dataset), *_runs(folder, dataset)):
            with reading.record(path) as record:
                digest = record["data_digest"]
            if dataset not in known:
                raise BadInput(f"{source}: expected a row of {dataset}")
            if digest != known[dataset]:
                raise BadInput(
                    f"{path}: of data with digest {digest[:SHORT]}, expected "
                    f"{known[dataset][:SHORT]} as in table1.csv; make both of the same "
                    "data, or remove the older runs"
                )
    if source.exists() and len(frame):
        if target.exists():
            old = _read(target)
            frame = pd.concat([old[~old["dataset"].isin(frame["dataset"])], frame])
        with replacing(target) as temporary:
            frame.to_csv(temporary, index=False)


def _runs(folder: Path, dataset: str) -> list[Path]:
    """The records of all runs of a dataset, those of its search among them."""
    return sorted(
        path
        for kind in ("runs", "search")
        for path in (folder / kind / dataset).rglob("record.json")
    )


def _copy(source: Path, target: Path) -> None:
    with replacing(target) as temporary:
        shutil.copyfile(source, temporary)


def _read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def _merged(frame: pd.DataFrame, target: Path, seeds: set[str]) -> pd.DataFrame:
    """The rows of a file with a column seed, in place of those seeds' rows."""
    if target.exists():
        old = _read(target)
        if list(old.columns) != list(frame.columns):
            raise BadInput(f"{target}: other columns, expected {', '.join(frame)}")
        frame = pd.concat([old[~old["seed"].isin(seeds)], frame])
    for column in ("settings_digest", "data_digest"):
        if column in frame:
            _one(frame[column], column, target)
    if "samples" in frame:  # a metric may have several, but then of every seed
        several = frame.groupby(["split", "metric", "seed"])["samples"]
        joined = several.agg(lambda of: ", ".join(dict.fromkeys(of)))
        for _, values in joined.groupby(["split", "metric"]):
            _one(values, "samples", target)
    return frame.sort_values("seed", key=lambda seed: seed.astype(int), kind="stable")


def _one(values: pd.Series, column: str, target: Path) -> None:
    if values.nunique() > 1:
        raise BadInput(
            f"{target}: column {column!r} would be "
            f"{' and '.join(sorted(values.unique()))}, expected one"
        )


def _shorten(source: Path, target: Path, columns: tuple[str, ...] = ()) -> None:
    """Copy a curve with fewer digits and, where named, only these columns."""

    def short(field: str) -> str:
        try:
            return f"{float(field):.{DIGITS}g}"
        except ValueError:
            return field

    with open(source, newline="") as file:
        header, *rows = csv.reader(file)
    for name in set(columns) - set(header):
        raise BadInput(f"{source}: no column {name!r}, expected {', '.join(columns)}")
    kept = [header.index(name) for name in columns or header]
    rows = [[short(row[k]) for k in kept] for row in (header, *rows)]
    with replacing(target) as temporary, open(temporary, "w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


@reading.one_line_errors
def main(argv=None):
    """Take finished pairs over."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, required=True, help="results/NAME")
    parser.add_argument("--reference", type=Path, default=FOLDER)
    parser.add_argument("--search", action="append", default=[], metavar="DATASET")
    parser.add_argument("pairs", nargs="*", metavar="DATASET/METHOD")
    args = parser.parse_args(argv)
    if not args.pairs + args.search:
        parser.error("nothing to take: expected DATASET/METHOD or --search DATASET")
    datasets = {pair.partition("/")[0] for pair in args.pairs} | set(args.search)
    take_sizes(args.results, datasets, args.reference)
    for dataset in args.search:
        take_search(args.results, dataset, args.reference)
        print(f"search of {dataset}: {len(search_runs(dataset, args.reference))} runs")
    for pair in args.pairs:
        dataset, _, method = pair.partition("/")
        take_pair(args.results, dataset, method, args.reference)
        found = seeds(dataset, method, args.reference)
        print(f"{pair}: seeds {' '.join(map(str, found))}")


if __name__ == "__main__":
    main()
