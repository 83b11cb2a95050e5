"""Set the process up: threads, denormals, determinism, device."""

import argparse
import contextlib
import ctypes
import os
import sys
from collections.abc import Iterator, Sequence

import torch

from models import provenance

FACTORS = {"tensorfloat32": "high", "reduced": "medium"}  # as torch calls them


def prepare(arguments: argparse.Namespace) -> torch.device:
    """Apply the options, once in a process. Raises ValueError for a missing device."""
    try:
        device = torch.device(arguments.device)
    except RuntimeError as error:
        raise ValueError(f"--device {arguments.device}: not a device") from error
    if device.type not in ("cpu", "cuda"):
        raise ValueError(f"--device {arguments.device}: expected cpu, cuda, cuda:1")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"--device {arguments.device}: this torch sees no GPU")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ValueError(
            f"--device {arguments.device}: this torch sees {torch.cuda.device_count()} "
            "GPUs, numbered from 0"
        )
    # cuBLAS is deterministic only with a workspace of a fixed size
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    if device.index is not None and device.type == "cuda":
        torch.cuda.set_device(device)  # graphs are recorded on the current device
    torch.set_num_threads(arguments.threads)
    torch.set_float32_matmul_precision("highest")  # whatever the environment says
    # Adam's moments of never-lit pixels decay into denormals, which cost 20 times more
    torch.set_flush_denormal(True)
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # all of it is written
    _keep_freed_memory()
    return device


def _keep_freed_memory() -> None:
    """Let glibc's malloc reuse large arrays: fresh pages cost a tenth of a step."""
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, M_TOP_PAD
        for parameter, value in ((-3, 32 << 20), (-1, 2**31 - 1), (-2, 64 << 20)):
            mallopt(parameter, value)


def compiler_works(device: torch.device) -> bool:
    """Whether torch.compile has what it needs here, by trying."""
    try:
        torch.compile(torch.sin)(torch.ones(8, device=device))
    except Exception:  # of many kinds: no C++ compiler, no Triton, no Python headers
        return False
    return True


def stacks(seeds: Sequence[int], device: torch.device) -> list[list[int]]:
    """Return which seeds to compute side by side: all on a GPU, each alone on a CPU.

    A CPU gains nothing from a stack, and in one the last elements of an array, which
    miss the vector unit, are another seed's: exp and Adam then differ in the last bit.
    """
    return [[seed] for seed in seeds] if device.type == "cpu" else [list(seeds)]


@contextlib.contextmanager
def products(precision: str, device: torch.device) -> Iterator[None]:
    """Compute matrix products of float32 numbers as `precision` says.

    float32: as they are.
    tensorfloat32: TF32 factors (ten bits behind the point) where the device has them,
      as GPUs since Ampere do, float32 sums and results; elsewhere as they are.
    reduced: the same on a GPU, bfloat16 factors on a CPU with AMX.
    bfloat16: of bfloat16 numbers, with such results, so that activations are, too.
    Log-densities, Adam and products of float64 numbers are as they were.
    """
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(FACTORS.get(precision, "highest"))
    lower = contextlib.nullcontext()
    if precision == "bfloat16":  # no cache of weights: the context outlives a step
        lower = torch.autocast(device.type, torch.bfloat16, cache_enabled=False)
    try:
        with lower:
            yield
    finally:
        torch.set_float32_matmul_precision(before)


def product_kind(precision: str, device: torch.device) -> str:
    """Return what the factors of matrix products are under `precision`, by trying."""
    # 257 / 256 needs eight bits behind the point: bfloat16 has seven, TF32 ten
    a = torch.full((1, 512, 512), 257 / 256, device=device)
    b = torch.full_like(a, 1 + 2**-12)
    with products(precision, device):
        rounded = [(torch.bmm(x, torch.ones_like(x)) / 512)[0, 0, 0] for x in (a, b)]
    if rounded[0] == 1:
        return "bfloat16"
    return "tensorfloat32" if rounded[1] == 1 else "float32"


def describe(device: torch.device) -> str:
    """Return the device's name, for the record."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return provenance.processor()
