"""Seconds an epoch of every pair of Table 2: ``python -m benchmarks.epochs --help``.

Trains each pair for four epochs with the command that the workflow runs, one after the
other, and takes the median of all but the first, which compiles, too. What the command
needs beside its epochs is its start-up: imports, the dataset's digest, writing the run.
"""

import argparse
import csv
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import report
from models import options
from models.provenance import ROOT
from workflow import configuration

EPOCHS = 4
COLUMNS = (
    "dataset method seeds seconds_per_epoch least most startup_seconds peak_gib "
    "precision compiled threads device torch commit"
).split()


def measure(dataset: str, method: str, flags: list[str], arguments) -> dict:
    """One row: of all seeds together. Raises CalledProcessError if training fails."""
    seeds = range(arguments.seeds)
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable, "-m", "models.train", "--output", folder,
            "--data", str((arguments.data / f"{dataset}.npz").resolve()),
            "--seeds", *map(str, seeds), "--device", arguments.device,
            "--threads", str(arguments.threads), *["--compile"] * arguments.compile,
            *["--no-capture"] * arguments.no_capture,
            *flags, "--max-epochs", str(EPOCHS), "--warmup-epochs", "1",
        ]  # fmt: skip
        start = time.perf_counter()
        child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - start
        if child.returncode:
            raise subprocess.CalledProcessError(child.returncode, command)
        run = Path(folder) / "seed0"
        record = json.loads((run / "record.json").read_text())
        with open(run / "curve.csv", newline="") as file:
            ends = [float(row["seconds"]) for row in csv.DictReader(file)]
    apart = len(seeds) / len(record["stack"])  # stacks, one after the other
    epochs = [(b - a) * apart for a, b in itertools.pairwise(ends)]
    kib = 1 if sys.platform == "linux" else 1 / 1024  # elsewhere in bytes
    return {
        "dataset": dataset,
        "method": method,
        "seeds": len(seeds),
        "seconds_per_epoch": statistics.median(epochs),
        "least": min(epochs),
        "most": max(epochs),
        "startup_seconds": wall - ends[-1] * apart,
        "peak_gib": usage.ru_maxrss * kib / 2**20,
        "precision": record["precision"],
        "compiled": record["compiled"],
        "threads": record["threads"],
        "device": record["device"],
        "torch": record["versions"]["torch"],
        "commit": record["commit"],
    }


def markdown(rows: list[dict]) -> str:
    """The rows, as epochs.csv has them, as a table for a reader."""
    lines = [
        "| dataset | method | seconds an epoch (min to max) | start-up, s | "
        "peak memory, GiB |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        epoch, least, most, startup, peak = (
            float(row[name])
            for name in "seconds_per_epoch least most startup_seconds peak_gib".split()
        )
        lines.append(
            f"| {row['dataset']} | {row['method']} | {epoch:.2f} ({least:.2f} to "
            f"{most:.2f}) | {startup:.1f} | {peak:.2f} |"
        )
    one = rows[0]
    seeds = "one seed" if int(one["seeds"]) == 1 else f"{one['seeds']} seeds"
    threads = int(one["threads"])
    how = [f"{threads} threads"] * (threads > 1)
    how += ["compiled"] * (str(one["compiled"]) == "True")
    lines += [
        "",
        f"{one['device']}, torch {one['torch']}, commit {one['commit']}; "
        f"{', '.join([seeds, one['precision'], *how])}.",
    ]
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> None:
    """Measure, and write epochs.csv and epochs.md, each row as it comes."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.epochs", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "--data", type=Path, default=Path("data"), help="folder with DATASET.npz"
    )
    parser.add_argument("--output", type=Path, default=Path("results/bench"))
    parser.add_argument("--seeds", type=options.positive, default=1)
    shipped = configuration.shipped()
    table2 = configuration.table2_pairs(shipped)
    parser.add_argument(
        "--datasets",
        nargs="+",
        choices=dict.fromkeys(dataset for dataset, _ in table2),
        help="only these",
    )
    options.add_machine(parser)
    options.add_steps(parser)
    arguments = parser.parse_args(argv)
    wanted = arguments.datasets or [dataset for dataset, _ in table2]
    table2 = [pair for pair in table2 if pair[0] in wanted]
    for dataset, _ in table2:
        if not (arguments.data / f"{dataset}.npz").exists():
            sys.exit(f"error: {arguments.data / dataset}.npz: no such file")
    rows = []
    for dataset, method in table2:
        flags = configuration.settings(shipped, dataset, method).flags()
        try:
            rows.append(measure(dataset, method, flags, arguments))
        except subprocess.CalledProcessError as error:
            sys.exit(f"error: {dataset} {method}: status {error.returncode}")
        print(
            f"{dataset} {method}: {rows[-1]['seconds_per_epoch']:.2f} s an epoch, "
            f"start-up {rows[-1]['startup_seconds']:.1f} s",
            flush=True,
        )
        report.write_csv(arguments.output / "epochs.csv", rows, COLUMNS)
        report.write_text(arguments.output / "epochs.md", markdown(rows))


if __name__ == "__main__":
    main()
