"""Everything that decides a run's numbers, except the data and the seed."""

import hashlib
import json
import math
from dataclasses import asdict, dataclass, fields

# machine.products says what each is
PRECISIONS = ("float32", "tensorfloat32", "reduced", "bfloat16")
# what every method reads; the others are of those that name them in own_settings
SHARED = frozenset(
    (
        "method latent_dim hidden_units batch_size learning_rate max_epochs "
        "warmup_epochs patience precision"
    ).split()
)


@dataclass(frozen=True)
class Settings:
    """The protocol of one (dataset, method) pair; Section 5.2 unless said otherwise.

    The defaults are the paper's values for image data, or, where it is silent, ours.
    """

    method: str = "standard"  # a prior of models/priors, or avb
    latent_dim: int = 40
    hidden_units: int = 500  # in each of the two layers of every network
    batch_size: int = 100
    learning_rate: float = 1e-3  # the paper: in [1e-4, 1e-3]
    max_epochs: int = 1000
    warmup_epochs: int = 100  # the KL term's weight rises linearly to 1
    patience: int = 150  # epochs without a better validation ELBO; ours
    components: int = 500  # K of the VampPrior
    pseudo_input_mean: float = 0.5  # the VampPrior code's for FreyFaces
    pseudo_input_std: float = 0.02
    pseudo_input_clip: bool = True  # min(max(u, 0), 1), for images
    ratio_epochs: int = 10  # epochs of psi for one epoch of theta and phi
    ratio_keep_probability: float = 0.5
    ratio_learning_rate: float = 1e-3  # ours
    noise_dim: int = 10  # of AVB's encoder
    precision: str = "float32"  # of training's matrix products; ours

    def __post_init__(self):
        for field in fields(self):
            value = getattr(self, field.name)
            if type(value) is not field.type:
                raise ValueError(
                    f"{field.name}: {value!r}, expected {field.type.__name__}"
                )
        if self.precision not in PRECISIONS:
            raise ValueError(
                f"precision: {self.precision!r}, expected {', '.join(PRECISIONS)}"
            )
        at_least_one = (
            "latent_dim hidden_units batch_size max_epochs patience components "
            "ratio_epochs noise_dim"
        )
        for name in at_least_one.split():
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: {getattr(self, name)}, expected 1 or more")
        for name in ("learning_rate", "ratio_learning_rate", "ratio_keep_probability"):
            if not 0 < getattr(self, name) <= 1:  # nan, too
                raise ValueError(f"{name}: {getattr(self, name)}, expected in (0, 1]")
        for name in ("warmup_epochs", "pseudo_input_std"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(
                    f"{name}: {getattr(self, name)}, expected 0 or more, finite"
                )
        if not math.isfinite(self.pseudo_input_mean):
            raise ValueError(
                f"pseudo_input_mean: {self.pseudo_input_mean}, expected a finite number"
            )

    def as_dict(self) -> dict:
        """Return a plain dictionary, as stored beside the weights."""
        return asdict(self)

    @property
    def digest(self) -> str:
        """Sixteen digits that stand for all settings, in score files."""
        text = json.dumps(self.as_dict(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def streams(self, dataset: str) -> str:
        """Return the purpose of the random streams of this method on a dataset.

        K, too, so that the runs of a sweep over K are independent; methods without a K
        have its default.
        """
        return f"{dataset}/{self.method}/{self.components}"

    def flags(self) -> list[str]:
        """Return the command-line arguments that give these settings."""
        return [
            text
            for field in fields(self)
            for text in (f"--{field.name.replace('_', '-')}", self._text(field))
        ]

    def _text(self, field) -> str:
        value = getattr(self, field.name)
        return str(value).lower() if field.type is bool else str(value)


class View:
    """What a prior sees: the settings of all methods, and those of its own_settings.

    The workflow leaves any other at its default, so that a change to it retrains only
    the priors that name it; one that read it unnamed would get the default in silence.
    Reading one raises ValueError.
    """

    def __init__(self, settings: Settings, own: tuple[str, ...]):
        self._settings, self._own = settings, own

    def __getattr__(self, name: str):
        if name.startswith("_"):  # what copies and pickles ask for
            raise AttributeError(name)
        known = {field.name for field in fields(Settings)}
        if name not in known:
            raise ValueError(
                f"settings.{name}: no such setting, expected one of "
                f"{', '.join(sorted(known))}"
            )
        if name not in SHARED | set(self._own):
            raise ValueError(f"reads settings.{name}, expected it in own_settings")
        return getattr(self._settings, name)
