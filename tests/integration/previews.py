"""Hear what a player plays into JACK, and collect what it tells."""

from __future__ import annotations

import subprocess
import sys
from typing import Self

import numpy as np
from numpy.typing import NDArray

from library.audio import level_db
from realtime.player import PlayerEvent
from realtime.ring import Ring
from tests.integration.jack import JackServer, peak_hz

__all__ = ["RATE", "Heard", "Listener"]

RATE = 48_000


class Listener:
    """Record what two JACK inputs get, and pass it on to two outputs, as a track of a DAW does."""

    def __init__(self, server: JackServer, name: str) -> None:
        self.ring = Ring.create(30.0, RATE)
        self._process = subprocess.Popen(
            [sys.executable, "-c", _LISTENER, name, self.ring.name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=server.environment,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate(timeout=10)
        self.ring.close()

    def newest(self, frames: int = 8192) -> NDArray[np.float32]:
        got = self.ring.read(self.ring.total_frames - frames, frames)
        return got if got is not None else np.zeros((frames, 2), np.float32)

    def hears(self, *sides_hz: float) -> bool:
        """Tell whether the newest eighth of a second or so is these tones, left and right."""
        got = self.newest()
        return all(
            level_db(got[:, side]) > -40.0 and abs(peak_hz(got[:, side], RATE) - hz) < 12.0
            for side, hz in enumerate(sides_hz)
        )

    def is_silent(self) -> bool:
        return not self.newest().any()


class Heard:
    """Collect the events of a player."""

    def __init__(self) -> None:
        self.events: list[PlayerEvent] = []

    def __call__(self, event: PlayerEvent) -> None:
        self.events.append(event)

    def has(self, number: int, state: str) -> bool:
        return any(event.number == number and event.state == state for event in self.events)

    def why(self, number: int) -> str:
        return next((event.detail for event in self.events if (event.number, event.state) == (number, "failed")), "")


_LISTENER = """
import sys, threading, jack
from realtime.ring import Ring
client = jack.Client(sys.argv[1], no_start_server=True)
ring = Ring.attach(sys.argv[2])
ring.begin(client.samplerate)
ins = [client.inports.register(f"in_{i}") for i in (1, 2)]
outs = [client.outports.register(f"out_{i}") for i in (1, 2)]
import numpy as np
block = np.zeros((8192, 2), np.float32)
@client.set_process_callback
def process(frames):
    for side in (0, 1):
        block[:frames, side] = ins[side].get_array()
        outs[side].get_array()[:] = block[:frames, side]
    ring.write(block[:frames])
client.set_shutdown_callback(lambda status, reason: threading.Thread(target=lambda: __import__("os")._exit(0)).start())
client.activate()
print("ready", flush=True)
sys.stdin.read()
__import__("os")._exit(0)
"""
