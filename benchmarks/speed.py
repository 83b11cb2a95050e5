"""The engine against plain eager code, on this machine: ``python -m benchmarks.speed``.

Both do the same arithmetic in one process, in turn, and are timed round by round. The
figures are seconds for a seed's epoch of MNIST's size (50,000 images): of the updates
of theta, phi and psi, without validation.
"""

import argparse
import csv
import statistics
import time
from pathlib import Path

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.plain import PlainTrainer
from models import machine, options, provenance
from models.data import Dataset
from models.files import replacing
from models.settings import Settings
from models.training import Trainer

EPOCH = 50_000  # images of an MNIST epoch
METHODS = ("standard", "vampprior", "iop")
COLUMNS = (
    "method likelihood engine_seconds plain_seconds ratio_min ratio_median ratio_max "
    "rounds gigaflop gigabyte gigaflop_per_second gigabyte_per_second "
    "matmul_ceiling copy_ceiling seeds images device torch commit"
).split()


def made(likelihood: str, images: int) -> Dataset:
    """Made data of MNIST's shape; time does not depend on what they show."""
    rng = np.random.default_rng(0)
    train = rng.random((images, 784), dtype=np.float32)
    dynamic = likelihood == "bernoulli"
    return Dataset("made", likelihood, dynamic, train, train[:100], train[:100])


def engine_epoch(trainer: Trainer) -> None:
    """The updates of Trainer.run_epoch, without validation and bookkeeping."""
    trainer._update_vae(1.0)
    for _ in range(trainer.settings.ratio_epochs if trainer.model.ratio else 0):
        trainer._update_ratio()


def seconds(work, device: torch.device) -> float:
    """Time of one call: processor time on a CPU, wall time on a GPU."""
    if device.type == "cpu":
        start = time.process_time()
        work()
        return time.process_time() - start
    torch.cuda.synchronize(device)
    start = time.perf_counter()
    work()
    torch.cuda.synchronize(device)
    return time.perf_counter() - start


def ceilings(device: torch.device) -> tuple[float, float]:
    """Best of five: GFLOP/s of a 2048^3 float32 product, GB/s of a 256 MB copy."""
    a, b = torch.randn(2, 2048, 2048, device=device)
    source = torch.randn(64 * 2**20, device=device)
    target = torch.empty_like(source)
    product = min(seconds(lambda: a @ b, device) for _ in range(5))
    copy = min(seconds(lambda: target.copy_(source), device) for _ in range(5))
    return 2 * 2048**3 / product / 1e9, 2 * source.nbytes / copy / 1e9


def counted(trainer: Trainer) -> tuple[float, float]:
    """Of an epoch of a seed: GFLOP of its matrix products, GB that Adam moves.

    Adam reads weight, gradient and two moments and writes all but the gradient.
    """
    with FlopCounterMode(display=False) as counter:
        engine_epoch(trainer)
    steps = len(trainer._train) / trainer.settings.batch_size
    moved = 28 * steps * sum(p.numel() for p in trainer._theta)
    ratio_steps = steps * trainer.settings.ratio_epochs
    moved += 28 * ratio_steps * sum(p.numel() for p in trainer._psi)
    scale = EPOCH / len(trainer._train) / len(trainer.runs)
    return counter.get_total_flops() * scale / 1e9, moved * scale / 1e9


def measure(method, likelihood, arguments, device) -> dict:
    """One row: both sides in turn, after a round that does not count."""
    dataset = made(likelihood, arguments.images)
    settings = Settings(method=method)
    seeds = [0] if device.type == "cpu" else list(range(8))
    engine = Trainer(dataset, settings, seeds, device)
    plain = PlainTrainer(dataset, settings, device)
    gigaflop, gigabyte = counted(engine)
    plain.run_epoch()
    scale = EPOCH / arguments.images
    pairs = [
        (
            seconds(lambda: engine_epoch(engine), device) * scale / len(seeds),
            seconds(plain.run_epoch, device) * scale,
        )
        for _ in range(arguments.rounds)
    ]
    ratios = [slow / fast for fast, slow in pairs]
    fast, slow = (statistics.median(side) for side in zip(*pairs, strict=True))
    return {
        "method": method,
        "likelihood": likelihood,
        "engine_seconds": fast,
        "plain_seconds": slow,
        "ratio_min": min(ratios),
        "ratio_median": statistics.median(ratios),
        "ratio_max": max(ratios),
        "rounds": arguments.rounds,
        "gigaflop": gigaflop,
        "gigabyte": gigabyte,
        "gigaflop_per_second": gigaflop / fast,
        "gigabyte_per_second": gigabyte / fast,
        "seeds": len(seeds),
        "images": arguments.images,
    }


def plot(rows: list[dict], path: Path) -> None:
    """Seconds of both sides, the ratio on top of each pair."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    names = [f"{row['method']}\n{row['likelihood']}" for row in rows]
    places = np.arange(len(rows))
    for shift, side, colour in ((-0.2, "plain", "#bbbbbb"), (0.2, "engine", "#332288")):
        height = [row[f"{side}_seconds"] for row in rows]
        axes.bar(places + shift, height, 0.4, label=side, color=colour)
    for place, row in zip(places, rows, strict=True):
        text = f"{row['ratio_median']:.1f}x"
        axes.annotate(
            text, (place + 0.2, row["engine_seconds"]), ha="center", va="bottom"
        )
    axes.set_xticks(places, names)
    axes.set_ylabel("seconds for a seed's epoch of 50,000 images")
    axes.set_title(f"{rows[0]['device']}, torch {rows[0]['torch']}", fontsize="medium")
    axes.legend()
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=150)


def main(argv: list[str] | None = None) -> None:
    """Measure, print, and write speed.csv and speed.png."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.speed", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--output", type=Path, default=Path("results/bench"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--images", type=int, default=1000, help="of the slice timed")
    options.add_machine(parser)
    arguments = parser.parse_args(argv)
    device = machine.prepare(arguments)
    product, copy = ceilings(device)
    print(f"ceilings: {product:.0f} GFLOP/s, {copy:.1f} GB/s")
    facts = {
        "matmul_ceiling": product,
        "copy_ceiling": copy,
        "device": machine.describe(device),
        "torch": torch.__version__,
        "commit": provenance.commit(),
    }
    rows = []
    for likelihood in ("bernoulli", "gaussian"):
        for method in METHODS:
            row = measure(method, likelihood, arguments, device) | facts
            rows.append(row)
            print(
                f"{method:9} {likelihood:9}  plain {row['plain_seconds']:6.2f} s, "
                f"engine {row['engine_seconds']:6.2f} s, "
                f"ratio {row['ratio_median']:.2f} "
                f"({row['ratio_min']:.2f} to {row['ratio_max']:.2f}); "
                f"{row['gigaflop_per_second'] / product:.0%} of the product's ceiling, "
                f"{row['gigabyte_per_second'] / copy:.0%} of the copy's",
                flush=True,
            )
    with (
        replacing(arguments.output / "speed.csv") as path,
        open(path, "w", newline="") as file,
    ):
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    plot(rows, arguments.output / "speed.png")
    print(
        f"written: {arguments.output / 'speed.csv'}, {arguments.output / 'speed.png'}"
    )


if __name__ == "__main__":
    main()
