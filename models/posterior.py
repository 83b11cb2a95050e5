"""Draw posterior samples of one-hot vectors for Figure 1."""

import argparse
from collections.abc import Iterator

import numpy as np
import torch

from models import data, options, runs, scoring

COLUMNS = "prior seed vector z1 z2 epoch commit data_digest".split()


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    p = argparse.ArgumentParser(prog="python -m models.posterior", description=__doc__)
    options.add_runs(p)
    p.add_argument("--output", required=True, help="CSV, one row a sample")
    options.add_machine(p)
    return p


def main(argv: list[str] | None = None) -> None:
    """Sample z once for every test vector, as Figure 1 does, and write a CSV."""
    scoring.table(parser().parse_args(argv), COLUMNS, samples)


@torch.no_grad()
def samples(arguments, dataset: data.Dataset, device) -> Iterator[dict]:
    """Yield rows of COLUMNS: one sample of q(z|x) for every test vector and seed."""
    vectors = np.argmax(dataset.test, 1).tolist()
    for model, facts in runs.read(arguments.runs, dataset, device):
        if facts[0]["settings"]["latent_dim"] != 2:
            raise ValueError(
                f"{arguments.runs[0]}: latent_dim is "
                f"{facts[0]['settings']['latent_dim']}, expected 2, as Figure 1 has it"
            )
        x = torch.from_numpy(dataset.test).to(device)
        streams = runs.streams(facts, device, "posterior")
        noise = streams.normal("scores", len(x), model.noise_dim)
        z = model.posterior_sample(x.expand(len(facts), *x.shape), noise)
        for fact, points in zip(facts, z.tolist(), strict=True):
            run = fact["settings"]["method"], fact["seed"]
            origin = fact["epoch"], fact["record"]["commit"], fact["data_digest"][:16]
            for vector, point in zip(vectors, points, strict=True):
                yield dict(zip(COLUMNS, (*run, vector, *point, *origin), strict=True))


if __name__ == "__main__":
    main()
