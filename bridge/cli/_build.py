"""Build a library for a user at a terminal, or for a program that reads how far it is."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from bridge.cli._taste import excluded
from bridge.cli.console import say, write_json

if TYPE_CHECKING:
    from library.build import BuildProgress, BuildReport, Progress

__all__ = ["run_build"]

TELL_S = 0.2
"""Least time between two lines of progress."""

PARENT_S = 1.0
INTERRUPTED = 130  # what shells expect after Ctrl-C
LOWEST = 19


def run_build(
    sources: list[Path],
    out: Path,
    device: str,
    config: Path | None,
    *,
    as_json: bool = False,
    parent: int | None = None,
) -> None:
    """Make the library `out` hold the sounds of these sources, and end with 1 where some could not be read.

    Args:
        sources: Folders and single files.
        out: Folder of the library.
        device: Where the encoder runs.
        config: File of settings, whose excluded folders are left out; None = the user's own.
        as_json: Write progress as JSON lines {"state": "building", "files_done", "files", "part", "file", "current",
            "sounds", "errors"}, and at the end {"state": "done", "sounds", "embedded", "unchanged", "errors"}.
        parent: Process that is played with: the build comes after all others, and ends with it.

    Raises:
        TimbrelError: See `build_library`.
    """
    if parent is not None:
        _stay_behind(parent)
    from bridge.cli._library_view import build_progress, show_report
    from library.build import build_library, name_sources
    from library.encoders import load_encoder
    from library.sources.apart import ReadersApart

    name_sources(sources)  # a wrong name is said at once, not after the encoder is loaded
    exclude = excluded(config)
    encoder = load_encoder(device=device)
    try:
        with _json_progress() if as_json else build_progress() as progress, ReadersApart() as readers:
            report = build_library(sources, out, encoder, progress, open_with=readers.open, exclude=exclude)
    except KeyboardInterrupt:
        say(f"\nstopped; what was done is kept in {out}: run the same command again to go on", stderr=True)
        raise typer.Exit(INTERRUPTED) from None
    if as_json:
        _write_report(report)
    else:
        show_report(out, report)
    if report.errors:
        raise typer.Exit(1)


def _stay_behind(parent: int) -> None:
    """Work for a process that is played with: after all others, stopped by SIGTERM as by Ctrl-C, ended with it."""
    if hasattr(os, "nice"):  # Windows has none
        os.nice(LOWEST)
    signal.signal(signal.SIGTERM, signal.default_int_handler)

    def guard() -> None:
        while os.getppid() == parent:
            time.sleep(PARENT_S)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=guard, name="parent", daemon=True).start()


@contextmanager
def _json_progress() -> Iterator[Progress]:
    told_at = 0.0

    def tell(step: BuildProgress) -> None:
        nonlocal told_at
        now = time.monotonic()
        if now - told_at >= TELL_S or step.files_done == step.files:
            told_at = now
            write_json({"state": "building", **asdict(step), "part": round(step.part, 3)})

    yield tell


def _write_report(report: BuildReport) -> None:
    write_json(
        {
            "state": "done",
            "sounds": report.manifest.sounds,
            "embedded": report.embedded,
            "unchanged": report.unchanged,
            "errors": len(report.errors),
        }
    )
