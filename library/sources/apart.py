"""Read files in a process of its own, so that one that crashes a native library costs its own sounds, not the build."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from library.errors import InputError
from library.sounds import Sound
from library.sources.base import FoundFile, Reader

__all__ = ["ReaderDiedError", "ReadersApart"]

LIMIT_S = 600.0
"""Longest time for one answer; a large compressed SoundFont takes half a minute."""

MOST_DEATHS = 3
"""Sounds of one file that may crash before the rest of it is given up; a new process takes a second or two."""

_COMMAND = (sys.executable, "-m", "library.sources.host")


class ReaderDiedError(InputError):
    """Report a file over which the process died that read it."""


class ReadersApart:
    """Keep one process that reads files, started when it is first needed and again when it died.

    Args:
        command: Starts a process that answers as library.sources.host does.
    """

    def __init__(self, command: tuple[str, ...] = _COMMAND) -> None:
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> ReadersApart:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self._process is not None:
            self._process.kill()
            self._reap()

    def open(self, found: FoundFile) -> Reader:
        """Return a reader of a file that works in the other process."""
        return _FarReader(self, found)

    @property
    def pid(self) -> int:
        """The process that reads, 0 while there is none."""
        return self._process.pid if self._process is not None else 0

    def ask(self, found: FoundFile | None, method: str, *arguments: object) -> Any:  # Any: what the method returns
        """Call a method of the reader of a file; without a file, let the last one go and wait for nothing.

        Raises:
            ReaderDiedError: The process died over it, or took too long.
            TimbrelError, OSError, MemoryError: What the reader raised.
        """
        if self._process is not None and self._process.poll() is not None:  # it died with nothing to do
            self._reap()
        if self._process is None:
            if found is None:
                return None
            one_core = os.environ | {"OMP_NUM_THREADS": "1"}  # as library.cores, before torch is there
            self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=one_core)
        process, requests, answers = self._process, self._process.stdin, self._process.stdout
        timer = threading.Timer(LIMIT_S, process.kill)
        timer.daemon = True
        timer.start()
        try:
            if requests is None or answers is None:
                raise EOFError
            pickle.dump((found, method, arguments), requests)
            requests.flush()
            answer: tuple[bool, Any] = (True, None) if found is None else pickle.load(answers)  # noqa: S301 our child
        except (EOFError, pickle.UnpicklingError, OSError) as error:
            process.kill()
            rule = f"crashed what reads it ({_how(self._reap())})"
            raise ReaderDiedError(found.path if found else "", rule, "leave it out, or save it again") from error
        finally:
            timer.cancel()
        if not answer[0]:
            raise answer[1]
        return answer[1]

    def _reap(self) -> int:
        """Forget a process that ended; returns its exit code."""
        process, self._process = self._process, None
        if process is None:
            return 0
        # Closes the pipes and waits; what it did not read any more can't be flushed.
        with process, suppress(OSError):
            if process.stdin is not None:
                process.stdin.close()
        return process.returncode


class _FarReader:
    """Ask the other process for what a reader of this file says."""

    def __init__(self, readers: ReadersApart, found: FoundFile) -> None:
        self._readers = readers
        self._found = found
        self._deaths: list[ReaderDiedError] = []

    def __enter__(self) -> _FarReader:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        with suppress(ReaderDiedError):
            self._readers.ask(None, "")

    def sounds(self) -> tuple[Sound, ...]:
        """See Reader."""
        found: tuple[Sound, ...] = self._ask("sounds")
        return found

    def notes(self) -> tuple[str, ...]:
        """See Reader."""
        found: tuple[str, ...] = self._ask("notes")
        return found

    def clips(self, sound: Sound) -> tuple[NDArray[np.float32], ...]:
        """See Reader."""
        found: tuple[NDArray[np.float32], ...] = self._ask("clips", sound)
        return found

    def _ask(self, method: str, *arguments: object) -> Any:  # Any: what the method returns
        if len(self._deaths) >= MOST_DEATHS:
            raise self._deaths[-1]
        try:
            return self._readers.ask(self._found, method, *arguments)
        except ReaderDiedError as error:
            self._deaths.append(error)
            raise


def _how(code: int) -> str:
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"exit code {code}"
