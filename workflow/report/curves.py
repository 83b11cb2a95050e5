"""The ELBO of OneHot's validation data by epoch, as the runs' curves have it."""

import argparse
import math
from pathlib import Path

import numpy as np
import pandas as pd

from workflow.methods import METHODS
from workflow.report import origins, reading
from workflow.report.reading import BadInput

# Four vectors, each a quarter of the data: no model's log-likelihood is higher.
OPTIMUM = -math.log(4)
DATASET = "onehot"
EXACT = "valid_exact_log_likelihood"  # the column that some curves have


def read(folder: Path, epochs: int) -> pd.DataFrame:
    """One run's ``elbo`` and ``exact`` ln p(x) of the validation data by epoch.

    In nats, epochs ascending; ``exact`` is nan where it was not computed. epochs: how
    many its record says it ran.
    """
    path = folder / "curve.csv"
    frame = reading.curve(folder, epochs, ("epoch", "valid_elbo"))
    if len(frame) > 1 and frame["valid_elbo"].iloc[-1] in ("", "nan", "inf", "-inf"):
        frame = frame.iloc[:-1]  # how a run that diverged ends
    epoch = reading.integers(frame, "epoch", path)
    if not len(frame) or (epoch.diff().dropna() != 1).any():
        raise BadInput(f"{path}: column 'epoch' is expected to ascend, without gaps")
    elbo = reading.numbers(frame, "valid_elbo", path)
    exact = pd.Series(np.nan, frame.index)
    if EXACT in frame:
        known = frame[~frame[EXACT].isin(("", "nan"))]
        exact = reading.numbers(known, EXACT, path).reindex(frame.index)
    return pd.DataFrame({"elbo": elbo, "exact": exact}).set_axis(epoch)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The runs, and the first epoch that counts."""
    origins.add_arguments(parser)
    parser.add_argument(
        "--first-epoch", type=int, required=True, help="the end of the warm-up"
    )


def by_method(args: argparse.Namespace) -> dict[str, list[pd.DataFrame]]:
    """The frames of `read` by method, one a run, in the order of METHODS."""
    found: dict[str, list[pd.DataFrame]] = {}
    for folder in reading.of_one_protocol(args.runs):
        with reading.record(folder / "record.json") as record:
            method = reading.method(record, folder / "record.json")
            dataset, epochs = record["dataset"], record["epochs"]
        if dataset != DATASET:
            raise BadInput(
                f"{folder / 'record.json'}: dataset {dataset!r}, expected {DATASET}"
            )
        found.setdefault(method, []).append(read(folder, epochs))
    for method, runs in found.items():
        if (last := max(run.index[-1] for run in runs)) < args.first_epoch:
            raise BadInput(
                f"--runs: of {method} they end at epoch {last}, expected epochs from "
                f"{args.first_epoch} (--first-epoch)"
            )
    return {method: found[method] for method in METHODS if method in found}
