"""The methods there are: what the files of models/priors declare, and AVB.

The files are read, not imported: a table must not wait for torch to load.
"""

import ast
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "models" / "priors"


def declared() -> dict[str, dict]:
    """Return each prior's plain class attributes, ``title`` and ``approximate``."""
    found = {}
    for file in sorted(FOLDER.glob("*.py")):
        if file.stem in ("__init__", "base"):
            continue
        tree = ast.parse(file.read_text(encoding="utf-8"))
        found[file.stem] = {
            target.id: statement.value.value
            for node in tree.body
            if isinstance(node, ast.ClassDef)
            for statement in node.body
            if isinstance(statement, ast.Assign)
            and isinstance(statement.value, ast.Constant)
            for target in statement.targets
        }
    return found


PRIORS = declared()
# the rows of Table 2 and the panels of Figures 1 and 2, in the paper's order; then
# whatever else there is
METHODS = {
    name: PRIORS[name].get("title", name) if name in PRIORS else "AVB"
    for name in dict.fromkeys(["standard", "avb", "vampprior", "iop", *PRIORS])
}
# their densities or ELBOs come from a density-ratio network: "≈" in the paper
ESTIMATED = ("avb", *(n for n, facts in PRIORS.items() if facts.get("approximate")))
