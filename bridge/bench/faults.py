"""Do to the live engine what happens on stage, and measure how soon it hears again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from bridge.bench.rig import busy_cores
from bridge.config import Config
from bridge.parts import Parts
from library.errors import InputError, TimbrelError
from realtime.engine import Engine, EngineThread
from realtime.sources import DeviceSource, JackSource
from realtime.types import Analysis, EngineState

__all__ = ["FaultsBench", "bench_faults"]

LONGEST_S = 60.0
"""Longest wait for audio, the first or the next."""

_POLL_S = 0.005
_BACK_S = 0.1
"""So much audio after a kill counts as back."""

_REST_S = 1.0
"""Between two kills, so that each finds a capture process that brings audio."""

_WAKE = "import os, signal, sys, time; time.sleep(float(sys.argv[1])); os.kill(int(sys.argv[2]), signal.SIGCONT)"


@dataclass(frozen=True, slots=True)
class FaultsBench:
    """Hold what was done and how it went on.

    Attributes:
        kills: SIGKILLs of the capture process.
        back_s: Median seconds until audio arrives again.
        back_longest_s: The longest.
        flagged: Kills after which a window says that it has a gap.
        load_s: Seconds in which every core was busy with another program.
        load_lost_frames: Frames that the ring lost in them.
        load_windows: Windows heard in them.
        load_missed_hops: Hops passed over in them.
        stop_s: Seconds for which the whole process was stopped, as by a suspend; 0 = not done.
        fresh_s: Seconds after it until a window of fresh audio was heard.
        errors: Failures of the engine, by kind.
    """

    kills: int
    back_s: float
    back_longest_s: float
    flagged: int
    load_s: float
    load_lost_frames: int
    load_windows: int
    load_missed_hops: int
    stop_s: float
    fresh_s: float
    errors: dict[str, int]


def bench_faults(
    parts: Parts, config: Config, kills: int, load_s: float, stop_s: float, progress: Callable[[str], None]
) -> FaultsBench:
    """Listen to a captured bus; kill its capture, load the machine, stop the process.

    Raises:
        InputError: The input is no bus that a process captures.
        TimbrelError: No audio came, or none came back.
    """
    progress("loading")
    source = parts.open_source(config.inputs[0])
    if not isinstance(source, JackSource | DeviceSource):
        raise InputError(f"--input {config.inputs[0]}", "must be a bus that is captured", "give a device or jack:REGEX")
    listener = _Listener()
    engine = parts.load(config)
    thread = EngineThread(engine, source, listener.on_analysis, listener.on_state)
    thread.start()
    try:
        _wait(lambda: bool(listener.heard_at), "no audio arrived")
        times, flagged = [], 0
        for number in range(kills):
            progress(f"kill {number + 1} of {kills}")
            time.sleep(_REST_S)
            seconds, is_flagged = _kill(source, listener)
            times.append(seconds)
            flagged += is_flagged
        progress(f"every core busy for {load_s:.0f} s")
        before, lost = engine.telemetry.snapshot(), source.stats().lost_frames
        with busy_cores():
            time.sleep(load_s)
        after, lost = engine.telemetry.snapshot(), source.stats().lost_frames - lost
        progress(f"stopped for {stop_s:.0f} s")
        fresh_s = _stop(stop_s, listener) if stop_s else 0.0
    finally:
        thread.stop()
    return FaultsBench(
        kills,
        median(times) if times else 0.0,
        max(times, default=0.0),
        flagged,
        load_s,
        lost,
        after.windows - before.windows,
        after.missed_hops - before.missed_hops,
        stop_s,
        fresh_s,
        _errors(engine),
    )


class _Listener:
    """Note when windows were heard."""

    def __init__(self) -> None:
        self.heard_at = 0.0
        self.gaps = 0

    def on_analysis(self, analysis: Analysis) -> None:
        if analysis.skipped != "no-audio":
            self.gaps += analysis.has_gap
            self.heard_at = time.monotonic()

    def on_state(self, state: EngineState, text: str) -> None:
        """Take in nothing: what counts is audio."""


def _kill(source: JackSource | DeviceSource, listener: _Listener) -> tuple[float, bool]:
    """Kill the capture process; return the seconds until audio is back, and whether a window flags the gap."""
    pid, gaps = source.pid, listener.gaps
    if pid is None:
        raise TimbrelError("capture", "has no process", "look at `timbrel doctor`")
    os.kill(pid, signal.SIGKILL)
    begun, frames = time.monotonic(), source.stats().frames
    enough = frames + _BACK_S * source.sample_rate
    _wait(lambda: source.pid != pid and source.stats().frames > enough, "no audio came back")
    seconds = time.monotonic() - begun
    heard_at = listener.heard_at
    _wait(lambda: listener.heard_at > heard_at, "no window came back")
    return seconds, listener.gaps > gaps


def _stop(seconds: float, listener: _Listener) -> float:
    """Stop this whole process as a suspend does; return the seconds until it has heard fresh audio."""
    with subprocess.Popen([sys.executable, "-c", _WAKE, str(seconds), str(os.getpid())]):
        os.kill(os.getpid(), signal.SIGSTOP)
        begun = time.monotonic()
        _wait(lambda: listener.heard_at > begun, "no window came after the stop")
        return time.monotonic() - begun


def _errors(engine: Engine) -> dict[str, int]:
    return dict(engine.telemetry.snapshot().errors)


def _wait(condition: Callable[[], bool], otherwise: str) -> None:
    until = time.monotonic() + LONGEST_S
    while not condition():
        if time.monotonic() > until:
            raise TimbrelError("bench", f"{otherwise} in {LONGEST_S:.0f} s", "check that something plays on the bus")
        time.sleep(_POLL_S)
