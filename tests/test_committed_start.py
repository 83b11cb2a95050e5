"""Today's code against the first epochs of committed runs: their numbers are its own.

Where a random stream is named otherwise, drawn from in another order, or an objective
changes, what the committed runs show is no longer what this code would find.
"""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from models.settings import Settings
from models.stopping import CURVE
from models.training import Trainer, train
from workflow import reference
from workflow.data.prepare import prepare

EPOCHS = 2
NUMBERS = [name for name in CURVE if name != "seconds"]


@pytest.mark.parametrize("method", ["standard", "avb", "vampprior-50", "iop"])
def test_the_first_epochs_of_the_committed_runs(method, tmp_path):
    folder = reference.FOLDER / f"runs/onehot/{method}/seed0"
    record = json.loads((folder / "record.json").read_text())
    settings = Settings(**record["settings"])
    dataset = prepare("onehot", tmp_path)  # made, not fetched
    assert dataset.digest == record["data_digest"]
    trainer = Trainer(dataset, dataclasses.replace(settings, max_epochs=EPOCHS), [0])
    (run,) = train(trainer)
    ours = pd.DataFrame(run.curve, columns=CURVE)[NUMBERS]
    theirs = pd.read_csv(folder / "curve.csv")[NUMBERS].head(EPOCHS)
    # another processor rounds otherwise; the curves have seven digits
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
