"""Run `timbrel library watch` until a signal comes, or the process that started it is gone."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

from bridge.cli.console import say

__all__ = ["watch_library"]

PARENT_S = 1.0


def watch_library(lib_dir: Path, device: str, parent: int | None, exclude: tuple[str, ...]) -> None:
    """Watch a library.

    Args:
        lib_dir: Its folder.
        device: Where the encoder runs.
        parent: Process that has to live on; None = none has to.
        exclude: Folders to leave out.
    """
    from library.encoders import load_encoder
    from library.manifest import read_manifest
    from library.sources.apart import ReadersApart
    from library.watch import Watcher

    read_manifest(lib_dir)  # a wrong name is said at once, not after the encoder is loaded
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())

    def guard() -> None:
        while not stop.wait(PARENT_S):
            if parent is not None and os.getppid() != parent:
                stop.set()

    threading.Thread(target=guard, name="parent", daemon=True).start()
    with ReadersApart() as readers:
        Watcher(lib_dir, load_encoder(device=device), say, open_with=readers.open, exclude=exclude).run(stop)
