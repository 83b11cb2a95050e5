"""The engine against plain eager code, on this machine: ``python -m benchmarks.speed``.

Both do the same arithmetic (but for what PlainTrainer names) in one process, in turn,
and are timed round by round. The figures are seconds for a seed's epoch of MNIST's size
(50,000 images): of the updates of theta, phi and psi; what validation on 10,000 images,
snapshots and checkpoints add is counted apart, as overhead.
"""

import argparse
import io
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import report
from benchmarks.plain import PlainTrainer
from models import machine, options, provenance
from models.checkpoint import Scratch
from models.data import Dataset
from models.settings import PRECISIONS, Settings
from models.steps import Steps
from models.training import CHUNK, Trainer

EPOCH, VALIDATION = 50_000, 10_000  # images of an MNIST epoch
METHODS = ("standard", "vampprior", "iop")
MODES = {  # name: precision, compiled
    f"{precision}{' compiled' * compiled}": (precision, compiled)
    for precision in ("float32", "reduced", "bfloat16")
    for compiled in (False, True)
}


def made(likelihood: str, images: int, validation: int = 1) -> Dataset:
    """Made data of MNIST's shape; time does not depend on what they show."""
    rng = np.random.default_rng(0)
    train, valid = (
        rng.random((n, 784), dtype=np.float32) for n in (images, validation)
    )
    return Dataset("made", likelihood, likelihood == "bernoulli", train, valid, valid)


def engine_epoch(trainer: Trainer) -> None:
    """The updates of Trainer.run_epoch, without validation and bookkeeping."""
    with machine.products(trainer.settings.precision, trainer.streams.device):
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


def ceilings(device: torch.device, precisions) -> tuple[dict[str, float], float]:
    """Best of five: GFLOP/s of a large product by precision, GB/s of a 256 MB copy."""
    size = 2048 if device.type == "cpu" else 8192
    a, b = torch.randn(2, size, size, device=device)
    source = torch.randn(64 * 2**20, device=device)
    target = torch.empty_like(source)
    product = {}
    for precision in precisions:
        x, y = (a.bfloat16(), b.bfloat16()) if precision == "bfloat16" else (a, b)
        with machine.products(precision, device):
            best = min(seconds(lambda x=x, y=y: x @ y, device) for _ in range(5))
        product[precision] = 2 * size**3 / best / 1e9
    copy = min(seconds(lambda: target.copy_(source), device) for _ in range(5))
    return product, 2 * source.nbytes / copy / 1e9


def counted(trainer: Trainer) -> tuple[float, float]:
    """Of an epoch of a seed: GFLOP of its matrix products, GB that Adam moves.

    Adam reads weight, gradient and two moments and writes all but the gradient.
    """
    trainer._steps = Steps(trainer.model, trainer.settings)  # no graph: not seen
    with FlopCounterMode(display=False) as counter:
        engine_epoch(trainer)
    steps = len(trainer._train) / trainer.settings.batch_size
    moved = 28 * steps * sum(p.numel() for p in trainer._steps.theta)
    ratio_steps = steps * trainer.settings.ratio_epochs
    moved += 28 * ratio_steps * sum(p.numel() for p in trainer._steps.psi)
    scale = EPOCH / len(trainer._train) / len(trainer.runs)
    return counter.get_total_flops() * scale / 1e9, moved * scale / 1e9


def overhead(trainer: Trainer, epoch: float, device: torch.device) -> float:
    """Share of validation, snapshot and checkpoint in an epoch of `epoch` seconds.

    The snapshot is counted in every epoch, the checkpoint once in 60 seconds.
    """
    seeds = len(trainer.runs)
    trainer.epoch = trainer.settings.warmup_epochs  # from when on snapshots are taken
    valid = trainer._validate()
    scale = VALIDATION / len(trainer._valid) / seeds
    each = scale * seconds(trainer._validate, device)

    def better():
        for run in trainer.runs:
            run.best_elbo = -np.inf
        trainer._book(1.0, valid, valid, *torch.zeros(2, seeds))

    each += seconds(better, device) / seeds
    saved = seconds(lambda: torch.save(trainer.state(), io.BytesIO()), device)
    return each / epoch + saved / Scratch.INTERVAL


