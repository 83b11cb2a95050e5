"""The command that prepares a dataset: registry, mirror, and errors in a line."""

import numpy as np
import pytest

from tests.fake_sources import IMAGES, SHA
from workflow.data import prepare, readers, registry

pytestmark = pytest.mark.usefixtures("network")  # none is asked but the made one


REGISTRY = f"""
mine:
  title: Mine
  likelihood: gaussian
  dynamic: false
  height: 2
  width: 3
  splits: {{train: 3, valid: 2, test: 1}}
  split_seed: 1
  scaling: {{divisor: 255}}
  licence: mine
  citation: me
  alternatives:
    - title: my file
      reader: npz
      files:
        - {{name: mine.npz, sha256: {SHA}}}
"""


@pytest.fixture
def command(tmp_path):
    path = tmp_path / "datasets.yaml"
    path.write_text(REGISTRY)
    output, raw = tmp_path / "out" / "mine.npz", tmp_path / "raw"

    def run(*more, dataset="mine"):
        return prepare.main(
            [
                *("--dataset", dataset, "--output", str(output)),
                *("--downloads", str(raw), "--registry", str(path), *more),
            ]
        )

    run.output = output
    return run


def test_a_new_dataset_is_one_entry_of_the_registry(command, mirror, monkeypatch):
    monkeypatch.setenv(prepare.MIRROR, str(mirror))
    assert command() == 0
    dataset = prepare.data.load(command.output)
    assert (dataset.name, dataset.origin) == ("mine", "my file")
    rows = np.concatenate([dataset.train, dataset.valid, dataset.test])
    expected = IMAGES.astype(np.float32) / 255
    np.testing.assert_array_equal(rows[np.argsort(rows[:, 0])], expected)


def test_a_mirror_without_the_file_is_named(command, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv(prepare.MIRROR, str(tmp_path))
    assert command() == 1
    assert f"mirror {tmp_path}" in capsys.readouterr().err


def test_a_mirror_that_is_no_folder(command, monkeypatch, capsys):
    monkeypatch.setenv(prepare.MIRROR, "nowhere")
    assert command() == 1
    assert f"{prepare.MIRROR}: nowhere is not a folder" in capsys.readouterr().err


def test_errors_have_no_traceback_and_write_nothing(command, capsys):
    assert command() == 1
    error = capsys.readouterr().err
    assert error.startswith("error: mine: no alternative worked\n  my file: ")
    assert "Traceback" not in error
    assert not command.output.exists()


def test_an_unknown_dataset_names_the_known_ones(command, capsys):
    assert command(dataset="yours") == 1
    assert "'yours', expected one of mine" in capsys.readouterr().err


def test_made_datasets_need_no_file_and_no_network(tmp_path, network):
    for name in ("onehot", "digits-binary", "digits-gray"):
        dataset = prepare.prepare(name, tmp_path / "raw")
        sizes = [len(dataset.train), len(dataset.valid), len(dataset.test)]
        assert sizes == list(registry.load()[name].splits.values())
    assert network.asked == []


def test_every_reader_is_used_by_the_registry_but_the_generic_one():
    used = {a.reader for e in registry.load().values() for a in e.alternatives}
    assert used == set(readers.READERS) - {"npz"}
