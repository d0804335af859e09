"""Write to the terminal: results to standard output, everything else to standard error."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["complain", "err_console", "out_console", "say", "write_json"]

PLAIN_WIDTH = 110
"""Columns where no terminal tells its width (a file, a pipe, CI)."""


def out_console() -> Console:
    """Return a console for results."""
    return _console(stderr=False)


def err_console() -> Console:
    """Return a console for progress and complaints."""
    return _console(stderr=True)


def write_json(value: object) -> None:
    """Write one value as one JSON line, at once, so that a reader of a pipe sees it."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n")
    sys.stdout.flush()


def say(text: str = "") -> None:
    """Write one plain line to standard output."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def complain(text: object) -> None:
    """Write one `timbrel: ...` line to standard error."""
    sys.stdout.flush()
    sys.stderr.write(f"timbrel: {text}\n")
    sys.stderr.flush()


def _console(*, stderr: bool) -> Console:
    from rich.console import Console

    options: dict[str, Any] = {"stderr": stderr, "highlight": False}
    stream = sys.stderr if stderr else sys.stdout
    if not stream.isatty():
        options["width"] = PLAIN_WIDTH
    return Console(**options)
