"""Where files come from: order, digests, atomicity, and no network when offline."""

import hashlib
import http.client
import io
import re
import urllib.error
import urllib.request
from email.message import Message

import numpy as np
import pytest

from models import files
from tests.fake_sources import (
    GOOD,
    IMAGES,
    SHA,
    URL,
    alternative,
    entry,
    files_below,
    npz_bytes,
)
from workflow.data import DataError, digests, fetch, sources
from workflow.data.registry import Wheel

pytestmark = pytest.mark.usefixtures("network")  # none is asked but the made one


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


def test_a_folder_that_the_mirror_links_to_is_searched(tmp_path, mirror):
    mirror.rename(tmp_path / "elsewhere")
    mirror.mkdir()
    (mirror / "linked").symlink_to(tmp_path / "elsewhere")
    for name in ("back", "again"):  # 2^40 paths
        (mirror / name).symlink_to(mirror)
    used, _ = sources.obtain(entry(alternative("a")), tmp_path / "raw", mirror)
    assert used.title == "a"


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


def test_a_name_is_asked_for_as_an_address_has_it(tmp_path, network):
    network.table[URL + "my%20images%231.npz"] = [GOOD]
    found = alternative(name="my images#1.npz", base_urls=(URL,))
    sources.obtain(entry(found), tmp_path / "raw")
    assert files_below(tmp_path / "raw") == ["mine/my images#1.npz"]


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


def test_a_file_that_was_put_there_by_hand_is_not_deleted(tmp_path):
    bare = alternative("bare", sha256=None, name="bare.npz")
    kept = tmp_path / "raw/mine/bare.npz"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(npz_bytes(IMAGES[::-1]))
    content = hashlib.sha256(IMAGES.tobytes()).hexdigest()
    with pytest.raises(DataError, match="content_sha256 is"):
        sources.obtain(entry(bare, content_sha256=content), tmp_path / "raw")
    assert kept.read_bytes() == npz_bytes(IMAGES[::-1])


def test_without_a_file_digest_a_fresher_file_goes_before_the_kept_one(
    tmp_path, mirror
):
    bare = alternative("bare", sha256=None, name="bare.npz")
    for images in (IMAGES, IMAGES + 1):
        (mirror / "bare.npz").write_bytes(npz_bytes(images))
        content = hashlib.sha256(images.tobytes()).hexdigest()
        wanted = entry(bare, content_sha256=content)
        _, arrays = sources.obtain(wanted, tmp_path / "raw", mirror)
        np.testing.assert_array_equal(arrays["images"], images)
    _, arrays = sources.obtain(wanted, tmp_path / "raw")  # it is all there is
    np.testing.assert_array_equal(arrays["images"], IMAGES + 1)


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
        (URL, GOOD, "many"),  # no number of bytes
        http.client.IncompleteRead(b"", 10),
        ConnectionResetError("reset by peer"),
        TimeoutError("timed out"),
    ],
    ids=lambda answer: type(answer).__name__,
)
def test_an_interrupted_download_leaves_nothing(tmp_path, network, answer):
    network.table[URL + "bare.npz"] = [answer]
    bare = alternative(sha256=None, name="bare.npz", base_urls=(URL,))
    with pytest.raises(DataError, match=re.escape(f"{URL}bare.npz: ")):
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
    """From the start: of an answer that breaks off nothing stays."""
    address = URL + "mine.npz"
    broken = address, GOOD[:10], len(GOOD)
    network.table[address] = [http_error(503), broken, GOOD]
    _, arrays = sources.obtain(entry(alternative(base_urls=(URL,))), tmp_path / "raw")
    np.testing.assert_array_equal(arrays["images"], IMAGES)
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


def test_a_file_shorter_than_was_announced_is_no_file(network):
    network.table[URL + "x"] = [(URL + "x", b"abc", 10)] * 3
    with pytest.raises(DataError, match="x: "):
        fetch.https(URL + "x", io.BytesIO())
