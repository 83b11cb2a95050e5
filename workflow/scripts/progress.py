"""Run Snakemake with one line a finished job, and the time that is left.

``python -m workflow.scripts.progress -- snakemake --cores 2 ...``: the full output goes
to a file and, after a failure, its end to the terminal. The time left assumes that the
jobs to come take as long, on average, as those that are done.
"""

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from models.progress import clock

LOG = Path(".snakemake/progress.log")
STEPS = re.compile(r"(\d+) of (\d+) steps")
FINISHED = re.compile(r"Finished jobid: (\d+)")
FIELD = re.compile(r"\s+(jobid|output): (.+)")


class Follower:
    """Reads Snakemake's output line by line.

    start: the clock's reading, in seconds, when the run began.
    """

    def __init__(self, start: float):
        self.start = start
        self._outputs: dict[str, str] = {}
        self._output = self._last = ""

    def line(self, text: str, now: float) -> str | None:
        """Return a line to show after this line of output, if there is news."""
        if field := FIELD.match(text):
            name, value = field.groups()
            if name == "output":
                self._output = value.split(",")[0]
            else:
                self._outputs[value.strip()] = self._output
                self._output = ""
        elif finished := FINISHED.match(text):
            self._last = self._outputs.get(finished[1], "")
        elif steps := STEPS.match(text):
            done, total = map(int, steps.groups())
            elapsed = now - self.start
            left = f"about {clock(elapsed / done * (total - done))} left"
            return f"[{done}/{total}] {clock(elapsed)} elapsed, {left}  {self._last}"
        return None


def main(argv: list[str] | None = None) -> int:
    """Run the command after ``--``; returns its exit status."""
    arguments = sys.argv[1:] if argv is None else argv
    if len(arguments) < 2 or arguments[0] != "--":
        print(__doc__, file=sys.stderr)
        return 2
    if shutil.which(arguments[1]) is None:
        print(f"progress: {arguments[1]}: no such command", file=sys.stderr)
        return 1
    LOG.parent.mkdir(exist_ok=True)
    follower = Follower(time.monotonic())
    with (
        open(LOG, "w", encoding="utf-8") as log,
        subprocess.Popen(
            arguments[1:],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",  # a byte that is none must not end the run
        ) as process,
    ):
        try:
            for text in process.stdout:
                log.write(text)
                log.flush()
                if shown := follower.line(text, time.monotonic()):
                    print(shown, flush=True)
        except KeyboardInterrupt:  # which has reached the command, too
            log.writelines(process.stdout)  # a full pipe would hold up its end
            print("interrupted: the same command goes on", file=sys.stderr)
            return 130
    if process.returncode:
        tail = LOG.read_text(encoding="utf-8").splitlines()[-60:]
        print("\n".join(tail), f"\nThe whole output is in {LOG}", file=sys.stderr)
    return process.returncode


if __name__ == "__main__":
    sys.exit(main())
