"""Score trained runs of one pair: ``python -m models.evaluate --help``."""

from models import evaluation, options, scoring


def main(argv: list[str] | None = None) -> None:
    """ELBO and its terms, and ln p(x) where there is one, on validation and test."""
    parser = scoring.parser("models.evaluate", __doc__)
    parser.add_argument(
        "--samples",
        type=options.positive,
        default=10,
        help="importance samples S, default 10",
    )
    scoring.write(parser.parse_args(argv), scores)


def scores(model, dataset, streams, arguments):
    """Yield split, metric, samples and a value for each seed, in nats."""
    for split in ("valid", "test"):
        images = getattr(dataset, split)
        bound = evaluation.elbo(model, images, streams(f"{split} elbo"))
        for metric, values in bound.items():
            yield split, metric, 1, values
        if hasattr(model, "log_weights"):
            samples, use = arguments.samples, streams(f"{split} log-likelihood")
            values = evaluation.log_likelihood(model, images, use, samples)
            yield split, "log_likelihood", samples, values


if __name__ == "__main__":
    main()
