"""A model for a stack of seeds, and what a method has to pass before it trains.

A prior of one's own is any Python: what is wrong with it would else end a run in a
traceback, or give wrong numbers without one.
"""

import contextlib
import functools
import traceback
from pathlib import Path

import torch

from models import memory
from models.avb import AVB
from models.provenance import ROOT
from models.randomness import Streams
from models.settings import Settings
from models.vae import VAE


def build(settings: Settings, pixels: int, likelihood: str, streams: Streams):
    """Return a freshly initialised model (VAE or AVB) on the streams' device.

    Raises ValueError, one line with the place in the prior's file where there is one:
    for a weight or persistent buffer without a leading axis of seeds, another buffer
    with one, a tensor that is neither; for weights that no seed fixes; for terms that
    fail, have other shapes than a prior says, are no numbers or have no gradient; for a
    seed whose density depends on other seeds or rows; and for a ratio net whose prior
    does not name the settings of its training.
    """
    model = _made(settings, pixels, likelihood, streams)
    needed = {"ratio_epochs", "ratio_learning_rate"}  # read by the steps, not the prior
    if model.ratio is not None and not needed <= set(model.own_settings):
        raise ValueError(
            f"{settings.method}: trains a density-ratio net, expected "
            f"{' and '.join(sorted(needed))} among its own_settings"
        )
    model = model.to(streams.device)
    _check_terms(model, settings, pixels)
    if hasattr(model, "prior"):
        _check_company(settings, pixels, likelihood)
    return model


def _made(settings: Settings, pixels: int, likelihood: str, streams: Streams):
    """The model with weights of the right shapes that its seeds fix."""
    kind = AVB if settings.method == "avb" else VAE
    before = torch.get_rng_state()
    with _placed(settings.method, "building it"):
        model = kind.build(settings, pixels, likelihood, streams)
    if not torch.equal(before, torch.get_rng_state()):
        raise ValueError(
            f"{settings.method}: draws from torch's own generator while it is built, "
            "as nn.Linear does, expected all draws from streams, whose seeds fix them"
        )
    _check_weights(model, settings.method, len(streams.seeds))
    return model


def _check_weights(model, method: str, seeds: int) -> None:
    for name, value in model.state_dict().items():
        if value.shape[:1] != (seeds,):
            raise ValueError(
                f"{method}: {name} is {tuple(value.shape)}, expected first an axis of "
                f"seeds, here {seeds}, as streams draws them (a constant: "
                "persistent=False)"
            )
    for part, module in model.named_modules():
        for name, value in vars(module).items():  # weights and buffers lie deeper
            inside = value.values() if isinstance(value, dict) else value
            held = inside if isinstance(value, (list, tuple, dict)) else [value]
            if name in ("_parameters", "_buffers"):
                continue
            if any(isinstance(one, torch.Tensor) for one in held):
                raise ValueError(
                    f"{method}: {part}.{name} is a tensor, expected a parameter or a "
                    "buffer, which go with the model"
                )


@torch.enable_grad()  # runs are read where there is none
def _check_terms(model, settings: Settings, pixels: int) -> None:
    """log_density and kl: a number for each row, with a gradient.

    Of few seeds a wrong shape might broadcast, and be trained and scored.
    """
    method, first = settings.method, next(model.parameters())
    if hasattr(model, "prior"):
        rows, samples = _sizes(len(first), settings.latent_dim)
        z = _drawn(len(first), samples, rows, settings.latent_dim).to(first.device)
        z.requires_grad_()
        found, gradient = _density(model, method, z), None
        if found.requires_grad:
            (gradient,) = torch.autograd.grad(found.sum(), z, allow_unused=True)
        if gradient is None:
            raise ValueError(
                f"{method}: log_density has no gradient in z, expected one: training "
                "or the audit takes it"
            )
        with _placed(method, "frozen"):
            frozen = model.prior.frozen(model.encoder)
        _checked(method, "frozen", z.shape, lambda: frozen(z))
        _check_mixture(model, method, len(first), settings.latent_dim)
    if not _kl(model, settings, pixels).requires_grad:
        raise ValueError(
            f"{method}: kl has no gradient, expected one: the posteriors are trained "
            "by it"
        )


def _check_mixture(model, method: str, seeds: int, latent: int) -> None:
    """The components that a prior may have, which audit and quadrature ask for."""
    if not hasattr(model.prior, "mixture"):
        return
    with _placed(method, "mixture"):
        shapes = {tuple(part.shape) for part in model.prior.mixture(model.encoder)}
    if {(*shape[:1], *shape[2:]) for shape in shapes} != {(seeds, latent)}:
        raise ValueError(
            f"{method}: mixture gives {' and '.join(map(str, sorted(shapes)))}, "
            f"expected means and log-variances ({seeds}, K, {latent})"
        )


