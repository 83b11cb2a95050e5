# Helpers of the rules; whatever needs no Snakemake is in scripts/configuration.py.
import hashlib
import json
import os
import sys
from pathlib import Path

import yaml

ROOT = Path(workflow.basedir).parent
sys.path.insert(0, str(ROOT))

from models.provenance import TRAINING, fingerprint
from workflow.scripts import configuration

try:
    config = configuration.check(config)
except ValueError as error:
    sys.exit(f"configuration error: {error}")

# jobs run with the Python that runs Snakemake, whether or not it is on the path
os.environ["PATH"] = os.pathsep.join(
    [str(Path(sys.executable).parent), os.environ["PATH"]]
)
if config["mirror"]:
    os.environ["IOP_REPRO_MIRROR"] = config["mirror"]

# what a file's content depends on: a comment or a new branch retrains nothing
DATA_CODE = fingerprint(["workflow/data", "models/data.py"])
TRAINING_CODE = fingerprint(TRAINING)
SCORING_CODE = fingerprint(
    [*TRAINING, "models/evaluation.py", "models/evaluate.py", "models/posterior.py"]
)
SCRIPTS_CODE = fingerprint(["workflow/scripts"])
REGISTRY = yaml.safe_load(configuration.REGISTRY.read_text())


def recipe(wildcards):
    """Digest of a dataset's registry entry."""
    entry = json.dumps(REGISTRY[wildcards.dataset], sort_keys=True)
    return hashlib.sha256(entry.encode()).hexdigest()[:16]
