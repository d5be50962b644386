"""Speaker diarization by deep embedded clustering (DEC): the library behind the recipe.

The modules follow the arrows of the experiment: ``kaldi_data`` and ``audio`` read, ``vad`` finds
speech, ``subsegments`` cuts windows, ``extractors`` embed them, ``autoencoder`` and ``dec`` learn
latents and labels, ``clustering`` holds the baselines, ``decoding`` makes turns, ``rttm`` writes
them and ``scoring`` judges them. Nothing here parses arguments or prints.
"""


def __getattr__(name: str) -> str:
    """``__version__``, that of pyproject.toml, as pip has kept it."""
    if name == "__version__":
        from importlib.metadata import version

        return version("dec-diarization")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