@torch.no_grad()
def _check_company(settings: Settings, pixels: int, likelihood: str) -> None:
    """A seed's density is the same alone and beside another, up to rounding.

    And that of a row beside other rows. A CPU trains each seed alone, so that it might
    show on a GPU only.
    """
    method = settings.method
    rows, samples = _sizes(2, settings.latent_dim)
    z = _drawn(1, samples, rows, settings.latent_dim)
    found, constants = [], []
    for seeds, part in ((0, 1), z), ((1,), z[:, 1:, 1:]):
        model = _made(settings, pixels, likelihood, Streams(seeds))
        for weight in model.prior.parameters():  # zeros and ones hide what is shared
            weight[-1] += 0.1 * _drawn(*weight.shape[1:])
        of = part.expand(len(seeds), -1, -1, -1)
        density = _density(model, method, of, " with weights moved by about 0.1")
        kl = _kl(model, settings, pixels)
        last = density[-1, 1 - samples :, 1 - rows :]
        found.append(torch.cat([last.flatten(), kl[-1].flatten()]))
        persistent = model.state_dict().keys()
        constants.append(
            {n: b.shape for n, b in model.named_buffers() if n not in persistent}
        )
    if differing := [
        n for n, shape in constants[0].items() if shape != constants[1][n]
    ]:
        raise ValueError(
            f"{method}: {differing[0]} has an axis of seeds, expected it persistent"
        )
    if not torch.allclose(*found, rtol=1e-3, atol=1e-3):
        raise ValueError(
            f"{method}: seed 1 has another log_density or kl beside seed 0 and other "
            "rows than alone, expected the same: nothing shared, and nothing drawn"
        )


def _density(model, method: str, z: torch.Tensor, how: str = "") -> torch.Tensor:
    call = functools.partial(model.prior.log_density, z, model.encoder)
    return _checked(method, f"log_density{how}", z.shape, call)


def _kl(model, settings: Settings, pixels: int) -> torch.Tensor:
    """The KL term of a few images for each seed."""
    first = next(model.parameters())
    rows, _ = _sizes(len(first), settings.latent_dim)
    x, noise = (
        _drawn(1, rows, width).expand(len(first), -1, -1).to(first.device)
        for width in (pixels, model.noise_dim)
    )
    shape = len(first), rows, settings.latent_dim
    call = functools.partial(model.terms, x.sigmoid(), noise)
    return _checked(settings.method, "kl", shape, lambda: call()[1])


def _checked(method: str, what: str, shape, call) -> torch.Tensor:
    """What a call gives for z of a shape, if that is a number for each of its rows."""
    with _placed(method, f"{what} of {tuple(shape)}"):
        value = call()
    if not isinstance(value, torch.Tensor):
        raise ValueError(f"{method}: {what} gives {value!r}, expected a tensor")
    if value.shape != tuple(shape[:-1]):
        raise ValueError(
            f"{method}: {what} gives {tuple(value.shape)} of {tuple(shape)}, expected "
            f"{tuple(shape[:-1])}"
        )
    if value.isnan().any().cpu():
        raise ValueError(f"{method}: {what} gives nan, expected numbers")
    return value


def _sizes(seeds: int, latent: int) -> list[int]:
    """Two sizes of axes between those of seeds and latents, unlike all others."""
    return sorted({2, 3, 4, 5} - {seeds, latent})[-2:]


def _drawn(*shape: int) -> torch.Tensor:
    """Standard normal numbers, always the same, from no generator that others use."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


@contextlib.contextmanager
def _placed(method: str, what: str):
    """Put an error into one line that says where in the prior's file it arose."""
    try:
        yield
    except Exception as error:
        place = _place(error, method)
        if memory.full(error) or (isinstance(error, ValueError) and place is None):
            raise
        said = " ".join(str(error).split())
        if isinstance(error, SyntaxError):
            said = f"no Python ({error.msg})"
        elif not isinstance(error, ValueError):
            said = f"{what} fails ({type(error).__name__}: {said})"
        raise ValueError(f"{place or method}: {said}") from error


def _place(error: Exception, method: str) -> str | None:
    """File and line, from the repository's root, or None if none is the prior's."""
    if isinstance(error, SyntaxError) and error.filename:
        return _line(Path(error.filename), error.lineno)
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if path.stem == method and path.parent.name == "priors":
            return _line(path, frame.lineno)
    return None


def _line(path: Path, number: int | None) -> str:
    inside = path.is_relative_to(ROOT)
    return f"{path.relative_to(ROOT) if inside else path}, line {number}"
