"""Take finished runs over into results/reference.

``python -m workflow.scripts.take --results results/paper freyfaces/standard ...`` takes
pairs: scores, curves, records, audits, where there are, and, of OneHot, posterior
samples, but no weights; and the sizes of Table 1. ``--search freyfaces`` takes the
search for a dataset's learning rates.
"""

import argparse
from pathlib import Path

import pandas as pd

from workflow.reference import (
    FOLDER,
    SHORT,
    above,
    data_digests,
    search_runs,
    seeds,
    table1_digests,
)
from workflow.report import products, reading, selection
from workflow.report.reading import BadInput

DIGITS = 7  # of a curve's values: more than a float32 has
SEARCH_CURVE = ("configuration", "epoch", "valid_elbo")  # all that a search reads


Writes = dict[Path, str | None]  # the text of each file to write; None deletes it


def search_files(results: Path, dataset: str, folder: Path = FOLDER) -> Writes:
    """The finished runs of a search out of a results folder; others stay."""
    source, target = (root / "search" / dataset for root in (results, folder))
    runs = search_runs(dataset, results)
    if not runs:
        raise BadInput(f"{source}: no finished run, expected METHOD/rateR/seedN")
    writes = {}
    for run in runs:
        writes |= _run(source / run, target / run, SEARCH_CURVE)
    return writes


def pair_files(
    results: Path, dataset: str, method: str, folder: Path = FOLDER
) -> Writes:
    """The seeds that a pair has scores of out of a results folder.

    Of a seed that was there already, everything is replaced; other seeds stay. Raises
    BadInput where a file is missing, scores are of other weights than the record, or
    the seeds would then have different settings, data, samples or columns.
    """
    pair = Path(dataset) / method
    tables = {}
    for kind in ("scores", "audit", "posterior"):
        source, target = (root / kind / f"{pair}.csv" for root in (results, folder))
        if source.exists():
            wanted = ("seed",) if kind == "posterior" else ("seed", "diverged")
            tables[target] = reading.table(source, wanted)
        elif kind == "scores" or (kind == "posterior" and dataset == "onehot"):
            raise BadInput(f"{source}: no such file, expected a finished pair's")
        elif target.exists():  # of these seeds it would be about older weights
            tables[target] = reading.table(target, ("seed",)).iloc[:0]
    new = set(tables[folder / "scores" / f"{pair}.csv"]["seed"])
    writes = {}
    for seed in new:
        run = results / "runs" / pair / f"seed{seed}"
        for name in ("record.json", "curve.csv"):
            if not (run / name).exists():
                raise BadInput(f"{run / name}: no such file, but its seed has scores")
        for target, frame in tables.items():
            source = results / target.relative_to(folder)
            _of_the_run(frame[frame["seed"] == seed], source, run / "record.json")
        writes |= _run(run, folder / "runs" / pair / run.name)
    for target, frame in tables.items():
        merged = _merged(frame[frame["seed"].isin(new)], target, new)
        writes[target] = None if merged.empty else _text(merged)
    return writes


def size_files(results: Path, datasets: set[str], folder: Path = FOLDER) -> Writes:
    """The datasets' rows of table1.csv, where a results folder has one.

    Raises BadInput unless all runs of the datasets, here and there, are of the data
    that it then names; for a variant's, of those that the table above names.
    """
    source, target = (root / "table1.csv" for root in (results, folder))
    known, fixed = data_digests(folder), table1_digests(above(folder))
    frame = pd.DataFrame()
    if source.exists():
        frame = reading.table(source, ("dataset", "digest"))
        frame = frame[frame["dataset"].isin(datasets)]
        frame = frame[frame["dataset"].map(known) != frame["digest"]]
        known |= dict(zip(frame["dataset"], frame["digest"], strict=True)) | fixed
        frame = frame[~frame["dataset"].isin(fixed)]
    for dataset in sorted(datasets):
        for path in (*_records(results, dataset), *_records(folder, dataset)):
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
    if frame.empty:
        return {}
    if target.exists():
        old = reading.table(target, ("dataset",))
        frame = pd.concat([old[~old["dataset"].isin(frame["dataset"])], frame])
    return {target: _text(frame)}


