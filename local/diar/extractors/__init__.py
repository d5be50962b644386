"""Speaker embedding extractors: their interface, and a registry of names.

A new one needs a file with a subclass of ``Extractor``, and a line in ``EXTRACTORS``: docs/extending.md. No
other code assumes a dimension or a window: the extractor defines both.
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
    """Turns windows of a recording into vectors; its ``card`` describes it."""

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
        """The name that selects it."""
        return self.card.name

    @property
    def dim(self) -> int:
        """Size of its vectors."""
        assert self.card.dim is not None  # known once a model is loaded
        return self.card.dim

    @property
    def rate(self) -> int:
        """Samples per second of the audio that it takes."""
        return self.card.rate


FILE_OPTIONS = ("path", "directory", "fbank")  # options of extractors that may name files

# module:class. Imported on use, because they import torch or onnxruntime.
EXTRACTORS = {
    "campplus": "diar.extractors.campplus:CamPlusPlusExtractor",
    "ecapa": "diar.extractors.ecapa:EcapaExtractor",
    "onnx": "diar.extractors.onnx_file:OnnxExtractor",
    "resemblyzer": "diar.extractors.resemblyzer:ResemblyzerExtractor",
}


def card(name: str) -> Card:
    """Return the card of an extractor without loading it."""
    return CARDS[name] if name in CARDS else pkgutil.resolve_name(EXTRACTORS[name]).card


def local_files(options: dict[str, Any]) -> list[str]:
    """List the user's files and folders that an extractor with these options reads."""
    names = [value for key in FILE_OPTIONS if isinstance(value := options.get(key), str)]
    model = options.get("path")
    if isinstance(model, str) and Path(model).is_file():
        names += map(str, files_of(Path(model))[1:])
    return names


def get(name: str, *, device: str = "cpu", threads: int = 1, **options: Any) -> Extractor:
    """Load the extractor of that name; its weights are downloaded and prepared when needed.

    Args:
        device: 'cpu', 'cuda', 'cuda:1'. threads: of the CPU; results do not depend on their number.
        options: its own.

    Raises:
        DataError: an unknown name, an unknown option, or unavailable weights.
    """
    if name not in EXTRACTORS:
        raise DataError(f"unknown extractor {name!r}; known: {', '.join(sorted(EXTRACTORS))}")
    where: dict[str, Any] = {"device": device, "threads": threads}
    usual = {"device": "cpu", "threads": 1}  # not every extractor supports others
    options |= {key: value for key, value in where.items() if value != usual[key]}
    try:
        return pkgutil.resolve_name(EXTRACTORS[name])(**options)
    except TypeError as error:
        if "unexpected keyword argument" not in str(error):
            raise
        option = str(error).split()[-1]
        raise DataError(f"extractor {name!r} has no option {option}") from None
