"""CUDA graphs: a function of tensors, recorded once for each shape and replayed."""

import functools
import gc
from collections.abc import Callable

import torch


class Captured:
    """Wraps a function whose kernels always run in the same order on the same memory.

    Called like the function; its result is overwritten by the next call. What the
    function changes (weights, moments) it must change in place.

    function: tensors to one tensor, without a look at any value.
    moving: returns the tensors that the function changes, those that exist by now.
    """

    def __init__(self, function: Callable, moving: Callable[[], list[torch.Tensor]]):
        self.function, self.moving = function, moving
        self._recorded: dict = {}

    def __call__(self, *inputs: torch.Tensor) -> torch.Tensor:
        key = tuple(x.shape for x in inputs)
        if key not in self._recorded:
            static = [x.clone(memory_format=torch.contiguous_format) for x in inputs]
            self._warm_up(static)
            self._recorded[key] = static, *record(lambda: self.function(*static))
        static, replay, result = self._recorded[key]
        for ours, theirs in zip(static, inputs, strict=True):
            ours.copy_(theirs)
        replay()
        return result

    def forget(self) -> None:
        """Drop the recordings: the tensors they work on have been replaced."""
        self._recorded.clear()

    def _warm_up(self, static) -> None:
        """Let libraries allocate what they need, then undo what the call changed."""
        before = [(x, x.detach().clone()) for x in self.moving()]
        old = {id(x) for x, _ in before}
        warm(lambda: self.function(*static))
        with torch.no_grad():
            for x, value in before:
                x.copy_(value)
            for x in self.moving():  # an optimizer's state begins at zero
                if id(x) not in old:
                    x.zero_()


def warm(work: Callable[[], torch.Tensor]) -> None:
    """Call work() on a stream of its own, as capture wants it."""
    stream = _side_stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        work()
    torch.cuda.current_stream().wait_stream(stream)


def record(work: Callable[[], torch.Tensor]) -> tuple[Callable, torch.Tensor]:
    """Return a call that repeats the kernels of work(), and where its result lies."""
    graph = torch.cuda.CUDAGraph()
    gc.collect()  # now, not while recording: freeing an older graph would end it
    gc.disable()
    try:
        with torch.cuda.graph(graph):
            result = work()
    finally:
        gc.enable()
    return graph.replay, result


@functools.cache
def _side_stream() -> torch.cuda.Stream:
    return torch.cuda.Stream()  # one, because each keeps a workspace of cuBLAS
