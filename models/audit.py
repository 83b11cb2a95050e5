"""Measure what Table 2's numbers leave out: ``python -m models.audit --help``.

How far ln p(x) rises with more importance samples; what the prior's density integrates
to, which for an estimated one (the paper's "≈") need not be 1; how its logarithm over
N(z|0, I)'s, T, compares with that of the optimal prior (Eq. 6), here q(z) over the
training images (Eq. 8); and, of a mixture, how many components q(z) falls on.
"""

import torch

from models import annealing, evaluation, options, scoring
from models.distributions import normal, normal_mixture, standard_normal
from models.randomness import threshold

DRAWS = 1000  # samples of q(z) that means are taken over
CHUNK = 100  # of them at a time: each is held against every component
ENCODED = 1000  # images at a time


def main(argv: list[str] | None = None) -> None:
    """Write a CSV like that of models.evaluate, with what is measured here."""
    parser = scoring.parser("models.audit", __doc__.splitlines()[0])
    for name, default, text in (
        ("chains", 100, "chains of annealed importance sampling"),
        ("temperatures", 2000, "its steps"),
    ):
        parser.add_argument(
            f"--{name}",
            type=options.positive,
            default=default,
            help=f"{text}, default {default}",
        )
    parser.add_argument(
        "--samples",
        type=options.positive,
        nargs="+",
        default=[100, 1000],
        help="importance samples S of ln p(x), default 100 1000",
    )
    scoring.write(parser.parse_args(argv), measure)


def measure(model, dataset, streams, arguments):
    """Yield split, metric, samples and a value for each seed.

    samples: importance samples, chains, or DRAWS. Values in nats, but for the numbers
    of chains, of temperatures and of components.
    """
    for samples in arguments.samples:
        use = streams(f"audit of {samples} samples")
        values = evaluation.log_likelihood(model, dataset.test, use, samples)
        yield "test", "log_likelihood", samples, values

    model.requires_grad_(False)  # gradients in z alone
    density = model.prior.frozen(model.encoder)
    own = streams("audit of q(z)")
    posteriors = encoded(model, dataset, own)
    use, chains, steps = streams("audit of Z"), arguments.chains, arguments.temperatures
    integral, effective = annealing.log_normaliser(
        whitened(density, *posteriors), model.latent_dim, use, chains, steps
    )
    yield "prior", "log_normaliser", chains, integral
    yield "prior", "effective_chains", chains, effective
    yield "prior", "temperatures", chains, torch.full_like(effective, steps)

    z, exact = aggregated(*posteriors, own)
    ratio = density(z) - standard_normal(z)
    yield "train", "mean_ratio", DRAWS, ratio.double().mean(1).cpu()
    yield "train", "kl_aggregated", DRAWS, exact.double().mean(1).cpu()
    if hasattr(model.prior, "mixture"):
        used = in_use(z, *model.prior.mixture(model.encoder))
        yield "train", "components_in_use", DRAWS, used.cpu()


@torch.no_grad()
def encoded(model, dataset, streams) -> tuple[torch.Tensor, torch.Tensor]:
    """Means and log-variances of q(z|x_n) over the training images: two (S, N, L).

    Each image is binarised once, where training binarises them.
    """
    parts = []
    for chunk in torch.from_numpy(dataset.train).split(ENCODED):
        x = chunk.to(streams.device)
        if dataset.dynamic:
            x = streams.bernoulli("binarise", threshold(x), *x.shape)
        parts.append(model.encoder(x.expand(len(streams.seeds), *chunk.shape)))
    return tuple(torch.cat(part, 1) for part in zip(*parts, strict=True))


@torch.no_grad()
def whitened(density, mean, log_variance) -> annealing.Ratio:
    """ln of a density over N(m, V + I), in coordinates where that one is N(0, I).

    m and V are the moments of q(z); mean and log_variance as from `encoded`. q(z)
    drifts away from N(z|0, I), from where next to no chain finds it. With I on top the
    start is at least as wide as that, for what lies beside q(z).
    """
    mean = mean.double()
    centre = mean.mean(1, keepdim=True)  # (S, 1, L)
    spread = (mean - centre).mT @ (mean - centre) / mean.shape[1]
    own = 1 + log_variance.double().exp().mean(1)
    factor = torch.linalg.cholesky(spread + torch.diag_embed(own))
    volume = factor.diagonal(dim1=1, dim2=2).log().sum(1, keepdim=True).float()
    centre, factor = centre.float(), factor.mT.float()

    def ratio(w):
        return density(centre + w @ factor) - standard_normal(w) + volume

    return ratio


@torch.no_grad()
def aggregated(mean, log_variance, streams) -> tuple[torch.Tensor, torch.Tensor]:
    """Samples of q(z) = (1/N) sum_n q(z|x_n) (Eq. 8) and ln q(z)/N(z|0, I) there.

    mean and log_variance as from `encoded` -> (S, DRAWS, L) and (S, DRAWS), in nats.
    """
    which = (streams.uniform("scores", DRAWS) * mean.shape[1]).long()  # (S, DRAWS)
    index = which.unsqueeze(-1).expand(-1, -1, mean.shape[-1])
    noise = streams.normal("scores", *index.shape[1:])
    z = mean.gather(1, index) + torch.exp(0.5 * log_variance.gather(1, index)) * noise
    density = torch.cat(
        [normal_mixture(chunk, mean, log_variance) for chunk in z.split(CHUNK, 1)], 1
    )
    return z, density - standard_normal(z)


@torch.no_grad()
def in_use(z, mean, log_variance) -> torch.Tensor:
    """How many components of an even mixture hold the samples z: (S,), from 1 to K.

    The exponential of the entropy of the components' responsibilities, averaged over
    the samples. z (S, R, L), mean and log_variance (S, K, L).
    """
    mean, log_variance = mean.unsqueeze(1).double(), log_variance.unsqueeze(1).double()
    parts = [
        normal(chunk.unsqueeze(2), mean, log_variance).softmax(-1)  # (S, CHUNK, K)
        for chunk in z.double().split(CHUNK, 1)
    ]
    return torch.special.entr(torch.cat(parts, 1).mean(1)).sum(-1).exp()


if __name__ == "__main__":
    main()
