"""Where a number comes from: code, machine, versions."""

import ast
import functools
import hashlib
import importlib.util
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CODE = "*.py", "*.smk", "*.yaml", "*Snakefile"  # what git calls changed, in any folder


def training_code(method: str, latent_dim: int) -> str:
    """Fingerprint of the files that decide weights and curve; others retrain nothing.

    Those that all methods share, the method's own, and what that imports: so a new
    prior leaves the others' runs as they are.
    """
    common = (
        "settings.py machine.py randomness.py networks.py distributions.py "
        "priors/__init__.py priors/base.py vae.py "
        "graphs.py steps.py stopping.py training.py data.py"
    )
    files = [f"models/{name}" for name in common.split()]
    own = [f"models/{'avb' if method == 'avb' else f'priors/{method}'}.py"]
    for file in own:  # it grows by what they import
        own += [new for new in _imports(file) if new not in {*files, *own}]
    if latent_dim == 2:  # its curve may have integrals
        own.append("models/quadrature.py")
    return fingerprint(tuple(dict.fromkeys(files + own)))


def _imports(name: str) -> Iterator[str]:
    """Files of the repository that one of them imports; paths from its root."""
    package = ".".join(Path(name).parent.parts)
    for node in ast.walk(ast.parse((ROOT / name).read_text(encoding="utf-8"), name)):
        found = []
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            parent = "." * node.level + (node.module or "")
            module = importlib.util.resolve_name(parent, package)
            found = [module, *(f"{module}.{alias.name}" for alias in node.names)]
        for module in dict.fromkeys(found):
            stem = module.replace(".", "/")
            for path in (f"{stem}.py", f"{stem}/__init__.py"):
                # that of models itself is a docstring
                if path != "models/__init__.py" and (ROOT / path).is_file():
                    yield path


@functools.cache
def fingerprint(files: tuple[str, ...]) -> str:
    """Digest of what Python files do: comments, layout and docstrings do not count.

    files: paths from the repository's root, or folders of them.
    """
    sha = hashlib.sha256()
    for name in files:
        path = ROOT / name
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            tree = ast.parse(file.read_text(encoding="utf-8"), str(file))
            sha.update(f"{file.relative_to(ROOT).as_posix()} {_said(tree)}".encode())
    return sha.hexdigest()[:16]


def _said(node) -> str:
    """A syntax tree as text, the same in every Python: later ones add empty fields."""
    if isinstance(node, list):
        return f"[{','.join(_said(n) for n in node if not _says_nothing(n))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = []
    for name, value in ast.iter_fields(node):
        if isinstance(node, ast.ClassDef) and name == "body":
            value = [statement for statement in value if not _shows(statement)]
        if value is not None and value != []:
            fields.append(f"{name}={_said(value)}")
    return f"{type(node).__name__}({','.join(fields)})"


def _says_nothing(node) -> bool:
    """Whether a statement is a docstring."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _shows(node) -> bool:
    """Whether a statement of a class says only how tables show a prior."""
    targets = getattr(node, "targets", [getattr(node, "target", None)])
    names = {getattr(target, "id", None) for target in targets}
    return bool(names & {"title", "approximate"})


def commit() -> str:
    """Return the checkout's commit, with ``+`` when the code differs.

    Where there is no git, or one that knows nothing of the last commits, so that the
    code differs, what IOP_REPRO_COMMIT says goes first. Without either, or within
    another repository, 'unknown'.
    """
    said = os.environ.get("IOP_REPRO_COMMIT")
    try:
        head, above, status = (
            subprocess.run(
                ["git", *arguments],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=True,
            ).stdout.strip()
            for arguments in (
                ["rev-parse", "--short=12", "HEAD"],
                ["rev-parse", "--show-cdup"],  # where the repository's root is
                ["status", "--porcelain", "--", *CODE],
            )
        )
    except (OSError, subprocess.CalledProcessError):
        return said or "unknown"
    if above:
        return said or "unknown"
    return (said or f"{head}+") if status else head


def now() -> str:
    """Return the date and time to a second, UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def processor() -> str:
    """Return the processor's name as the system gives it."""
    return _cpuinfo().get("model name") or platform.processor() or platform.machine()


def processor_kind() -> str:
    """Return vendor, family, model and stepping: one name may stand for several."""
    said = _cpuinfo()
    keys = "vendor_id", "cpu family", "model", "stepping"
    return " ".join(said[key] for key in keys if key in said) or processor()


def _cpuinfo() -> dict[str, str]:
    """What Linux says of the first core."""
    try:
        first = Path("/proc/cpuinfo").read_text().partition("\n\n")[0]
    except OSError:
        return {}
    pairs = (line.partition(":") for line in first.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


def versions() -> dict[str, str]:
    """Return the versions that can move a number."""
    import numpy
    import torch

    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "platform": f"{sys.platform}-{platform.machine()}",
    }
