"""Early stopping, and what a seed's training leaves behind."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch

from models.settings import Settings

# A run's curve, in nats an image. train_*: means over the epoch, as the weights move,
# with the T of the epoch before; valid_*: after all updates, T's too, without dropout.
# An ELBO is reconstruction less KL whatever beta, the KL term's weight.
# ratio_objective: Eq. 20 on training images in psi's last epoch, with dropout.
# seconds: of training and validation from the start; not those of checkpoints, of
# quadrature, or of epochs lost when a process was killed.
CURVE = (
    "epoch beta train_elbo train_reconstruction train_kl valid_elbo "
    "valid_reconstruction valid_kl valid_exact_log_likelihood ratio_objective seconds"
).split()

Weights = dict[str, torch.Tensor]


@dataclass
class Run:
    """One seed under early stopping (Section 5.2)."""

    seed: int
    curve: list[tuple] = field(default_factory=list)  # rows of CURVE
    best_elbo: float = -np.inf  # on validation data, in nats
    best_epoch: int = 0
    stopped: bool = False
    # how it diverged; the best epoch before counts, unless the ELBO is an estimate
    failure: str = ""
    weights: Weights = field(default_factory=dict)  # at best_epoch

    @property
    def valid_elbo(self) -> float:
        """The last epoch's, in nats."""
        return self.curve[-1][CURVE.index("valid_elbo")]

    def add(
        self,
        row: tuple,
        settings: Settings,
        snapshot: Callable[[], Weights],
        estimated: bool = False,
    ) -> None:
        """Take an epoch in: keep its weights if they are better, stop if it is time.

        row: of CURVE. snapshot: copies the weights. estimated: whether the ELBO is no
        bound, so that a run that diverges may first rise.
        """
        self.curve.append(row)
        epoch, elbo = row[0], self.valid_elbo
        for name in ("valid_elbo", "train_reconstruction", "train_kl"):
            value = row[CURVE.index(name)]
            if not np.isfinite(value):
                self._fail(f"{name} is {value} after epoch {epoch}", estimated)
                return
        # not before: with beta < 1 another objective is maximised than the ELBO; if all
        # epochs belong to the warm-up, the last one counts
        settled = min(settings.warmup_epochs, settings.max_epochs)
        if epoch >= settled and elbo > self.best_elbo:
            self.best_elbo, self.best_epoch = elbo, epoch
            self.weights = snapshot()
        last = max(self.best_epoch, settled)
        self.stopped = epoch - last >= settings.patience

    def _fail(self, how: str, estimated: bool) -> None:
        self.stopped = True
        self.failure = (
            f"seed {self.seed}: {how}, expected a finite number; lower learning_rate, "
            "or look for constant pixels"
        )
        if estimated:
            self.weights, self.best_elbo, self.best_epoch = {}, -np.inf, 0
