"""What may be said of our numbers next to the paper's, in a few exact words."""

from dataclasses import dataclass
from itertools import combinations

from workflow.methods import METHODS
from workflow.report import datasets, reading
from workflow.report.reading import BadInput
from workflow.report.selection import Table
from workflow.report.statistics import Difference, Summary, welch, welch_of_gaps

REFERENCE = ("dataset", "prior", "components", "mean", "sd", "n")
SIZES = ("dimension", "train", "valid", "test")
# Section 5.2: "We set the sample size of the importance sampling to 10."
SAMPLES = 10
TOO_FEW = "too few seeds"


@dataclass(frozen=True)
class Printed:
    """A cell of the paper's Table 2: its numbers and the VampPrior's K."""

    summary: Summary
    components: int | None


def printed(path: str) -> dict[tuple[str, str], Printed]:
    """Read results/reference/paper.csv by (dataset, prior)."""
    frame = reading.table(path, REFERENCE)
    _check_once(frame, ["dataset", "prior"], path)
    for column, least in (("sd", 0), ("n", 2)):
        values = reading.numbers(frame, column, path)
        for line, value in values[values < least].items():
            raise BadInput(
                f"{path}: line {line}, column {column!r} is {value:g}, expected "
                f"{least} or more"
            )
    columns = zip(
        frame["dataset"],
        reading.choices(frame, "prior", path, METHODS),
        reading.optional_integers(frame, "components", path),
        reading.numbers(frame, "mean", path),
        reading.numbers(frame, "sd", path),
        reading.integers(frame, "n", path),
        strict=True,
    )
    return {
        (dataset, prior): Printed(Summary(int(n), mean, sd), k)
        for dataset, prior, k, mean, sd, n in columns
    }


def table_sizes(path: str) -> dict[str, tuple[int, ...]]:
    """Read a Table 1 in CSV: dimension, train, valid and test by dataset."""
    frame = reading.table(path, ("dataset", *SIZES))
    _check_once(frame, ["dataset"], path)
    columns = [reading.integers(frame, column, path) for column in SIZES]
    return {
        dataset: tuple(int(column[line]) for column in columns)
        for line, dataset in frame["dataset"].items()
    }


def _check_once(frame, key: list[str], path: str) -> None:
    for line in frame.index[frame.duplicated(key)]:
        what = "/".join(frame.loc[line, key])
        raise BadInput(f"{path}: line {line}, a second row of {what}, expected one")


@dataclass(frozen=True)
class Gap:
    """The gap between two priors of a column: ours, the paper's, and ours less it.

    None where there is no test; the last also where the two are not comparable.
    """

    verdict: str
    ours: Difference | None = None
    paper: Difference | None = None
    shift: Difference | None = None


@dataclass(frozen=True)
class Judge:
    """Compares a table with the paper's.

    reduced: name of a configuration that is not the paper's protocol, else "".
    """

    table: Table
    paper: dict[tuple[str, str], Printed]
    reduced: str = ""

    def printed(self, dataset: str, prior: str) -> Printed | None:
        """The paper's cell, for a stand-in that of the dataset it stands in for."""
        return self.paper.get((datasets.original(dataset), prior))

    def _is_stand_in(self, dataset: str) -> bool:
        return datasets.original(dataset) != dataset

    def _other_settings(self, dataset: str, prior: str) -> str:
        """How the cell's K or S is not the paper's; "" when both are.

        A stand-in may have any K.
        """
        cell, printed = self.table.cells[dataset, prior], self.printed(dataset, prior)
        if cell.components != printed.components and not self._is_stand_in(dataset):
            return f"not comparable: K = {cell.components}, not {printed.components}"
        if cell.samples != SAMPLES:
            return f"not comparable: S = {cell.samples}, not {SAMPLES}"
        return ""

    def value(self, dataset: str, prior: str) -> tuple[str, Difference | None]:
        """Verdict on a cell; ours minus the paper's only where it means something."""
        ours = self.table.cells[dataset, prior].summary
        printed = self.printed(dataset, prior)
        if printed is None:
            return "not in the paper", None
        if ours is None:
            return "missing", None
        if self._is_stand_in(dataset):
            return "not comparable: stand-in", None
        if self.reduced:
            return f"not comparable: {self.reduced}", None
        if other := self._other_settings(dataset, prior):
            return other, None
        if ours.n < 2:
            return TOO_FEW, None
        test = welch(ours, printed.summary)
        if not test.significant:
            return "holds", test
        return f"differs, {'higher' if test.difference > 0 else 'lower'}", test

    def order(self, dataset: str, low: str, high: str) -> Gap:
        """Verdict on the gap high - low of a column.

        Of a stand-in the order alone is judged: other data may have other gaps.
        """
        ours = [self.table.cells[dataset, prior].summary for prior in (high, low)]
        printed = [self.printed(dataset, prior) for prior in (high, low)]
        theirs = welch(*(cell.summary for cell in printed)) if all(printed) else None
        mine = welch(*ours) if all(s and s.n > 1 for s in ours) else None
        if theirs is None:
            return Gap("not in the paper", mine)
        if None in ours:
            return Gap("missing", None, theirs)
        if self.reduced:
            return Gap(f"not comparable: {self.reduced}", mine, theirs)
        for prior in (low, high):
            if other := self._other_settings(dataset, prior):
                return Gap(other, mine, theirs)
        if mine is None:
            return Gap(TOO_FEW, None, theirs)
        shift = None
        if not self._is_stand_in(dataset):
            shift = welch_of_gaps(*ours, *(cell.summary for cell in printed))
        return Gap(_gap_verdict(mine, theirs, shift), mine, theirs, shift)

    def pairs(self) -> list[tuple[str, str, str]]:
        """Every (dataset, low, high), in the order of the rows of Table 2."""
        return [
            (dataset, low, high)
            for dataset in self.table.datasets
            for low, high in combinations(self.table.priors, 2)
        ]


def _gap_verdict(mine: Difference, theirs: Difference, shift: Difference | None) -> str:
    """Whether the gaps differ, and if not, whether their order is the same.

    That one test finds what another does not is no difference between the two; that
    neither finds anything is no agreement where the gaps are not compared themselves.
    """
    opposite = mine.difference * theirs.difference < 0
    if opposite and mine.significant and theirs.significant:
        return "differs, reversed"
    if shift and shift.significant:
        return f"differs, {'higher' if shift.difference > 0 else 'lower'}"
    if mine.significant != theirs.significant:
        only = "here" if mine.significant else "in the paper"
        return f"open: significant only {only}"
    return "holds" if mine.significant or shift else "open: significant in neither"


def size_verdict(ours: tuple[int, ...] | None, paper: tuple[int, ...] | None) -> str:
    """Whether a row of Table 1 is the paper's."""
    if paper is None:
        return "not in the paper"
    if ours is None:
        return "missing"
    return "equal" if ours == paper else "differs"
