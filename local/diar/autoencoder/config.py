"""Configuration of the autoencoder; does not import PyTorch, so that checking it is fast."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Phase:
    """A phase of pretraining at one learning rate."""

    epochs: int
    lr: float


@dataclass(frozen=True)
class AutoencoderConfig:
    """Architecture and pretraining; the defaults are the recipe's, see conf/autoencoder.yaml.

    init: 'shipped' uses the shipped weights unchanged, if architecture and dimension match, 'continue'
    trains them further, 'scratch' never uses them; 'plda' trains nothing and ignores all other keys: the
    latents are the x-vectors, and their speaker space is the Kaldi plda that comes with them;
    speaker_space: also learn the speaker space of the latents (``diar.autoencoder.speaker_space``);
    cosine_weight: weight of ``cosine_loss``;
    patience: stop a phase when the validation loss has not improved for this many epochs (0: never);
    threads: fixed, because summation in another order gives other bits.
    """

    hidden_dims: tuple[int, ...] = (500, 500, 64)
    shortcut: bool = True
    length_norm: bool = True
    center: bool = False
    speaker_space: bool = True
    init: Literal["shipped", "continue", "scratch", "plda"] = "shipped"
    cosine_weight: float = 100.0
    batch: int = 256
    phases: tuple[Phase, ...] = field(default_factory=lambda: (Phase(60, 1e-3), Phase(60, 1e-4)))
    patience: int = 5
    threads: int = 2
    seed: int = 0

    def __post_init__(self) -> None:
        if self.batch < 2 or self.threads < 1 or self.patience < 0 or not self.phases:
            raise ValueError("batch >= 2, threads >= 1, patience >= 0 and one phase are needed")
