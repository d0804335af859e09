"""Run the engine on the clock: each hop the newest window, one Analysis out."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

import numpy as np

from library.audio import SAMPLE_RATE_HZ
from library.cores import one_core
from realtime.hearing import Engine
from realtime.ring import Ring
from realtime.types import Analysis, AudioSource, EngineState, ReplaySource, Window
from realtime.windows import WindowCutter

__all__ = ["EngineThread"]

MAX_RATE_HZ = 192_000
"""Highest rate of a bus; the ring is made for it before the rate is known."""

SLACK_S = 4.0
"""How far the engine may fall behind before the window it wants is overwritten."""

SAME_ERRORS = 10
"""The same error so often in a row is no bad window any more: the engine says that it is degraded."""

LONGEST_WAIT_S = 0.25
"""Longest sleep between two looks at the source, so that a lost device is told soon and a stop is quick."""

ERROR_PAUSE_S = 0.02
"""Wait after a failure, so that one that comes at once can't take a whole core."""

RETRY_S = 1.0
"""Wait before the source or the warm-up is tried again."""

_log = logging.getLogger(__name__)


class EngineThread:
    """Drive an engine from an audio source in a thread of its own.

    Overload policy: latest wins. A hop that is missed is counted, never queued; a replay on demand misses none.

    Args:
        engine: Used by this thread alone, but for lock(), tune() and reset().
        source: Started by this thread; a replay only when the engine is warm, so that it begins at its beginning.
        on_analysis: Called in this thread with each Analysis; must return soon.
        on_state: Called in this thread when the state or its sentence changes.
    """

    def __init__(
        self,
        engine: Engine,
        source: AudioSource,
        on_analysis: Callable[[Analysis], None],
        on_state: Callable[[EngineState, str], None],
    ) -> None:
        self._engine = engine
        self._source = source
        self._replay = source if isinstance(source, ReplaySource) else None
        self._on_analysis = on_analysis
        self._on_state = on_state
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._state: tuple[EngineState, str] = ("loading", "")
        self._error_kind, self._error_row = "", 0
        self._lost_told = False
        self._last_start_frame = 0

    @property
    def state(self) -> EngineState:
        """What the engine is doing now."""
        return self._state[0]

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self, timeout_s: float = 2.0) -> bool:
        """End the thread and its source; False when the engine was still busy after the time. May be called twice."""
        self._stop.set()
        return self.wait(timeout_s)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for the end of a recording that is not looped; False when the time is over first."""
        if self._thread.ident is None:
            return True
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    @one_core()
    def _run(self) -> None:
        ring = Ring.create(self._engine.encoder.spec.window_s + SLACK_S, MAX_RATE_HZ)
        cutter = WindowCutter(ring, self._engine.encoder.spec.window_s, self._engine.config.hop_s)
        text = "stopped"
        try:
            self._say("loading", "warming up")
            if self._replay is None:
                self._until_done(lambda: self._source.start(ring))
            self._engine.reset()
            self._until_done(self._engine.warm_up)
            if self._replay is not None:
                self._until_done(lambda: self._source.start(ring))
            while not self._stop.is_set():
                if self._attempt(lambda: self._step(cutter)):
                    text = "the recording has ended"
                    break
        finally:
            self._source.stop()
            ring.close()
            self._say("stopped", text)

    def _until_done(self, action: Callable[[], None]) -> None:
        """Try something that has to work before anything else can, until it does or the thread is to stop."""
        done = False

        def once() -> bool:
            nonlocal done
            action()
            done = True
            return True

        while not done and not self._stop.is_set():
            if not self._attempt(once):
                self._stop.wait(RETRY_S)

    def _attempt(self, action: Callable[[], bool]) -> bool:
        """Do one thing; count, log once per kind and show what goes wrong. False also stands for a failure."""
        try:
            return action()
        except Exception as error:  # noqa: BLE001  the one loop that has to survive any window
            self._failed(error)
            return False

    def _failed(self, error: Exception) -> None:
        text = str(error).splitlines()[0] if str(error) else ""
        kind = type(error).__name__
        if self._engine.telemetry.error(kind) == 1:
            _log.warning("engine: %s: %s", kind, text, exc_info=error)
        self._error_row = self._error_row + 1 if kind == self._error_kind else 1
        self._error_kind = kind
        if self._error_row >= SAME_ERRORS:
            self._say("degraded", f"{kind}: {text}")
        self._stop.wait(ERROR_PAUSE_S)

    def _step(self, cutter: WindowCutter) -> bool:
        """Look at the next window when there is one; True when the recording is over."""
        window, window_ms, ended = self._next_window(cutter)
        if window is None:
            if ended:
                return True
            self._watch_source()
            self._stop.wait(min(max(cutter.due_in_s(), 0.002), LONGEST_WAIT_S))
            return False
        self._last_start_frame = window.start_frame
        try:
            analysis = self._engine.analyse(window, window_ms)
        except Exception:
            self._on_analysis(self._engine.skip(window, "error"))
            raise
        self._engine.telemetry.ring(cutter.missed_hops, cutter.overwritten)
        self._on_analysis(analysis)
        self._error_row = 0
        self._after(analysis)
        return False

    def _next_window(self, cutter: WindowCutter) -> tuple[Window | None, float, bool]:
        """Return the next window, the milliseconds that cutting it took, and whether there can be no more."""
        begun = time.perf_counter()
        if self._replay is not None and self._replay.on_demand:
            more = self._replay.pull(cutter.next_end_frame())
            window = cutter.next()
        else:
            more = self._source.stats().state != "ended"  # asked before the cut: what came last is still seen
            window = cutter.newest()
        if window is None and not more:
            window = cutter.final()
        return window, (time.perf_counter() - begun) * 1e3, not more

    def _after(self, analysis: Analysis) -> None:
        self._lost_told = False
        if not self._watch_source():
            if analysis.skipped == "silent":
                self._say("silent", f"the bus is silent ({analysis.level_db:.0f} dBFS)")
            else:
                self._say("listening", self._source.stats().detail)

    def _watch_source(self) -> bool:
        """Show a source that brings no audio; True when it is not running."""
        stats = self._source.stats()
        if stats.state in ("running", "ended"):
            return False
        if stats.state == "lost" and not self._lost_told:
            self._lost_told = True
            self._on_analysis(self._engine.skip(self._missing_window(), "no-audio"))
        if stats.state != "starting" and self.state != "degraded":
            self._say("no-device", stats.detail)
        return True

    def _missing_window(self) -> Window:
        """Stand for the hop that a lost device did not bring."""
        hop = round(self._engine.config.hop_s * SAMPLE_RATE_HZ)
        samples = round(self._engine.encoder.spec.window_s * SAMPLE_RATE_HZ)
        audio = np.zeros(samples, np.float32)
        return Window(audio, SAMPLE_RATE_HZ, self._last_start_frame + hop, time.monotonic(), has_gap=True)

    def _say(self, state: EngineState, text: str) -> None:
        if (state, text) != self._state:
            self._state = (state, text)
            self._on_state(state, text)
