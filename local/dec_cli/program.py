"""Shared by the programs of local/: arguments, logs, one-line errors."""

from __future__ import annotations

import argparse
import logging
import os
import re
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from dec_cli import commands
from diar.base.errors import DataError

log = logging.getLogger("diar")
PATHS = {
    "data_dir": "a Kaldi data directory",
    "data_root": "parent of the Kaldi data directories of the sets",
    "exp_dir": "an experiment's directory",
    "vad_dir": "speech regions from steps/make_vad.sh",
    "xvector_dir": "x-vectors from steps/extract_xvectors.sh",
    "ae_dir": "an autoencoder from steps/train_autoencoder.sh",
    "model": "the weights of an autoencoder, model.safetensors",
    "rttm_dir": "a directory of RTTMs",
    "kaldi_dir": "a directory made by Kaldi",
    "out_dir": "output directory",
    "work_dir": "directory for outputs and intermediate files",
}
EXIT_STATUS = """\
Exit status: 0 success; 1 input that cannot be used, or another failure, explained in one line on
standard error; 2 wrong usage; 130 interrupted."""

PACKAGE = "dec-diarization"
ROOT = Path(__file__).resolve().parents[2]
INSTALLED = commands.is_installed()
PACKAGES = (
    *("numpy", "scipy", "sklearn", "pandas", "torch", "kaldiio", "kaldi_native_fbank"),
    *("onnxruntime", "soundfile", "av", "soxr", "safetensors", "yaml", "tqdm"),
)


def name() -> str:
    """Return how this program was called, for what it says."""
    return as_called(Path(sys.argv[0]).name)


def as_called(text: str) -> str:
    """Name programs as users call them: where they are commands, 'local/enroll.py' is 'dec-enroll'."""
    if not INSTALLED:
        return text
    programs = rf"\b(?:local/)?({'|'.join(commands.PROGRAMS)})\.py\b"
    return re.sub(programs, lambda found: commands.command(found[1]), text)


def _wrong_python(why: str) -> str:
    """Return a message: why this Python cannot run the programs, and what to do."""
    if INSTALLED:
        return f"{name()}: {why}: install {PACKAGE} again, with its dependencies"
    if Path(sys.prefix) == ROOT / ".venv":  # it was made by path.sh, and is damaged
        return f"{name()}: {why}; remove {ROOT}/.venv, then, in this shell: . {ROOT}/path.sh"
    return f"{name()}: {why}; in this shell, first: . {ROOT}/path.sh"


# Usually a new shell; or another Python, which may happen to have some of the packages.
if sys.version_info < (3, 11) or not all(map(find_spec, PACKAGES)):
    sys.exit(_wrong_python("this Python lacks the packages of the recipe"))


def _hook(kind: type[BaseException], error: BaseException, *rest: Any) -> None:
    """Show no traceback for an interrupt, even during an import, or for a package that cannot be imported.

    An interrupt still ends Python by the signal: a shell sees status 130, and its loops end, too.
    """
    if isinstance(error, ImportError) and (error.name or "").split(".")[0] not in (
        "dec_cli",
        "diar",
    ):
        why = next(iter(str(error).strip().splitlines()), "a package cannot be imported")
        print(
            _wrong_python(f"this Python has other packages than the recipe: {why}"), file=sys.stderr
        )
    elif kind is not KeyboardInterrupt:
        sys.__excepthook__(kind, error, *rest)


sys.excepthook = _hook


def parser(doc: str | None) -> argparse.ArgumentParser:
    """Make an argument parser whose help is the program's docstring.

    Its paragraph 'Usage: ...' becomes the usage line; 'Example: ...' follows the options, and then the
    exit status, which is the same for all programs unless the docstring has its own. All programs have
    --version and can print their shell completion.
    """
    parts = re.split(r"\n{2,}", (doc or "").strip())
    usage = [part for part in parts if part.startswith("Usage:")]
    last = [part for part in parts if part.startswith(("Example", "Exit status:"))]
    if not any(part.startswith("Exit status:") for part in last):
        last.append(EXIT_STATUS)
    made = argparse.ArgumentParser(
        prog=name(),
        usage=usage[0].removeprefix("Usage:").strip().replace("%", "%%") if usage else None,
        description="\n\n".join(part for part in parts if part not in usage + last),
        epilog="\n\n".join(last),
        formatter_class=_Help,
    )
    made.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    made.add_argument(
        "--print-completion", action=_Completion, choices=("bash", "zsh"), help=argparse.SUPPRESS
    )
    return made


