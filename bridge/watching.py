"""Keep a library current beside the daemon, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from library.errors import InputError
from library.index import BUILT_IN

__all__ = ["watch_beside"]

STOP_S = 5.0


@contextmanager
def watch_beside(library: str, device: str, config: Path | None) -> Iterator[None]:
    """Run `timbrel library watch` while the context lasts; it ends by itself when this process is killed.

    A process of its own: embedding new sounds must not take the engine's turn. The daemon sees what it publishes.

    Raises:
        InputError: The library is the built-in one.
    """
    if library == BUILT_IN:
        raise InputError("--watch", "the built-in library never changes", "name a library of your own with --library")
    command = [sys.executable, "-c", "from bridge.cli import main; main()", "library", "watch", library]
    command += ["--device", device, "--parent", str(os.getpid())]
    command += ["--config", str(config)] if config is not None else []
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
