"""Keep a capture process alive: start it, watch its heartbeat, kill it when it hangs, start another."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Literal

from realtime.jack_open import END_S
from realtime.ring import Ring
from realtime.types import SourceStats

__all__ = ["CaptureProcess", "capture_command", "capture_environment"]

STALL_S = 1.0
"""No callback for that long means a hung stream: PortAudio and JACK never tell when their server died."""

START_S = 15.0
"""Time that a capture process may take to report: imports and PortAudio's look at all devices on a busy machine."""

LOOK_S = 0.1
"""Time between two looks at the heartbeat."""

BACKOFF_S = (0.0, 0.5, 1.0, 2.0, 4.0)
"""Waits before the next start; the row begins anew when a process has brought audio."""


class CaptureProcess:
    """Fill a ring from a capture process, whatever happens to it.

    Args:
        job: What to capture, as `realtime.capture` reads it, without the ring.
        ring: Ring to fill; must outlive stop().
    """

    def __init__(self, job: dict[str, str | int | None], ring: Ring) -> None:
        self._job = json.dumps({**job, "ring": ring.name})
        self._ring = ring
        self._stop = threading.Event()
        self._lock = threading.Lock()  # around the fields below, which both threads write
        self._state: Literal["starting", "waiting", "running", "lost"] = "starting"
        self._detail = "starting capture"
        self._rate = 0
        self._restarts = 0
        self._reported = False
        self._child: subprocess.Popen[str] | None = None
        self._thread = threading.Thread(target=self._supervise, name="capture", daemon=True)

    @property
    def sample_rate(self) -> int:
        """Rate in Hz, 0 while it is not known."""
        return self._rate

    @property
    def pid(self) -> int | None:
        """Process number of the present capture process."""
        child = self._child
        return child.pid if child is not None else None

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """End the capture process and its watcher; may be called twice."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    def stats(self, frames: int, lost_frames: int) -> SourceStats:
        """Return what happened so far, with the ring's counters."""
        with self._lock:
            return SourceStats(self._state, self._detail, frames, lost_frames, self._restarts)

    def _supervise(self) -> None:
        failures = 0
        while not self._stop.is_set():
            before = self._ring.total_frames
            with self._launch() as child:
                reader = threading.Thread(target=self._listen, args=(child,), name="capture-reports", daemon=True)
                reader.start()
                why = self._watch(child)
                _end(child)
                reader.join()
            with self._lock:
                if self._state not in ("lost", "waiting"):  # then it said itself why it ended
                    self._state, self._detail = "lost", why
                self._restarts += not self._stop.is_set()
            failures = 0 if self._ring.total_frames > before else failures + 1
            self._stop.wait(BACKOFF_S[min(failures, len(BACKOFF_S) - 1)])

    def _launch(self) -> subprocess.Popen[str]:
        self._reported = False
        self._child = subprocess.Popen(
            capture_command(self._job),
            stdin=subprocess.PIPE,  # its end tells the child that we are gone
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # PortAudio, ALSA and JACK talk at length about what is not there
            env=capture_environment(),
            text=True,
        )
        return self._child

    def _watch(self, child: subprocess.Popen[str]) -> str:
        """Return, with a reason, when the process ended, hangs or is to stop."""
        beat, seen = self._ring.heartbeat_ns, time.monotonic()
        while not self._stop.wait(LOOK_S):
            if child.poll() is not None:
                return f"the capture process ended with code {child.returncode}"
            now = time.monotonic()
            if self._ring.heartbeat_ns != beat:
                beat, seen = self._ring.heartbeat_ns, now
            elif now - seen > (STALL_S if self._reported else START_S):
                return f"no audio arrived for {now - seen:.0f} s"
        return "stopped"

    def _listen(self, child: subprocess.Popen[str]) -> None:
        """Take over what the capture process reports, until its standard output ends."""
        if child.stdout is None:
            return
        for line in child.stdout:
            message = json.loads(line)
            with self._lock:
                self._state, self._detail = message["state"], message["detail"]
                self._rate = message["rate"] or self._rate
            self._reported = True


def _end(child: subprocess.Popen[str]) -> None:
    """Let a child end in order: killed while it opens JACK, it would lock JACK for all (see realtime.jack_open)."""
    if child.stdin is not None:
        child.stdin.close()
    try:
        child.wait(END_S)
    except subprocess.TimeoutExpired:
        child.kill()


def capture_command(argument: str) -> list[str]:
    """Return the command line of a capture process."""
    # -P: a folder named `library` where the user stands must not be imported instead of ours.
    return [sys.executable, "-P", "-m", "realtime.capture", argument]


def capture_environment() -> dict[str, str]:
    """Return our environment, with the place that we were imported from."""
    here = str(Path(__file__).resolve().parent.parent)
    path = os.environ.get("PYTHONPATH", "")
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (path, here)))}
