"""Score trained runs of one pair: ``python -m models.evaluate --help``."""

import argparse
import csv
import sys

import torch

from models import data, evaluation, machine, options, provenance, runs
from models.files import replacing
from models.settings import Settings

COLUMNS = (
    "configuration dataset prior components seed split metric value samples epoch "
    "epochs commit device torch precision scoring_commit scoring_device "
    "settings_digest data_digest"
).split()


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    p = argparse.ArgumentParser(prog="python -m models.evaluate", description=__doc__)
    p.add_argument(
        "--data", required=True, help="the dataset file they were trained on"
    )
    p.add_argument("--runs", required=True, nargs="+", help="folders seedN of one pair")
    p.add_argument("--output", required=True, help="CSV, one row a seed and metric")
    p.add_argument(
        "--samples", type=int, default=10, help="importance samples S, default 10"
    )
    options.add_configuration(p)
    options.add_machine(p)
    return p


def main(argv: list[str] | None = None) -> None:
    """Evaluate, and write one CSV for all the runs."""
    arguments = parser().parse_args(argv)
    try:
        rows = score(arguments)
        with replacing(arguments.output) as path, open(path, "w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")


def score(arguments: argparse.Namespace) -> list[dict]:
    """Return the rows: ELBO and its terms, and ln p(x) where there is one."""
    if arguments.samples < 1:
        raise ValueError(f"--samples {arguments.samples}: expected 1 or more")
    device = machine.prepare(arguments)
    dataset = data.load(arguments.data)
    scoring = {
        "configuration": arguments.configuration,
        "scoring_commit": provenance.commit(),
        "scoring_device": machine.describe(device),
    }
    rows = []
    for model, facts in runs.read(arguments.runs, dataset, device):
        traces = [_trace(fact, model.own_settings) | scoring for fact in facts]
        for split in ("valid", "test"):
            images = getattr(dataset, split)
            # streams apart, so that one metric's samples do not move another
            streams = runs.streams(facts, device, f"{split} elbo")
            scores = [
                (metric, 1, values)
                for metric, values in evaluation.elbo(model, images, streams).items()
            ]
            if hasattr(model, "log_weights"):
                streams = runs.streams(facts, device, f"{split} log-likelihood")
                values = evaluation.log_likelihood(
                    model, images, streams, arguments.samples
                )
                scores.append(("log_likelihood", arguments.samples, values))
            for metric, samples, values in scores:
                if not torch.isfinite(values).all():
                    raise ValueError(f"{split} {metric} is {values.tolist()}")
                score = {"split": split, "metric": metric, "samples": samples}
                rows += [
                    trace | score | {"value": value}
                    for trace, value in zip(traces, values.tolist(), strict=True)
                ]
    return rows


def _trace(fact: dict, own_settings: tuple[str, ...]) -> dict:
    """Return the columns that say where a seed's scores come from."""
    record = fact["record"]
    settings = fact["settings"]
    mixture = "components" in own_settings
    return {
        "dataset": fact["dataset"],
        "prior": settings["method"],
        "components": settings["components"] if mixture else "",
        "seed": fact["seed"],
        "epoch": fact["epoch"],
        "epochs": fact["epochs"],
        "commit": record["commit"],
        "device": record["device"],
        "torch": record["versions"]["torch"],
        "precision": record["precision"],
        "settings_digest": Settings(**settings).digest,
        "data_digest": fact["data_digest"][:16],
    }


if __name__ == "__main__":
    main()
