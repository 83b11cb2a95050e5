"""Train seeds of one method on one dataset: ``python -m models.train --help``."""

import argparse
import hashlib
import json
import shlex
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from models import data, machine, priors, progress, provenance, runs, settings
from models.checkpoint import Scratch
from models.training import Diverged, Trainer, train


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    p = argparse.ArgumentParser(prog="python -m models.train", description=__doc__)
    p.add_argument("--data", required=True, help="a canonical dataset file (.npz)")
    p.add_argument(
        "--seeds",
        required=True,
        nargs="+",
        type=int,
        help="each is trained as if it were alone",
    )
    p.add_argument(
        "--output", required=True, help="folder; gets seedN/ with weights.npz, ..."
    )
    p.add_argument("--checkpoint-interval", type=float, default=60.0, metavar="SECONDS")
    machine.add_arguments(p)
    settings.add_arguments(p)
    return p


def main(argv: list[str] | None = None) -> None:
    """Train, and write a folder for each seed."""
    arguments = parser().parse_args(argv)
    try:
        run(arguments)
    except (ValueError, OSError, Diverged) as error:
        sys.exit(f"error: {error}")


def run(arguments: argparse.Namespace) -> None:
    """Do what the parsed arguments say."""
    chosen = settings.from_arguments(arguments)
    methods = [*priors.names(), "avb"]
    if chosen.method not in methods:
        raise ValueError(
            f"--method {chosen.method}: expected one of {', '.join(methods)}"
        )
    seeds = arguments.seeds
    if len(set(seeds)) < len(seeds) or min(seeds) < 0:
        raise ValueError(f"--seeds {seeds}: expected distinct integers, 0 or more")
    device = machine.prepare(arguments)
    dataset = data.load(arguments.data)
    digest, scratches = _digest(chosen, dataset, device), []
    for stack in machine.stacks(seeds, device):
        name = "-".join(map(str, stack))
        scratch = Scratch(
            Path(arguments.output) / f".seed{name}.checkpoint",
            f"{digest} {name}",
            arguments.checkpoint_interval,
        )
        scratches.append(scratch)
        clock = Clock()
        trainer = Trainer(dataset, chosen, stack, device)
        label = f"{dataset.name}/{chosen.method} seed {name}"
        finished = train(trainer, scratch, progress.Progress(label))
        record = {
            "commit": provenance.commit(),
            "device": machine.describe(device),
            "device_type": device.type,
            "threads": arguments.threads,
            "precision": "float32",
            "versions": provenance.versions(),
            "command": shlex.join(["python", "-m", "models.train", *_argv(arguments)]),
            "stack": stack,
            "training_seconds": trainer.seconds,
            **clock.read(),
        }
        for one in finished:
            folder = runs.folder(arguments.output, one.seed)
            runs.write(folder, one, dataset, chosen, record)
    for scratch in scratches:  # only now: a job that fails loses all its outputs
        scratch.remove()


class Clock:
    """Wall and processor time since it was made."""

    def __init__(self):
        self.started = datetime.now(UTC)
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def read(self) -> dict:
        """Return the entries of a record."""
        return {
            "wall_seconds": time.perf_counter() - self.wall,
            "cpu_seconds": time.process_time() - self.cpu,
            "started": self.started.isoformat(timespec="seconds"),
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        }


def _digest(chosen, dataset, device) -> str:
    """Digest of what a run's numbers depend on, beside its seed."""
    facts = [
        chosen.as_dict(),
        dataset.digest,
        device.type,
        provenance.versions(),
        provenance.training_code(chosen.method),
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _argv(arguments) -> list[str]:
    """Return arguments that repeat this run: every setting spelt out."""
    return [
        "--data", str(arguments.data), "--seeds", *map(str, arguments.seeds),
        "--output", str(arguments.output), "--device", arguments.device,
        "--threads", str(arguments.threads),
        *settings.from_arguments(arguments).flags(),
    ]  # fmt: skip


if __name__ == "__main__":
    main()
