"""Algorithm 1 for one seed, as one would first write it: the benchmark's other side."""

import torch
from torch.nn.functional import dropout

from benchmarks import reference
from models.building import build
from models.data import Dataset
from models.randomness import Streams
from models.settings import Settings


class PlainTrainer:
    """Eager, float32, PyTorch's default Adam and samplers; the core's arithmetic.

    But gray images, too, are encoded anew in each epoch of psi; the core does it once.

    device: where everything lives.
    """

    def __init__(self, dataset: Dataset, settings: Settings, device="cpu"):
        self.settings, self.dynamic = settings, dataset.dynamic
        self.likelihood = dataset.likelihood
        self.train = torch.from_numpy(dataset.train).to(device)
        model = build(
            settings, dataset.pixels, dataset.likelihood, Streams([0], device)
        )
        self.w = reference.weights_of(model, 0, torch.float32)
        psi = [v for name, v in self.w.items() if name.startswith("prior.ratio")]
        theta = [v for name, v in self.w.items() if "ratio" not in name]
        self.vae = torch.optim.Adam(theta, settings.learning_rate)
        self.ratio = (
            torch.optim.Adam(psi, settings.ratio_learning_rate) if psi else None
        )

    def images(self, batch: torch.Tensor) -> torch.Tensor:
        """The rows of a batch, binarised where the dataset asks for it."""
        return torch.bernoulli(self.train[batch]) if self.dynamic else self.train[batch]

    def run_epoch(self) -> None:
        """Update theta and phi for one epoch, then psi for its epochs."""
        s, n, device = self.settings, len(self.train), self.train.device
        for batch in torch.randperm(n, device=device).split(s.batch_size):
            x = self.images(batch)
            noise = torch.randn(len(x), s.latent_dim, device=device)
            terms = reference.terms(self.w, s.method, self.likelihood, x, noise)
            reconstruction, kl = terms
            self.vae.zero_grad()
            (kl - reconstruction).mean().backward()
            self.vae.step()
        for _ in range(s.ratio_epochs if self.ratio else 0):
            for batch in torch.randperm(n, device=device).split(s.batch_size):
                drawn = torch.randn(2, len(batch), s.latent_dim, device=device)
                with torch.no_grad():
                    z1 = reference.sample(self.w, self.images(batch), drawn[0])
                ones = torch.ones(2 * len(z1), s.hidden_units, device=device)
                mask = dropout(ones, 1 - s.ratio_keep_probability)
                objective = reference.ratio_objective(self.w, z1, drawn[1], mask)
                self.ratio.zero_grad()
                (-objective).backward()
                self.ratio.step()
