"""A scratch checkpoint: lets a killed run go on, bit for bit."""

import io
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

from models import memory
from models.files import replacing


class Scratch:
    """A file that is only ever whole, and only ever read by the run it belongs to.

    key: what the run's numbers depend on; a file with another key is ignored.
    interval: seconds between two saves.
    """

    INTERVAL = 60.0

    def __init__(self, path: str | os.PathLike, key: str, interval: float = INTERVAL):
        self.path, self.key, self.interval = Path(path), key, interval
        self._last = time.monotonic()

    def load(self) -> dict | None:
        """Return the saved state, on the CPU, or None when there is none that fits.

        Raises OSError for a file that is there and cannot be read, and what torch
        raises where memory is full: it may be whole.
        """
        try:
            content = io.BytesIO(self.path.read_bytes())
        except FileNotFoundError:
            return None
        try:  # beside the run that is there already a GPU may have no room for it
            saved = torch.load(content, map_location="cpu", weights_only=True)
        except Exception as error:  # foreign or damaged, which costs time only
            if memory.full(error):
                raise
            line = " ".join(str(error).split())[:200]
            print(f"{self.path}: unreadable, begun anew ({line})", file=sys.stderr)
            return None
        if not isinstance(saved, dict) or saved.get("key") != self.key:
            line = f"{self.path}: of other settings, data, code or device, begun anew"
            print(line, file=sys.stderr)
            return None
        return saved["state"]

    def save_if_due(self, state: Callable[[], dict]) -> None:
        """Save state() unless the last save is younger than the interval."""
        if time.monotonic() - self._last >= self.interval:
            self.save(state())

    def save(self, state: dict) -> None:
        """Write beside the file, then rename over it. Raises OSError if it cannot."""
        content = io.BytesIO()  # torch's own error for a disk that is full names none
        torch.save({"key": self.key, "state": state}, content)
        with replacing(self.path) as temporary:
            temporary.write_bytes(content.getbuffer())
        self._last = time.monotonic()

    def remove(self) -> None:
        """Forget: the run's results are written."""
        self.path.unlink(missing_ok=True)
