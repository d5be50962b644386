"""Speaker diarization by deep embedded clustering (DEC): the library behind the recipe.

The packages follow the arrows of the experiment: ``kaldi`` and ``audio`` read, ``speech`` finds speech,
``xvectors`` cuts windows, ``extractors`` embed them, ``autoencoder`` and ``dec`` learn latents and
posteriors, ``clustering`` holds the baselines, ``turns`` makes turns, ``scoring`` judges them and
``report`` shows them. ``pipeline`` runs all arrows on one recording; ``base`` is what everyone may use.
Nothing here parses arguments or prints.
"""

import os
import sys

# Nothing reports on its users. onnxruntime would write a device id and events at its import, openvino an id,
# and send both. openvino asks no variable, but goes without where the package that sends cannot be imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]


def __getattr__(name: str) -> str:
    """``__version__``, that of pyproject.toml, as pip has kept it."""
    if name == "__version__":
        from importlib.metadata import version

        return version("dec-diarization")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
