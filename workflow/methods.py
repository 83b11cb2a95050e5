"""The methods there are: what the files of models/priors declare, and AVB.

The files are read, not imported: a table must not wait for torch to load.
"""

import ast
from dataclasses import fields
from pathlib import Path

from models.provenance import ROOT
from models.settings import SHARED, Settings

ATTRIBUTES = {"title": str, "approximate": bool, "own_settings": tuple}
MODELS = ROOT / "models"


def declared(file: Path) -> dict:
    """Return title, approximate and own_settings, as a file's class states them.

    Raises ValueError, naming the file, when one of them is no literal, of another type
    or stated twice, or it is no Python.
    """
    found = {}
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{file}: not UTF-8 ({error})") from error
    try:
        tree = ast.parse(text, str(file))
    except SyntaxError as error:
        line = f"{file}, line {error.lineno}"
        raise ValueError(f"{line}: no Python ({error.msg})") from error
    classes = [part for part in tree.body if isinstance(part, ast.ClassDef)]
    for statement in (s for one in classes for s in one.body):
        if isinstance(statement, ast.Assign):
            targets = statement.targets
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            targets = [statement.target]
        else:
            continue
        for name in {getattr(target, "id", "") for target in targets} & set(ATTRIBUTES):
            if name in found:
                raise ValueError(f"{file}: states {name} twice, expected one class")
            try:
                found[name] = ast.literal_eval(statement.value)
            except (ValueError, TypeError) as error:
                raise ValueError(
                    f"{file}: {name} is not written out, expected a literal"
                ) from error
            if not isinstance(found[name], ATTRIBUTES[name]):
                comma = f": ({found[name]!r},)" * isinstance(found[name], str)
                raise ValueError(
                    f"{file}: {name} is {found[name]!r}, expected a "
                    f"{ATTRIBUTES[name].__name__}{comma}"
                )
    return found


def priors() -> dict[str, dict]:
    """What each prior's file declares.

    Raises ValueError for a name that no module has or AVB's, for the title of another,
    and for own_settings that name none that a prior may have for itself.
    """
    # no folder, nor the dangling link that an editor leaves beside an open file
    files = sorted(file for file in (MODELS / "priors").glob("*.py") if file.is_file())
    found, titles = {}, {AVB.get("title"): "avb"}
    free = {field.name for field in fields(Settings)} - SHARED
    for file in files:
        name = file.stem
        if name in ("__init__", "base"):
            continue
        if not name.isidentifier():  # what follows a hyphen is K
            raise ValueError(
                f"{file}: expected a name without a hyphen, as of a Python module: "
                "letters, digits and _, no digit first"
            )
        if name == "avb":
            raise ValueError(f"{file}: expected another name, which no method has")
        found[name] = declared(file)
        own = found[name].get("own_settings", ())
        if not all(isinstance(name, str) for name in own) or not free.issuperset(own):
            raise ValueError(
                f"{file}: own_settings is {own!r}, expected a tuple of names of "
                f"{', '.join(sorted(free))}"
            )
        title = found[name].get("title", name)
        other = titles.setdefault(title, name)
        if other != name or not title.strip():
            of = f"{other} has, too" if title.strip() else "is empty"
            raise ValueError(f"{file}: title {title!r} {of}, expected another")
    return found


AVB = declared(MODELS / "avb.py")
PRIORS = priors()
_ALL = PRIORS | {"avb": AVB}
# the rows of Table 2 and the panels of Figures 1 and 2, in the paper's order; then
# whatever else there is
METHODS = {
    name: _ALL[name].get("title", name)
    for name in dict.fromkeys(["standard", "avb", "vampprior", "iop", *PRIORS])
}
# their densities or ELBOs come from a density-ratio network: "≈" in the paper
ESTIMATED = tuple(name for name in METHODS if _ALL[name].get("approximate"))
OWN_SETTINGS = {name: _ALL[name].get("own_settings", ()) for name in METHODS}
# those whose K is part of what they are
MIXTURES = tuple(name for name in METHODS if "components" in OWN_SETTINGS[name])


def shown(name: str) -> str:
    """A method's title, behind "≈" where its numbers are estimates."""
    return f"≈ {METHODS[name]}" if name in ESTIMATED else METHODS[name]


def split(method: str) -> tuple[str, int | None]:
    """The name and K of a run's folder: vampprior-500 as vampprior and 500.

    Raises ValueError for what is no method, or has a K and is no mixture.
    """
    name, hyphen, components = method.partition("-")
    wrong = not components.isdecimal() if name in MIXTURES else hyphen
    if name not in METHODS or wrong:
        known = (f"{name}-K" if name in MIXTURES else name for name in METHODS)
        raise ValueError(f"{method!r}, expected one of {', '.join(known)}")
    return name, int(components) if components else None
