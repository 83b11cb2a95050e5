"""Priors p(z). Each file here is one, under the file's name; see base.Prior."""

import importlib
import pkgutil

from models.priors.base import Prior


def names() -> list[str]:
    """Return the names of all priors: the files of this folder, but for base."""
    return sorted(
        module.name
        for module in pkgutil.iter_modules(__path__)
        if not module.ispkg and module.name.isidentifier() and module.name != "base"
    )


def find(name: str) -> type[Prior]:
    """Return the class of the prior called `name`.

    Raises ValueError when there is no such file, not exactly one Prior in it, or one
    that leaves to another what its file has to say.
    """
    if name not in names():
        raise ValueError(f"prior {name!r}: expected one of {', '.join(names())}")
    module = importlib.import_module(f"{__name__}.{name}")
    found = [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, Prior)
        and value.__module__ == module.__name__
    ]
    if len(found) != 1:
        raise ValueError(f"{module.__file__}: {len(found)} priors, expected one")
    for attribute in ("own_settings", "approximate"):
        inherited = getattr(found[0], attribute) != getattr(Prior, attribute)
        if inherited and attribute not in vars(found[0]):  # unseen by the workflow
            raise ValueError(
                f"{module.__file__}: {attribute} is inherited, expected it in the class"
            )
    return found[0]
