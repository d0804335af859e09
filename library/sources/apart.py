"""Read files in a process of its own, so that one that crashes a native library costs its own sounds, not the build."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from library.errors import InputError
from library.sounds import Sound
from library.sources.base import FoundFile, Reader
from library.sources.frames import (
    BadFrameError,
    Clips,
    file_of,
    problem_from,
    read_frame,
    sound_from,
    sound_of,
    write_frame,
)

__all__ = ["ReaderDiedError", "ReadersApart"]

LIMIT_S = 600.0
"""Longest time for one answer; a large compressed SoundFont takes half a minute."""

MOST_DEATHS = 3
"""Sounds of one file that may crash before the rest of it is given up; a new process takes a second or two."""

_T = TypeVar("_T")
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
        self._asked = 0

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

    def sounds(self, found: FoundFile) -> tuple[Sound, ...]:
        """Ask for the sounds of a file; raises as `clips`."""

        def taken(listed: object, clips: Clips) -> tuple[Sound, ...]:  # noqa: ARG001
            return tuple(sound_from(one) for one in _listed(listed))

        return self._ask(found, {"method": "sounds"}, taken)

    def notes(self, found: FoundFile) -> tuple[str, ...]:
        """Ask what was left out of a file; raises as `clips`."""

        def taken(listed: object, clips: Clips) -> tuple[str, ...]:  # noqa: ARG001
            notes = _listed(listed)
            if not all(isinstance(note, str) for note in notes):
                raise BadFrameError("a note is no text")
            return tuple(notes)

        return self._ask(found, {"method": "notes"}, taken)

    def clips(self, found: FoundFile, sound: Sound) -> tuple[NDArray[np.float32], ...]:
        """Ask for the clips of a sound of a file.

        Raises:
            ReaderDiedError: The process died over it, took too long, or sent what can't be an answer.
            TimbrelError, OSError, MemoryError: What the reader raised.
        """
        return self._ask(found, {"method": "clips", "sound": sound_of(sound)}, lambda _, clips: tuple(clips))

    def drop(self) -> None:
        """Let the last file go, and wait for nothing."""
        self._forget_the_dead()
        if self._process is not None and self._process.stdin is not None:
            try:
                write_frame(self._process.stdin, {"method": "drop"})
            except OSError:
                self._process.kill()
                self._reap()

    def _ask(self, found: FoundFile, request: Mapping[str, object], taken: Callable[[object, Clips], _T]) -> _T:
        """Ask about a file and return what `taken` makes of the answer."""
        self._forget_the_dead()
        if self._process is None:
            one_core = os.environ | {"OMP_NUM_THREADS": "1"}  # as library.cores, before torch is there
            self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=one_core)
        process, requests, answers = self._process, self._process.stdin, self._process.stdout
        timer = threading.Timer(LIMIT_S, process.kill)
        timer.daemon = True
        timer.start()
        self._asked += 1
        try:
            if requests is None or answers is None:
                raise EOFError
            write_frame(requests, {**request, "number": self._asked, "file": file_of(found)})
            head, clips = read_frame(answers)
            if head.get("number") != self._asked:
                raise BadFrameError("an answer to another question")
            problem = problem_from(head["problem"]) if "problem" in head else None
            result = taken(head.get("result"), clips) if problem is None else None
        except (EOFError, BadFrameError, OSError) as error:
            process.kill()
            how = _how(self._reap()) if not isinstance(error, BadFrameError) else f"{error}, {_how(self._reap())}"
            rule = f"crashed what reads it ({how})"
            raise ReaderDiedError(found.path, rule, "leave it out, or save it again") from error
        finally:
            timer.cancel()
        if problem is not None:
            raise problem
        return cast("_T", result)

    def _forget_the_dead(self) -> None:
        if self._process is not None and self._process.poll() is not None:  # it died with nothing to do
            self._reap()

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
        self._readers.drop()

    def sounds(self) -> tuple[Sound, ...]:
        """See Reader."""
        return self._ask(lambda: self._readers.sounds(self._found))

    def notes(self) -> tuple[str, ...]:
        """See Reader."""
        return self._ask(lambda: self._readers.notes(self._found))

    def clips(self, sound: Sound) -> tuple[NDArray[np.float32], ...]:
        """See Reader."""
        return self._ask(lambda: self._readers.clips(self._found, sound))

    def _ask(self, ask: Callable[[], _T]) -> _T:
        if len(self._deaths) >= MOST_DEATHS:
            raise self._deaths[-1]
        try:
            return ask()
        except ReaderDiedError as error:
            self._deaths.append(error)
            raise


def _listed(answer: object) -> list[Any]:  # Any: what a process may send
    if not isinstance(answer, list):
        raise BadFrameError("no list")
    return answer


def _how(code: int) -> str:
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"exit code {code}"
