"""Run a whole daemon inside a test: real sockets and threads, a quick encoder, a recording of a tone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bridge.config import Config, override
from bridge.daemon import Daemon
from bridge.parts import Parts
from library.errors import DeviceError
from realtime.engine import Engine
from realtime.ring import Ring
from realtime.types import AudioSource, SourceStats
from tests.bridge.osc_peer import OscPeer, free_port
from tests.fakes import SpectrumEncoder, TableIndex

__all__ = ["Rig", "ToneSource", "near_tone", "quick_engine", "run_daemon"]

RATE_HZ = 16_000


class ToneSource:
    """Give the engine six seconds of a tone, or of nothing, as fast as it takes them; then wait like a paused DAW."""

    on_demand = True
    sample_rate = RATE_HZ

    def __init__(self, amplitude: float = 0.3, seconds: float = 6.0) -> None:
        self._audio = _tone(amplitude, seconds)
        self._ring: Ring | None = None
        self._written = 0

    def start(self, ring: Ring) -> None:
        ring.begin(RATE_HZ)
        self._ring = ring

    def pull(self, until_frame: int) -> bool:
        if self._ring is not None and self._written < len(self._audio):
            self._ring.write(self._audio[self._written : until_frame, None])
            self._written = min(until_frame, len(self._audio))
        return True

    def stop(self) -> None:
        self._ring = None

    def stats(self) -> SourceStats:
        return SourceStats("running", "a tone", self._written, 0, 0)


def _tone(amplitude: float, seconds: float) -> NDArray[np.float32]:
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return (amplitude * np.sin(2 * np.pi * 440 * time_s)).astype(np.float32)


def near_tone(count: int) -> NDArray[np.float32]:
    """Return vectors[count, D] of sounds like the tone, the first most of all: what is unlike it is not suggested."""
    heard = SpectrumEncoder().embed(_tone(0.3, 5.0)[None])[0]
    return np.stack([heard + 0.1 * step * np.eye(1, len(heard), step, dtype=np.float32)[0] for step in range(count)])


def quick_engine(config: Config) -> Engine:
    """Make an engine without weights, over three sounds."""
    return Engine(SpectrumEncoder(), TableIndex(near_tone(3), ["Piano", "Violin", "Flute"]))


def open_tone(name: str) -> AudioSource:
    if name == "unknown":
        raise DeviceError(name, "is no audio input", "see `timbrel devices`")
    return ToneSource(0.0 if name == "silence" else 0.3)


@dataclass
class Rig:
    """Hold a running daemon for a scenario."""

    daemon: Daemon
    said: list[str] = field(default_factory=list)

    def peer(self) -> OscPeer:
        return OscPeer(self.daemon.server.endpoint)


def run_daemon(
    scenario: Callable[[Rig], None],
    load: Callable[[Config], Engine] = quick_engine,
    config_file: Path | None = None,
    open_source: Callable[[str], AudioSource] = open_tone,
    **options: object,
) -> Rig:
    """Run a daemon, the scenario in a thread beside it, and then stop the daemon.

    Args:
        scenario: Talks to the daemon over its socket.
        load: Makes the engine.
        config_file: Where settings are kept when a page asks for it.
        open_source: Makes the source.
        options: Settings by dotted name, with __ for the dot.
    """
    settings = {"input": "tone", "midi.port": "", "osc.port": free_port(), "page.enabled": False}
    settings |= {name.replace("__", "."): value for name, value in options.items()}
    said: list[str] = []

    async def main() -> Rig:
        daemon = Daemon(
            override(Config(), settings), said.append, lambda *_: None, Parts(load, open_source), config_file
        )
        rig = Rig(daemon, said)
        running = asyncio.create_task(daemon.run())
        while not said and not running.done():
            await asyncio.sleep(0.01)
        if not running.done():
            await asyncio.to_thread(scenario, rig)
        daemon.stop("the test is over")
        await asyncio.wait_for(running, 20)
        return rig

    return asyncio.run(main())
