"""The trainer against Algorithm 1 written out in float64, with the same draws."""

import dataclasses

import numpy as np
import pytest
import torch

from benchmarks import reference
from models.randomness import Streams, threshold
from models.stopping import CURVE
from models.training import Trainer, build, train
from tests.conftest import images


def algorithm_1(data, s, clip):
    """Rows of the curve and the last weights of seed 0, on gray images."""
    draw = Streams([0], "cpu", s.streams(data.name))
    w = reference.weights_of(build(s, data.pixels, data.likelihood, draw), 0)
    psi = [v for n, v in w.items() if "ratio" in n]
    adam = [
        torch.optim.Adam(p, rate, betas=(0.9, 0.999), eps=1e-8)
        for p, rate in (
            ([v for n, v in w.items() if "ratio" not in n], s.learning_rate),
            (psi, s.ratio_learning_rate),
        )
        if p
    ]
    x, valid = (torch.from_numpy(a).double() for a in (data.train, data.valid))

    def normal(stream, n):
        return draw.normal(stream, n, s.latent_dim)[0].double()

    def descend(optimizer, loss):
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    def terms(images, stream):
        noise = normal(stream, len(images))
        found = reference.terms(w, s.method, data.likelihood, images, noise, clip)
        return torch.stack(found)

    rows = []
    for epoch in range(1, s.max_epochs + 1):
        beta, sums, objective = min(1, epoch / s.warmup_epochs), 0, float("nan")
        for batch in draw.permutation("order", len(x))[0].split(s.batch_size):
            both = terms(x[batch], "noise")
            descend(adam[0], (beta * both[1] - both[0]).mean())
            sums += both.detach().sum(1)
        for _ in range(s.ratio_epochs if psi else 0):
            mean, log_variance = reference.encode(w, x)
            z1 = (mean + (log_variance / 2).exp() * normal("ratio", len(x))).detach()
            objective = 0.0
            for batch in draw.permutation("ratio", len(x))[0].split(s.batch_size):
                z0, n = normal("ratio", len(batch)), len(batch)
                keep = threshold(s.ratio_keep_probability)
                mask = draw.bernoulli("dropout", keep, 2 * n, s.hidden_units)[0]
                mask = mask.double() / s.ratio_keep_probability
                value = reference.ratio_objective(w, z1[batch], z0, mask)
                descend(adam[1], -value)
                objective += value.item() * n / len(x)
        r, k = (sums / len(x)).tolist()
        vr, vk = terms(valid, "validation").mean(1).tolist()
        rows.append((epoch, beta, r - k, r, k, vr - vk, vr, vk, objective))
    return rows, w


@pytest.mark.parametrize("clip", [True, False])
@pytest.mark.parametrize("method", ["standard", "vampprior", "iop"])
def test_the_trainer_is_algorithm_1(method, clip, small):
    data = images("gaussian")
    data = dataclasses.replace(data, valid=data.valid[:25], test=data.test[-25:])
    settings = dataclasses.replace(
        small, method=method, max_epochs=4, warmup_epochs=3, patience=9,
        pseudo_input_std=0.8, pseudo_input_clip=clip, ratio_keep_probability=0.7,
        learning_rate=3e-3, ratio_learning_rate=2e-3,
    )  # fmt: skip
    trainer = Trainer(data, settings, [0])
    (run,) = train(trainer)
    rows, w = algorithm_1(data, settings, clip)
    columns = [*range(8), CURVE.index("ratio_objective")]
    ours = np.array(run.curve)[:, columns]
    np.testing.assert_allclose(ours, rows, rtol=1e-4, atol=1e-4)
    for name, value in trainer.model.named_parameters():
        torch.testing.assert_close(
            value[0].detach().double(), w[name].detach(), rtol=0, atol=2e-5, msg=name
        )