class _Help(argparse.RawDescriptionHelpFormatter):
    """Adds the default to the help of every option, unless the help has it or there is none."""

    def format_help(self) -> str:
        return as_called(super().format_help())

    def _get_help_string(self, action: argparse.Action) -> str | None:
        default = action.default
        told = "default" in (action.help or "") or default in (None, "", argparse.SUPPRESS)
        if told or default is False or not action.option_strings:
            return action.help
        return f"{action.help} (default: %(default)s)"


class _Version(argparse.Action):
    """Print the version of the recipe."""

    def __call__(self, made: argparse.ArgumentParser, *_: Any) -> None:
        from dec_cli import version

        print(version.line(made.prog))
        made.exit()


class _Completion(argparse.Action):
    """Print the completion that local/completion.bash evaluates: options, choices, and otherwise files."""

    def __call__(self, made: argparse.ArgumentParser, _: Any, shell: Any, *__: Any) -> None:
        import shtab

        for action in made._actions:  # shtab reads them, too
            action.choices = getattr(action, "offered", action.choices)
            if action.choices is None and action.nargs != 0:
                action.complete = shtab.FILE  # type: ignore[attr-defined]  # shtab reads it
        print(shtab.complete(made, shell))
        made.exit()


def add_paths(arguments: argparse.ArgumentParser, *names: str) -> None:
    """Add positional arguments for files and directories, by their names in ``PATHS``."""
    for name in names:
        shown = name.replace("_", "-")
        arguments.add_argument(name, metavar=shown, type=Path, help=PATHS[name])


def add_seed(arguments: argparse.ArgumentParser) -> None:
    """Add --seed 0."""
    arguments.add_argument("--seed", type=int, default=0, help="for everything random")


def add_switch(
    arguments: argparse.ArgumentParser, name: str, text: str, default: str = "false"
) -> None:
    """Add --name true|false, as in the steps."""
    arguments.add_argument(name, choices=("true", "false"), default=default, help=text)


def add_config(arguments: argparse.ArgumentParser, default: str | None = None) -> None:
    """Add --config file.yaml, --set key=value ..., --check."""
    arguments.add_argument("--config", default=default, help="YAML configuration")
    arguments.add_argument(
        "--set", default="", metavar="'KEY=VALUE ...'", help="overrides, separated by blanks"
    )
    arguments.add_argument("--check", action="store_true", help="check the configuration, and exit")


def add_device(arguments: argparse.ArgumentParser) -> None:
    """Add --device cpu, cuda, cuda:1, auto."""
    option = arguments.add_argument(
        "--device", default="cpu", help="cpu, cuda, or auto: a GPU if there is one"
    )
    # For completion; cuda:1 and the like are accepted, too.
    option.offered = ("cpu", "cuda", "auto")  # type: ignore[attr-defined]


def run(main: Callable[[], None]) -> None:
    """Run ``main``; turn a DataError into one line and status 1."""
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s [%(filename)s:%(lineno)d] %(message)s",
        stream=sys.stderr,
    )
    try:
        main()
        sys.stdout.flush()
    except DataError as error:
        sys.exit(as_called(f"{name()}: {error}"))
    except BrokenPipeError:  # the reader has stopped, as 'head' does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)  # as if ended by SIGPIPE
    except OSError as error:  # a full disk, a file in the way, no permission
        place = f"{error.filename}: " if error.filename else ""
        sys.exit(f"{name()}: {place}{error.strerror or error}")
