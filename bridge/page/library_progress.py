"""Keep how far a build is, from what it prints."""

from __future__ import annotations

import json
from collections import deque
from typing import Any, Literal

__all__ = ["BuildState"]

RATE_S = 10.0
"""The rate is that of so many seconds: files differ too much for a shorter time."""

_MOST_STEPS = 64
_MOST_TEXT = 300

Json = dict[str, Any]  # Any: what JSON can hold


class BuildState:
    """Hold what pages show of one build.

    Args:
        what: What it is for.
        source: What is added; "" for a rescan.
    """

    def __init__(self, what: Literal["rescan", "add"], source: str = "") -> None:
        self.is_cancelled = False
        self._shown: Json = {"what": what, "source": source, "state": "starting", "text": ""}
        self._steps: deque[tuple[float, float]] = deque(maxlen=_MOST_STEPS)

    def shown(self) -> Json:
        """Return the section.

        Its state is "starting" until the encoder is loaded, then "building"; at the end "done", or "failed" or
        "cancelled" with a text.
        """
        return dict(self._shown)

    def take(self, line: bytes, now: float) -> None:
        """Take a line of `timbrel library rescan --json`, at a time in seconds; any other is passed over."""
        try:
            told = json.loads(line)
            if told["state"] == "building":
                self._step(told, now)
            elif told["state"] == "done":
                self._shown |= {name: int(told[name]) for name in ("sounds", "embedded", "errors")} | {"state": "done"}
        except (ValueError, KeyError, TypeError):
            return

    def end(self, complaint: str) -> None:
        """Say how it ended.

        Args:
            complaint: The last line that it wrote about what is wrong.
        """
        if self._shown["state"] == "done":
            return
        again = "rescan" if self._shown["what"] == "rescan" else "add it again"
        stopped = f"stopped; what was done is kept: {again} to go on"
        text = stopped if self.is_cancelled else complaint or "the build ended without a word"
        self._shown |= {"state": "cancelled" if self.is_cancelled else "failed", "text": text}

    def _step(self, told: Json, now: float) -> None:
        done = int(told["files_done"]) + float(told["part"])
        self._steps.append((now, done))
        while now - self._steps[0][0] > RATE_S:
            self._steps.popleft()
        since, before = self._steps[0]
        self._shown |= {name: int(told[name]) for name in ("files_done", "files", "sounds", "errors")}
        self._shown |= {name: str(told[name])[-_MOST_TEXT:] for name in ("file", "current")}
        self._shown |= {
            "state": "building",
            "done": round(done, 2),
            "rate": round((done - before) / (now - since), 2) if now > since else None,
        }
