"""One line now and then: where a training is and how long it may still take."""

import sys
import time


class Progress:
    """Prints a trainer's state every `interval` seconds and at its end.

    The time left is an upper bound: early stopping may end the run before.
    """

    def __init__(self, label: str, interval: float = 5.0, stream=None):
        self.label, self.interval = label, interval
        self.stream = stream or sys.stderr
        self._last = self._start = time.monotonic()
        self._first_epoch: int | None = None

    def __call__(self, trainer) -> None:
        now = time.monotonic()
        if self._first_epoch is None:  # a resumed run starts above 1
            self._first_epoch = trainer.epoch - 1
        if now - self._last < self.interval and not trainer.finished:
            return
        self._last = now
        total = trainer.settings.max_epochs
        done = trainer.epoch - self._first_epoch
        left = (now - self._start) / done * (total - trainer.epoch)
        now_at = " ".join(f"{run.valid_elbo:.2f}" for run in trainer.runs)
        state = "done" if trainer.finished else f"at most {clock(left)} left"
        print(
            f"{self.label}: epoch {trainer.epoch}/{total}, valid ELBO {now_at}, "
            f"{clock(now - self._start)} elapsed, {state}",
            file=self.stream,
            flush=True,
        )


def clock(seconds: float) -> str:
    """Write a duration: 83 -> '1:23', 3723 -> '1:02:03'."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
