"""Commands that cannot be run here, looked at without running them: programs, options, configurations."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from dec_cli.commands import PROGRAMS, command
from diar.autoencoder.config import AutoencoderConfig
from diar.base import config
from diar.base.errors import DataError
from diar.pipeline.config import BaselineConfig, DecStageConfig
from diar.report.recordings import ReportConfig
from diar.speech.segmentation import SegmentationConfig
from diar.speech.vad import VadConfig
from diar.xvectors.windows import XVectorConfig

ELSEWHERE = {  # programs that documents speak of, and whose they are
    "Kaldi": """copy-vector copy-matrix ivector-compute-plda md-eval.pl queue.pl sph2pipe
        diarization/make_rttm.py local/make_callhome.sh local/nnet3/xvector/prepare_feats.sh
        steps/make_mfcc.sh""",
    "a cluster": "qstat squeue",
    "whoever has a film": "ffmpeg",
    "the shell": "cd export",
    "whoever packs or develops": "docker pre-commit uv",
    "a recipe for many users": "/srv/dec-diarization/local/diarize.py",
}
KNOWN = {name for names in ELSEWHERE.values() for name in names.split()}
KNOWN |= set(map(command, PROGRAMS))  # of an installed package
OVERRIDDEN = {  # of run.sh: --dec.refine.niter 80
    "segmentation": (SegmentationConfig, "conf/segmentation.yaml"),
    "vad": (VadConfig, "conf/vad.yaml"),
    "xvector": (XVectorConfig, "conf/xvector.yaml"),
    "ae": (AutoencoderConfig, "conf/autoencoder.yaml"),
    "dec": (DecStageConfig, "conf/dec.yaml"),
    "baseline": (BaselineConfig, "conf/baselines.yaml"),
    "report": (ReportConfig, "conf/report.yaml"),
}
PLACE = re.compile(r"(conf|steps|local|tests|docs)/[\w/.<>-]+")
OURS = re.compile(r"(\./run\.sh|(\./)?(steps|local|tests|benchmarks)/[\w/-]+\.(sh|py))")


class _Parsed(Exception):
    """A program has read its arguments."""


def faults(root: Path, text: str) -> list[str]:
    """What is wrong with the commands of a fence, one line each."""
    found, made = [], set()
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        for words in commands(line):
            found += [f"{' '.join(words)}: {fault}" for fault in command_faults(root, words, made)]
            if words[0] == "cp":
                made.add(words[-1])
    return found


def commands(line: str) -> list[list[str]]:
    """The words of each command of a line, without assignments and redirections."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    found: list[list[str]] = [[]]
    words = iter(lexer)
    for word in words:
        if word[0] in "|&;":
            found.append([])
        elif word[0] in "<>":
            next(words, None)
        elif found[-1] or not re.fullmatch(r"\w+=.*", word):
            found[-1].append(word)
    return [words for words in found if words]


def command_faults(root: Path, words: list[str], made: set[str] = frozenset()) -> list[str]:
    """What is wrong with one command; ``made``: configurations that commands before it make."""
    found = [
        f"no such file: {name}"
        for word in words
        for name in re.findall(r"(?<![\w/.-])conf/[\w/.-]+", word)
        if name not in made and not (root / name).exists() and words[0] != "cp"
    ]
    program = words[0]
    if program in ("python", "python3") and len(words) > 1 and words[1].endswith(".py"):
        words = words[1:]
        program = words[0]
    if not OURS.fullmatch(program):
        here = program == "." or shutil.which(program) or program in KNOWN
        return found + ([] if here else ["no such program"])
    if not (root / program).exists():
        return [*found, "no such file"]
    if program.startswith("benchmarks/"):
        fault = ""
    elif program.endswith(".py"):
        fault = _python(root / program, words[1:])
    else:
        fault = _shell(root, words)
    return found + [x for x in (fault, *_overrides(root, words)) if x]


def _shell(root: Path, words: list[str]) -> str:
    """What a script's parser says of its options: --help comes after them, before anything is done."""
    if "parse_options.sh" not in (root / words[0]).read_text():
        return ""
    end = 1
    while end < len(words) and words[end].startswith("--"):
        end += 1 if "=" in words[end] or words[end] == "--help" else 2
    done = subprocess.run(
        [*words[:end], "--help"], cwd=root, capture_output=True, text=True, timeout=60
    )
    return done.stderr.strip() if done.returncode or not done.stdout else ""


def _python(path: Path, arguments: list[str]) -> str:
    """What a program's argparse says of its arguments."""
    parse = argparse.ArgumentParser.parse_args

    def stop(self, args=None, namespace=None):
        parse(self, args, namespace)
        raise _Parsed

    module = importlib.import_module(path.stem)
    said, argv = io.StringIO(), sys.argv
    argparse.ArgumentParser.parse_args, sys.argv = stop, [str(path), *arguments]
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            module.main()
    except _Parsed:
        return ""
    except SystemExit as end:
        return said.getvalue().strip().splitlines()[-1] if end.code else ""
    finally:
        argparse.ArgumentParser.parse_args, sys.argv = parse, argv
    return "it read no arguments"


def _overrides(root: Path, words: list[str]) -> list[str]:
    """Options with a dot, checked against the configuration that they change."""
    found = []
    for word, value in zip(words, [*words[1:], ""], strict=True):
        group, dot, key = word.removeprefix("--").partition(".")
        if not word.startswith("--") or not dot or words[0] != "./run.sh":
            continue
        if group not in OVERRIDDEN:
            found.append(f"unknown option {word}")
            continue
        key, equals, given = key.partition("=")
        cls, path = OVERRIDDEN[group]
        try:
            config.load(cls, root / path, [f"{key.replace('-', '_')}={given if equals else value}"])
        except DataError as error:
            found.append(str(error))
    return found


def known_options(root: Path) -> set[str]:
    """Every option that run.sh, a step or a program speaks of."""
    sources = [
        root / "run.sh",
        root / "tests/run.sh",
        *root.glob("steps/*.sh"),
        *root.glob("local/*.py"),
    ]
    text = "\n".join(path.read_text() for path in sources)
    return set(re.findall(r"--[a-z][a-z0-9-]*", text))


def inline_faults(root: Path, code: str, options: set[str]) -> list[str]:
    """What is wrong with `inline code`, where it is a command, an option, or a path of the recipe.

    Inline commands may be short: what stands for something (<dir>) or may be left out is not asked for.
    """
    first, *rest = code.split(" ")
    if first in KNOWN:
        return []
    if PLACE.match(first) and first != (pattern := re.sub(r"<\w+>|NAME", "*", first)):
        first = next((str(path.relative_to(root)) for path in root.glob(pattern)), first)
    if OURS.fullmatch(first) and rest:
        plain = re.sub(r"[][]|\.\.\.", " ", re.sub(r"<[^<>]*>", "X", " ".join(rest)))
        found = command_faults(root, [first, *shlex.split(plain)])
        return [fault for fault in found if "arguments are required" not in fault]
    if re.fullmatch(r"--[a-z][a-z0-9-]*(\.[\w.-]+)?(=.*)?", first):
        name = first.partition("=")[0]
        known = name in options or name[2:].partition(".")[0] in OVERRIDDEN
        return [] if known else ["no such option"]
    if OURS.fullmatch(first) or (PLACE.fullmatch(first) and not rest):
        return [] if (root / first).exists() else ["no such file"]
    return []
