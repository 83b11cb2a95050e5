"""Print the shipped pairs, one a line: dataset, method, training flags."""

from workflow import configuration


def main() -> None:
    """Print those of OneHot, of Table 2 and of Figure 3."""
    found = configuration.shipped()
    for dataset, method in configuration.pairs(found):
        flags = configuration.settings(found, dataset, method).flags()
        print(dataset, method, "--seeds", *range(found["seeds"]), *flags)


if __name__ == "__main__":
    main()
