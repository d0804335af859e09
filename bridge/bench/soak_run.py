"""Be everybody who uses a daemon, in cycles, and look at its processes meanwhile."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Self

import psutil

from bridge.bench.rig import DaemonChild, wait_until
from bridge.bench.usage import Sample, sample
from bridge.bench.visitors import Heard, OscVisitor, visit_page
from library.errors import TimbrelError
from realtime.ring import Ring

__all__ = ["MOST_ERRORS", "SoakRun"]

SAMPLE_S = 2.0
REST_S = 4.0
"""Quiet at the end of each cycle: longer than a client that vanished is kept."""

VANISHED_TTL_S = 2
PAGE_S = 30.0
MOST_ERRORS = 20
MOST_TRIES = 5


class SoakRun:
    """Run cycles; what they came to stands in the attributes.

    Args:
        daemon: On a bus on which something plays.
        change: Adds a sound to its library, or takes it away again; returns how many it has then.

    Attributes:
        samples: Looks at the processes since begin().
        errors: What went wrong, the first twenty.
        done: How often each thing was done.
        frames: Frames captured between begin() and finish(); None where the bus is no captured one.
        lost_frames: Of them, those that were lost; None as well.
        windows: Windows that were heard.
        missed_hops: Hops that were passed over.
    """

    def __init__(self, daemon: DaemonChild, change: Callable[[], int]) -> None:
        self.samples: list[Sample] = []
        self.errors: list[str] = []
        self.done: Counter[str] = Counter()
        self.frames: int | None = None
        self.lost_frames: int | None = None
        self.windows = self.missed_hops = 0
        self._daemon = daemon
        self._change = change
        self._watcher = OscVisitor(daemon.endpoint)
        self._began_s: float | None = None
        self._pulse: dict[str, Any] = {}  # Any: what JSON holds
        self._ring: Ring | None = None
        self._stop = threading.Event()
        self._sampler = threading.Thread(target=self._sample, name="sampler", daemon=True)

    def __enter__(self) -> Self:
        wait_until(lambda: bool(self._daemon.page()), PAGE_S, "the daemon served no page")
        self._watcher.register("watcher", 600)
        self._watcher.until("/timbrel/suggest/begin", lambda heard: heard.args[1] > 0)
        return self

    def __exit__(self, *_: object) -> None:
        self._end_sampler()
        self._watcher.close()
        if self._ring is not None:
            self._ring.close()

    def cycles(self, seconds: float, least: int, progress: Callable[[str], None]) -> None:
        """Do cycles for so long, at least so many."""
        begun = time.monotonic()
        number = 0
        while number < least or time.monotonic() - begun < seconds:
            number += 1
            try:
                self._cycle(number)
            except (TimbrelError, OSError) as error:
                self._fail(str(error))
            if self._daemon.process.poll() is not None:
                raise TimbrelError("timbrel run", "ended by itself", " ".join(self._daemon.complaints()[-1:]) or "-")
            rss = f", {self.samples[-1].whole.rss / 1e6:.0f} MB" if self.samples else ", warming up"
            progress(f"{(time.monotonic() - begun) / 60:.1f} of {seconds / 60:.1f} min{rss}, {len(self.errors)} errors")

    def begin(self) -> None:
        """Begin to measure."""
        self._began_s = time.monotonic()
        self._ring = _ring_of(self._daemon.process.pid)
        if self._ring is not None:
            self.frames, self.lost_frames = -self._ring.total_frames, -self._ring.lost_frames
        self._pulse = visit_page(self._daemon.page())["pulse"]
        self._sampler.start()

    def finish(self) -> None:
        """Count what came since begin(), and look no more."""
        self._end_sampler()
        pulse = visit_page(self._daemon.page())["pulse"]
        self.windows = pulse["windows"] - self._pulse["windows"]
        self.missed_hops = pulse["missed"] - self._pulse["missed"]
        if self._ring is not None and self.frames is not None and self.lost_frames is not None:
            self.frames += self._ring.total_frames
            self.lost_frames += self._ring.lost_frames

    def _cycle(self, number: int) -> None:
        self._watcher.heard.clear()
        self._watcher.renew()
        self._surface()
        with OscVisitor(self._daemon.endpoint) as vanishing:
            vanishing.register("vanishing", VANISHED_TTL_S)
        self.done["clients that vanished"] += 1
        visit_page(self._daemon.page(), is_polite=number % 2 == 0)
        self.done["visits of the page"] += 1
        self._until_reloaded(self._change())
        time.sleep(REST_S)
        if self._began_s is not None:
            self.samples.append(sample(self._daemon.process.pid, time.monotonic() - self._began_s, is_rest=True))

    def _surface(self) -> None:
        """Do what a control surface does."""
        with OscVisitor(self._daemon.endpoint) as client:
            client.register("surface")
            client.send("/timbrel/ping", "soak")
            client.until("/timbrel/pong")
            chosen = self._choose(client)
            self.done[f"choices ({chosen.args[4]})"] += 1
            client.send("/timbrel/undo")
            client.send("/timbrel/help")
            client.send("/timbrel/unregister", client.client_id)
            client.send("/timbrel/ping", "end")
            client.until("/timbrel/pong", lambda heard: heard.args[0] == "end")
        self.done["clients"] += 1

    def _choose(self, client: OscVisitor) -> Heard:
        """Choose from the newest list; between its datagrams and the choice a shorter one may have come."""
        for _ in range(MOST_TRIES):
            client.send("/timbrel/refresh")
            client.until("/timbrel/suggest/begin", lambda heard: heard.args[1] > 0)
            client.until("/timbrel/suggest/end")
            client.send("/timbrel/suggest/choose", _with_program(client.heard), 0)
            answer = client.until(("/timbrel/chosen", "/timbrel/error"))
            if answer.address == "/timbrel/chosen":
                return answer
            self.done["choices that came too late"] += 1
        raise TimbrelError("timbrel run", f"refused {MOST_TRIES} choices", str(answer.args[-1]))

    def _until_reloaded(self, sounds: int) -> None:
        """Wait until the daemon has the library with so many sounds."""
        self._watcher.until("/timbrel/status", lambda heard: heard.args[1] == f"library reloaded: {sounds} sounds")
        self.done["changes of the library"] += 1
        for heard in self._watcher.heard:
            if heard.address == "/timbrel/status" and (heard.args[0] == "degraded" or "not reloaded" in heard.args[1]):
                self._fail(f"{heard.args[0]}: {heard.args[1]}")

    def _end_sampler(self) -> None:
        self._stop.set()
        if self._sampler.ident is not None:
            self._sampler.join()

    def _sample(self) -> None:
        """Look at the processes every two seconds; a thread of its own."""
        while not self._stop.wait(SAMPLE_S):
            try:
                at_s = time.monotonic() - (self._began_s or 0.0)
                self.samples.append(sample(self._daemon.process.pid, at_s, is_rest=False))
            except psutil.NoSuchProcess:
                return

    def _fail(self, text: str) -> None:
        if len(self.errors) < MOST_ERRORS:
            self.errors.append(text)


def _with_program(heard: Sequence[Heard]) -> int:
    """Return the index of a sound that any host can load, 1 where there is none."""
    return next((one.args[1] for one in reversed(heard) if one.address == "/timbrel/suggest/program"), 1)


def _ring_of(pid: int) -> Ring | None:
    """Attach to the ring that the capture process of a daemon fills: its command line names it."""
    for child in psutil.Process(pid).children():
        words = child.cmdline()
        if "realtime.capture" in words:
            return Ring.attach(json.loads(words[-1])["ring"])
    return None
