"""What the programs of local/ share: arguments, logs, one-line errors, and recordings that fail."""

from __future__ import annotations

import argparse
import logging
import os
import re
import resource
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from diar.base.errors import DataError
from diar.base.files import write_text
from diar.jobs.share import share

log = logging.getLogger("diar")
STARTED = time.time()
PATHS = {
    "data_dir": "a Kaldi data directory",
    "data_root": "where the Kaldi data directories of the sets are",
    "exp_dir": "an experiment's directory",
    "vad_dir": "speech regions, as steps/make_vad.sh makes them",
    "xvector_dir": "x-vectors, as steps/extract_xvectors.sh makes them",
    "ae_dir": "an autoencoder, as steps/train_autoencoder.sh makes it",
    "model": "the weights of an autoencoder, model.safetensors",
    "rttm_dir": "a directory of RTTMs",
    "kaldi_dir": "a directory that Kaldi has made",
    "out_dir": "where the products go",
    "work_dir": "where the products go, and what is made on the way",
}
FINISHED = "finished"  # in jobs/J: job J has written all that it makes
EXIT_STATUS = """\
Exit status: 0 all well; 1 input that cannot be used, or another failure: one line on standard error
says which; 2 wrong usage; 130 interrupted."""

if find_spec("numpy") is None:  # a new shell, or another Python
    sys.exit(
        f"{Path(sys.argv[0]).name}: this Python lacks the packages of the recipe; in this shell, first:"
        f" . {Path(__file__).resolve().parents[2]}/path.sh"
    )


def _hook(kind: type[BaseException], *rest: Any) -> None:
    """An interrupt, also of an import, shows no traceback; it still ends Python by the signal, status 130
    in a shell, whose loops end, too."""
    if kind is not KeyboardInterrupt:
        sys.__excepthook__(kind, *rest)


sys.excepthook = _hook


