"""A device against the CPU, epoch by epoch: ``python -m benchmarks.gpu_check``.

The generators of a GPU draw other numbers than the CPU's, so here both sides take
numbers drawn on the CPU. Then they do the same arithmetic, and their curves may differ
by rounding, which training amplifies: the tolerance is for a few epochs.
"""

import argparse
import sys

import numpy as np
import torch

from models import machine, options, training
from models.randomness import Streams
from models.settings import Settings
from models.training import CURVE, Trainer

SECONDS = CURVE.index("seconds")
TOLERANCE = 1e-3  # of the largest value of a column


class DrawnOnCPU(Streams):
    """Streams whose numbers are drawn on the CPU and then moved to the device."""

    def __init__(self, seeds, device="cpu", purpose=""):
        super().__init__(seeds, "cpu", purpose)
        self.target = torch.device(device)

    def _draw(self, name, shape, dtype, fill):
        self.device = torch.device("cpu")
        drawn = super()._draw(name, shape, dtype, fill)
        self.device = self.target
        return drawn.to(self.target)


def curves(dataset, settings, seeds, device, compiled) -> np.ndarray:
    """Curves of a short training, (seeds, epochs, columns without seconds)."""
    trainer = Trainer(dataset, settings, seeds, device, compiled, block=3)
    runs = training.train(trainer)
    values = np.array([[row[:SECONDS] for row in run.curve] for run in runs])
    return np.nan_to_num(values, nan=-1.0)  # no ratio net, no objective


def made(likelihood: str):
    """730 images of 100 pixels: two blocks of three batches and a rest of 130."""
    rng = np.random.default_rng(0)
    train, other = (rng.random((n, 100), dtype=np.float32) ** 3 for n in (730, 200))
    dynamic = likelihood == "bernoulli"
    other = other.round() if dynamic else other
    return training.Dataset("made", likelihood, dynamic, train, other, other)


def main(argv: list[str] | None = None) -> None:
    """Compare for each method and likelihood; exit 1 where they part."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu_check", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--epochs", type=int, default=5)
    options.add_machine(parser)
    options.add_compile(parser)
    arguments = parser.parse_args(argv)
    device = machine.prepare(arguments)
    plain, training.Streams = training.Streams, DrawnOnCPU
    failed = False
    try:
        for method in ("standard", "vampprior", "iop", "avb"):
            for likelihood in ("bernoulli", "gaussian"):
                settings = Settings(
                    method=method, latent_dim=8, hidden_units=64, components=20,
                    max_epochs=arguments.epochs, warmup_epochs=2, ratio_epochs=3,
                )  # fmt: skip
                data, seeds = made(likelihood), [0, 3]
                cpu = curves(data, settings, seeds, "cpu", False)
                other = curves(data, settings, seeds, device, arguments.compile)
                scale = np.maximum(np.abs(cpu).max((0, 1)), 1)
                error = (np.abs(other - cpu) / scale).max((0, 1))
                fine = bool(error.max() < TOLERANCE)
                failed |= not fine
                print(
                    f"{method:9} {likelihood:9} largest difference "
                    f"{error.max():.1e} in {CURVE[int(error.argmax())]}: "
                    f"{'agrees' if fine else 'DIFFERS'}",
                    flush=True,
                )
    finally:
        training.Streams = plain
    if failed:
        sys.exit(f"error: {device} differs from the CPU by more than {TOLERANCE:g}")


if __name__ == "__main__":
    main()
