"""The registry: what it says, and one clear line for what it may not say."""

import copy
import dataclasses

import fake_sources
import pytest
import yaml

from workflow.data import DataError, readers, registry

TABLE_1 = {  # dimension, train, valid, test
    "onehot": (4, 1000, 100, 1000),
    "mnist": (784, 50_000, 10_000, 10_000),
    "omniglot": (784, 23_000, 1_345, 8_070),
    "freyfaces": (560, 1_565, 200, 200),
    "histopathology": (784, 6_800, 2_000, 2_000),
}
MINE = {
    "title": "Mine",
    "likelihood": "gaussian",
    "dynamic": False,
    "height": 2,
    "width": 3,
    "splits": {"train": 3, "valid": 2, "test": 1},
    "licence": "mine",
    "citation": "me",
    "alternatives": [
        {
            "title": "my file",
            "reader": "npz",
            "files": [{"name": "mine.npz", "sha256": "0" * 64}],
        }
    ],
}


def load(tmp_path, change=lambda entry: None):
    entry = copy.deepcopy(MINE)
    change(entry)
    path = tmp_path / "datasets.yaml"
    path.write_text(yaml.safe_dump({"mine": entry}))
    return registry.load(path)


def test_table_1():
    entries = registry.load()
    for name, sizes in TABLE_1.items():
        entry = entries[name]
        assert (entry.height * entry.width, *entry.splits.values()) == sizes


def test_stand_ins_are_of_the_size_of_what_they_stand_in_for():
    entries = registry.load()
    stand_ins = {n: e.stands_in_for for n, e in entries.items() if e.stands_in_for}
    assert (
        stand_ins.items()
        >= {
            "omniglot-rebuilt": "omniglot",
            "bone-marrow": "histopathology",
            "freyfaces-split1": "freyfaces",
        }.items()
    )
    for name, original in stand_ins.items():
        assert entries[name].splits == entries[original].splits
        assert entries[name].likelihood == entries[original].likelihood


def test_the_code_that_decides_the_arrays_is_that_of_their_own_format(monkeypatch):
    monkeypatch.setattr(registry, "fingerprint", lambda files: files)
    entries = registry.load()
    marrow, omniglot = (f"workflow/data/{n}.py" for n in ("bone_marrow", "omniglot"))
    assert marrow in entries["bone-marrow"].code()
    assert omniglot in entries["omniglot-rebuilt"].code()
    assert omniglot not in entries["bone-marrow"].code()
    assert marrow not in entries["omniglot-rebuilt"].code()
    for other in ("mnist", "omniglot"):  # whose reader is one of readers.py
        assert not {marrow, omniglot} & set(entries[other].code())


def test_where_data_come_from_counts_only_where_their_content_is_not_known():
    one, other = (fake_sources.alternative(sha256=digit * 64) for digit in "01")
    for content, same in (("2" * 64, True), (None, False)):
        of = (fake_sources.entry(a, content_sha256=content) for a in (one, other))
        first, second = (entry.recipe() for entry in of)
        assert (first == second) is same
    mine = fake_sources.entry(one)
    for key, value in (("title", "other"), ("licence", "other"), ("citation", "x")):
        assert dataclasses.replace(mine, **{key: value}).recipe() == mine.recipe()
    for key, value in (("split_seed", 1), ("dynamic", True), ("likelihood", "x")):
        assert dataclasses.replace(mine, **{key: value}).recipe() != mine.recipe()


def test_every_schema_key_is_described_and_strict():
    def walk(schema, where):
        for key, part in schema.get("properties", {}).items():
            assert part.get("description"), f"{where}.{key}"
            walk(part, f"{where}.{key}")
            walk(part.get("items", {}), f"{where}.{key}[]")
        if schema.get("type") == "object":
            assert schema["additionalProperties"] is False, where

    schema = yaml.safe_load(registry.SCHEMA.read_text())
    walk(schema["$defs"]["dataset"], "dataset")


def test_schema_and_code_know_the_same_readers():
    schema = yaml.safe_load(registry.SCHEMA.read_text())
    alternative = schema["$defs"]["dataset"]["properties"]["alternatives"]["items"]
    assert set(alternative["properties"]["reader"]["enum"]) == set(readers.READERS)


def test_an_entry_is_read(tmp_path):
    entry = load(tmp_path, lambda e: e.update(scaling={"clip": [0.1, 0.9]}))["mine"]
    assert entry.name == "mine"
    assert entry.scaling == registry.Scaling(divisor=1, clip=(0.1, 0.9))
    assert entry.alternatives[0].files[0].digests == {"sha256": "0" * 64}


def drop(key):
    return lambda entry: entry.pop(key)


def put(**values):
    return lambda entry: entry.update(values)


