"""Print the pairs of a configuration, one a line: dataset, method, training flags."""

import argparse

import yaml

from workflow.scripts import configuration
from workflow.scripts.configuration import ROOT


def main(argv: list[str] | None = None) -> None:
    """Print those of Table 2, of OneHot and of Figure 3, with the stand-ins."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.pairs", description=__doc__
    )
    parser.add_argument("--seeds", type=int, default=8)
    arguments = parser.parse_args(argv)
    merged = yaml.safe_load((ROOT / "config/paper.yaml").read_text(encoding="utf-8"))
    above = yaml.safe_load((ROOT / "config/stand-ins.yaml").read_text(encoding="utf-8"))
    for key, value in above.items():
        if isinstance(value, dict):
            merged[key] |= value
        else:
            merged[key] = value
    config = configuration.check(merged)
    seeds = " ".join(map(str, range(arguments.seeds)))
    for dataset, method in configuration.pairs(config):
        flags = " ".join(configuration.settings(config, dataset, method).flags())
        print(dataset, method, "--seeds", seeds, flags)


if __name__ == "__main__":
    main()
