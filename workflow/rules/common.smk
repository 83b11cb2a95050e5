# Helpers of the rules; whatever needs no Snakemake is in configuration.py.
import shlex
import sys
from dataclasses import replace
from pathlib import Path

# of this file, not of the Snakefile that includes it
sys.path.insert(0, str(Path(str(workflow.current_basedir)).parents[1]))

from models.provenance import fingerprint, training_code
from workflow.data import DataError, registry

try:
    # read the priors' files when they are imported
    from workflow import configuration, methods, reference

    # what Snakemake has merged no longer shows a key that a file says twice
    configuration.load(*(Path(file).resolve() for file in workflow.configfiles))
    config = configuration.check(config)
    DATASETS = registry.load()
    PROTOCOL = "paper" if configuration.follows_the_paper(config) else "other"
    if PROTOCOL == "other" and not config["label"]:
        raise ValueError(
            "label: ''; expected words for the face of every product that say how "
            "the settings differ from config/paper.yaml's"
        )
    if PROTOCOL == "other" and f"{config['name']}.yaml" in configuration.SHIPPED:
        raise ValueError(
            f"name: '{config['name']}'; expected another where settings differ from "
            "config/paper.yaml's: runs of that name would be trained over"
        )
except (ValueError, DataError, SyntaxError) as error:
    sys.exit(f"configuration error: {error}")

configuration.prepare_environment(config)


def core(*names):
    """Fingerprint of files of the core, of all that is not its training."""
    return fingerprint(tuple(f"models/{name}.py" for name in names))


# of what a file's content depends on: a comment or a new branch makes nothing anew
SCORING_CODE = core("runs", "evaluation", "quadrature", "scoring", "evaluate")
AUDIT_CODE = core("runs", "evaluation", "scoring", "audit", "annealing")
POSTERIOR_CODE = core("runs", "scoring", "posterior")
SCRIPTS_CODE = [
    fingerprint(("workflow/scripts", "workflow/report", "workflow/methods.py")),
    # the words of the registry and of the priors that tables and figures show
    [(entry.name, entry.title, entry.stands_in_for) for entry in DATASETS.values()],
    methods.METHODS,
    methods.ESTIMATED,
]


def present(pairs):
    """The pairs that there are: all, or those among the committed runs."""
    return reference.present(config, pairs) if COMMITTED else list(pairs)


try:
    ONEHOT = present(configuration.onehot_pairs(config))
    SWEEP = present(configuration.figure3_pairs(config))
    TRAINED = present(configuration.table2_pairs(config))
    SCORED = present(configuration.pairs(config))
    # the cells of Table 2 that are or were audited
    AUDITED = reference.present(config, TRAINED, kind="audit") if COMMITTED else TRAINED
    # the columns of Table 2 whose learning rates are or were searched
    SEARCHED = reference.searched(config) if COMMITTED else config["table2"]["datasets"]
except ValueError as error:
    sys.exit(f"configuration error: {error}")

DRAWN = 0  # the seed of Figure 1
# the first epoch of Figure 2
WARMUP = configuration.first_epoch(config)
# which figures there are runs for
FIGURES = ["figure1", "figure2"] * bool(ONEHOT) + ["figure3"] * (
    len(SWEEP) > 2 or bool(SWEEP) and not COMMITTED
)

# on the face of every product
NAME = f"{config['name']} configuration"
FACE = shlex.join(["--configuration", NAME, "--label", config["label"]])


wildcard_constraints:
    dataset="|".join(DATASETS),
    method="|".join(
        f"{name}-[1-9][0-9]*" if name in methods.MIXTURES else name
        for name in methods.METHODS
    ),
    seed=r"\d+",


TABLE2 = shlex.join(
    [
        *("--importance-samples", str(config["importance_samples"]), "--cells"),
        *map("/".join, configuration.table2_pairs(config)),
    ]
)


def protocol(wildcards):
    """The settings of a pair."""
    return configuration.settings(config, wildcards.dataset, wildcards.method)


def model_code(wildcards):
    """Fingerprint of the model and training code of a pair."""
    found = protocol(wildcards)
    return training_code(found.method, found.latent_dim)


def settings_flags(wildcards):
    """Command-line arguments that spell out the protocol of a pair."""
    return protocol(wildcards).flags()


def search_flags(wildcards):
    """The same, but for a rate of the search and its patience."""
    return replace(
        protocol(wildcards),
        learning_rate=float(wildcards.rate),
        patience=config["search"]["patience"],
    ).flags()


def seeds(dataset, method):
    """The seeds of a pair."""
    return reference.seeds(dataset, method) if COMMITTED else range(config["seeds"])


def seed_files(name, pairs=None):
    """Input function: a file of every seed of the pairs, or of the wildcards' pair."""

    def files(wildcards):
        chosen = pairs
        if pairs is None:
            chosen = [(wildcards.dataset, wildcards.method)]
        return some(
            f"<source>/runs/{dataset}/{method}/seed{seed}/{name}"
            for dataset, method in chosen
            for seed in seeds(dataset, method)
        )

    return files


def score_files(pairs):
    """The score files of (dataset, method) pairs."""
    return [f"<source>/scores/{dataset}/{method}.csv" for dataset, method in pairs]


def some(files):
    """The files, of which there has to be one: a product of none says nothing."""
    if found := list(files):
        return found
    where = "committed runs have" if COMMITTED else "configuration has"
    raise WorkflowError(f"the {where} nothing to make this of, expected a run or more")


def search_files(name):
    """Input function: a file of every run of the search for a dataset's rates."""

    def files(wildcards):
        if COMMITTED:
            runs = reference.search_runs(wildcards.dataset)
        else:
            runs = configuration.search_runs(config, wildcards.dataset)
        return some(f"<source>/search/{wildcards.dataset}/{run}/{name}" for run in runs)

    return files


def search_products(datasets):
    """The table and the page of the search on each of the datasets."""
    return [f"<results>/search/{d}.{kind}" for d in datasets for kind in ("csv", "md")]


def folders(name):
    """Params function: the run folders of the files that a rule reads as ``name``."""
    return lambda wildcards, input: [Path(file).parent for file in input[name]]
