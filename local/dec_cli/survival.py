"""A crash of native code costs only the recording that caused it.

A child does the work while its parent waits. If a decoder or a network kills the child by a signal, the
parent starts another child, which does the same work but lists that recording as failed. If the first child
worked on two recordings at once, the second works on one at a time, to find out which it is.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from dec_cli import program

CRASHES = {signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGABRT}
PATIENCE = 2  # seconds after an interrupt until a child that does not end is killed
PR_SET_PDEATHSIG = 1
PRCTL = ctypes.CDLL(None).prctl if sys.platform == "linux" else None  # bound before any fork
_PAGE = 4096
_at = mmap.mmap(-1, _PAGE)  # shared by parent and children: the current recording
_told = mmap.mmap(-1, 8)  # how many recordings were reported
_ahead = mmap.mmap(-1, 1)  # 1: two recordings are worked on at once
_lost: dict[bytes, str] = {}
_restarted = False


def work_on(recording: str) -> str:
    """Set the current recording, '' for none; return why it must be left out, or ''."""
    name = _bytes(recording)
    _at[:] = name
    return _lost.get(name, "")


def may_work_ahead() -> bool:
    """Tell whether a program may work on two recordings at once: until a child has crashed."""
    _ahead[0] = not _restarted
    return not _restarted


def is_new(number: int) -> bool:
    """Tell whether the ``number``-th recording was not reported before by a child that crashed later."""
    if _restarted and number <= int.from_bytes(_told[:], "little"):
        return False
    _told[:] = number.to_bytes(8, "little")
    return True


def run(main: Callable[[], None]) -> None:
    """Run ``main`` as ``program.run`` does, but in a child; start another if it crashes."""
    global _restarted
    while child := os.fork():
        status = _wait(child)
        if not os.WIFSIGNALED(status):
            os._exit(os.WEXITSTATUS(status))
        number = signal.Signals(os.WTERMSIG(status))
        if number not in CRASHES or not _at[0] or _at[:] in _lost:
            _end_by(number)
        if not _ahead[0]:
            _lost[_at[:]] = f"its file, or what is in it, crashes native code ({number.name})"
        _ahead[0], _restarted = 0, True
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, _interrupt)
    die_with_parent()
    work_on("")
    program.run(main)


def die_with_parent() -> None:
    """Ask Linux for SIGTERM when the parent dies, even by kill -9.

    Nothing must keep writing into a directory that the next run makes again.
    """
    if PRCTL:
        PRCTL(PR_SET_PDEATHSIG, signal.SIGTERM)


def _wait(child: int) -> int:
    """Wait for a child and return its status. Signals that would end this process go to the child.

    After an interrupt, a thread in native code may keep the child from ending for minutes, or crash as the child
    ends. So the child is killed after ``PATIENCE``, and has ended by the interrupt in any case.
    """
    asked = 0

    def ask(number: int, _: Any) -> None:
        nonlocal asked
        asked = number
        os.kill(child, number)
        signal.alarm(PATIENCE)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask)
    signal.signal(signal.SIGALRM, lambda *_: os.kill(child, signal.SIGKILL))
    status = os.waitpid(child, 0)[1]
    signal.alarm(0)
    return asked if asked and os.WIFSIGNALED(status) else status


def _interrupt(*_: Any) -> None:
    """Interrupt once: the child gets the signal from the terminal and from the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


def _end_by(number: signal.Signals) -> None:
    """End this process by the signal that ended its child."""
    if number != signal.SIGKILL:
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _bytes(recording: str) -> bytes:
    return recording.encode(errors="surrogateescape")[:_PAGE].ljust(_PAGE, b"\0")
