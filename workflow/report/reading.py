"""Reading CSV files so that a wrong one is named in a line, not in a traceback."""

import functools
import json
import math
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from workflow.data import DataError
from workflow.methods import METHODS


class BadInput(ValueError):
    """An input is not what its format says: file, column, value and expectation."""


def one_line_errors(build: Callable) -> Callable:
    """Make ``main``: bad input ends with one line on stderr and exit status 1."""
    name = Path(build.__code__.co_filename).stem  # its module may be called __main__

    @functools.wraps(build)
    def main(argv=None):
        try:
            build(argv)
        except (BadInput, DataError, OSError) as error:
            sys.exit(f"{name}: {error}")

    return main


@contextmanager
def record(path: str | Path) -> Iterator[dict]:
    """A run's record.json; BadInput if it is none, or lacks what is looked up in it."""
    try:
        yield json.loads(Path(path).read_text(encoding="utf-8"))
    except BadInput:  # of one that looked closer
        raise
    except KeyError as error:
        raise BadInput(f"{path}: not a run's record (it has no {error})") from error
    except OSError as error:
        raise BadInput(f"{path}: not a run's record ({error.strerror})") from error
    except (ValueError, TypeError) as error:
        raise BadInput(f"{path}: not a run's record ({error})") from error


def method(record: dict, path: Path) -> str:
    """The method of a run; BadInput where there is none of that name (any more)."""
    if (found := record["settings"]["method"]) not in METHODS:
        known = ", ".join(METHODS)
        raise BadInput(f"{path}: method {found!r}, expected one of {known}")
    return found


def once(folders: Iterable[Path]) -> list[Path]:
    """The folders of runs; BadInput for one that is given twice: it would count so."""
    folders = list(folders)
    places = [folder.resolve() for folder in folders]
    for folder, place in zip(folders, places, strict=True):
        if places.count(place) > 1:
            raise BadInput(f"--runs {folder}: given twice, expected each run once")
    return folders


def of_one_protocol(folders: Iterable[Path]) -> list[Path]:
    """The same; BadInput, too, for two of a method on a dataset in other settings."""
    folders, first = once(folders), {}
    for folder in folders:
        with record(folder / "record.json") as of:
            pair, settings = (of["dataset"], of["settings"]["method"]), of["settings"]
        before = first.setdefault(pair, settings)
        for name in before | settings:
            one, other = before.get(name), settings.get(name)
            if one != other:
                raise BadInput(
                    f"--runs: {'/'.join(pair)} of {name} {one} and {other}, expected "
                    "one"
                )
    return folders


def table(path: str | Path, columns: Iterable[str]) -> pd.DataFrame:
    """A CSV file as text, (rows, its columns), with at least ``columns``.

    The index counts lines that are not blank, so that an error can name one.
    Raises BadInput when a column is missing or the file is no CSV.
    """
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeError) as error:
        raise BadInput(f"{path}: not a CSV file ({str(error).strip()})") from error
    if not isinstance(frame.index, pd.RangeIndex):  # pandas would shift the columns
        raise BadInput(f"{path}: rows have more fields than the header names")
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise BadInput(
            f"{path}: column {missing[0]!r} is missing, "
            f"expected {', '.join(columns)}; found {', '.join(frame.columns)}"
        )
    frame.index = pd.RangeIndex(2, 2 + len(frame))
    return frame


def curve(folder: Path, epochs: int, columns: Iterable[str]) -> pd.DataFrame:
    """A run's curve.csv as ``table`` reads it: a row for each of its epochs.

    epochs: how many its record says it ran; BadInput for another number of rows.
    """
    path = folder / "curve.csv"
    frame = table(path, columns)
    if len(frame) != epochs:
        raise BadInput(f"{path}: {len(frame)} rows, expected {epochs}, one an epoch")
    return frame


def _each(frame: pd.DataFrame, column: str, path, convert, expected: str) -> pd.Series:
    converted = []
    for line, text in frame[column].items():
        try:
            converted.append(convert(text))
        except ValueError:
            raise BadInput(
                f"{path}: line {line}, column {column!r} is {text!r}, "
                f"expected {expected}"
            ) from None
    return pd.Series(converted, index=frame.index, name=column, dtype=object)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _whole(text: str) -> int:
    number = _finite(text)  # a column with gaps may have been written as 500.0
    if number != int(number) or not 0 <= number < 2**63:
        raise ValueError(text)
    return int(number)


def numbers(frame: pd.DataFrame, column: str, path) -> pd.Series:
    """The column as finite floats (float64)."""
    return _each(frame, column, path, _finite, "a finite number").astype(float)


def integers(frame: pd.DataFrame, column: str, path) -> pd.Series:
    """The column as whole numbers from 0 (int64)."""
    return _each(frame, column, path, _whole, "a whole number").astype("int64")


def optional_integers(frame: pd.DataFrame, column: str, path) -> pd.Series:
    """The column as Python integers, None where the field is empty (object)."""
    expected = "a whole number or nothing"
    return _each(
        frame, column, path, lambda text: _whole(text) if text else None, expected
    )


def choices(frame: pd.DataFrame, column: str, path, known: Iterable[str]) -> pd.Series:
    """The column as text, each value one of ``known``."""

    def convert(text):
        if text not in known:
            raise ValueError(text)
        return text

    expected = f"one of {', '.join(known)}"
    return _each(frame, column, path, convert, expected)
