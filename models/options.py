"""The options that the core's commands share."""

import argparse
from dataclasses import fields
from pathlib import Path

from models import data
from models.settings import Settings

HELP = {
    "method": "a prior of models/priors, or avb",
    "latent_dim": "dimensions of z",
    "hidden_units": "units in each of the two hidden layers of every network",
    "batch_size": "images in a mini-batch",
    "learning_rate": "Adam's, for encoder, decoder and prior",
    "max_epochs": "epochs after which training ends at the latest",
    "warmup_epochs": "epochs over which the weight of the KL term rises to 1",
    "patience": "epochs without a better validation ELBO that end a run, after the "
    "warm-up",
    "components": "K, the number of components of a mixture prior",
    "pseudo_input_mean": "mean of the pseudo-inputs' initial values",
    "pseudo_input_std": "standard deviation of the pseudo-inputs' initial values",
    "pseudo_input_clip": "whether pseudo-inputs are clipped to [0, 1]",
    "ratio_epochs": "epochs of the density-ratio net for each epoch of the VAE",
    "ratio_keep_probability": "probability with which dropout keeps a unit of that net",
    "ratio_learning_rate": "Adam's, for that net",
    "noise_dim": "dimensions of the noise that AVB's encoder reads",
    "precision": "of training's matrix products: float32; tensorfloat32 (factors in "
    "TF32 on a GPU, float32 elsewhere); reduced (the same, but factors in bfloat16 on "
    "a CPU with AMX); or bfloat16 (factors and results); "
    "validation and scores are always in float32",
}


def dataset(path: str) -> data.Dataset:
    """Load a dataset file; ValueError where it holds another than it is called."""
    found, name = data.load(path), Path(path).stem
    if found.name != name:
        raise ValueError(f"{path}: holds {found.name}, expected {name}, as its name is")
    return found


def add_runs(parser: argparse.ArgumentParser) -> None:
    """Give the parser the finished runs to look at, and their data."""
    parser.add_argument(
        "--data", required=True, help="the dataset file they were trained on"
    )
    parser.add_argument(
        "--runs", required=True, nargs="+", help="folders seedN of one pair"
    )


def add_configuration(parser: argparse.ArgumentParser) -> None:
    """Give the parser the name that its products carry."""
    parser.add_argument(
        "--configuration", default="", help="a name for what is written to carry"
    )


def add_machine(parser: argparse.ArgumentParser) -> None:
    """Give the parser the options about the machine."""
    group = parser.add_argument_group("machine")
    group.add_argument(
        "--device", default="cpu", help="cpu, cuda, cuda:1, ...; default cpu"
    )
    group.add_argument(
        "--threads",
        type=positive,
        default=1,
        help="CPU threads; default 1; with more, sums are taken in another order",
    )


def add_steps(parser: argparse.ArgumentParser) -> None:
    """Give the parser the options of how the training steps are run."""
    parser.add_argument(
        "--compile",
        action="store_true",
        help="fuse the training steps with torch.compile, where a compiler is; numbers "
        "move by rounding; pays on a CPU with lower --precision",
    )
    parser.add_argument(
        "--no-capture",
        action="store_true",
        help="on a GPU, launch each kernel instead of replaying CUDA graphs; slower, "
        "same numbers",
    )


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Give the parser one option for each setting."""
    group = parser.add_argument_group("protocol (Section 5.2)")
    for field in fields(Settings):
        group.add_argument(
            f"--{field.name.replace('_', '-')}",
            dest=field.name,
            type=_boolean if field.type is bool else field.type,
            default=field.default,
            metavar=field.type.__name__.upper(),
            help=f"{HELP[field.name]}; default {field.default}",
        )


def settings(arguments: argparse.Namespace) -> Settings:
    """Take the settings out of parsed arguments. Raises ValueError for a bad one."""
    return Settings(**{f.name: getattr(arguments, f.name) for f in fields(Settings)})


def positive(text: str) -> int:
    """Take a whole number from 1 out of an argument."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}, expected 1 or more")
    return int(text)


def _boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise argparse.ArgumentTypeError(f"{text!r}, expected true or false")
    return text == "true"
