"""A finished run on disk: one folder a seed, with weights, curve and record."""

import csv
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from models import machine
from models.building import build
from models.data import Dataset
from models.files import npz, replacing
from models.randomness import Streams
from models.settings import Settings
from models.stopping import CURVE, Run

WEIGHTS, CURVES, RECORD = "weights.npz", "curve.csv", "record.json"


def write(
    path: Path,
    run: Run,
    dataset: Dataset,
    settings: Settings,
    record: dict,
    curve_only: bool = False,
) -> None:
    """Write one seed's folder; the record comes last, so with it all is there.

    record: provenance that goes beyond what the other arguments say.
    curve_only: whether curve and record are left alone, without weights.
    """
    facts = {
        "dataset": dataset.name,
        "likelihood": dataset.likelihood,
        "pixels": dataset.pixels,
        "data_digest": dataset.digest,
        "seed": run.seed,
        "epoch": run.best_epoch,
        "epochs": len(run.curve),
        "settings": settings.as_dict(),
    }
    if curve_only:  # an earlier run's weights would seem to be this one's
        (path / WEIGHTS).unlink(missing_ok=True)
    else:
        with replacing(path / WEIGHTS) as temporary, open(temporary, "wb") as file:
            weights = {name: value.cpu().numpy() for name, value in run.weights.items()}
            np.savez(file, facts=np.array(json.dumps(facts)), **weights)
    with replacing(path / CURVES) as temporary, open(temporary, "w", newline="") as f:
        rows = csv.writer(f, lineterminator="\n")
        name = record.get("configuration", "")
        rows.writerow(["configuration", *CURVE])
        rows.writerows([name, *row] for row in run.curve)
    with replacing(path / RECORD) as temporary:
        valid = {
            "best_valid_elbo": run.best_elbo if np.isfinite(run.best_elbo) else None,
            "diverged": bool(run.failure),
        }
        temporary.write_text(json.dumps(facts | valid | record, indent=2) + "\n")


def read(
    folders: Sequence[str | os.PathLike], dataset: Dataset, device: torch.device
) -> Iterator[tuple[torch.nn.Module, list[dict]]]:
    """Yield the best snapshots of one pair's seeds as models, a stack at a time.

    With each model comes a list of its seeds' facts: those that `write` puts beside the
    weights, and the record under "record".
    Raises ValueError naming a folder that is not a run, is not one of the same pair,
    or was trained on other data than `dataset`.
    """
    found = [_read_one(Path(path)) for path in folders]
    first = found[0][0]
    for path, (facts, _) in zip(folders, found, strict=True):
        if facts["settings"] != first["settings"]:
            raise ValueError(f"{path}: its settings are not those of {folders[0]}")
        if facts["dataset"] != dataset.name:
            raise ValueError(
                f"{path}: trained on {facts['dataset']}, expected {dataset.name}"
            )
        if facts["data_digest"] != dataset.digest:
            raise ValueError(
                f"{path}: trained on data with digest {facts['data_digest'][:12]}, "
                f"expected {dataset.digest[:12]}; train it again"
            )
    settings = Settings(**first["settings"])
    for stack in machine.stacks(range(len(found)), device):
        facts, weights = zip(*(found[i] for i in stack), strict=True)
        seeds = [fact["seed"] for fact in facts]
        drawn = Streams(seeds, device, settings.streams(dataset.name))
        model = build(settings, dataset.pixels, dataset.likelihood, drawn)
        try:
            stacked = {n: np.stack([w[n] for w in weights]) for n in weights[0]}
            model.load_state_dict({n: torch.from_numpy(a) for n, a in stacked.items()})
        except (KeyError, ValueError, RuntimeError) as error:
            line = " ".join(str(error).split())
            raise ValueError(
                f"{folders[stack[0]]}: not this version's weights ({line}); train it "
                "again"
            ) from error
        yield model.eval(), list(facts)


def streams(facts: list[dict], device: torch.device, use: str) -> Streams:
    """Return streams for one use of a stack, apart from those of training."""
    settings = Settings(**facts[0]["settings"])
    purpose = f"{settings.streams(facts[0]['dataset'])}/{use}"
    return Streams([fact["seed"] for fact in facts], device, purpose)


def _read_one(path: Path) -> tuple[dict, dict[str, np.ndarray]]:
    try:
        with npz(path / WEIGHTS) as file:
            facts = json.loads(str(file["facts"]))
            weights = {n: file[n] for n in file.files if n != "facts"}
        record = json.loads((path / RECORD).read_text())
        for name in facts:
            if record[name] != facts[name]:
                raise ValueError(f"{WEIGHTS} and {RECORD} differ in {name}")
        Settings(**facts["settings"])
        for name in ("commit", "device", "versions", "precision"):
            record[name]
        facts["record"] = record
    except FileNotFoundError as error:
        raise ValueError(f"{error.filename}: no such file; train it first") from error
    except MemoryError:
        raise
    except Exception as error:
        raise ValueError(f"{path}: not a run's folder ({error})") from error
    return facts, weights
