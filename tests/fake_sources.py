"""A made dataset file, a mirror that has it, and a network that serves a table."""

import hashlib
import io
import subprocess
import urllib.error
import urllib.request
from email.message import Message
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from workflow.data import fetch, prepare
from workflow.data.registry import Alternative, Entry, File

IMAGES = np.arange(36, dtype=np.uint8).reshape(6, 6)
URL = "https://a.example/"


def npz_bytes(images=IMAGES) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, images=images)
    return buffer.getvalue()


GOOD = npz_bytes()
SHA = hashlib.sha256(GOOD).hexdigest()


def alternative(title="good", sha256=SHA, name="mine.npz", **keys) -> Alternative:
    return Alternative(title, "npz", files=(File(name, sha256=sha256),), **keys)


def entry(*alternatives, **keys) -> Entry:
    return Entry(
        name="mine",
        title="Mine",
        likelihood="gaussian",
        dynamic=False,
        height=2,
        width=3,
        splits={"train": 3, "valid": 2, "test": 1},
        licence="mine",
        citation="me",
        alternatives=alternatives,
        **keys,
    )


class Response(io.BytesIO):
    """What urlopen returns: a body, headers and the final address."""

    def __init__(self, url, body, length=None):
        super().__init__(body)
        self.url, self.headers = url, Message()
        self.headers["Content-Length"] = str(len(body) if length is None else length)

    def geturl(self):
        return self.url


@pytest.fixture
def network(monkeypatch):
    """No network: urlopen serves this table and notes what was asked; no pip.

    A URL's answers are given in turn, the last one again and again: an exception,
    a body, or the final address, the body and the length that its headers claim.
    """
    table, asked = {}, []

    def urlopen(request, timeout):
        assert timeout > 0
        asked.append(request.full_url)
        answers = table.get(request.full_url)
        if answers is None:
            raise urllib.error.URLError("no route")
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, tuple):
            return Response(*answer)
        return Response(request.full_url, answer)

    def run(*_, **__):
        asked.append("pip")
        raise OSError("no pip here")

    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(fetch, "WAIT", 0)
    monkeypatch.delenv(prepare.MIRROR, raising=False)
    return SimpleNamespace(table=table, asked=asked)


@pytest.fixture
def mirror(tmp_path) -> Path:
    folder = tmp_path / "mirror" / "deep" / "down"
    folder.mkdir(parents=True)
    (folder / "mine.npz").write_bytes(GOOD)
    return tmp_path / "mirror"


def files_below(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
