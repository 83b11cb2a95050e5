"""The committed runs in results/reference: which there are, and how they get there.

``python -m workflow.scripts.reference --results results/paper freyfaces/standard ...``
takes finished pairs over: scores, curves, records and, of OneHot, posterior samples,
but no weights; and the sizes of Table 1. ``snakemake --config scores=reference`` makes
every product of them.
"""

import argparse
import csv
import shutil
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from models.files import replacing
from workflow.scripts import configuration, reading
from workflow.scripts.reading import BadInput

FOLDER = configuration.ROOT / "results/reference"
DIGITS = 7  # of a curve's values: more than a float32 has


def seeds(dataset: str, method: str, folder: Path = FOLDER) -> list[int]:
    """The seeds of a pair that have a record, ascending."""
    records = (folder / "runs" / dataset / method).glob("seed*/record.json")
    return sorted(int(path.parent.name.removeprefix("seed")) for path in records)


def present(
    config: dict, pairs: Iterable[tuple[str, str]], folder: Path = FOLDER
) -> list[tuple[str, str]]:
    """The pairs that are there. Raises BadInput for runs of other settings."""
    found = []
    for dataset, method in pairs:
        path = folder / "scores" / dataset / f"{method}.csv"
        if not path.exists():
            continue
        settings = configuration.settings(config, dataset, method)
        digests = set(reading.table(path, ("settings_digest",))["settings_digest"])
        if digests != {settings.digest}:
            raise BadInput(
                f"{path.relative_to(folder.parents[1])}: its runs have other settings "
                f"than the configuration, digest {', '.join(sorted(digests))}, "
                f"expected {settings.digest}"
            )
        found.append((dataset, method))
    return found


def take(results: Path, dataset: str, method: str, folder: Path = FOLDER) -> None:
    """Copy a finished pair out of a results folder.

    Of a seed that was there already, everything is replaced; other seeds stay. Raises
    BadInput where the seeds would then have different settings or data.
    """
    pair = Path(dataset) / method
    runs = sorted((results / "runs" / pair).glob("seed*"))
    scores = results / "scores" / f"{pair}.csv"
    samples = results / "posterior" / f"{pair}.csv"
    if not runs or not scores.exists():
        raise BadInput(
            f"{scores}: no such file, expected the scores of a finished pair"
        )
    _merge(scores, folder / "scores" / f"{pair}.csv")
    if samples.exists():
        _merge(samples, folder / "posterior" / f"{pair}.csv")
    for run in runs:
        target = folder / "runs" / pair / run.name
        _copy(run / "record.json", target / "record.json")
        _shorten(run / "curve.csv", target / "curve.csv")


def _copy(source: Path, target: Path) -> None:
    with replacing(target) as temporary:
        shutil.copyfile(source, temporary)


def _merge(source: Path, target: Path) -> None:
    """Put the rows of a file with a column seed in place of the same seeds' rows."""
    frame = pd.read_csv(source, dtype=str, keep_default_na=False)
    if target.exists():
        old = pd.read_csv(target, dtype=str, keep_default_na=False)
        frame = pd.concat([old[~old["seed"].isin(frame["seed"])], frame])
    for column in {"settings_digest", "data_digest"} & set(frame.columns):
        if frame[column].nunique() > 1:
            raise BadInput(
                f"{target}: column {column!r} would be "
                f"{' and '.join(sorted(frame[column].unique()))}, expected one"
            )
    frame = frame.sort_values("seed", key=lambda seed: seed.astype(int), kind="stable")
    with replacing(target) as temporary:
        frame.to_csv(temporary, index=False)


def _shorten(source: Path, target: Path) -> None:
    def short(field: str) -> str:
        try:
            return f"{float(field):.{DIGITS}g}"
        except ValueError:
            return field

    with open(source, newline="") as file:
        rows = [[short(field) for field in row] for row in csv.reader(file)]
    with replacing(target) as temporary, open(temporary, "w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


@reading.one_line_errors
def main(argv=None):
    """Take finished pairs over."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, required=True, help="results/NAME")
    parser.add_argument("--reference", type=Path, default=FOLDER)
    parser.add_argument("pairs", nargs="+", metavar="DATASET/METHOD")
    args = parser.parse_args(argv)
    sizes = args.results / "table1.csv"
    if sizes.exists():
        _copy(sizes, args.reference / "table1.csv")
    for pair in args.pairs:
        dataset, _, method = pair.partition("/")
        take(args.results, dataset, method, args.reference)
        found = seeds(dataset, method, args.reference)
        print(f"{pair}: seeds {' '.join(map(str, found))}")


if __name__ == "__main__":
    main()
