"""Scores in long form, one row per seed and metric, and the cells made of them."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workflow.methods import METHODS, MIXTURES
from workflow.report import reading
from workflow.report.reading import BadInput
from workflow.report.statistics import Summary, summarise

COLUMNS = (
    "dataset,prior,components,seed,split,metric,value,samples,epoch,epochs,diverged,"
    "commit,device,torch,precision,settings_digest,data_digest,scoring_commit,"
    "scoring_device"
).split(",")
SPLITS = ("valid", "test")
METRICS = (
    "elbo",
    "log_likelihood",
    "reconstruction",
    "kl",
    "exact_log_likelihood",  # where z has two dimensions
    "optimal_prior_log_likelihood",
)
KEY = ["dataset", "prior", "components", "seed", "split", "metric", "samples"]


@dataclass(frozen=True)
class Cell:
    """The scores of one dataset and prior.

    components: K of a mixture, None for the others.
    samples: importance samples S of the log-likelihood; None without scores.
    values: (n,) float64, nats, one a seed, in the order of the seeds.
    diverged: how many of the runs ended so, after the epoch that is kept.
    precision: of training's matrix products, each that there was.
    """

    dataset: str
    prior: str
    components: int | None
    samples: int | None
    values: np.ndarray
    diverged: int = 0
    precision: str = ""

    @property
    def summary(self) -> Summary | None:
        """n, mean and standard deviation; None for a cell without scores."""
        return summarise(self.values) if len(self.values) else None

    def facts(self) -> dict:
        """What the rows of Table 2 and of the comparison both say of it."""
        names = "dataset prior components samples diverged precision".split()
        found = {name: getattr(self, name) for name in names}
        mean, sd = (
            (self.summary.mean, self.summary.sd) if self.summary else (None, None)
        )
        return found | {"n": len(self.values), "mean": mean, "sd": sd}


def read(
    paths: Iterable[str],
    metrics: tuple[str, ...] = METRICS,
    splits: tuple[str, ...] = SPLITS,
) -> pd.DataFrame:
    """Concatenate score files; ``components`` is an integer or None.

    Raises BadInput on a wrong value, on a seed that is scored twice, when a dataset's
    rows come from different data, and a cell's from different settings, which no test
    may mix.
    """
    frames = [_one(path, metrics, splits) for path in paths]
    if not frames:
        return pd.DataFrame(columns=[*COLUMNS, "file"])
    frame = pd.concat(frames, ignore_index=True)
    twice = frame[frame.duplicated(KEY)]
    if len(twice):
        row = twice.iloc[0]
        what = ", ".join(f"{key} {row[key]}" for key in KEY if row[key] is not None)
        raise BadInput(f"{row['file']}: a second row for {what}, expected one")
    pair = ["dataset", "prior", "components"]
    for column, of in (("data_digest", ["dataset"]), ("settings_digest", pair)):
        for key, rows in frame.groupby(of, dropna=False):
            digests = sorted(set(rows[column]))
            if len(digests) > 1:
                what = "/".join(str(k) for k in key if k is not None and k == k)
                raise BadInput(
                    f"{', '.join(sorted(set(rows['file'])))}: column {column!r} of "
                    f"{what} is {' and '.join(digests)}, expected one"
                )
    return frame


def _one(path: str, metrics: tuple[str, ...], splits: tuple[str, ...]) -> pd.DataFrame:
    """One file of `read`, its path in the column ``file``."""
    frame = reading.table(path, COLUMNS)
    for column, known in (
        ("prior", METHODS),
        ("split", splits),
        ("metric", metrics),
        ("diverged", ("False", "True")),
    ):
        frame[column] = reading.choices(frame, column, path, known)
    frame["components"] = reading.optional_integers(frame, "components", path)
    for column in ("seed", "samples"):
        frame[column] = reading.integers(frame, column, path)
    frame["value"] = reading.numbers(frame, "value", path)
    wrong = frame["prior"].isin(MIXTURES) != frame["components"].notna()
    for line, found in frame["components"][wrong].items():
        mixtures = " and ".join(MIXTURES)
        raise BadInput(
            f"{path}: line {line}, column 'components' is {found}, expected K for "
            f"{mixtures} alone"
        )
    return frame.assign(file=str(path))


def likelihoods(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of the test log-likelihood, with every S."""
    test = (frame["split"] == "test") & (frame["metric"] == "log_likelihood")
    return frame[test]


def select(
    frame: pd.DataFrame, dataset: str, prior: str, components: int | None = None
) -> pd.DataFrame:
    """Those of a dataset and prior; components: of one K alone."""
    rows = likelihoods(frame)
    rows = rows[(rows["dataset"] == dataset) & (rows["prior"] == prior)]
    return rows if components is None else rows[rows["components"] == components]


def cell(
    frame: pd.DataFrame, dataset: str, prior: str, components: int | None, samples: int
) -> Cell:
    """The test log-likelihoods of a dataset and prior (a cell of Table 2).

    components: which K of a mixture, None for the others.
    """
    rows = select(frame, dataset, prior, components)
    rows = rows[rows["samples"] == samples].sort_values("seed")
    return Cell(
        dataset,
        prior,
        components,
        samples if len(rows) else None,
        rows["value"].to_numpy(float),
        int((rows["diverged"] == "True").sum()),
        " and ".join(sorted(set(rows["precision"]))),
    )