def _records(folder: Path, dataset: str) -> list[Path]:
    """The records of all runs of a dataset, those of its search among them."""
    return sorted(
        path
        for kind in ("runs", "search")
        for path in (folder / kind / dataset).rglob("record.json")
    )


def _of_the_run(frame: pd.DataFrame, source: Path, path: Path) -> None:
    """Raise BadInput where a seed's rows name other weights than its record."""
    with reading.record(path) as record:
        expected = {name: str(record[name]) for name in ("epoch", "epochs", "commit")}
        expected["diverged"] = str(record.get("diverged", False))
        expected["data_digest"] = record["data_digest"][:SHORT]
    for column, value in expected.items():
        for found in set(frame.get(column, ())) - {value}:
            raise BadInput(
                f"{source}: {column} {found} of seed {record['seed']}, expected "
                f"{value} as in {path}; score it again"
            )


def _run(source: Path, target: Path, columns: tuple[str, ...] = ()) -> Writes:
    """A run's record, and its curve with fewer digits; where named, these columns."""
    record = (source / "record.json").read_text(encoding="utf-8")
    with reading.record(source / "record.json") as facts:
        epochs = facts["epochs"]
    curve = reading.curve(source, epochs, columns)
    curve = curve[list(columns or curve.columns)].map(_short)
    # the record last: a run is there once its record is
    return {target / "curve.csv": _text(curve), target / "record.json": record}


def _short(field: str) -> str:
    try:
        return f"{float(field):.{DIGITS}g}"
    except ValueError:
        return field


def _text(frame: pd.DataFrame) -> str:
    return frame.to_csv(index=False, lineterminator="\n")


def _merged(frame: pd.DataFrame, target: Path, seeds: set[str]) -> pd.DataFrame:
    """The rows of a file with a column seed, in place of those seeds' rows."""
    if target.exists():
        old = reading.table(target, ("seed",))
        old = old[~old["seed"].isin(seeds)]
        if len(old) and list(old.columns) != list(frame.columns):
            raise BadInput(f"{target}: other columns, expected {', '.join(frame)}")
        frame = pd.concat([old, frame]) if len(old) else frame
    for column in ("settings_digest", "data_digest"):
        if column in frame:
            _one(frame[column], column, target)
    if "samples" in frame:  # a metric may have several, but then of every seed
        several = frame.groupby(["split", "metric", "seed"])["samples"]
        joined = several.agg(lambda of: ", ".join(dict.fromkeys(of)))
        for _, values in joined.groupby(["split", "metric"]):
            _one(values, "samples", target)
    frame = frame.reset_index(drop=True)
    order = reading.integers(frame, "seed", target).sort_values(kind="stable").index
    return frame.loc[order]


def _one(values: pd.Series, column: str, target: Path) -> None:
    if values.nunique() > 1:
        raise BadInput(
            f"{target}: column {column!r} would be "
            f"{' and '.join(sorted(values.unique()))}, expected one"
        )


@reading.one_line_errors
def main(argv=None):
    """Take over all that is named or, where one is refused, nothing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, required=True, help="results/NAME")
    parser.add_argument("--reference", type=Path, default=FOLDER)
    parser.add_argument("--search", action="append", default=[], metavar="DATASET")
    parser.add_argument(
        "pairs", nargs="*", type=selection.pair, metavar="DATASET/METHOD"
    )
    args = parser.parse_args(argv)
    if not args.pairs + args.search:
        parser.error("nothing to take: expected DATASET/METHOD or --search DATASET")
    datasets = {dataset for dataset, _ in args.pairs} | set(args.search)
    writes = size_files(args.results, datasets, args.reference)
    for dataset in args.search:
        writes |= search_files(args.results, dataset, args.reference)
    for dataset, method in args.pairs:
        writes |= pair_files(args.results, dataset, method, args.reference)
    for target, text in writes.items():
        if text is None:
            target.unlink(missing_ok=True)
            continue
        products.write_text(target, text)
    for dataset in args.search:
        print(f"search of {dataset}: {len(search_runs(dataset, args.reference))} runs")
    for dataset, method in args.pairs:
        found = seeds(dataset, method, args.reference)
        print(f"{dataset}/{method}: seeds {' '.join(map(str, found))}")


if __name__ == "__main__":
    main()
