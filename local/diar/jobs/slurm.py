"""Run commands as jobs on a Slurm cluster: submit, watch and cancel them together, through submitit."""

from __future__ import annotations

import contextlib
import io
import shlex
import shutil
import subprocess
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from diar.base.errors import DataError
from diar.base.files import write_text

LATE = 5  # seconds that the result of a job may appear after its end
NAME = "name"  # in the folder of an array: its name in Slurm, while it may still run


@dataclass(frozen=True)
class SlurmConfig:
    """Resources of each job; None leaves them to the cluster."""

    partition: str | None = None
    time: int = 240
    memory: float = 4.0
    cpus: int = 1
    gpus: int = 0
    array: int = 100
    account: str | None = None
    qos: str | None = None
    constraint: str | None = None
    setup: tuple[str, ...] = ()
    additional_parameters: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("time", "memory", "cpus", "array"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be positive")
        if self.gpus < 0:
            raise ValueError(f"gpus is {self.gpus}; it must be 0 or more")

    def parameters(self) -> dict[str, Any]:
        """Return the parameters for submitit."""
        same = ("partition", "time", "account", "qos", "constraint", "additional_parameters")
        asked = {name: getattr(self, name) for name in same} | {
            "mem": f"{round(self.memory * 1024)}MB",
            "cpus_per_task": self.cpus,
            "gpus_per_node": self.gpus or None,
            "array_parallelism": self.array,
        }
        return {key: value for key, value in asked.items() if value is not None}


def check() -> None:
    """Check that Slurm is available.

    Raises:
        DataError: its commands are missing.
    """
    for program in ("sbatch", "srun", "squeue", "scancel"):  # srun: submitit needs it
        if not shutil.which(program):
            raise DataError(f"no {program} here: Slurm's commands are needed to submit jobs")


class Array:
    """The jobs of one step. Their results are files in ``folder``, which the nodes must share.

    No accounting is needed: a job has ended when its result exists, or when it is no longer in the queue.

    Args:
        folder: emptied first.
        label: name shown in the queue.
        setup: shell lines to run at the start of each job.
    """

    def __init__(self, folder: Path, label: str, config: SlurmConfig, setup: Sequence[str]):
        import submitit  # takes a third of a second, needed only on a cluster

        cancel(folder)
        shutil.rmtree(folder, ignore_errors=True)
        self.folder = folder
        self.name = f"{label}-{uuid.uuid4().hex[:8]}"
        write_text(folder / NAME, self.name)  # before anything is submitted
        self._errors = submitit.core.utils
        self._executor = submitit.SlurmExecutor(folder=folder)
        self._executor.update_parameters(
            **config.parameters(), job_name=self.name, setup=[*setup, *config.setup], use_srun=False
        )
        self._jobs: dict[int, Any] = {}
        self._gone: dict[int, float] = {}  # when a job left the queue

    def submit(self, calls: Mapping[int, tuple[Sequence[str], Path]]) -> None:
        """Submit (command, log) of each number.

        Raises:
            DataError: Slurm refuses them.
        """
        commands, logs = zip(*calls.values(), strict=True)
        try:
            with contextlib.redirect_stderr(io.StringIO()):  # sbatch's output is in the error, too
                jobs = self._executor.map_array(run_and_log, commands, logs)
        except (self._errors.FailedJobError, self._errors.FailedSubmissionError) as error:
            said = str(error).replace("sbatch: error: ", "").splitlines()
            raise DataError(f"sbatch refuses the jobs: {'; '.join(said)}") from None
        self._jobs.update(zip(calls, jobs, strict=True))

    def poll(self, ask: bool) -> dict[int, int | str]:
        """Return the jobs that have ended since the last call: number -> exit status, or what happened.

        Args:
            ask: also query the queue for jobs that ended without a result; do so occasionally.
        """
        queue = queued_ids(self.name) if ask else None
        # On a network disk, a listing is current, while a single file may appear late.
        files = {path.name for path in self.folder.iterdir()}
        ended: dict[int, int | str] = {}
        for number, job in self._jobs.items():
            if job.paths.result_pickle.name in files:
                ended[number] = self._result(job)
            elif queue is not None and job.job_id not in queue:
                since = self._gone.setdefault(number, time.monotonic())
                if time.monotonic() - since > LATE:
                    ended[number] = self._explain_loss(job)
        for number in ended:
            del self._jobs[number]
            self._gone.pop(number, None)
        return ended

    def _result(self, job: Any) -> int | str:
        try:
            return job.result()
        except (self._errors.FailedJobError, self._errors.UncompletedJobError) as error:
            lines = [line for line in str(error).splitlines() if "Error" in line]
            return lines[-1].strip() if lines else "it could not be started"

    def _explain_loss(self, job: Any) -> str:
        said = [line for line in (job.stderr() or "").splitlines() if "error" in line]
        why = (
            said[-1].strip() if said else "out of time or memory, or cancelled, or its node failed"
        )
        return f"job {job.job_id} of Slurm ended without a result ({why})"

    def cancel(self) -> None:
        """Cancel all running and pending jobs; the folder keeps the name for ``cancel``."""
        if self._jobs:
            subprocess.run(["scancel", "--quiet", "--name", self.name], capture_output=True)
        else:
            (self.folder / NAME).unlink(missing_ok=True)


def run_and_log(command: Sequence[str], log: Path) -> int:
    """Run a command on a node, with a log that starts with the command; return the exit status."""
    with open(log, "w", encoding="utf-8") as stream:
        stream.write(f"# {shlex.join(command)}\n")
        stream.flush()
        return subprocess.run(
            command, stdout=stream, stderr=stream, stdin=subprocess.DEVNULL
        ).returncode


def queued_ids(name: str) -> set[str] | None:
    """List the ids of running and pending jobs by name; None if Slurm does not answer."""
    command = ["squeue", "--noheader", "--array", "--format", "%i", "--name", name]
    queue = subprocess.run(command, capture_output=True, text=True)
    return None if queue.returncode else set(queue.stdout.split())


def cancel(folder: Path, patience: float = 120) -> None:
    """Cancel the jobs that an earlier run left in a folder, and wait until they have ended.

    Args:
        patience: seconds to wait.

    Raises:
        DataError: some may still run.
    """
    if not (folder / NAME).exists():
        return
    name = (folder / NAME).read_text(encoding="utf-8")
    if not (shutil.which("scancel") and shutil.which("squeue")):
        raise DataError(
            f"jobs '{name}' of an earlier run may still run on a cluster, and there is no scancel here:"
            " cancel them, and remove this file",
            folder / NAME,
        )
    subprocess.run(["scancel", "--quiet", "--name", name], capture_output=True)
    deadline = time.monotonic() + patience
    while (left := queued_ids(name)) != set():
        if time.monotonic() > deadline:
            raise DataError(
                f"jobs '{name}' of an earlier run still run: {' '.join(sorted(left or ['unknown']))}",
                folder,
            )
        time.sleep(1)
    (folder / NAME).unlink()
