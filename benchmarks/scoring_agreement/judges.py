"""Other scorers: NIST's md-eval.pl (Debian package sctk) and spy-der (PyPI)."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from diar.base.errors import DataError
from diar.base.files import cache_dir
from diar.fetching.packages import Package, fetch_deb, unpack_deb
from diar.kaldi.rttm import read_rttm, read_uem
from diar.scoring.rates import Protocol

SCTK = Package(
    "sctk",
    "2.4.10-20151007-1312Z+dfsg2-3.1",
    "sctk_2.4.10-20151007-1312Z+dfsg2-3.1_amd64.deb",
    589628,
    "5fe1eab7c08f814d1fc130e73fa7b434be68d92a7503db2e2c6b880ab26f603e",
)
NAMES = ("scored", "miss", "false_alarm", "confusion")

Figures = dict[str, dict[str, float]]  # by recording: seconds of NAMES, and 'der' in percent


def md_eval_script() -> Path:
    """md-eval.pl, unpacked into the cache (no installation, no root).

    Raises:
        DataError: no perl; the package cannot be had.
    """
    if not shutil.which("perl"):
        raise DataError("'perl' is missing on this system: md-eval.pl needs it")
    script = cache_dir() / "sctk" / "usr/lib/sctk/bin/md-eval.pl"
    if not script.exists():
        unpack_deb(fetch_deb(SCTK), cache_dir() / "sctk")
    return script


def md_eval_command(script: Path, ref: Path, hyp: Path, uem: Path, protocol: Protocol) -> list[str]:
    command = ["perl", str(script), "-r", str(ref), "-s", str(hyp), "-u", str(uem)]
    return [*command, "-c", str(protocol.side), *["-1"] * (protocol.overlap == "out")]


def md_eval(script: Path, ref: Path, hyp: Path, uem: Path, protocol: Protocol) -> Figures:
    """Figures of md-eval.pl.

    Raises:
        DataError: it failed, as where a recording has no scored speech.
    """
    command = [*md_eval_command(script, ref, hyp, uem, protocol), "-a", "f"]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        raise DataError(f"md-eval.pl failed: {result.stderr.strip() or result.stdout[-500:]}")
    figures: Figures = {}
    sections = re.split(r"\*\*\* Performance analysis for Speaker Diarization for ", result.stdout)
    for section in sections[1:]:
        name, _, text = section.partition(" ***")
        if not name.startswith("f="):
            continue
        seconds = [
            float(re.search(rf"{label} TIME =\s*([\d.]+) secs", text)[1])
            for label in ("SCORED SPEAKER", "MISSED SPEAKER", "FALARM SPEAKER", "SPEAKER ERROR")
        ]
        der = float(re.search(r"DIARIZATION ERROR = ([\d.]+) percent", text)[1])
        figures[name.removeprefix("f=")] = {**dict(zip(NAMES, seconds, strict=True)), "der": der}
    return figures


def spyder(ref: Path, hyp: Path, uem: Path, protocol: Protocol) -> Figures:
    """Figures of spy-der.

    Raises:
        ImportError: it is not installed.
    """
    from spyder import DER

    sides = [
        {name: [(t.speaker, t.start, t.end) for t in turns] for name, turns in side.items()}
        for side in (read_rttm(ref), read_rttm(hyp))
    ]
    regions = {name: [tuple(r) for r in found] for name, found in read_uem(uem).items()}
    measured: Mapping = DER(
        *sides,
        uem=regions,
        per_file=True,
        regions="all" if protocol.overlap == "in" else "nonoverlap",
        collar=protocol.side,
    )
    return {
        name: {
            "scored": m.duration,
            "miss": m.miss * m.duration,
            "false_alarm": m.falarm * m.duration,
            "confusion": m.conf * m.duration,
            "der": 100 * m.der,
        }
        for name, m in measured.items()
        if name != "Overall"
    }
