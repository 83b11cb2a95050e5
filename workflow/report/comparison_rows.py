"""The rows of the comparison with the paper, one part after the other."""

from workflow.report import datasets
from workflow.report.verdicts import SIZES, TOO_FEW, Judge, size_verdict

VALUE_COLUMNS = (
    "dataset,stand_in_for,prior,components,samples,precision,n,diverged,"
    "mean,sd,paper_components,paper_n,paper_mean,paper_sd,difference,low,high,p_value,"
    "verdict"
).split(",")
ORDER_COLUMNS = (
    "dataset,stand_in_for,prior,other,gap,p_value,paper_gap,"
    "paper_p_value,shift,low,high,shift_p_value,verdict"
).split(",")
SIZE_COLUMNS = [
    *("dataset", "stand_in_for", *SIZES),
    *(f"paper_{size}" for size in SIZES),
    "verdict",
]


def value_rows(judge: Judge) -> list[dict]:
    """One row a cell of Table 2: ours, the paper's, the difference, the verdict."""
    rows = []
    for (dataset, prior), cell in judge.table.cells.items():
        verdict, test = judge.value(dataset, prior)
        printed = judge.printed(dataset, prior)
        difference = test.difference if test else None
        if verdict == TOO_FEW:  # a number too; only its test is missing
            difference = cell.summary.mean - printed.summary.mean
        rows.append(
            cell.facts()
            | {
                "stand_in_for": datasets.stands_in_for(dataset),
                "paper_components": printed.components if printed else None,
                "paper_n": printed.summary.n if printed else None,
                "paper_mean": printed.summary.mean if printed else None,
                "paper_sd": printed.summary.sd if printed else None,
                "difference": difference,
                "low": test.low if test else None,
                "high": test.high if test else None,
                "p_value": test.p if test else None,
                "verdict": verdict,
            }
        )
    return rows


def order_rows(judge: Judge) -> list[dict]:
    """One row a pair of priors in a column: the gap other - prior, ours and theirs.

    shift: ours less theirs, with its 95 % interval low to high.
    """
    rows = []
    for dataset, low, high in judge.pairs():
        found = judge.order(dataset, low, high)
        mine, theirs, shift = found.ours, found.paper, found.shift
        cells = [judge.table.cells[dataset, prior].summary for prior in (low, high)]
        rows.append(
            {
                "dataset": dataset,
                "stand_in_for": datasets.stands_in_for(dataset),
                "prior": low,
                "other": high,
                # a gap of single seeds is a number too; only its test is missing
                "gap": cells[1].mean - cells[0].mean if all(cells) else None,
                "p_value": mine.p if mine else None,
                "paper_gap": theirs.difference if theirs else None,
                "paper_p_value": theirs.p if theirs else None,
                "shift": shift.difference if shift else None,
                "low": shift.low if shift else None,
                "high": shift.high if shift else None,
                "shift_p_value": shift.p if shift else None,
                "verdict": found.verdict,
            }
        )
    return rows


def size_rows(ours: dict, paper: dict) -> list[dict]:
    """One row a dataset of ours or of the paper's Table 1.

    A stand-in is set against the dataset that it stands in for.
    """
    stood_for = {datasets.original(dataset) for dataset in ours}
    absent = [dataset for dataset in paper if dataset not in stood_for]
    rows = []
    for dataset in [*ours, *absent]:
        mine, theirs = ours.get(dataset), paper.get(datasets.original(dataset))
        row = {
            "dataset": dataset,
            "stand_in_for": datasets.stands_in_for(dataset),
            "verdict": size_verdict(mine, theirs),
        }
        for place, size in enumerate(SIZES):
            row[size] = mine[place] if mine else None
            row[f"paper_{size}"] = theirs[place] if theirs else None
        rows.append(row)
    return rows
