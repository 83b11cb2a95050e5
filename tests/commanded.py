"""Training and scoring by the core's command lines, at a small size."""

import csv

from models import evaluate, train

SMALL = (
    "--hidden-units 8 --latent-dim 2 --batch-size 16 --max-epochs 2 --warmup-epochs 1 "
    "--components 4 --ratio-epochs 1"
).split()


def run_training(made, method, seeds, output):
    seeds = [str(seed) for seed in seeds]
    arguments = ["--data", str(made), "--seeds", *seeds, "--output", str(output)]
    train.main([*arguments, "--method", method, *SMALL])


def scores(made, folders, output):
    train_folders = [str(folder) for folder in folders]
    evaluate.main(
        ["--data", str(made), "--runs", *train_folders, "--output", str(output)]
    )
    with open(output, newline="") as file:
        return list(csv.DictReader(file))
