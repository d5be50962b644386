"""Speaker diarization by deep embedded clustering (DEC): the library behind the recipe.

The packages follow the stages of the experiment: ``kaldi`` and ``audio`` read, ``speech`` finds speech,
``xvectors`` cuts windows, ``extractors`` embed them, ``autoencoder`` and ``dec`` learn latents and
posteriors, ``clustering`` has the baselines, ``turns`` decodes turns, ``scoring`` evaluates them and
``report`` shows them. ``pipeline`` runs all stages on one recording; ``base`` is shared by all.
Nothing here parses arguments or prints.
"""

import os
import sys

# No telemetry. On import, onnxruntime would write and send a device id and events, openvino an id. openvino
# has no variable to disable it, but does without if the package that sends cannot be imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]


def __getattr__(name: str) -> str:
    """Return ``__version__`` of pyproject.toml, as recorded by pip."""
    if name == "__version__":
        from importlib.metadata import version

        return version("dec-diarization")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
