"""Set the process up: threads, denormals, determinism, device."""

import argparse
import os
from collections.abc import Sequence

import torch

from models import provenance


def prepare(arguments: argparse.Namespace) -> torch.device:
    """Apply the options, once in a process. Raises ValueError for a missing device."""
    try:
        device = torch.device(arguments.device)
    except RuntimeError as error:
        raise ValueError(f"--device {arguments.device}: not a device") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"--device {arguments.device}: this torch sees no GPU")
    # cuBLAS is deterministic only with a workspace of a fixed size
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(arguments.threads)
    # Adam's moments of never-lit pixels decay into denormals, which cost 20 times more
    torch.set_flush_denormal(True)
    torch.use_deterministic_algorithms(True)
    return device


def stacks(seeds: Sequence[int], device: torch.device) -> list[list[int]]:
    """Return which seeds to compute side by side: all on a GPU, each alone on a CPU.

    A CPU gains nothing from a stack, and in one the last elements of an array, which
    miss the vector unit, are another seed's: exp and Adam then differ in the last bit.
    """
    return [[seed] for seed in seeds] if device.type == "cpu" else [list(seeds)]


def describe(device: torch.device) -> str:
    """Return the device's name, for the record."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return provenance.processor()
