"""The trainer against Algorithm 1 written out in float64, with the same draws."""

import dataclasses

import numpy as np
import pytest
import torch

from benchmarks import reference
from models import training
from models.building import build
from models.randomness import Streams, threshold
from models.stopping import CURVE
from models.training import Trainer, train
from tests.conftest import images

CHUNK = 15  # images encoded at once: of 40 two whole chunks and a smaller one


def algorithm_1(data, s):
    """Rows of the curve and the last weights of seed 0."""
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
    avb = s.method == "avb"

    def normal(stream, n, width):
        return draw.normal(stream, n, width)[0].double()

    def noise(stream, parts):
        width = s.noise_dim if avb else s.latent_dim
        return torch.cat([normal(stream, len(part), width) for part in parts])

    def binarised(parts):
        if not data.dynamic:
            return torch.cat(parts)
        drawn = [draw.bernoulli("binarise", threshold(p), *p.shape)[0] for p in parts]
        return torch.cat(drawn).double()

    def terms(x, noise):
        if avb:
            return torch.stack(reference.avb_terms(w, data.likelihood, x, noise))
        clip = s.pseudo_input_clip
        found = reference.terms(w, s.method, data.likelihood, x, noise, clip)
        return torch.stack(found)

    def descend(optimizer, loss):
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    rows = []
    for epoch in range(1, s.max_epochs + 1):
        beta, sums, objective = min(1, epoch / s.warmup_epochs), 0, float("nan")
        for batch in draw.permutation("order", len(x))[0].split(s.batch_size):
            parts = [x[batch]]
            both = terms(binarised(parts), noise("noise", parts))
            descend(adam[0], (beta * both[1] - both[0]).mean())
            sums += both.detach().sum(1)
        for _ in range(s.ratio_epochs if psi else 0):
            parts, objective = x.split(CHUNK), 0.0
            shown = binarised(parts)
            epsilon = noise("ratio", parts)
            z1 = (reference.avb_sample if avb else reference.sample)(w, shown, epsilon)
            beside, name = (shown, "ratio") if avb else (shown[:, :0], "prior.ratio")
            for batch in draw.permutation("ratio", len(x))[0].split(s.batch_size):
                n, keep = len(batch), threshold(s.ratio_keep_probability)
                z0 = normal("ratio", n, s.latent_dim)
                mask = draw.bernoulli("dropout", keep, 2 * n, s.hidden_units)[0]
                mask = mask.double() / s.ratio_keep_probability
                pairs = (
                    torch.cat([beside[batch], z], -1) for z in (z1[batch].detach(), z0)
                )
                value = reference.ratio_objective(w, *pairs, mask, name)
                descend(adam[1], -value)
                objective += value.item() * n / len(x)
        r, k = (sums / len(x)).tolist()
        parts = valid.split(CHUNK)
        vr, vk = terms(valid, noise("validation", parts)).mean(1).tolist()
        rows.append((epoch, beta, r - k, r, k, vr - vk, vr, vk, objective))
    return rows, w


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
@pytest.mark.parametrize(
    ("method", "clip"),
    [
        ("standard", True),
        ("vampprior", True),
        ("vampprior", False),
        ("iop", True),
        ("avb", True),
    ],
)
def test_the_trainer_is_algorithm_1(method, clip, likelihood, small, monkeypatch):
    monkeypatch.setitem(training.CHUNK, "cpu", CHUNK)
    data = images(likelihood)
    data = dataclasses.replace(data, valid=data.valid[:25], test=data.test[-25:])
    settings = dataclasses.replace(
        small, method=method, max_epochs=4, warmup_epochs=3, patience=9,
        pseudo_input_std=0.8, pseudo_input_clip=clip, ratio_keep_probability=0.7,
        learning_rate=3e-3, ratio_learning_rate=2e-3,
    )  # fmt: skip
    trainer = Trainer(data, settings, [0])
    (run,) = train(trainer)
    rows, w = algorithm_1(data, settings)
    columns = [*range(8), CURVE.index("ratio_objective")]
    ours = np.array(run.curve)[:, columns]
    np.testing.assert_allclose(ours, rows, rtol=1e-4, atol=1e-4)
    for name, value in trainer.model.named_parameters():
        torch.testing.assert_close(
            value[0].detach().double(), w[name].detach(), rtol=0, atol=2e-5, msg=name
        )
