"""FreyFaces in seven settings: the scores of the committed runs, and their gaps."""

import functools

from committed import CELLS, freyfaces, normalised, printed, scored, welch
from scipy import stats

CHOSEN, RATIO, SAME, LOW, EARLY, REDUCED, SPLIT = (
    "1e-3, the VampPrior 3e-4",
    "as the first, T's 1e-4",
    "1e-3",
    "3e-4",
    "1e-3, patience 50",
    "1e-3, reduced, patience 50",
    "as the first, split anew",
)
PAIRS = (("vampprior-500", "standard"), ("iop", "standard"), ("iop", "vampprior-500"))


@functools.cache
def settings():
    """The scores by setting and method; the VampPrior's where it was run."""

    def of(variant, methods):
        return {m: freyfaces(m, kind=f"variants/{variant}/scores") for m in methods}

    two = "standard", "iop"
    chosen = {m: freyfaces(m) for m in CELLS}
    found = {
        CHOSEN: chosen,
        # T is the IOP's alone
        RATIO: chosen | of("ratio-rate1e-4", ["iop"]),
        SAME: chosen | of("rate1e-3", ["vampprior-500"]),
        # the VampPrior's rate is 3e-4 where it was chosen
        LOW: chosen | of("rate3e-4", two),
        EARLY: of("patience50", CELLS),
        REDUCED: of("patience50-reduced", two),
        SPLIT: {m: scored("freyfaces-split1", m) for m in CELLS},
    }
    assert {len(of) for row in found.values() for of in row.values()} == {8}
    return found


@functools.cache
def whole():
    """The settings that were run with all three priors."""
    return {name: of for name, of in settings().items() if len(of) == 3}


@functools.cache
def less():
    """The IOP's scores less ln Z, where it was audited."""

    def of(variant):
        place = f"variants/{variant}"
        integral = freyfaces("iop", "prior", "log_normaliser", f"{place}/audit")
        return freyfaces("iop", kind=f"{place}/scores") - integral

    return {
        CHOSEN: normalised("freyfaces"),
        RATIO: of("ratio-rate1e-4"),
        SAME: normalised("freyfaces"),
        LOW: of("rate3e-4"),
        SPLIT: normalised("freyfaces-split1"),
    }


def gap(of, high, low):
    return of[high].mean() - of[low].mean()


def apart(of, high, low):
    return gap(of, high, low), welch(of[high], of[low])


def margin(of, high, low):
    """Half the 95 % interval of our gap less the paper's."""
    error, df = _error(of, high, low)
    return stats.t.ppf(0.975, df) * error


def shift(of, high, low):
    """Ours less the paper's gap, and its p."""
    shift = gap(of, high, low) - (_printed(high).mean - _printed(low).mean)
    error, df = _error(of, high, low)
    return shift, 2 * stats.t.sf(abs(shift) / error, df)


def _error(of, high, low):
    """The standard error of a shift, and its degrees by Satterthwaite."""
    sds = [sd for m in (high, low) for sd in (of[m].std(), _printed(m).sd)]
    variances = [sd**2 / 8 for sd in sds]
    df = 7 * sum(variances) ** 2 / sum(v**2 for v in variances)
    return sum(variances) ** 0.5, df


def _printed(method):
    return printed("freyfaces")[method.partition("-")[0]]
