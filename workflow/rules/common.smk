# Helpers of the rules; whatever needs no Snakemake is in scripts/configuration.py.
import shlex
import sys
from pathlib import Path

ROOT = Path(workflow.basedir).parent
sys.path.insert(0, str(ROOT))

from models.provenance import fingerprint, training_code
from workflow.data import DataError, registry
from workflow.scripts import configuration, methods

try:
    config = configuration.check(config)
    DATASETS = registry.load()
    PROTOCOL = "paper" if configuration.follows_the_paper(config) else "other"
    if PROTOCOL == "other" and not config["label"]:
        raise ValueError(
            "label: ''; expected words for the face of every product that say how "
            "the settings differ from config/paper.yaml's"
        )
except (ValueError, DataError) as error:
    sys.exit(f"configuration error: {error}")

configuration.prepare_environment(config)

# what a file's content depends on: a comment or a new branch makes nothing anew
DATA_CODE = fingerprint(
    tuple(
        f"workflow/data/{name}.py"
        for name in ("readers", "unpickle", "omniglot", "bone_marrow", "protocol")
    )
)
SCORING_CODE = fingerprint(
    ("models/runs.py", "models/evaluation.py", "models/evaluate.py")
)
POSTERIOR_CODE = fingerprint(("models/runs.py", "models/posterior.py"))
SCRIPTS_CODE = fingerprint(("workflow/scripts",))

ONEHOT = configuration.onehot_pairs(config)

# on the face of every product
NAME = f"{config['name']} configuration"
FACE = shlex.join(["--configuration", NAME, "--label", config["label"]])
# the words of the registry and of the priors that tables and figures show
WORDS = [
    [(entry.name, entry.title, entry.stands_in_for) for entry in DATASETS.values()],
    methods.METHODS,
    methods.ESTIMATED,
]


wildcard_constraints:
    dataset="|".join(DATASETS),
    method="|".join(
        f"{name}-[1-9][0-9]*" if name in methods.MIXTURES else name
        for name in methods.METHODS
    ),
    seed=r"\d+",


TABLE2 = shlex.join(
    [
        "--datasets",
        *config["table2"]["datasets"],
        "--priors",
        *config["table2"]["priors"],
        "--importance-samples",
        str(config["importance_samples"]),
        "--components",
        *(
            f"{dataset}={configuration.settings(config, dataset, 'vampprior').components}"
            for dataset in config["table2"]["datasets"]
        ),
    ]
)


def model_code(wildcards):
    """Fingerprint of the model and training code of a method."""
    return training_code(wildcards.method.partition("-")[0])


def settings_flags(wildcards):
    """Command-line arguments that spell out the protocol of a pair."""
    pair = wildcards.dataset, wildcards.method
    return configuration.settings(config, *pair).flags()


def seed_files(name, pairs=None):
    """Input function: a file of every seed of the pairs, or of the wildcards' pair."""

    def files(wildcards):
        chosen = pairs or [(wildcards.dataset, wildcards.method)]
        return [
            f"<results>/runs/{dataset}/{method}/seed{seed}/{name}"
            for dataset, method in chosen
            for seed in range(config["seeds"])
        ]

    return files


def score_files(pairs):
    """The score files of (dataset, method) pairs."""
    return [f"<results>/scores/{dataset}/{method}.csv" for dataset, method in pairs]


def folders(wildcards, input):
    """The run folders of the weights that a rule reads."""
    return [Path(file).parent for file in input.weights]


def labelled_curves(wildcards, input):
    """Figure 2's arguments: METHOD=FILE for each run, in the order of seed_files."""
    methods = [method.partition("-")[0] for _, method in ONEHOT]
    repeated = [method for method in methods for _ in range(config["seeds"])]
    return [f"{m}={file}" for m, file in zip(repeated, input.curves, strict=True)]
