"""Whether an error says that memory is full, and how a command says so."""

import torch


def full(error: Exception) -> bool:
    """Of the device, or of the machine, for which torch has no kind of its own."""
    kinds = torch.OutOfMemoryError, MemoryError  # the latter is numpy's
    return isinstance(error, kinds) or "can't allocate memory" in str(error)


def line(error: Exception, many: int, what: str, fewer: str, rest: str = "") -> str:
    """What a command says of it: with `many` of `what` at once, `fewer` would help."""
    held = f"{many} {what}s side by side" if many > 1 else f"one {what}"
    fewer = f", or {fewer}" if many > 1 else ""
    said = (str(error) or type(error).__name__).splitlines()[0]
    return (
        f"error: out of memory with {held}; expected a device with more{fewer}{rest} "
        f"({said})"
    )
