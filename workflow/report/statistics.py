"""Mean, deviation and the pair-wise t-test behind the bold type of Table 2.

The paper says "a pair-wise t-test" at 5 % (Section 5.3) and no more. The choice here
is Welch's unpaired, two-sided two-sample test of each method against the best one,
without correction for the number of comparisons: nothing pairs seed k of two methods,
and the printed deviations of a column differ up to 3.5 times, so equal variances
cannot be assumed. With the paper's own means and deviations at n = 8 it gives the
paper's bold type in all four columns (tests/test_statistics.py). That "±" is the
sample standard deviation (divisor n - 1) is a choice as well: the paper says
"standard deviations", in the caption of Figure 3.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import special

from workflow.report import tabular

LEVEL = 0.05


@dataclass(frozen=True)
class Summary:
    """n values, their mean and their sample standard deviation (None for n = 1)."""

    n: int
    mean: float
    sd: float | None

    def __str__(self):
        """Mean and deviation with two decimals as in the paper."""
        return tabular.spread(self.mean, self.sd)


@dataclass(frozen=True)
class Difference:
    """A t-test of mean(a) - mean(b), Welch's or of pairs.

    difference, low, high: nats; low and high bound the 95 % confidence interval.
    p: two-sided.
    """

    difference: float
    p: float
    low: float
    high: float

    @property
    def significant(self) -> bool:
        """Whether the means differ at 5 %."""
        return self.p < LEVEL


@dataclass(frozen=True)
class Standing:
    """A method's place in a column; p is None for the best and without a test."""

    best: bool
    bold: bool
    p: float | None


def summarise(values: np.ndarray) -> Summary:
    """Summary of (n,) values, n >= 1."""
    values = np.asarray(values, dtype=float)
    if values.ndim != 1 or not len(values):
        raise ValueError(f"values are {values.shape}, expected (n,) with n >= 1")
    sd = float(values.std(ddof=1)) if len(values) > 1 else None
    return Summary(len(values), float(values.mean()), sd)


def welch(a: Summary, b: Summary) -> Difference:
    """Welch's two-sided test of a against b; raises ValueError when an n is < 2."""
    return _contrast(a.mean - b.mean, (a, b))


def welch_of_gaps(a: Summary, b: Summary, c: Summary, d: Summary) -> Difference:
    """Two-sided test of a - b against c - d, all independent, as Welch's of two.

    Degrees of freedom by Satterthwaite (1946). Raises ValueError when an n is < 2.
    """
    return _contrast((a.mean - b.mean) - (c.mean - d.mean), (a, b, c, d))


def _contrast(difference: float, parts: tuple[Summary, ...]) -> Difference:
    """Test of a sum and difference of independent means."""
    if min(part.n for part in parts) < 2:
        found = ", ".join(str(part.n) for part in parts)
        raise ValueError(f"n = {found}, expected at least 2 in each")
    variances = [part.sd**2 / part.n for part in parts]
    whole = sum(variances)
    if whole == 0:
        return _test(difference, 0.0, sum(part.n - 1 for part in parts))
    # shares of the variance, not its squares: tiny deviations must not underflow
    shares = [variance / whole for variance in variances]
    df = 1 / sum(s**2 / (p.n - 1) for s, p in zip(shares, parts, strict=True))
    return _test(difference, math.sqrt(whole), df)


def paired(a: np.ndarray, b: np.ndarray) -> Difference:
    """Two-sided paired test of a against b, (n,) each; ValueError when n is < 2."""
    of = summarise(np.subtract(a, b))
    if of.n < 2:
        raise ValueError(f"{of.n} pair, expected at least 2")
    return _test(of.mean, of.sd / math.sqrt(of.n), of.n - 1)


def _test(difference: float, error: float, df: float) -> Difference:
    """Two-sided t-test of a difference with this standard error."""
    if error == 0:  # no spread at all: the means are equal or they are not
        p = 1.0 if difference == 0 else 0.0
        return Difference(difference, p, difference, difference)
    p = min(1.0, 2 * float(special.stdtr(df, -abs(difference / error))))
    margin = float(special.stdtrit(df, 1 - LEVEL / 2)) * error
    return Difference(difference, p, difference - margin, difference + margin)


def standings(column: Mapping[str, Summary]) -> dict[str, Standing]:
    """Which methods of a column of Table 2 are bold.

    Bold are the best mean and every method that does not differ from it at 5 %. What
    has fewer than two seeds can be in no test and is not bold, be it the best, and
    where there is one method it is the best of nothing.
    """
    if not column:
        return {}
    best = max(column, key=lambda method: column[method].mean)
    several = len(column) > 1
    places = {}
    for method, summary in column.items():
        if method == best:
            places[method] = Standing(several, several and summary.n > 1, None)
        elif min(summary.n, column[best].n) < 2:
            places[method] = Standing(False, False, None)
        else:
            test = welch(summary, column[best])
            places[method] = Standing(False, not test.significant, test.p)
    return places
