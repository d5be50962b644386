"""Any speaker embedding network in an ONNX file that takes Kaldi's filter banks.

WeSpeaker and 3D-Speaker publish and export such files: input (batch, frames, mels), output (batch, dim).
Their filter banks are in conf/fbank.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from diar.base import config
from diar.base.errors import DataError
from diar.base.files import expanded
from diar.base.files import sha256 as digest_of
from diar.extractors.cards import ONNX
from diar.extractors.fbank import FbankConfig, FbankExtractor, filter_banks
from diar.networks.external_data import files_of
from diar.networks.runtime import session

BATCH = 8
PROBES = (120, 150)  # frames: an output of one vector has the same shape for both


class OnnxExtractor(FbankExtractor):
    """Vectors of a network trained and exported elsewhere.

    Args:
        path: the file.
        fbank: its filter banks, values of ``FbankConfig`` or a YAML file of them.
        sha256: of the file followed by its external data; None: any file is accepted.
        output: name of the embedding's output; None: the only one with a vector for each
            window.
        shortest: seconds; shorter windows are centred in as much digital silence, as is
            best for CAM++.
        device, threads: see ``diar.extractors.get``.

    Raises:
        DataError: no such file, not an ONNX model, other inputs or outputs.
    """

    def __init__(
        self,
        path: str | None = None,
        fbank: dict[str, Any] | str | None = None,
        sha256: str | None = None,
        output: str | None = None,
        shortest: float = 0.5,
        device: str = "cpu",
        threads: int = 1,
    ) -> None:
        self.threads = threads
        if path is None:
            raise DataError("extractor 'onnx': set options.path to an ONNX model")
        self._path = expanded(str(path))
        self.fbank = fbank_of(fbank)
        self.shortest = round(_seconds(shortest) * self.fbank.rate)
        digest = self._check_digest(sha256)
        try:
            self._session = session(self._path, device)
        except ValueError as error:
            raise DataError(f"not a usable ONNX model: {str(error)[:200]}", self._path) from None
        self._input, self.batch = self._check_input()
        self._output, dim = self._find_output(output)
        self.network = self._run
        self.card = replace(
            ONNX, dim=dim, rate=self.fbank.rate, source=f"{self._path}, sha256 {digest}"
        )

    def _run(self, features: np.ndarray) -> np.ndarray:
        (vectors,) = self._session.run([self._output], {self._input: features})
        return vectors.reshape(len(features), -1)

    def _check_digest(self, sha256: str | None) -> str:
        """Return the sha256 of all its files; check it against the given one."""
        if not self._path.is_file():
            raise DataError("no such file: options.path must name an ONNX model", self._path)
        files = files_of(self._path)
        for file in files:
            if not file.is_file():
                raise DataError(f"no such file: it must hold weights of {self._path}", file)
        digest = digest_of(*files)
        if sha256 is not None and digest != str(sha256).lower():
            whole = " ".join(file.name for file in files)
            how = f" (cat {whole} | sha256sum)" if len(files) > 1 else ""
            raise DataError(
                f"its sha256 is {digest}{how}, not {sha256}: damaged, or another file", self._path
            )
        return digest

    def _check_input(self) -> tuple[str, int]:
        """Return the name of the input, and its batch size."""
        inputs = self._session.get_inputs()
        shown = ", ".join(f"{i.name} {i.type} {i.shape}" for i in inputs)
        if len(inputs) != 1 or inputs[0].type != "tensor(float)" or len(inputs[0].shape) != 3:
            raise DataError(
                f"its inputs are {shown}; expected one input (batch, frames, mels) of floats",
                self._path,
            )
        batch, frames, mels = inputs[0].shape  # numbers if the model fixes them, else names
        if isinstance(mels, int) and mels != self.fbank.mels:
            raise DataError(
                f"it takes {mels} mels, but the filter banks have {self.fbank.mels}: set options.fbank"
                " as in its training",
                self._path,
            )
        if isinstance(frames, int) or (isinstance(batch, int) and batch != 1):
            raise DataError(
                f"its input is {shown}: batch and frames must not be fixed: export it with dynamic axes",
                self._path,
            )
        return inputs[0].name, 1 if batch == 1 else BATCH

    def _find_output(self, wanted: str | None) -> tuple[str, int]:
        """Find the output with one vector for each window; return its name and size."""
        names = [output.name for output in self._session.get_outputs()]
        if wanted is not None and wanted not in names:
            raise DataError(f"no output {wanted!r}; its outputs: {', '.join(names)}", self._path)
        batch = min(2, self.batch)
        shapes = [self._probe(names, batch, frames) for frames in PROBES]
        vectors = {
            name: int(np.prod(shape[1:]))
            for name, shape in shapes[0].items()
            if wanted in (None, name)
            and shape == shapes[1][name]
            and shape[:1] == (batch,)
            and sum(n > 1 for n in shape[1:]) == 1
        }
        if len(vectors) != 1:
            shown = ", ".join(f"{name} {shape}" for name, shape in shapes[0].items())
            raise DataError(
                f"for {batch} windows its outputs are {shown}; expected one output (batch, dim); if"
                " there are several, set options.output",
                self._path,
            )
        return next(iter(vectors.items()))

    def _probe(self, names: list[str], batch: int, frames: int) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the outputs for noise of ``batch`` windows of ``frames`` frames."""
        noise = np.random.default_rng(0).normal(size=(batch, frames, self.fbank.mels))
        try:
            outputs = self._session.run(names, {self._input: noise.astype(np.float32)})
        except Exception as error:  # onnxruntime's exceptions have no common base class
            why = " ".join(str(error).split())[:200]
            raise DataError(
                f"it fails on {batch} windows of {frames} frames with {self.fbank.mels} mels: {why}",
                self._path,
            ) from None
        return {name: np.shape(value) for name, value in zip(names, outputs, strict=True)}


def fbank_of(value: dict[str, Any] | str | None) -> FbankConfig:
    """Read filter banks from a mapping or a YAML file; None gives the defaults."""
    if value is None or isinstance(value, str):
        chosen = config.load(FbankConfig, value)
    elif isinstance(value, dict):
        chosen = config.build(FbankConfig, value, "options.fbank")
    else:
        raise DataError(f"options.fbank is {value!r}; expected values or a YAML file")
    filter_banks(np.zeros(0), chosen)  # refuse impossible ones now, not for each recording
    return chosen


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 60:
        raise DataError(f"options.shortest is {value!r}; expected seconds, 0 to 60")
    return float(value)
