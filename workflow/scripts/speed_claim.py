"""The claim of speed in Section 5.3: training with the VampPrior against the IOP.

Rule ``speed_claim`` of workflow/rules/tables.smk calls it; ``--help`` says how.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from workflow.methods import METHODS
from workflow.report import datasets, origins, products, reading, tabular

OURS, OTHER = "iop", "vampprior"
PAPER = {"mnist": 2.83}  # "almost 2.83 times faster", Section 5.3
COLUMNS = (
    "dataset method device threads side_by_side compiled precision n "
    "epochs seconds_per_epoch seconds_per_run times_iop_per_epoch times_iop_to_stop "
    "paper"
).split()
HEADER = (
    "Dataset;Prior;Device;n;Epochs;Seconds an epoch;Seconds a run;"
    "Times IOP, an epoch;Times IOP, to the stop;Paper"
).split(";")
NOTE = (
    "Training alone, validation included, of one seed; where several train side by "
    "side, their share of the job's time. Seconds an epoch: the median over the epochs "
    "of a job in which all its seeds were training, then over the jobs. Epochs and "
    "seconds a run: means up to the stop, the seconds with whatever else the machine "
    "did meanwhile; none of a job that did not end. Times IOP: as a multiple of the "
    "implicit optimal prior's where both were trained alike; to the stop, of the "
    "product of epochs and seconds an epoch. Runs that diverged are left out."
)


def read(folder: Path) -> dict:
    """What a run's record says of its time, and its curve of an epoch's."""
    with reading.record(folder / "record.json") as record:
        row = {
            "dataset": record["dataset"],
            "method": reading.method(record, folder / "record.json"),
            "device": record["device"],
            "threads": int(record["threads"]),
            "side_by_side": len(record["stack"]),
            "compiled": bool(record["compiled"]),
            "precision": record["precision"],
            "epochs": int(record["epochs"]),
            "diverged": bool(record.get("diverged", False)),
            "job": str(record["stack"]),
            "seconds": float(record["training_seconds"]),
        }
    curve = reading.curve(folder, row["epochs"], ("seconds",))
    elapsed = reading.numbers(curve, "seconds", folder / "curve.csv")
    epoch = float(np.median(np.diff(elapsed, prepend=0.0)))
    return row | {"epoch": epoch / row["side_by_side"]}


def seconds_per_run(runs: pd.DataFrame) -> float | None:
    """The mean, each seed with its share of its job; None if a job did not end.

    At its end a job writes its seconds into the records of all its seeds. Until then
    each has those up to its own stop.
    """
    jobs = runs.groupby("job")["seconds"]
    whole = (jobs.size() == runs.groupby("job")["side_by_side"].first()).all()
    if not whole or (jobs.nunique() > 1).any():
        return None
    return (runs["seconds"] / runs["side_by_side"]).mean()


def rows(records: list[dict]) -> list[dict]:
    """One row a dataset, way of training and method."""
    frame = pd.DataFrame(records)
    found = []
    # only such are compared
    like = ["dataset", "device", "threads", "side_by_side", "compiled", "precision"]
    for values, group in frame.groupby(like, sort=False):
        times = {}
        for method, runs in group.groupby("method"):
            # the seed that stops first: until then all of a job's seeds train
            first = runs.loc[runs.groupby("job")["epochs"].idxmin()]
            epoch = first["epoch"].median()
            times[method] = epoch, epoch * runs["epochs"].mean()
        for method in METHODS:
            if method not in times:
                continue
            runs = group[group["method"] == method]
            ours = times.get(OURS)
            found.append(
                dict(zip(like, values, strict=True))
                | {
                    "method": method,
                    "n": len(runs),
                    "epochs": runs["epochs"].mean(),
                    "seconds_per_epoch": times[method][0],
                    "seconds_per_run": seconds_per_run(runs),
                    "times_iop_per_epoch": ours and times[method][0] / ours[0],
                    "times_iop_to_stop": ours and times[method][1] / ours[1],
                    "paper": PAPER.get(values[0]) if method == OTHER else None,
                }
            )
    return found


def grid(found: list[dict]) -> list[list[str]]:
    """The cells as text."""
    return [
        [
            datasets.name(row["dataset"]),
            METHODS[row["method"]],
            _device(row),
            str(row["n"]),
            f"{row['epochs']:.0f}",
            f"{row['seconds_per_epoch']:.2f}",
            tabular.number(row["seconds_per_run"], "{:.0f}"),
            tabular.number(row["times_iop_per_epoch"]),
            tabular.number(row["times_iop_to_stop"]),
            tabular.number(row["paper"]),
        ]
        for row in found
    ]


def _device(row: dict) -> str:
    words = [row["device"]]
    for name, many in (("threads", "threads"), ("side_by_side", "seeds side by side")):
        words += [f"{row[name]} {many}"] * (row[name] > 1)
    return ", ".join(words + ["compiled"] * row["compiled"])


@reading.one_line_errors
def main(argv=None):
    """Write the table as CSV and Markdown."""
    parser = products.parser(__doc__, "csv", "markdown")
    origins.add_arguments(parser)
    args = parser.parse_args(argv)
    read_all = [read(folder) for folder in reading.of_one_protocol(args.runs)]
    whole = [run for run in read_all if not run["diverged"]]
    found = rows(whole) if whole else []
    products.write_csv(args, args.csv, found, COLUMNS)
    products.write_page(
        args,
        "Speed of training",
        tabular.markdown(HEADER, grid(found), left=(0, 1, 2)),
        NOTE,
        origins.of_runs(args.runs),
    )


if __name__ == "__main__":
    main()
