"""Random numbers: one generator for each seed and each use.

Seed k draws the same numbers alone or in company, and a change in how much one part
draws does not move another. Seed k of one method shares nothing with seed k of another,
so that their runs are independent, as the t-tests of Table 2 take them to be.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch

# A name is part of every result.
STREAMS = (
    "init",  # initial weights and pseudo-inputs
    "order",  # shuffles of the training images
    "binarise",  # dynamic binarisation of training images
    "noise",  # epsilon of Eq. 18
    "ratio",  # z0, z1 and their shuffles in Eq. 20
    "dropout",  # masks of the density-ratio net
    "validation",
    "scores",  # of evaluation, and the samples of Figure 1
)

CERTAIN = 32767  # the greatest int16 stands for probability one


class Streams:
    """Generators for a stack of seeds; every draw has a leading axis of seeds.

    seeds: integers, 0 or more, one for each member of the stack; may be set to a part
    of them, and the others draw no more.
    device: where the numbers are drawn and stay.
    purpose: text that tells apart what shares seeds, such as two methods.
    """

    def __init__(
        self,
        seeds: Sequence[int],
        device: torch.device | str = "cpu",
        purpose: str = "",
    ):
        self.seeds = tuple(seeds)
        self.device = torch.device(device)
        self._generators = {
            (name, seed): torch.Generator(self.device).manual_seed(
                _entropy(seed, f"{purpose}/{name}")
            )
            for name in STREAMS
            for seed in self.seeds
        }

    def _draw(self, name, shape, dtype, fill) -> torch.Tensor:
        if name not in STREAMS:
            raise ValueError(f"stream {name!r}: expected one of {', '.join(STREAMS)}")
        out = torch.empty((len(self.seeds), *shape), dtype=dtype, device=self.device)
        for row, seed in zip(out, self.seeds, strict=True):
            fill(row, self._generators[name, seed])
        return out

    def normal(self, name: str, *shape: int) -> torch.Tensor:
        """Standard normal numbers, (seeds, *shape)."""
        return self._draw(name, shape, torch.float32, _fill_normal)

    def uniform(self, name: str, *shape: int) -> torch.Tensor:
        """Uniform numbers in [0, 1), (seeds, *shape)."""
        return self._draw(name, shape, torch.float32, _fill_uniform)

    def permutation(self, name: str, n: int) -> torch.Tensor:
        """A permutation of 0..n-1 for each seed, (seeds, n)."""
        return self._draw(name, (n,), torch.int64, _fill_permutation)

    def bernoulli(self, name: str, threshold, *shape: int) -> torch.Tensor:
        """Zeros and ones as float32, (seeds, *shape).

        threshold: what `threshold` makes of the probability, a number or a tensor
        that broadcasts with the result. Compares 16 random bits with it, which takes a
        tenth of the time of torch.bernoulli.
        """
        n = math.prod(shape)
        bits = self._draw(name, (-(-n // 4),), torch.int64, _fill_bits)
        signed = bits.view(torch.int16)[:, :n].reshape(-1, *shape)
        # CERTAIN is above every draw; float32 at once, without a tensor of bools
        out = torch.empty(signed.shape, device=self.device)
        return torch.lt(signed.clamp_(max=CERTAIN - 1), threshold, out=out)

    def state(self) -> dict[str, torch.Tensor]:
        """Every generator's state, for a checkpoint."""
        return {f"{n}/{s}": g.get_state() for (n, s), g in self._generators.items()}

    def restore(self, state: dict[str, torch.Tensor]) -> None:
        """Take up where `state` was taken."""
        for (name, seed), generator in self._generators.items():
            generator.set_state(state[f"{name}/{seed}"].cpu())


def threshold(probability):
    """What `Streams.bernoulli` compares with: int16, from a tensor or a number.

    probability: in [0, 1]; rounded to a multiple of 2**-16. 0 and 1 stay exact, and
    65535/65536 counts as 1.
    """
    if isinstance(probability, torch.Tensor):
        steps = (probability * 65536).round() - 32768
        return steps.clamp(max=CERTAIN).to(torch.int16)
    return min(round(probability * 65536) - 32768, CERTAIN)


def _entropy(seed: int, name: str) -> int:
    # one word: torch's CPU generator takes no more than 32 bits of a seed
    words = np.random.SeedSequence([seed, *name.encode()]).generate_state(1, np.uint32)
    return int(words[0])


def _fill_normal(row, generator):
    row.normal_(generator=generator)


def _fill_uniform(row, generator):
    row.uniform_(generator=generator)


def _fill_bits(row, generator):
    row.random_(-(2**63), None, generator=generator)


def _fill_permutation(row, generator):
    torch.randperm(len(row), generator=generator, device=row.device, out=row)
