"""What the commands that measure trained runs share: rows of a CSV, one a value."""

import argparse
import csv
import functools
import math
import os
import sys
from collections.abc import Callable, Iterator, Sequence

import torch

from models import machine, memory, options, provenance, runs
from models.files import check_writable, replacing
from models.settings import Settings

COLUMNS = (
    "configuration dataset prior components seed split metric value samples epoch "
    "epochs diverged commit device torch precision scoring_commit scoring_device "
    "settings_digest data_digest"
).split()

# (model, dataset, streams of a use, arguments) -> split, metric, samples, values (S,)
Measure = Callable[..., Iterator[tuple[str, str, int, torch.Tensor]]]
# (arguments, dataset, device) -> rows by column
Rows = Callable[..., Iterator[dict]]


def parser(module: str, description: str) -> argparse.ArgumentParser:
    """Return a command line with what every such command takes."""
    p = argparse.ArgumentParser(prog=f"python -m {module}", description=description)
    options.add_runs(p)
    p.add_argument(
        "--output", required=True, help="CSV, one row a seed, metric and split"
    )
    options.add_configuration(p)
    options.add_machine(p)
    return p


def write(arguments: argparse.Namespace, measure: Measure) -> None:
    """Measure every run and write one CSV; exits with one line on bad input."""
    table(arguments, COLUMNS, functools.partial(_rows, measure))


def table(arguments: argparse.Namespace, columns: Sequence[str], rows: Rows) -> None:
    """Write what rows(arguments, dataset, device) yields; exits as `write` does."""
    try:
        _check(arguments)
        device = machine.prepare(arguments)
        found = list(rows(arguments, options.dataset(arguments.data), device))
        with replacing(arguments.output) as path, open(path, "w", newline="") as file:
            writer = csv.DictWriter(file, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(found)
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")
    except (RuntimeError, MemoryError) as error:
        if not memory.full(error):
            raise
        many = len(machine.stacks(arguments.runs, torch.device(arguments.device))[0])
        sys.exit(memory.line(error, many, "run", "fewer --runs"))


def _check(arguments) -> None:
    if os.path.isdir(arguments.output):
        raise ValueError(f"--output {arguments.output}: a folder, expected a file")
    found = [os.path.realpath(folder) for folder in arguments.runs]
    for folder, path in zip(arguments.runs, found, strict=True):
        if found.count(path) > 1:
            raise ValueError(f"--runs {folder}: given twice, expected each run once")
    check_writable(os.path.dirname(arguments.output) or ".")


def _rows(measure, arguments, dataset, device) -> Iterator[dict]:
    scoring = {
        "configuration": arguments.configuration,
        "scoring_commit": provenance.commit(),
        "scoring_device": machine.describe(device),
    }
    for model, facts in runs.read(arguments.runs, dataset, device):
        traces = [_trace(fact, model.own_settings) | scoring for fact in facts]
        # streams apart, so that one metric's samples do not move another
        streams = functools.partial(runs.streams, facts, device)
        for split, metric, samples, values in measure(
            model, dataset, streams, arguments
        ):
            what = {"split": split, "metric": metric, "samples": samples}
            for trace, value in zip(traces, values.tolist(), strict=True):
                found = f"{split} {metric} of seed {trace['seed']} is {value}"
                if math.isfinite(value):
                    yield trace | what | {"value": value}
                elif samples:
                    raise ValueError(f"{found}, expected a finite number")
                else:  # nothing was sampled: no grid of quadrature.py resolves it
                    print(f"{found}: left out", file=sys.stderr)


def _trace(fact: dict, own_settings: tuple[str, ...]) -> dict:
    """Return the columns that say where a seed's scores come from."""
    record = fact["record"]
    settings = fact["settings"]
    mixture = "components" in own_settings
    return {
        "dataset": fact["dataset"],
        "prior": settings["method"],
        "components": settings["components"] if mixture else "",
        "seed": fact["seed"],
        "epoch": fact["epoch"],
        "epochs": fact["epochs"],
        "diverged": record.get("diverged", False),
        "commit": record["commit"],
        "device": record["device"],
        "torch": record["versions"]["torch"],
        "precision": record["precision"],
        "settings_digest": Settings(**settings).digest,
        "data_digest": fact["data_digest"][:16],
    }
