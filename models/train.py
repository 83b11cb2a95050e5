"""Train seeds of one method on one dataset: ``python -m models.train --help``."""

import argparse
import hashlib
import json
import shlex
import sys
from pathlib import Path

import torch

from models import machine, memory, options, priors, progress, provenance, runs
from models.checkpoint import Scratch
from models.files import check_writable
from models.provenance import now
from models.stopping import Run
from models.training import Trainer, train


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
    p.add_argument(
        "--checkpoint-interval",
        type=float,
        default=Scratch.INTERVAL,
        metavar="SECONDS",
        help=f"between two checkpoints; default {Scratch.INTERVAL:.0f}",
    )
    p.add_argument(
        "--curves-only",
        action="store_true",
        help="write no weights; curve and record of a seed, too, that diverges and "
        "leaves none, which else is an error: for a search",
    )
    options.add_configuration(p)
    options.add_machine(p)
    options.add_steps(p)
    options.add_settings(p)
    return p


def main(argv: list[str] | None = None) -> None:
    """Train, and write a folder for each seed."""
    arguments = parser().parse_args(argv)
    try:
        run(arguments)
    except KeyboardInterrupt:
        line = "interrupted: the same command goes on from the last checkpoint"
        print(line, file=sys.stderr)
        sys.exit(130)
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")
    except (RuntimeError, MemoryError) as error:
        if arguments.compile and isinstance(error, _compiler_error()):
            said = " ".join(str(error).split("\n")[:2])
            sys.exit(
                f"error: the steps cannot be compiled; leave --compile out ({said})"
            )
        if not memory.full(error):
            raise
        device = torch.device(arguments.device)
        stack = len(machine.stacks(arguments.seeds, device)[0])
        rest = "; a lower batch_size is another protocol"
        sys.exit(memory.line(error, stack, "seed", "a lower seeds_per_job", rest))


def _compiler_error() -> type[Exception]:
    from torch._dynamo.exc import TorchDynamoException  # slow to import

    return TorchDynamoException


def run(arguments: argparse.Namespace) -> None:
    """Do what the parsed arguments say."""
    chosen = options.settings(arguments)
    methods = [*priors.names(), "avb"]
    if chosen.method not in methods:
        raise ValueError(
            f"--method {chosen.method}: expected one of {', '.join(methods)}"
        )
    seeds = arguments.seeds
    if len(set(seeds)) < len(seeds) or min(seeds) < 0:
        raise ValueError(f"--seeds {seeds}: expected distinct integers, 0 or more")
    if Path(arguments.output).is_file():
        raise ValueError(f"--output {arguments.output}: a file, expected a folder")
    device = machine.prepare(arguments)
    dataset = options.dataset(arguments.data)
    check_writable(arguments.output)
    compiled = arguments.compile and machine.compiler_works(device)
    if arguments.compile and not compiled:
        print("no compiler works here: the steps run as they are", file=sys.stderr)
    scratches, failures = [], []
    captured = device.type == "cuda" and not arguments.no_capture
    made_by = {
        "device": machine.describe(device),
        "threads": arguments.threads,
        "precision": machine.product_kind(chosen.precision, device),
        "compiled": compiled,
        "versions": provenance.versions(),
    }
    if device.type == "cpu":  # one name may stand for several kinds
        made_by["cpu_capability"] = torch.backends.cpu.get_cpu_capability()
    digest = _digest(chosen, dataset, made_by)
    shared = made_by | {
        "configuration": arguments.configuration,
        "commit": provenance.commit(),
        "captured": captured,
        "processor": provenance.processor_kind(),
        "command": shlex.join(["python", "-m", "models.train", *_argv(arguments)]),
    }
    for stack in machine.stacks(seeds, device):
        ends = "-".join(map(str, dict.fromkeys([stack[0], stack[-1]])))
        scratch = Scratch(
            Path(arguments.output) / f".seed{ends}.checkpoint",
            f"{digest} {stack}",
            arguments.checkpoint_interval,
        )
        scratches.append(scratch)
        trainer = Trainer(dataset, chosen, stack, device, compiled, captured)
        failures += _train(trainer, scratch, arguments, shared | {"stack": stack})
    if failures and not arguments.curves_only:
        raise ValueError(f"{dataset.name}/{chosen.method} {'; '.join(failures)}")
    for scratch in scratches:  # only now: a job that fails loses all its outputs
        scratch.remove()


def _train(trainer: Trainer, scratch: Scratch, arguments, shared: dict) -> list[str]:
    """Train a stack, write its seeds; return how those failed that leave nothing.

    A seed is written when it stops, since a stack may be killed, and at the end again,
    with the seconds that all took.
    """
    dataset, chosen = trainer.dataset, trainer.settings
    label = f"{dataset.name}/{chosen.method}"
    shown = progress.Progress(f"{label} seed {'-'.join(map(str, shared['stack']))}")
    written, failures = set(), []

    def write(one: Run) -> None:
        written.add(one.seed)
        record = shared | {
            # of all processes, if it was resumed
            "training_seconds": trainer.seconds,
            "started": trainer.started,
            "finished": now(),
        }
        if arguments.curves_only or one.weights:
            folder = Path(arguments.output) / f"seed{one.seed}"
            runs.write(folder, one, dataset, chosen, record, arguments.curves_only)

    def report(trainer: Trainer) -> None:
        shown(trainer)
        for one in trainer.runs:
            if one.stopped and one.seed not in written and not trainer.finished:
                write(one)

    for one in train(trainer, scratch, report):
        write(one)
        if one.failure and not one.weights:
            failures.append(one.failure)
        elif one.failure and not arguments.curves_only:
            kept = f"{one.failure}; what was best, epoch {one.best_epoch}, is kept"
            print(f"{label} {kept}", file=sys.stderr)
    return failures


def _digest(chosen, dataset, made_by) -> str:
    """Digest of what a run's numbers depend on, beside its seed."""
    facts = [
        chosen.as_dict(),
        chosen.streams(dataset.name),
        dataset.digest,
        made_by,
        provenance.training_code(chosen.method, chosen.latent_dim),
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _argv(arguments) -> list[str]:
    """Return arguments that repeat this run: every setting spelt out."""
    return [
        "--data", str(arguments.data), "--seeds", *map(str, arguments.seeds),
        "--output", str(arguments.output), "--device", arguments.device,
        "--threads", str(arguments.threads),
        "--configuration", arguments.configuration,
        *["--curves-only"] * arguments.curves_only,
        *["--compile"] * arguments.compile,
        *["--no-capture"] * arguments.no_capture,
        *options.settings(arguments).flags(),
    ]  # fmt: skip


if __name__ == "__main__":
    main()