def parser(doc: str | None) -> argparse.ArgumentParser:
    """An argument parser whose help is the program's docstring.

    Its paragraph 'Usage: ...' becomes the usage line; 'Example: ...' stands after the options, and after
    it the exit status, which is the same for all programs unless the docstring has one of its own. All
    have --version, and say what a shell is to know for completion.
    """
    parts = re.split(r"\n{2,}", (doc or "").strip())
    usage = [part for part in parts if part.startswith("Usage:")]
    last = [part for part in parts if part.startswith(("Example", "Exit status:"))]
    if not any(part.startswith("Exit status:") for part in last):
        last.append(EXIT_STATUS)
    made = argparse.ArgumentParser(
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
    """Every option says its default, unless its help does or there is none."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        default = action.default
        told = "default" in (action.help or "") or default in (None, "", argparse.SUPPRESS)
        if told or default is False or not action.option_strings:
            return action.help
        return f"{action.help} (default: %(default)s)"


class _Version(argparse.Action):
    """Print the version of the recipe."""

    def __call__(self, made: argparse.ArgumentParser, *_: Any) -> None:
        from cli import version

        print(version.line(made.prog))
        made.exit()


class _Completion(argparse.Action):
    """Print what local/completion.bash has the shell read: options, choices, and files for all others."""

    def __call__(self, made: argparse.ArgumentParser, _: Any, shell: str, *__: Any) -> None:
        import shtab

        for action in made._actions:  # which shtab reads, too
            action.choices = getattr(action, "offered", action.choices)
            if action.choices is None and action.nargs != 0:
                action.complete = shtab.FILE
        print(shtab.complete(made, shell))
        made.exit()


def add_paths(arguments: argparse.ArgumentParser, *names: str) -> None:
    """Files and directories, one after the other, of the names in ``PATHS``."""
    for name in names:
        shown = name.replace("_", "-")
        arguments.add_argument(name, metavar=shown, type=Path, help=PATHS[name])


def add_seed(arguments: argparse.ArgumentParser) -> None:
    """--seed 0."""
    arguments.add_argument("--seed", type=int, default=0, help="of everything random")


def add_speakers(arguments: argparse.ArgumentParser, counted: str) -> None:
    """--num-spk 3, --min-spk 2, --max-spk 5."""
    arguments.add_argument("--num-spk", type=int, metavar="N", help=counted)
    arguments.add_argument("--min-spk", type=int, metavar="N", default=1, help="at least so many")
    arguments.add_argument(
        "--max-spk", type=int, metavar="N", help="at most so many (default: as configured)"
    )


def add_config(arguments: argparse.ArgumentParser, default: str | None = None) -> None:
    """--config file.yaml, --set key=value ..., --check."""
    arguments.add_argument("--config", default=default, help="YAML configuration")
    arguments.add_argument(
        "--set", default="", metavar="'KEY=VALUE ...'", help="overrides, separated by blanks"
    )
    arguments.add_argument("--check", action="store_true", help="read the configuration, and stop")


def add_device(arguments: argparse.ArgumentParser) -> None:
    """--device cpu, cuda, cuda:1, auto."""
    option = arguments.add_argument(
        "--device", default="cpu", help="cpu, cuda, or auto: a GPU where there is one"
    )
    option.offered = ("cpu", "cuda", "auto")  # cuda:1 and the like are taken, too


def add_job(arguments: argparse.ArgumentParser) -> None:
    """--job 1/2: which share of the recordings is ours."""
    arguments.add_argument("--job", default="1/1", metavar="J/N", help="job J of N")


def run(main: Callable[[], None]) -> None:
    """Run ``main``; a DataError becomes one line and status 1."""
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s [%(filename)s:%(lineno)d] %(message)s",
        stream=sys.stderr,
    )
    name = Path(sys.argv[0]).name
    try:
        main()
        sys.stdout.flush()
    except DataError as error:
        sys.exit(f"{name}: {error}")
    except BrokenPipeError:  # whoever read the output has seen enough, as 'head' does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)  # as a program that SIGPIPE has ended
    except OSError as error:  # a full disk, a file in the way, no permission
        sys.exit(f"{name}: {error.filename or ''}: {error.strerror or error}")


def report(done: int, total: int, unit: str, heard: float = 0, audio: float = 0) -> None:
    """Log how far a job is, for the bar of ``cli.progress``.

    Args:
        unit: what is counted, one word.
        heard: seconds of audio that are done.
        audio: seconds of audio in all, 0 where they are not known.
    """
    seconds = f", {heard:.1f}/{audio:.1f} s" if audio else ""
    log.info("progress %d/%d %s%s", done, total, unit, seconds)


def report_usage() -> None:
    """Log what this process has used, for the report (``diar.report.usage``)."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    memory = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    cpu = used.ru_utime + used.ru_stime
    log.info("used %.1f s, %.1f s CPU, %.0f MB", time.time() - began(), cpu, memory / 1e6)


def began() -> float:
    """When this process started, as Linux knows it, or else when it got to this module."""
    try:
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    except OSError:
        return STARTED
    up = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    return time.time() - up


class Share:
    """The recordings of one job: goes through them, logs progress, and lists those that fail."""

    def __init__(self, out_dir: str | Path, job: str):
        self.job, self.jobs = (int(x) for x in job.split("/"))
        self.dir = Path(out_dir) / "jobs" / str(self.job)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.failed: dict[str, str] = {}

    def of(
        self,
        recordings: Sequence[str],
        sizes: Sequence[float],
        seconds: Callable[[str], float] = lambda _: 0.0,
    ) -> Iterator[str]:
        """This job's recordings, balanced by size; progress is written to the log.

        Args:
            sizes: how much work each is, in any unit.
            seconds: the length of a recording, asked for those of this job only; 0 if not known.
        """
        mine = share(recordings, sizes, self.job, self.jobs)
        length = {recording: seconds(recording) for recording in mine}
        heard, audio = 0.0, sum(length.values())
        for done, recording in enumerate(mine):
            report(done, len(mine), "recordings", heard, audio)
            log.info("%s", recording)
            yield recording
            if recording in self.failed:  # its audio was not worked through: the rate must not gain
                audio -= length[recording]
            else:
                heard += length[recording]
        report(len(mine), len(mine), "recordings", heard, audio)

    @contextmanager
    def guard(self, recording: str) -> Iterator[None]:
        """One bad recording does not lose the others: a DataError is logged and listed."""
        try:
            yield
        except DataError as error:
            self.fail(recording, str(error))

    def fail(self, recording: str, reason: str) -> None:
        log.error("%s: %s", recording, reason)
        self.failed[recording] = " ".join(reason.split())

    def write(self, name: str, lines: Iterable[str]) -> None:
        write_text(self.dir / name, "".join(lines))

    def state(self, options: Any) -> None:
        """The first job writes the configuration that all run with."""
        if self.job == 1:
            from diar.base import config  # which imports what help need not wait for

            write_text(self.dir.parents[1] / "config.yaml", config.dump(options))

    def close(self) -> None:
        """The last thing that a job does: all that it makes is written."""
        report_usage()
        self.write("failed", (f"{r} {why}\n" for r, why in sorted(self.failed.items())))
        self.write(FINISHED, ())
