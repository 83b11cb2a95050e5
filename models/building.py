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

    Raises ValueError, one line with the place in the prior's file where there is one,
    for a weight or buffer without a leading axis of seeds, for a tensor that is
    neither, for weights that no seed fixes, for terms of other shapes than a prior
    says, that have no gradient or fail, for a seed whose density depends on others,
    and for a ratio net whose prior does not name the settings of its training.
    """
    model = _made(settings, pixels, likelihood, streams)
    _check_weights(model, settings.method, len(streams.seeds))
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
    """The model on the CPU or the streams' device, with weights that its seeds fix."""
    kind = AVB if settings.method == "avb" else VAE
    before = torch.get_rng_state()
    with _placed(settings.method, "its __init__"):
        model = kind.build(settings, pixels, likelihood, streams)
    if not torch.equal(before, torch.get_rng_state()):
        raise ValueError(
            f"{settings.method}: draws initial weights from torch's own generator, as "
            "nn.Linear does; expected them from streams, whose seeds fix them"
        )
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
            if isinstance(value, torch.Tensor):
                raise ValueError(
                    f"{method}: {part}.{name} is a tensor, expected a parameter or a "
                    "buffer, which go with the model"
                )


@torch.enable_grad()  # runs are read where there is none
def _check_terms(model, settings: Settings, pixels: int) -> None:
    """Of few seeds a wrong shape might broadcast, and be trained and scored."""
    seeds, rows = len(next(model.parameters())), settings.latent_dim + 1
    if hasattr(model, "prior"):
        z = _drawn(seeds, rows + 1, rows, settings.latent_dim)  # no two axes alike
        z = z.to(next(model.parameters()).device).requires_grad_()
        found, gradient = _density(model, settings.method, z), None
        if found.requires_grad:
            (gradient,) = torch.autograd.grad(found.sum(), z, allow_unused=True)
        if gradient is None:
            raise ValueError(
                f"{settings.method}: log_density has no gradient in z, expected one: "
                "the posteriors are trained by it"
            )
    _kl(model, settings, pixels)


@torch.no_grad()
def _check_company(settings: Settings, pixels: int, likelihood: str) -> None:
    """A seed's density is the same alone and beside another, up to rounding.

    A CPU trains each seed alone, so that it might show on a GPU only.
    """
    z = _drawn(1, 7, 5, settings.latent_dim)  # no axis of two but that of the seeds
    found = []
    for seeds in ((0, 1), (1,)):
        model = _made(settings, pixels, likelihood, Streams(seeds))
        density = _density(model, settings.method, z.expand(len(seeds), -1, -1, -1))
        kl = _kl(model, settings, pixels)
        found.append(torch.cat([density[-1].flatten(), kl[-1].flatten()]))
    if not torch.allclose(*found, rtol=1e-3, atol=1e-3):
        raise ValueError(
            f"{settings.method}: seed 1 has another log_density or kl beside seed 0 "
            "than alone, expected the same: no weight is shared, and nothing drawn"
        )


def _density(model, method: str, z: torch.Tensor) -> torch.Tensor:
    call = functools.partial(model.prior.log_density, z, model.encoder)
    return _checked(method, "log_density", z.shape, call)


def _kl(model, settings: Settings, pixels: int) -> torch.Tensor:
    """The KL term of a few images for each seed."""
    first = next(model.parameters())
    shape = len(first), settings.latent_dim + 1, settings.latent_dim
    x, noise = (
        _drawn(1, shape[1], width).expand(shape[0], -1, -1).to(first.device)
        for width in (pixels, model.noise_dim)
    )
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
    if value.isnan().any():
        raise ValueError(f"{method}: {what} gives nan, expected numbers")
    return value


def _drawn(*shape: int) -> torch.Tensor:
    """Standard normal numbers, always the same, from no generator that others use."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


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
    lines = [(f.filename, f.lineno) for f in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError):
        lines.append((error.filename or "", error.lineno))
    for file, line in reversed(lines):
        path = Path(file)
        if path.stem == method and path.parent.name == "priors":
            inside = path.is_relative_to(ROOT)
            return f"{path.relative_to(ROOT) if inside else path}, line {line}"
    return None
