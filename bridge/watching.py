"""Keep a library current beside the daemon, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from library.errors import InputError
from library.index import BUILT_IN, library_path
from library.manifest import MANIFEST_NAME

__all__ = ["TIMBREL", "Watch", "watch_beside"]

TIMBREL = (sys.executable, "-c", "from bridge.cli import main; main()")
"""How this program is started once more, without looking for a command on the path."""

STOP_S = 5.0
LOOK_S = 0.5
FIRST_PAUSE_S, LONGEST_PAUSE_S = 2.0, 60.0
"""Time before a watch that ended is started again: it doubles while they end soon, so as not to flood the terminal."""


class Watch:
    """Keep a command running in a thread, except while a build needs the library for itself.

    Args:
        command: What to run.
        manifest: Manifest of the library; when it changes, a command that ended is started again at once.
    """

    def __init__(self, command: Sequence[str], manifest: Path) -> None:
        self._command, self._manifest = command, manifest
        self._stop, self._is_held, self._is_idle = threading.Event(), threading.Event(), threading.Event()
        self._deciding = threading.Lock()
        self._keeper = threading.Thread(target=self._keep, name="watch", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._keeper.start()

    def close(self) -> None:
        """End the command, for good."""
        self._stop.set()
        self._keeper.join(2 * STOP_S)

    def hold(self) -> None:
        """End the command, and return when it has ended; `release` lets it run again."""
        with self._deciding:
            self._is_held.set()
        self._is_idle.wait(2 * STOP_S)

    def release(self) -> None:
        """Let the command run again, soon."""
        self._is_held.clear()

    def _keep(self) -> None:
        pause_s = FIRST_PAUSE_S
        while not self._stop.is_set():
            if not self._may_run():
                self._stop.wait(LOOK_S)
                continue
            begun = time.monotonic()
            if not self._run():
                continue
            ended, before = time.monotonic(), _stamp(self._manifest)
            pause_s = FIRST_PAUSE_S if ended - begun > LONGEST_PAUSE_S else min(2 * pause_s, LONGEST_PAUSE_S)
            while not self._stop.wait(LOOK_S) and not self._is_held.is_set():
                now = _stamp(self._manifest)
                if now and (now != before or time.monotonic() - ended > pause_s):
                    break

    def _may_run(self) -> bool:
        with self._deciding:
            if self._is_held.is_set():
                self._is_idle.set()
                return False
            self._is_idle.clear()
            return True

    def _run(self) -> bool:
        """Run the command until it ends by itself, which returns True, or has to."""
        process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        while process.poll() is None:
            if self._stop.wait(LOOK_S) or self._is_held.is_set():
                _end(process)
                return False
        return True


@contextmanager
def watch_beside(library: str, device: str, config: Path | None) -> Iterator[Watch]:
    """Run `timbrel library watch` while the context lasts; it ends by itself when this process is killed.

    A process of its own: embedding new sounds must not take the engine's turn. The daemon sees what it publishes. One
    that ends (the library was deleted, or it crashed) is started again as soon as there is a library.

    Raises:
        InputError: The library is the built-in one.
    """
    if library == BUILT_IN:
        raise InputError("--watch", "the built-in library never changes", "name a library of your own with --library")
    command = [*TIMBREL, "library", "watch", library, "--device", device, "--parent", str(os.getpid())]
    command += ["--config", str(config)] if config is not None else []
    watch = Watch(command, library_path(library) / MANIFEST_NAME)
    watch.start()
    try:
        yield watch
    finally:
        watch.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _stamp(manifest: Path) -> tuple[int, ...]:
    try:
        status = manifest.stat()
    except OSError:
        return ()
    return status.st_ino, status.st_mtime_ns, status.st_size
