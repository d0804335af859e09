"""Write to the terminal: results to standard output, everything else to standard error."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["complain", "err_console", "out_console", "safe_console", "say", "visible", "write_json"]

PLAIN_WIDTH = 110
"""Columns where no terminal tells its width (a file, a pipe, CI)."""


_HIDDEN = re.compile(r"[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters but tab and line feed, those that turn the direction of text, and halves of characters."""

_SIGN = "\ufffd"


def visible(text: str) -> str:
    """Return a text with a sign in place of each character that would steer the terminal, or could not be written."""
    return _HIDDEN.sub(_SIGN, text)


def out_console() -> Console:
    """Return a console for results."""
    return _console(stderr=False)


def err_console() -> Console:
    """Return a console for progress and complaints."""
    return _console(stderr=True)


def write_json(value: object) -> None:
    """Write one value as one JSON line, at once, so that a reader of a pipe sees it."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    sys.stdout.write(_HIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n")
    sys.stdout.flush()


def say(text: str = "", *, stderr: bool = False) -> None:
    """Write one plain line to standard output, or to standard error."""
    stream = sys.stderr if stderr else sys.stdout
    stream.write(visible(text) + "\n")
    stream.flush()


def complain(text: object) -> None:
    """Write one `timbrel: ...` line to standard error."""
    sys.stdout.flush()
    sys.stderr.write(f"timbrel: {visible(str(text))}\n")
    sys.stderr.flush()


def safe_console(**options: Any) -> Console:  # Any: what rich.console.Console takes
    """Return a console that shows names and packets without their control characters."""
    from bridge.cli._visible import SafeConsole

    return SafeConsole(**options)


def _console(*, stderr: bool) -> Console:
    options: dict[str, Any] = {"stderr": stderr, "highlight": False}
    stream = sys.stderr if stderr else sys.stdout
    if not stream.isatty():
        options["width"] = PLAIN_WIDTH
    return safe_console(**options)