def in_file(**values):
    return lambda entry: entry["alternatives"][0]["files"][0].update(values)


def in_alternative(**values):
    return lambda entry: entry["alternatives"][0].update(values)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (drop("likelihood"), ["mine: no likelihood; expected title, likelihood"]),
        (put(likelihood="poisson"), ["mine.likelihood", "poisson", "gaussian"]),
        (put(colour=True), ["mine.colour: no such key; expected alt", "width"]),
        (put(height="28"), ["mine.height: '28'; expected a whole number"]),
        (put(width=0), ["mine.width: 0; expected at least 1"]),
        (
            put(splits={"train": 1, "valid": 1}),
            ["mine.splits: no test; expected train, v"],
        ),
        (put(splits={"train": 3.0, "valid": 2, "test": 1}), ["mine.splits.train: 3.0"]),
        (put(split_seed=42.0), ["mine.split_seed: 42.0; expected a whole number"]),
        (put(dynamic=True), ["mine.dynamic", "bernoulli", "binarise_seed"]),
        (put(binarise_seed=1), ["mine.binarise_seed: is 1", "dynamic is false"]),
        (put(stands_in_for="nought"), ["mine.stands_in_for", "nought", "another"]),
        (put(stands_in_for="mine"), ["mine.stands_in_for", "mine", "another"]),
        (
            put(scaling={"divisor": 0}),
            ["mine.scaling.divisor: 0; expected more than 0"],
        ),
        (put(scaling={"divisor": float("nan")}), ["mine.scaling.divisor: nan; expe"]),
        (put(scaling={"clip": [0.9, 0.1]}), ["mine.scaling.clip", "lowest first"]),
        (put(scaling={"clip": [0.5, 0.5]}), ["mine.scaling.clip", "lowest first"]),
        (in_file(sha256="abc"), ["mine.alternatives.0.files.0.sha256", "64"]),
        (in_file(sha256=123), ["files.0.sha256: 123; expected text (of digits: in q"]),
        (in_file(name="../mine.npz"), ["mine.alternatives.0.files.0.name", "bare"]),
        (in_alternative(reader="xls"), ["mine.alternatives.0.reader", "xls", "npz"]),
        (
            in_alternative(base_urls=["http://a.org/"]),
            ["mine.alternatives.0.base_urls.0", "http://a.org/", "https"],
        ),
        (
            in_alternative(files=[{"name": "mine.npz"}]),
            ["mine.alternatives.0.files.0", "no digest", "sha256"],
        ),
        (
            in_alternative(files=[{"name": n, "sha256": "0" * 64} for n in "ab"]),
            ["mine.alternatives.0.files: 2 files", "one that reader npz reads"],
        ),
        (in_alternative(folder="../x"), ["mine.alternatives.0.folder", "../x"]),
    ],
)
def test_a_bad_entry_is_one_line_naming_the_key(tmp_path, change, words):
    with pytest.raises(DataError) as caught:
        load(tmp_path, change)
    message = str(caught.value)
    assert "\n" not in message
    for word in [str(tmp_path / "datasets.yaml"), *words]:
        assert word in message


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("- a\n- b\n", "expected keys and values"),
        ("a: [\n", "not YAML"),
        ("a: {}\na: {}\n", "'a' twice"),
        ("1: {}\n", "key 1"),
        ("Mine: {}\n", "Mine"),
        ("", "None"),
    ],
)
def test_a_file_that_is_no_registry(tmp_path, text, word):
    path = tmp_path / "datasets.yaml"
    path.write_text(text)
    with pytest.raises(DataError, match=word) as caught:
        registry.load(path)
    assert "\n" not in str(caught.value)


def test_a_title_is_of_one_dataset(tmp_path):
    path = tmp_path / "datasets.yaml"
    path.write_text(yaml.safe_dump({"mine": MINE, "yours": MINE}))
    with pytest.raises(DataError, match="title: is 'Mine', which yours has, too, exp"):
        registry.load(path)


def test_a_missing_registry(tmp_path):
    with pytest.raises(DataError, match="nowhere"):
        registry.load(tmp_path / "nowhere.yaml")


def test_the_numbers_of_the_protocol_are_those_of_the_public_code():
    known = {  # divisor, seed of the split and of the binarisation
        "mnist": (255, None, 777),
        "omniglot": (1, 42, 777),
        "omniglot-rebuilt": (255, 42, 777),
        "freyfaces": (256, 42, None),
        "freyfaces-split1": (256, 1, None),
        "histopathology": (1, None, None),
        "bone-marrow": (255, None, None),
    }
    entries = registry.load()
    for name, expected in known.items():
        entry = entries[name]
        found = entry.scaling.divisor, entry.split_seed, entry.binarise_seed
        assert found == expected, name
