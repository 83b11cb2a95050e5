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


@pytest.mark.parametrize("place", ["settings", "self.settings"])
def test_a_setting_that_is_read_but_not_named(place, tmp_path, monkeypatch):
    """It would have its default, whatever the configuration says."""
    (tmp_path / "priors").mkdir()
    for name in ("vampprior", "iop"):
        text = (methods.MODELS / f"priors/{name}.py").read_text()
        (tmp_path / f"priors/{name}.py").write_text(text)
    mine = tmp_path / "priors/mine.py"
    own = "class Mine:\n    own_settings = {}\n    def k(self, settings):\n"
    reads = f"        return {place}.components + {place}.latent_dim\n"
    mine.write_text(own.format("()") + reads)
    monkeypatch.setattr(methods, "MODELS", tmp_path)
    with pytest.raises(ValueError, match=r"mine\.py: reads settings\.components, expe"):
        methods.priors()
    mine.write_text(own.format("('components',)") + reads)
    assert set(methods.priors()) == {"iop", "mine", "vampprior"}
