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
