"""The paper's models for a single seed, written for reading: no seed axis, no tricks.

Tests compare the stacked core with this, and the benchmark times the core against it.
Weights are plain dictionaries, taken out of a stacked model, and every formula stands
as in the paper.
"""

import math

import torch


def weights_of(
    model: torch.nn.Module, k: int, dtype: torch.dtype = torch.float64
) -> dict[str, torch.Tensor]:
    """Member k's weights, by the stacked model's names, with gradients of their own."""
    return {
        name: value[k].detach().to(dtype, copy=True).requires_grad_()
        for name, value in model.named_parameters()
    }


def linear(w, name, x):
    return x @ w[f"{name}.weight"] + w[f"{name}.bias"]


def gated(w, name, x):
    both = linear(w, name, x)
    half = both.shape[-1] // 2
    return both[:, :half] * torch.sigmoid(both[:, half:])


def encode(w, x):
    h = gated(w, "encoder.body.1", gated(w, "encoder.body.0", x))
    out = linear(w, "encoder.head", h)
    half = out.shape[-1] // 2
    return out[:, :half], out[:, half:]


def sample(w, x, noise):
    """z of q(z|x), Eq. 18."""
    mean, log_variance = encode(w, x)
    return mean + torch.exp(0.5 * log_variance) * noise


def avb_sample(w, x, noise):
    """The same for AVB, whose encoder takes the noise beside x."""
    inputs = torch.cat([x, noise], -1)
    h = gated(w, "encoder.body.1", gated(w, "encoder.body.0", inputs))
    return linear(w, "encoder.head", h)


def decode(w, z):
    h = gated(w, "decoder.body.1", gated(w, "decoder.body.0", z))
    return linear(w, "decoder.head", h)


def ratio(w, z, mask=1.0, name="prior.ratio"):
    h = torch.tanh(linear(w, f"{name}.first", z))
    h = torch.tanh(linear(w, f"{name}.second", h)) * mask
    return linear(w, f"{name}.last", h)[:, 0]


def reconstruction(w, x, z, likelihood):
    out = decode(w, z)
    if likelihood == "bernoulli":
        p = torch.distributions.Bernoulli(logits=out)
        return p.log_prob(x).sum(-1)
    half = out.shape[-1] // 2
    mean, deviation = torch.sigmoid(out[:, :half]), torch.exp(0.5 * out[:, half:])
    return torch.distributions.Normal(mean, deviation).log_prob(x).sum(-1)


def log_vampprior(w, z, clip):
    """Eq. 9: every z against every component."""
    u = w["prior.pseudo_inputs"]
    mean, log_variance = encode(w, u.clamp(0, 1) if clip else u)
    components = torch.distributions.Normal(mean, torch.exp(0.5 * log_variance))
    densities = components.log_prob(z[:, None]).sum(-1)  # (B, K)
    return torch.logsumexp(densities, -1) - math.log(len(u))


def terms(w, method, likelihood, x, noise, clip=True):
    """Reconstruction and KL term of Eq. 3 (Eq. 19 for iop), both (B,)."""
    mean, log_variance = encode(w, x)
    deviation = torch.exp(0.5 * log_variance)
    z = mean + deviation * noise
    q = torch.distributions.Normal(mean, deviation)
    p = torch.distributions.Normal(torch.zeros_like(mean), torch.ones_like(mean))
    if method == "vampprior":
        kl = q.log_prob(z).sum(-1) - log_vampprior(w, z, clip)
    else:
        kl = torch.distributions.kl_divergence(q, p).sum(-1)
    if method == "iop":
        kl = kl - ratio(w, z)
    return reconstruction(w, x, z, likelihood), kl


def avb_terms(w, likelihood, x, noise):
    """The same for AVB, whose KL term is T(x, z)."""
    z = avb_sample(w, x, noise)
    kl = ratio(w, torch.cat([x, z], -1), name="ratio")
    return reconstruction(w, x, z, likelihood), kl


def ratio_objective(w, z1, z0, mask, name="prior.ratio"):
    """Eq. 20."""
    n = len(z1)
    d1 = torch.sigmoid(ratio(w, z1, mask[:n], name))
    d0 = torch.sigmoid(ratio(w, z0, mask[n:], name))
    return torch.log(d1).mean() + torch.log(1 - d0).mean()
