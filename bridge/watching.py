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

__all__ = ["watch_beside"]

STOP_S = 5.0
LOOK_S = 0.5
FIRST_PAUSE_S, LONGEST_PAUSE_S = 2.0, 60.0
"""Time before a watch that ended is started again: it doubles while they end soon, so as not to flood the terminal."""


@contextmanager
def watch_beside(library: str, device: str, config: Path | None) -> Iterator[None]:
    """Run `timbrel library watch` while the context lasts; it ends by itself when this process is killed.

    A process of its own: embedding new sounds must not take the engine's turn. The daemon sees what it publishes. One
    that ends (the library was deleted, or it crashed) is started again as soon as there is a library.

    Raises:
        InputError: The library is the built-in one.
    """
    if library == BUILT_IN:
        raise InputError("--watch", "the built-in library never changes", "name a library of your own with --library")
    command = [sys.executable, "-c", "from bridge.cli import main; main()", "library", "watch", library]
    command += ["--device", device, "--parent", str(os.getpid())]
    command += ["--config", str(config)] if config is not None else []
    stop = threading.Event()
    manifest = library_path(library) / MANIFEST_NAME
    keeper = threading.Thread(target=_keep_running, args=(command, manifest, stop), name="watch", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        stop.set()
        keeper.join(2 * STOP_S)


def _keep_running(command: Sequence[str], manifest: Path, stop: threading.Event) -> None:
    pause_s = FIRST_PAUSE_S
    while not stop.is_set():
        begun = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        while process.poll() is None and not stop.wait(LOOK_S):
            pass
        if process.returncode is None:
            _end(process)
            return
        ended, before = time.monotonic(), _stamp(manifest)
        pause_s = FIRST_PAUSE_S if ended - begun > LONGEST_PAUSE_S else min(2 * pause_s, LONGEST_PAUSE_S)
        while not stop.wait(LOOK_S):
            now = _stamp(manifest)
            if now and (now != before or time.monotonic() - ended > pause_s):
                break


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
