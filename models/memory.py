"""Whether an error says that memory is full."""

import torch


def full(error: Exception) -> bool:
    """Of the device, or of the machine, for which torch has no kind of its own."""
    kinds = torch.OutOfMemoryError, MemoryError  # the latter is numpy's
    return isinstance(error, kinds) or "can't allocate memory" in str(error)


def said(error: Exception) -> str:
    """The first line of what it says."""
    return (str(error) or type(error).__name__).splitlines()[0]
