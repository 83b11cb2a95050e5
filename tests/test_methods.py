"""What the files of priors say of themselves, read without importing them."""

import pytest

from workflow import methods


def test_a_prior_has_no_hyphen(tmp_path, monkeypatch):
    (tmp_path / "priors").mkdir()
    (tmp_path / "priors/my-prior.py").write_text("class Mine:\n    title = 'Mine'\n")
    monkeypatch.setattr(methods, "MODELS", tmp_path)
    with pytest.raises(
        ValueError, match=r"my-prior\.py: expected a name without a hyp"
    ):
        methods.priors()
    (tmp_path / "priors/my-prior.py").rename(tmp_path / "priors/mine.py")
    assert methods.priors() == {"mine": {"title": "Mine"}}
    (tmp_path / "priors/mine.py").rename(tmp_path / "priors/avb.py")
    with pytest.raises(ValueError, match=r"avb\.py: expected another name"):
        methods.priors()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"class Mine:\n    title = 5\n", "title is 5, expected a str"),
        (b"class Mine:\n    approximate = 'no'\n", "approximate is 'no', expected a b"),
        (b"# caf\xe9\n", "not UTF-8"),
        (b"class Mine:\n    own_settings = 'components'\n", "own_settings is 'compo"),
        (
            b"class A:\n    title = 'A'\nclass B:\n    title = 'B'\n",
            "states title twice, expected one class",
        ),
    ],
)
def test_a_file_that_says_it_wrongly_is_named(text, message, tmp_path, monkeypatch):
    (tmp_path / "priors").mkdir()
    (tmp_path / "priors/mine.py").write_bytes(text)
    monkeypatch.setattr(methods, "MODELS", tmp_path)
    with pytest.raises(ValueError, match=rf"mine\.py: {message}"):
        methods.priors()


def test_what_is_no_file_is_no_prior(tmp_path, monkeypatch):
    """Among them the link that an editor leaves beside a file that is open."""
    (tmp_path / "priors/folder.py").mkdir(parents=True)
    (tmp_path / "priors/.#mine.py").symlink_to("nobody@nowhere")
    monkeypatch.setattr(methods, "MODELS", tmp_path)
    assert methods.priors() == {}


@pytest.mark.parametrize("own", [("component",), "components", ["components"], 3])
def test_settings_of_a_prior_that_there_are_not(own, tmp_path, monkeypatch):
    """As where the comma of a tuple is forgotten: they would be ignored."""
    (tmp_path / "priors").mkdir()
    text = f"class Mine:\n    own_settings = {own!r}\n"
    (tmp_path / "priors/mine.py").write_text(text)
    monkeypatch.setattr(methods, "MODELS", tmp_path)
    with pytest.raises(
        ValueError, match=r"mine\.py: own_settings is .*, expected a tu"
    ):
        methods.priors()


@pytest.mark.parametrize("shared", ["patience", "learning_rate", "latent_dim"])
def test_what_every_method_reads_is_no_priors_own(shared, tmp_path, monkeypatch):
    """It would be taken from all others, which would have the default."""
    (tmp_path / "priors").mkdir()
    text = f"class Mine:\n    own_settings = ('components', {shared!r})\n"
    (tmp_path / "priors/mine.py").write_text(text)
    monkeypatch.setattr(methods, "MODELS", tmp_path)
    words = (
        r"mine\.py: own_settings is .*, expected a tuple of names of components, noi"
    )
    with pytest.raises(ValueError, match=words):
        methods.priors()


@pytest.mark.parametrize(
    ("title", "says"),
    [("Standard VAE", "standard has, too"), ("AVB", "avb has, too"), (" ", "is empty")],
)
def test_a_title_is_of_one_prior(title, says, tmp_path, monkeypatch):
    (tmp_path / "priors").mkdir()
    for name, of in (("standard", "Standard VAE"), ("tail", title)):
        text = f"class Mine:\n    title = {of!r}\n"
        (tmp_path / f"priors/{name}.py").write_text(text)
    monkeypatch.setattr(methods, "MODELS", tmp_path)
    words = rf"tail\.py: title '{title}' {says}, expected another"
    with pytest.raises(ValueError, match=words):
        methods.priors()
