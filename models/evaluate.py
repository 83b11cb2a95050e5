"""Score trained runs of one pair: ``python -m models.evaluate --help``."""

from models import evaluation, options, quadrature, scoring


def main(argv: list[str] | None = None) -> None:
    """ELBO and its terms, and ln p(x) as far as it is known, on validation and test."""
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
    if quadrature.possible(model, dataset.test):
        what = model, dataset.test, streams("exact")
        yield "test", "exact_log_likelihood", 0, quadrature.log_likelihood(*what)
        # q(z) is of fixed images; a dynamic dataset has probabilities, drawn each visit
        known = hasattr(model, "log_weights") and not dataset.dynamic
        if known and quadrature.possible(model, dataset.train):
            values = quadrature.log_likelihood(*what, aggregated=dataset.train)
            yield "test", "optimal_prior_log_likelihood", 0, values


if __name__ == "__main__":
    main()
