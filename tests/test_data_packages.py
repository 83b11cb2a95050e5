"""Files that are in a wheel of a package index, or in the repository itself."""

import dataclasses
import hashlib
import io
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tests.fake_sources import (
    GOOD,
    IMAGES,
    alternative,
    entry,
    files_below,
)
from workflow.data import DataError, sources
from workflow.data.registry import Wheel

pytestmark = pytest.mark.usefixtures("network")  # none is asked but the made one


def wheel_bytes(member, content) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(member, content)
    return buffer.getvalue()


def serve_wheel(monkeypatch, name, content, returncode=0, stderr=""):
    def run(command, **keys):
        assert command[1:4] == ["-m", "pip", "download"]
        assert "--no-deps" in command
        folder = Path(command[command.index("--dest") + 1])
        if not returncode:
            (folder / name).write_bytes(content)
        return subprocess.CompletedProcess(command, returncode, "", stderr)

    monkeypatch.setattr(subprocess, "run", run)


def test_a_file_out_of_a_wheel(tmp_path, monkeypatch):
    content = wheel_bytes("pack/data/mine.npz", GOOD)
    sha = hashlib.sha256(content).hexdigest()
    wheel = Wheel("pack==1.0", "pack-1.0.whl", sha, "pack/data")
    serve_wheel(monkeypatch, wheel.name, content)
    mine = entry(alternative(wheel=wheel))
    _, arrays = sources.obtain(mine, tmp_path / "raw")
    np.testing.assert_array_equal(arrays["images"], IMAGES)
    assert files_below(tmp_path / "raw") == ["mine/mine.npz"]

    changed = dataclasses.replace(wheel, sha256="0" * 64)
    with pytest.raises(DataError, match=r"pack-1\.0\.whl: sha256 is"):
        sources.obtain(entry(alternative(wheel=changed)), tmp_path / "raw2")


def test_a_wheel_that_pip_does_not_find(tmp_path, monkeypatch):
    wheel = Wheel("pack==1.0", "pack-1.0.whl", "0" * 64, "pack/data")
    serve_wheel(monkeypatch, wheel.name, b"", 1, "lines\nERROR: no such version\n")
    with pytest.raises(DataError, match=r"pack==1\.0: ERROR: no such version"):
        sources.obtain(entry(alternative(wheel=wheel)), tmp_path / "raw")


def test_a_file_of_a_folder_of_the_repository(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "ROOT", tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "mine.npz").write_bytes(GOOD)
    used, _ = sources.obtain(entry(alternative(folder="mine")), tmp_path / "raw")
    assert used.title == "good"
