"""What a training step spends its time on: ``python -m benchmarks.profiling --help``.

PyTorch's profiler around the engine's own epochs, after one that records and compiles:
on a GPU the kernels, on a CPU the operations. It slows small operations down, so shares
count, not sums; `benchmarks.speed` times.
"""

import argparse
import sys
from collections.abc import Callable

import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.speed import METHODS, made, seconds
from models import machine, options
from models.settings import PRECISIONS, Settings
from models.training import Trainer

WIDTH = 70  # of a name; those of kernels are longer than a page is wide


def table(work: Callable[[], object], steps: int, device: torch.device) -> list[tuple]:
    """Name, calls and microseconds a step of what work() runs, the longest first."""
    gpu = device.type == "cuda"
    kind = ProfilerActivity.CUDA if gpu else ProfilerActivity.CPU
    with profile(activities=[kind]) as found:
        seconds(work, device)
    rows = []
    for event in found.key_averages():
        spent = event.self_device_time_total if gpu else event.self_cpu_time_total
        if spent > 0:
            rows.append((event.key, event.count / steps, spent / steps))
    return sorted(rows, key=lambda row: -row[2])


def lines(rows: list[tuple], top: int) -> list[str]:
    """The table as text, with a first line for all of it."""
    calls, whole = (sum(row[i] for row in rows) for i in (1, 2))
    text = [f"{calls:8.1f} calls {whole:9.1f} us a step, of which"]
    for name, count, spent in rows[:top]:
        text.append(f"{count:8.1f} {spent:9.1f} {spent / whole:5.0%}  {name[:WIDTH]}")
    return text


def phases(trainer: Trainer) -> dict[str, Callable[[], object]]:
    """The phases of Algorithm 1 as calls of one epoch each.

    Gray images are encoded once in ten epochs of psi, before these: that is not seen.
    """
    found = {"VAE": lambda: trainer._update_vae(1.0)}
    if trainer.model.ratio:
        found["ratio"] = trainer._update_ratio
    return found


def main(argv: list[str] | None = None) -> None:
    """Print a table for each phase."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.profiling", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--method", choices=METHODS, default="iop")
    parser.add_argument(
        "--likelihood", choices=("bernoulli", "gaussian"), default="bernoulli"
    )
    parser.add_argument("--precision", choices=PRECISIONS, default="float32")
    parser.add_argument("--images", type=options.positive, default=10_000)
    parser.add_argument("--seeds", type=options.positive, default=8)
    parser.add_argument("--top", type=options.positive, default=25, help="lines")
    options.add_machine(parser)
    options.add_steps(parser)
    arguments = parser.parse_args(argv)
    try:
        device = machine.prepare(arguments)
    except ValueError as error:
        sys.exit(f"error: {error}")
    settings = Settings(method=arguments.method, precision=arguments.precision)
    captured = device.type == "cuda" and not arguments.no_capture
    data = made(arguments.likelihood, arguments.images)
    seeds = range(arguments.seeds)
    compiled = arguments.compile and machine.compiler_works(device)
    if arguments.compile and not compiled:
        print("no compiler works here: the steps run as they are")
    trainer = Trainer(data, settings, seeds, device, compiled, captured)
    steps = -(-arguments.images // settings.batch_size)
    print(f"{machine.describe(device)}, {settings.method}, {len(seeds)} seeds")
    with machine.products(settings.precision, device):
        for name, work in phases(trainer).items():
            work()
            spent = seconds(work, device) / steps
            print(f"{name} step: {spent * 1e6:.0f} us without the profiler")
            print("\n".join(lines(table(work, steps, device), arguments.top)))


if __name__ == "__main__":
    main()
