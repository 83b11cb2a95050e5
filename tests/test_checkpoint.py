"""A scratch checkpoint is whole, of its own run, or none."""

import pytest

from models.checkpoint import Scratch
from models.training import Trainer
from tests.conftest import images


def test_a_foreign_or_damaged_checkpoint_is_ignored(small, tmp_path, capsys):
    trainer = Trainer(images("bernoulli"), small, [0])
    trainer.run_epoch()
    scratch = Scratch(tmp_path / "x", key="this")
    scratch.save(trainer.state())
    assert scratch.load()["epoch"] == 1
    assert Scratch(tmp_path / "x", key="other").load() is None
    whole = (tmp_path / "x").read_bytes()
    (tmp_path / "x").write_bytes(whole[: len(whole) // 2])
    assert capsys.readouterr().err == ""
    assert scratch.load() is None
    assert "/x: unreadable, begun anew (" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


def test_a_checkpoint_that_cannot_be_read_may_be_whole(tmp_path):
    (tmp_path / "x").mkdir()
    with pytest.raises(OSError, match="directory"):
        Scratch(tmp_path / "x", key="this").load()
