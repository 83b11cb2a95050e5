"""Algorithm 1 with warm-up and early stopping, for a stack of seeds."""

import functools
import time
from collections.abc import Callable, Sequence

import torch

from models import checkpoint, quadrature
from models.building import build
from models.data import Dataset
from models.machine import products
from models.provenance import now
from models.randomness import Streams, threshold
from models.settings import Settings
from models.steps import Steps
from models.stopping import Run, Weights

# both decide which numbers are drawn, so they are part of every result
CHUNK = {"cpu": 1_000, "cuda": 10_000}  # images at once, where no gradient is needed
BLOCK = {"cpu": 1, "cuda": 50}  # mini-batches whose images and noise are drawn at once
EXACT_INTERVAL = 10  # epochs from one ln p(x) by quadrature to the next


class Trainer:
    """Trains a stack of seeds on one dataset, an epoch at a time.

    seeds: distinct, 0 or more; each member is, up to rounding, what it is alone.
    device: where everything lives; on a GPU the steps are captured in graphs.
    compiled: whether torch.compile is used.
    captured: whether CUDA graphs are; by default on a GPU. Numbers are the same.
    block: mini-batches whose images and noise are drawn at once; by default what
    suits the device. Part of which numbers are drawn.
    """

    def __init__(
        self,
        dataset: Dataset,
        settings: Settings,
        seeds: Sequence[int],
        device: torch.device | str = "cpu",
        compiled: bool = False,
        captured: bool | None = None,
        block: int | None = None,
    ):
        kind = torch.device(device).type
        self.dataset, self.settings = dataset, settings
        self._rows = settings.batch_size * (block or BLOCK.get(kind, 1))
        self._chunk = CHUNK.get(kind, CHUNK["cpu"])
        self.streams = Streams(seeds, device, settings.streams(dataset.name))
        self.model = build(settings, dataset.pixels, dataset.likelihood, self.streams)
        self.runs = [Run(seed) for seed in seeds]
        self.members = list(self.runs)  # those that the stack still holds
        self.epoch, self.seconds, self.started = 0, 0.0, now()
        self._sources: list | None = None  # of z1, good while phi stands still
        self._train = torch.from_numpy(dataset.train).to(device)
        if dataset.dynamic:  # all that is ever needed of the probabilities
            self._train = threshold(self._train)
        self._valid = torch.from_numpy(dataset.valid).to(device)
        captured = kind == "cuda" if captured is None else captured
        self._keeps_all = compiled  # for a smaller stack all would be compiled again
        self._steps = Steps(self.model, settings, compiled, captured)
        # only where a ratio net estimates the ELBO, which then is no bound
        self._integrable = bool(self._steps.psi) and quadrature.possible(
            self.model, dataset.valid
        )

    @property
    def finished(self) -> bool:
        """Whether every seed has stopped or the epochs are used up."""
        return self.epoch >= self.settings.max_epochs or all(
            run.stopped for run in self.runs
        )

    def run_epoch(self) -> None:
        """Update theta and phi for one epoch, psi for its epochs, then validate."""
        start = time.perf_counter()
        self.epoch += 1
        beta = min(1.0, self.epoch / max(self.settings.warmup_epochs, 1))
        with products(self.settings.precision, self.streams.device):
            train = self._update_vae(beta)
            ratio = torch.full((len(self.members),), torch.nan)
            for _ in range(self.settings.ratio_epochs if self._steps.psi else 0):
                ratio = self._update_ratio()
            train, ratio = train.cpu(), ratio.cpu()
        valid = self._validate()  # in float32, whatever training was in
        self.seconds += time.perf_counter() - start
        self._book(beta, train, valid, self._exact_log_likelihood(), ratio)
        running = [k for k, run in enumerate(self.members) if not run.stopped]
        if 0 < len(running) <= 0.75 * len(self.members) and not self._keeps_all:
            self._compact(running)

    def _update_vae(self, beta: float) -> torch.Tensor:
        """Lines 2-6 of Algorithm 1; mean reconstruction and KL, (2, S)."""
        for p in self._steps.psi:
            p.requires_grad_(False)  # psi is fixed here; z still carries T's gradient
        self._sources = None  # phi is about to change
        n, device = len(self._train), self.streams.device
        beta = torch.full((), beta, device=device)
        sums = torch.zeros(2, len(self.members), device=device)
        order = self.streams.permutation("order", n)  # (S, N)
        for block in order.split(self._rows, 1):
            x = self._images(self._train[block])  # (S, R, D)
            noise = self.streams.normal("noise", x.shape[1], self.model.noise_dim)
            sums += self._steps.vae(x, noise, beta)
        return sums / n

    def _update_ratio(self) -> torch.Tensor:
        """Lines 7-12 of Algorithm 1 for one epoch of M = N; mean Eq. 20, (S,)."""
        for p in self._steps.psi:
            p.requires_grad_(True)
        n, device = len(self._train), self.streams.device
        rows = self._ratio_rows()  # one sample of q(z|x) for each image, (S, N, .)
        order = self.streams.permutation("ratio", n)
        seeds = torch.arange(len(self.members), device=device)[:, None]
        total = torch.zeros(len(self.members), device=device)
        for block in order.split(self._rows, 1):
            z0 = self.streams.normal("ratio", block.shape[1], self.settings.latent_dim)
            mask = self.model.ratio.dropout_mask(self.streams, 2 * block.shape[1])
            drawn = (z0,) if mask is None else (z0, mask)
            total += self._steps.ratio(rows[seeds, block], *drawn)
        return total / n

    @torch.no_grad()
    def _ratio_rows(self) -> torch.Tensor:
        chunks = self._train.split(self._chunk)
        if self._sources is None or self.dataset.dynamic:
            seeds = len(self.members)
            self._sources = []
            for x in chunks:
                whole = len(x) == self._chunk  # a smaller last is not compiled
                source = self._steps.source if whole else self.model.ratio_source
                images = self._images(x.expand(seeds, *x.shape))
                self._sources.append(source(images))
        rows = []
        for x, source in zip(chunks, self._sources, strict=True):
            noise = self.streams.normal("ratio", len(x), self.model.noise_dim)
            rows.append(self.model.ratio_rows(source, noise))
        return torch.cat(rows, 1)

    def _images(self, x: torch.Tensor) -> torch.Tensor:
        """Binarise training images anew where the dataset asks for it.

        x: images, or of a dynamic dataset what `threshold` makes of them.
        """
        if not self.dataset.dynamic:
            return x
        return self.streams.bernoulli("binarise", x, *x.shape[1:])

    @torch.no_grad()
    def _validate(self) -> torch.Tensor:
        """Mean reconstruction and KL on validation data, (2, S)."""
        sums = torch.zeros(2, len(self.members), device=self.streams.device)
        for images in self._valid.split(self._chunk):
            x = images.expand(len(self.members), *images.shape)
            noise = self.streams.normal("validation", len(x[0]), self.model.noise_dim)
            sums += torch.stack(self.model.terms(x, noise)).sum(-1)
        return (sums / len(self._valid)).cpu()

    def _exact_log_likelihood(self) -> torch.Tensor:
        """Mean ln p(x) of the validation data where it is due, else nan, (S,)."""
        if self._integrable and self.epoch % EXACT_INTERVAL == 0:
            return quadrature.log_likelihood(
                self.model, self.dataset.valid, self.streams
            )
        return torch.full((len(self.members),), torch.nan)

    def _book(self, beta, train, valid, exact, ratio) -> None:
        """Add to the curves, keep better snapshots, stop seeds out of patience."""
        for k, run in enumerate(self.members):
            if run.stopped:
                continue
            (tr, tk), (vr, vk) = train[:, k].tolist(), valid[:, k].tolist()
            found = exact[k].item(), ratio[k].item(), self.seconds
            row = self.epoch, beta, tr - tk, tr, tk, vr - vk, vr, vk, *found  # CURVE
            snapshot = functools.partial(self._snapshot, k)
            # one that diverges stops alone: seeds share nothing
            run.add(row, self.settings, snapshot, bool(self._steps.psi))

    def _snapshot(self, k: int) -> Weights:
        return {  # where they are, without waiting for a GPU
            name: value[k].detach().clone()
            for name, value in self.model.state_dict().items()
        }

    def _compact(self, keep: list[int]) -> None:
        """Leave only these members in the stack: one that has stopped costs no more."""
        self._steps.keep(keep)
        self.members = [self.members[k] for k in keep]
        self.streams.seeds = tuple(run.seed for run in self.members)

    def state(self) -> dict:
        """Everything needed to go on bit for bit."""
        return {
            "model": self.model.state_dict(),
            "optimizers": [o.state_dict() for o in self._steps.optimizers],
            "streams": self.streams.state(),
            "epoch": self.epoch,
            "seconds": self.seconds,
            "started": self.started,
            "members": [self.runs.index(run) for run in self.members],
            "runs": [dict(vars(run)) for run in self.runs],
        }

    def restore(self, state: dict) -> None:
        """Take up where `state` was taken."""
        self._compact(state["members"])
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(
            self._steps.optimizers, state["optimizers"], strict=True
        ):
            optimizer.load_state_dict(saved)
        self.streams.restore(state["streams"])
        self.epoch, self.seconds = state["epoch"], state["seconds"]
        self.started = state["started"]
        self.runs = [Run(**run) for run in state["runs"]]
        self.members = [self.runs[k] for k in state["members"]]


def train(
    trainer: Trainer,
    scratch: checkpoint.Scratch | None = None,
    report: Callable[[Trainer], None] = lambda trainer: None,
) -> list[Run]:
    """Run a trainer to its end, resuming from and keeping a scratch checkpoint."""
    if scratch is not None and (state := scratch.load()) is not None:
        trainer.restore(state)
    while not trainer.finished:
        trainer.run_epoch()
        if scratch is not None:
            scratch.save_if_due(trainer.state)
        report(trainer)
    if scratch is not None:
        scratch.save(trainer.state())
    return trainer.runs
