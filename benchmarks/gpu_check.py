"""A device against the CPU, epoch by epoch: ``python -m benchmarks.gpu_check``.

The generators of a GPU draw other numbers than the CPU's, so here both sides take
numbers drawn on the CPU. Then they do the same arithmetic, and their curves may differ
by rounding, which training amplifies: the tolerance is for a few epochs. On the GPU
itself, CUDA graphs have to give what single launches give, to the last bit.
"""

import argparse
import io
import sys
import time
import traceback

import numpy as np
import torch

from models import machine, options, training
from models.randomness import Streams, threshold
from models.settings import Settings
from models.stopping import CURVE
from models.training import Trainer

SECONDS = CURVE.index("seconds")
# of the largest value of a column: rounding in another order came to 2e-7 on a CPU,
# factors rounded to TF32 to 1e-4 or more
TOLERANCE = 5e-5


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


def curves(dataset, settings, seeds, device, compiled, captured=None) -> np.ndarray:
    """Rows of the curves of two seeds, (rows, columns without seconds).

    Half way the training goes on from its saved state, through a file as a checkpoint
    does, and the first seed is dropped.
    """

    def trainer():
        return Trainer(dataset, settings, seeds, device, compiled, captured, block=3)

    first = trainer()
    while first.epoch < settings.max_epochs // 2:
        first.run_epoch()
    second = trainer()
    file = io.BytesIO()
    torch.save(first.state(), file)
    file.seek(0)
    second.restore(torch.load(file, weights_only=True))
    second._compact([1])
    while second.epoch < settings.max_epochs:
        second.run_epoch()
    rows = [row[:SECONDS] for run in second.runs for row in run.curve]
    return np.nan_to_num(np.array(rows), nan=-1.0)  # no ratio net, no objective


def draws_are_fine(device) -> bool:
    """Whether the device's generators draw what they should, alone and in company."""
    stack, alone = Streams([0, 3], device, "check"), Streams([3], device, "check")
    n, p = 100_000, torch.tensor([0.0, 0.25, 1.0], device=device)
    orders, order = stack.permutation("order", n), alone.permutation("order", n)
    bits = stack.bernoulli("binarise", threshold(p), n, 3)
    mean = bits.mean(1).cpu()
    saved = alone.state()
    noise = alone.normal("noise", n)
    alone.restore(saved)
    return bool(
        torch.equal(orders.sort(1).values[0].cpu(), torch.arange(n))
        and torch.equal(orders[1], order[0])
        and torch.equal(mean[:, [0, 2]], torch.tensor([[0.0, 1.0]] * 2))
        and (mean[:, 1] - 0.25).abs().max() < 0.01
        and torch.equal(stack.normal("noise", n)[1], noise[0])
        and torch.equal(alone.normal("noise", n), noise)
        and (noise.std() - 1).abs() < 0.02
    )


def compare(data, settings, device, compiled) -> tuple[bool, str]:
    """Whether the device agrees with the CPU, and on a GPU graphs with launches."""
    seeds = [0, 3]
    cpu = curves(data, settings, seeds, "cpu", False)
    other = curves(data, settings, seeds, device, compiled)
    same = True
    if device.type == "cuda":
        launched = curves(data, settings, seeds, device, compiled, captured=False)
        same = np.array_equal(launched, other)
    if len(other) < len(cpu):  # a seed that became infinite ends early
        other = np.full_like(cpu, np.inf)
    error = (np.abs(other - cpu) / np.maximum(np.abs(cpu).max(0), 1)).max(0)
    fine = bool(error.max() < TOLERANCE)
    words = (
        f"largest difference {error.max():.1e} in {CURVE[int(error.argmax())]}: "
        f"{'agrees' if fine else 'DIFFERS'}"
    )
    if device.type == "cuda":
        words += f"; graphs and launches {'agree' if same else 'DIFFER'}"
    return fine and same, words


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
    parser.add_argument("--epochs", type=options.positive, default=5)
    options.add_machine(parser)
    parser.add_argument("--compile", action="store_true", help="the GPU's steps")
    parser.add_argument(
        "--seconds",
        type=options.positive,
        help="after which no further pair begins: no signal ends a GPU's work half way",
    )
    arguments = parser.parse_args(argv)
    try:
        device = machine.prepare(arguments)
    except ValueError as error:
        sys.exit(f"error: {error}")
    if arguments.compile and not machine.compiler_works(device):
        sys.exit("error: no compiler works here")
    failed = not draws_are_fine(device)
    print(f"random numbers of {device}: {'DIFFER' if failed else 'as they should be'}")
    plain, training.Streams = training.Streams, DrawnOnCPU
    start = time.monotonic()
    try:
        for method in ("standard", "vampprior", "iop", "avb"):
            for likelihood in ("bernoulli", "gaussian"):
                if arguments.seconds and time.monotonic() - start > arguments.seconds:
                    print(f"{method:9} {likelihood:9} not begun: the time is up")
                    continue
                settings = Settings(
                    method=method, latent_dim=8, hidden_units=64, components=20,
                    max_epochs=arguments.epochs, warmup_epochs=2, ratio_epochs=3,
                )  # fmt: skip
                try:  # the others tell something, too
                    fine, words = compare(
                        made(likelihood), settings, device, arguments.compile
                    )
                except Exception:
                    fine, words = False, f"FAILS\n{traceback.format_exc()}"
                failed |= not fine
                print(f"{method:9} {likelihood:9} {words}", flush=True)
    finally:
        training.Streams = plain
    if failed:
        sys.exit(f"error: {device}: what DIFFERS or FAILS above; expected neither")


if __name__ == "__main__":
    main()
