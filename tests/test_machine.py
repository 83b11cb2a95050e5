"""What a process is set to before it computes, whatever it was set to before."""

import argparse

import pytest
import torch

from models import machine


def test_prepare_sets_threads_sums_products_and_denormals():
    flushes = torch.set_flush_denormal(False)
    torch.set_num_threads(2)
    torch.use_deterministic_algorithms(False)
    torch.set_float32_matmul_precision("medium")
    small = torch.full((64,), 1e-39)  # below the least normal float32
    assert (2 * small > 0).all()
    assert machine.prepare(argparse.Namespace(device="cpu", threads=1)).type == "cpu"
    assert torch.get_num_threads() == 1
    assert torch.are_deterministic_algorithms_enabled()
    assert torch.get_float32_matmul_precision() == "highest"
    if not flushes:
        pytest.skip("this processor has no flushing of denormals")
    assert (2 * small == 0).all()