def measure(method, likelihood, arguments, device) -> list[dict]:
    """One row a mode: all sides in turn, after a round that does not count."""
    # as many images for validation as training encodes at once
    dataset = made(likelihood, arguments.images, CHUNK[device.type])
    seeds = [0] if device.type == "cpu" else list(range(8))
    plain = PlainTrainer(dataset, Settings(method=method), device)
    plain.run_epoch()
    engines = {
        mode: Trainer(
            dataset,
            Settings(method=method, precision=precision),
            seeds,
            device,
            compiled,
        )
        for mode, (precision, compiled) in MODES.items()
        if mode in arguments.modes
    }
    for engine in engines.values():
        engine_epoch(engine)
    gigaflop, gigabyte = counted(Trainer(dataset, Settings(method=method), [0], device))
    scale = EPOCH / arguments.images
    slow, fast = [], {mode: [] for mode in engines}
    for _ in range(arguments.rounds):
        slow.append(seconds(plain.run_epoch, device) * scale)
        for mode, engine in engines.items():
            took = seconds(lambda engine=engine: engine_epoch(engine), device)
            fast[mode].append(took * scale / len(seeds))
    return [
        _row(times, slow)
        | {
            "method": method,
            "likelihood": likelihood,
            "mode": mode,
            "overhead": overhead(engines[mode], statistics.median(times), device),
            "gigaflop": gigaflop,
            "gigabyte": gigabyte,
            "gigaflop_per_second": gigaflop / statistics.median(times),
            "gigabyte_per_second": gigabyte / statistics.median(times),
            "products": machine.product_kind(MODES[mode][0], device),
            "seeds": len(seeds),
            "images": arguments.images,
        }
        for mode, times in fast.items()
    ]


def _row(fast: list[float], slow: list[float]) -> dict:
    ratios = [plain / engine for engine, plain in zip(fast, slow, strict=True)]
    return {
        "engine_seconds": statistics.median(fast),
        "plain_seconds": statistics.median(slow),
        "ratio_min": min(ratios),
        "ratio_median": statistics.median(ratios),
        "ratio_max": max(ratios),
        "rounds": len(ratios),
    }


def main(argv: list[str] | None = None) -> None:
    """Measure, print, and write speed.csv, speed.md and speed.png."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.speed", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--output", type=Path, default=Path("results/bench"))
    parser.add_argument("--rounds", type=options.positive, default=5)
    parser.add_argument(
        "--images",
        type=options.positive,
        help="of the slice timed; default as many as training encodes at once",
    )
    parser.add_argument("--modes", nargs="+", choices=MODES, default=list(MODES))
    options.add_machine(parser)
    arguments = parser.parse_args(argv)
    try:
        device = machine.prepare(arguments)
    except ValueError as error:
        sys.exit(f"error: {error}")
    if arguments.threads > 1:  # processor time is of all of them
        sys.exit(f"error: --threads {arguments.threads}: expected 1, one core is timed")
    arguments.images = arguments.images or CHUNK[device.type]
    # the engine has no such checks, and a GPU would be waited for at each
    torch.distributions.Distribution.set_default_validate_args(False)
    compiled = [mode for mode in arguments.modes if MODES[mode][1]]
    if compiled and not machine.compiler_works(device):
        print(f"no compiler works here: without {', '.join(compiled)}")
        arguments.modes = [mode for mode in arguments.modes if mode not in compiled]
    if machine.product_kind("reduced", device) == "float32":
        print("no other products here with precision reduced: without it")
        arguments.modes = [m for m in arguments.modes if MODES[m][0] != "reduced"]
    if not arguments.modes:
        sys.exit("error: none of the modes asked for runs here")
    # a CPU that has to imitate bfloat16 takes minutes for a product of it
    wanted = {MODES[mode][0] for mode in arguments.modes}
    products, copy = ceilings(device, [p for p in PRECISIONS if p in wanted])
    text = ", ".join(f"{name} {value:.0f}" for name, value in products.items())
    print(f"ceilings: products {text} GFLOP/s, copies {copy:.1f} GB/s")
    facts = {
        "copy_ceiling": copy,
        "device": machine.describe(device),
        "torch": torch.__version__,
        "commit": provenance.commit(),
    }
    rows = []
    for likelihood in ("bernoulli", "gaussian"):
        for method in METHODS:
            for row in measure(method, likelihood, arguments, device):
                ceiling = products[MODES[row["mode"]][0]]
                rows.append(row | facts | {"matmul_ceiling": ceiling})
                # each as it comes: it may be stopped
                report.write_csv(arguments.output / "speed.csv", rows, report.COLUMNS)
                report.write_text(arguments.output / "speed.md", report.markdown(rows))
                print(
                    f"{method:9} {likelihood:9} {row['mode']:16} "
                    f"plain {row['plain_seconds']:6.2f} s, "
                    f"engine {row['engine_seconds']:6.2f} s + {row['overhead']:.1%}, "
                    f"ratio {row['ratio_median']:.2f} "
                    f"({row['ratio_min']:.2f} to {row['ratio_max']:.2f}); "
                    f"{row['gigaflop_per_second'] / ceiling:.0%} of the products' "
                    f"ceiling, {row['gigabyte_per_second'] / copy:.0%} of the copies'",
                    flush=True,
                )
    report.plot(rows, arguments.output / "speed.png")
    print(f"written: {arguments.output}/speed.csv, speed.md and speed.png")


if __name__ == "__main__":
    main()
