"""The methods there are: what the files of models/priors declare, and AVB.

The files are read, not imported: a table must not wait for torch to load.
"""

import ast
from pathlib import Path

MODELS = Path(__file__).resolve().parents[2] / "models"


def declared(file: Path) -> dict:
    """Return the constant class attributes of a file: title, approximate, ..."""
    found = {}
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        for statement in getattr(node, "body", []):
            if isinstance(node, ast.ClassDef) and isinstance(statement, ast.Assign):
                name = statement.targets[0].id
                found[name] = ast.literal_eval(statement.value)
    return found


PRIORS = {
    file.stem: declared(file)
    for file in sorted((MODELS / "priors").glob("*.py"))
    if file.stem not in ("__init__", "base")
}
_ALL = PRIORS | {"avb": declared(MODELS / "avb.py")}
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
