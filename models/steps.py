"""The gradient steps of Algorithm 1: plain, compiled, or captured in CUDA graphs.

The wrappers go around the same functions and move a number by rounding only.
"""

import torch

from models.graphs import Captured
from models.settings import Settings

# where compiling psi's steps is tried: on a CPU its guards cost what it saves
COMPILED_RATIO = ("cuda",)


class Steps:
    """Updates of theta and phi (Eq. 4 or 19) and of psi (Eq. 20), by Adam.

    Works on blocks: the drawn inputs of a few mini-batches one after the other, which
    a graph replays in one go. `vae` and `ratio` are the steps, captured or not,
    `source` the model's ratio_source, compiled or not.

    model: a VAE or AVB for a stack of S seeds, whose weights are changed in place.
    compiled: whether torch.compile fuses what stands between the matrix products.
    captured: whether blocks are recorded as CUDA graphs; for GPUs alone.
    """

    def __init__(self, model, settings: Settings, compiled=False, captured=False):
        self.model, self.size = model, settings.batch_size
        self.psi = [] if model.ratio is None else list(model.ratio.parameters())
        frozen = {id(p) for p in self.psi}
        # theta of the decoder, phi of the encoder, and what the prior has of its own
        self.theta = [p for p in model.parameters() if id(p) not in frozen]
        # Adam is elementwise, so a stack of seeds needs nothing of its own
        self.optimizers = [_adam(self.theta, settings.learning_rate)]
        if self.psi:
            self.optimizers.append(_adam(self.psi, settings.ratio_learning_rate))
        self.vae, self.ratio = self._vae, self._ratio
        if captured:
            self.vae = Captured(self._vae, lambda: self._moving(0))
            self.ratio = Captured(self._ratio, lambda: self._moving(1))
        self._vae_loss, self.source = self._plain_vae_loss, model.ratio_source
        self._compiled_objective = None
        if compiled:
            torch.compiler.reset()  # it keeps few versions; those of others are stale
            torch._functorch.config.backward_pass_autocast = "off"  # as in _descend
            self._vae_loss = torch.compile(self._vae_loss, dynamic=False)
            self.source = torch.compile(self.source, dynamic=False)
            if self.psi and self.theta[0].device.type in COMPILED_RATIO:
                self._compiled_objective = torch.compile(
                    self._plain_objective, dynamic=False
                )

    def _vae(self, x, noise, beta) -> torch.Tensor:
        """Lines 2-6 of Algorithm 1 for a block; sums of both terms of Eq. 3, (2, S).

        x: (S, R, D) images; noise: (S, R, .) their epsilon; beta: () the KL's weight.
        """
        sums = torch.zeros(2, len(x), device=x.device)
        batches = zip(x.split(self.size, 1), noise.split(self.size, 1), strict=True)
        for images, epsilon in batches:
            whole = images.shape[1] == self.size  # a smaller last is not compiled
            loss = self._vae_loss if whole else self._plain_vae_loss
            # contiguous: compiled code is for one set of strides
            value, terms = loss(images.contiguous(), epsilon.contiguous(), beta)
            _descend(self.optimizers[0], value)
            sums += terms
        return sums

    def _plain_vae_loss(self, x, noise, beta) -> tuple[torch.Tensor, torch.Tensor]:
        """Loss of a mini-batch for each seed, (S,), and sums of its terms, (2, S)."""
        reconstruction, kl = self.model.terms(x, noise)
        # minus Eq. 4 or 19, the KL term weighted by beta
        loss = (beta * kl - reconstruction).mean(-1)
        return loss, torch.stack([reconstruction.detach(), kl.detach()]).sum(-1)

    def _ratio(self, numerator, z0, *mask) -> torch.Tensor:
        """Lines 7-12 of Algorithm 1 for a block; sum of Eq. 20 over its rows, (S,).

        numerator: (S, R, .) rows for T; z0: (S, R, L); mask: (S, 2R, H), if dropout is.
        """
        total = torch.zeros(len(z0), device=z0.device)
        parts = [x.split(self.size, 1) for x in (numerator, z0)]
        parts += [x.split(2 * self.size, 1) for x in mask]
        for batch in zip(*parts, strict=True):
            objective, rows = self._plain_objective, batch[0].shape[1]
            if self._compiled_objective and rows == self.size:
                objective = self._compiled_objective
                batch = [x.contiguous() for x in batch]
            value = objective(*batch)
            _descend(self.optimizers[1], -value)
            total += value.detach() * rows
        return total

    def _plain_objective(self, rows, z0, mask=None) -> torch.Tensor:
        """Eq. 20 of a mini-batch for each seed, (S,)."""
        others = self.model.ratio_counterparts(rows, z0)
        return self.model.ratio.objective(rows, others, mask)

    def keep(self, members: list[int]) -> None:
        """Leave only these members of the stack in weights, moments and buffers."""
        for optimizer in self.optimizers:
            for p in optimizer.param_groups[0]["params"]:
                p.data, p.grad = p.data[members], None
                moments = optimizer.state[p]
                for name, value in moments.items():
                    if value.dim():  # not the count of steps
                        moments[name] = value[members]
        stacked = self.model.state_dict().keys()
        for name, buffer in self.model.named_buffers():
            if name in stacked:  # others are constants, without an axis of seeds
                buffer.data = buffer.data[members]
        for step in (self.vae, self.ratio):
            if isinstance(step, Captured):
                step.forget()  # record anew: weights and moments are other tensors

    def _moving(self, which: int) -> list[torch.Tensor]:
        optimizer = self.optimizers[which]
        state = [x for s in optimizer.state.values() for x in s.values()]
        return optimizer.param_groups[0]["params"] + state


def _descend(optimizer: torch.optim.Optimizer, loss: torch.Tensor) -> None:
    # a product's gradient has the precision that the product had, autocast or not
    with torch.autocast(loss.device.type, enabled=False):
        loss.sum().backward()  # seeds share no weight, so each keeps its own gradient
    optimizer.step()
    optimizer.zero_grad()  # last, so that a graph's gradients are of its own memory


def _adam(parameters, rate):
    # capturable: the count of steps is on the GPU, where a graph can advance it
    gpu = parameters[0].device.type == "cuda"
    return torch.optim.Adam(parameters, lr=rate, fused=True, capturable=gpu)
