"""X-vectors and an autoencoder for which steps/fit_dec.sh takes a moment."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from diar.autoencoder.network import SHIPPED
from diar.kaldi import arks
from diar.xvectors import windows


def make_xvectors(folder: Path) -> Path:
    """Make x-vectors of three recordings, 20 each, two well separated speakers."""
    folder.mkdir()
    random = np.random.default_rng(0)
    lines, table = [], {}
    for recording in ("a", "b", "c"):
        for i in range(20):
            start = 0.75 * i
            key = windows.segment_id(recording, start, start + 1.5)
            lines.append(f"{key} {recording} {start:.3f} {start + 1.5:.3f}\n")
            vector = random.normal(size=192) + 20 * np.eye(192)[i // 10]
            table[key] = vector.astype(np.float32)
    (folder / "segments").write_text("".join(lines))
    arks.write_ark(folder / "xvector.ark", table)
    return folder


def make_ae(folder: Path) -> Path:
    """Make a directory with the autoencoder that ships."""
    folder.mkdir()
    shutil.copy(SHIPPED, folder / "model.safetensors")
    return folder
