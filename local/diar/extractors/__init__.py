"""Speaker embedding extractors: a registry of names, and what an extractor is.

A new one is a file with a subclass of ``Extractor``, and a line in ``EXTRACTORS``: docs/extending.md. No
other code assumes a dimension or a window: the extractor says both.
"""

from __future__ import annotations

import pkgutil
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import numpy as np

from diar.base.errors import DataError
from diar.extractors.cards import CARDS, Card
from diar.networks.external_data import files_of


class Extractor(ABC):
    """Turns windows of a recording into vectors; its ``card`` says what is known of it."""

    card: Card

    @abstractmethod
    def embed(self, samples: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """Make one vector for each window: (n, dim) float32, finite.

        Args:
            samples: (N,) float32 mono at ``rate``, full scale 1.
            starts, ends: (n,) seconds, within the recording; windows may overlap and differ in
                length.
        """

    @property
    def name(self) -> str:
        """The name by which it is chosen."""
        return self.card.name

    @property
    def dim(self) -> int:
        """Size of its vectors."""
        assert self.card.dim is not None  # it is known once a model is loaded
        return self.card.dim

    @property
    def rate(self) -> int:
        """Samples per second of the audio that it takes."""
        return self.card.rate


FILE_OPTIONS = ("path", "directory", "fbank")  # options of extractors that may name files

# module:class. Imported on use, as they bring torch or onnxruntime with them.
EXTRACTORS = {
    "campplus": "diar.extractors.campplus:CamPlusPlusExtractor",
    "ecapa": "diar.extractors.ecapa:EcapaExtractor",
    "onnx": "diar.extractors.onnx_file:OnnxExtractor",
    "resemblyzer": "diar.extractors.resemblyzer:ResemblyzerExtractor",
}


def card(name: str) -> Card:
    """Say what is known of an extractor before it is loaded."""
    return CARDS[name] if name in CARDS else pkgutil.resolve_name(EXTRACTORS[name]).card


def local_files(options: dict[str, Any]) -> list[str]:
    """List the user's files and folders that an extractor with these options reads."""
    names = [value for key in FILE_OPTIONS if isinstance(value := options.get(key), str)]
    model = options.get("path")
    if isinstance(model, str) and Path(model).is_file():
        names += map(str, files_of(Path(model))[1:])
    return names


def get(name: str, *, device: str = "cpu", threads: int = 1, **options: Any) -> Extractor:
    """Load the extractor of that name; its weights are fetched and prepared when needed.

    Args:
        device: 'cpu', 'cuda', 'cuda:1'. threads: of the CPU; results do not depend on how many.
        options: its own.

    Raises:
        DataError: an unknown name, an option that it does not have, weights that cannot be had.
    """
    if name not in EXTRACTORS:
        raise DataError(f"unknown extractor {name!r}; known: {', '.join(sorted(EXTRACTORS))}")
    where: dict[str, Any] = {"device": device, "threads": threads}
    usual = {"device": "cpu", "threads": 1}  # not every extractor knows others
    options |= {key: value for key, value in where.items() if value != usual[key]}
    try:
        return pkgutil.resolve_name(EXTRACTORS[name])(**options)
    except TypeError as error:
        if "unexpected keyword argument" not in str(error):
            raise
        option = str(error).split()[-1]
        raise DataError(f"extractor {name!r} has no option {option}") from None
