"""Print the shipped pairs, one a line: dataset, method, training flags."""

import argparse
from collections.abc import Iterator

from models import options
from workflow.scripts import configuration


def plan() -> Iterator[tuple[str, str, list[str]]]:
    """Yield those of OneHot, of Table 2 and of Figure 3, with their training flags."""
    found = configuration.shipped()
    for dataset, method in configuration.pairs(found):
        yield dataset, method, configuration.settings(found, dataset, method).flags()


def main(argv: list[str] | None = None) -> None:
    """Print the plan."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.pairs", description=__doc__
    )
    parser.add_argument("--seeds", type=options.positive, default=8)
    arguments = parser.parse_args(argv)
    for dataset, method, flags in plan():
        print(dataset, method, "--seeds", *range(arguments.seeds), *flags)


if __name__ == "__main__":
    main()
