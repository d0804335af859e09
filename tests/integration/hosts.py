"""Run real hosts on a JACK server, hear what they play, and speak to them through sessions."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Self

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import welch

from bridge.daws.base import DawAdapter, Delivery, HostState, Track
from bridge.hosts import Done, HostSession
from tests.integration.jack import FONT, JackServer, wait_for

__all__ = [
    "BANKS",
    "HostProcess",
    "Seen",
    "fluidsynth",
    "free_port",
    "hear",
    "likeness",
    "seen",
    "until",
    "zynaddsubfx",
]

BANKS = Path("/usr/share/zynaddsubfx/banks")
WAIT_S = 40.0

FRAME = 16_384
"""Samples of a spectrum: bands of 3 Hz at 48 kHz."""


class HostProcess:
    """Run a program that makes JACK audio ports, and kill it at the end.

    Args:
        command: Program and arguments; the test is skipped where it is not installed.
        server: JACK server that it joins.
        ports: Pattern of its audio outputs.
        package: What to install where it is missing.
        home: Folder that stands for the user's own.
    """

    def __init__(
        self, command: Sequence[str], server: JackServer, ports: str, package: str, home: Path | None = None
    ) -> None:
        if shutil.which(command[0]) is None:
            pytest.skip(f"{command[0]} is missing: apt-get install {package}")
        self.ports = ports
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  closed in __exit__
        self._command, self._server = command, server
        self._home = str(home) if home else os.environ.get("HOME", "/")
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start it, and wait until its ports are there."""
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env=self._server.environment | {"HOME": self._home},
            start_new_session=True,
        )
        with self._server.client() as client:
            wait_for(
                lambda: len(client.get_ports(self.ports, is_audio=True, is_output=True)) >= 2,
                f"{self._command[0]} has its ports",
                WAIT_S,
            )

    def kill(self) -> None:
        """End it as a crash would."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(10)
            self._process = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._log.close()


def free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def zynaddsubfx(server: JackServer, port: int) -> HostProcess:
    """Start ZynAddSubFX with OSC on a port; its name as JACK client holds the port."""
    name = f"t{port}"
    command = ["zynaddsubfx", "--no-gui", "-O", "jack", "-I", "jack", "-P", str(port), "-N", name]
    return HostProcess(command, server, f"zynaddsubfx_{name}:out", "zynaddsubfx")


def fluidsynth(server: JackServer, port: int) -> HostProcess:
    """Start FluidSynth with its shell on a TCP port."""
    name = f"fs{port}"
    command = [
        *("fluidsynth", "-i", "-s", "-o", f"shell.port={port}", "-a", "jack", "-m", "jack"),
        *("-r", str(server.sample_rate), "-o", f"audio.jack.id={name}", "-o", f"midi.jack.id={name}"),
        *("-o", "audio.jack.autoconnect=0", str(FONT)),
    ]
    return HostProcess(command, server, f"^{name}:", "fluidsynth")


def hear(server: JackServer, ports: str, play: Callable[[], object], seconds: float = 1.5) -> NDArray[np.float32]:
    """Return samples[T] of what all ports of a pattern put out together, from when `play` is called."""
    blocks: list[NDArray[np.float32]] = []
    with server.client("listener") as client:
        ear = client.inports.register("in")
        client.set_process_callback(lambda _: blocks.append(ear.get_array().copy()))
        client.activate()
        for port in client.get_ports(ports, is_audio=True, is_output=True):
            client.connect(port, ear)
        blocks.clear()
        play()
        wait_for(lambda: sum(map(len, list(blocks))) >= seconds * server.sample_rate, "the sound was recorded")
        client.deactivate()
    return np.concatenate(blocks)[: round(seconds * server.sample_rate)]


def likeness(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Return the correlation of two long-term spectra: levels of bands in dB, down to 60 dB below the highest."""
    return float(np.corrcoef(_levels_db(a), _levels_db(b))[0, 1])


def _levels_db(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    # Welch's method: when a note sounds in the recording makes no difference.
    power = welch(samples, nperseg=min(FRAME, len(samples)))[1]
    edges = np.geomspace(4, len(power) - 1, 80).astype(int)
    bands = np.array([power[low : max(high, low + 1)].mean() for low, high in itertools.pairwise(edges)])
    levels = 10 * np.log10(bands / bands.max() + 1e-12)
    return np.asarray(np.maximum(levels, -60.0))


class Seen:
    """Hold a session and what it told."""

    def __init__(self, adapter: DawAdapter) -> None:
        self.states: list[HostState] = []
        self.versions: list[str] = []
        self.tracks: tuple[Track, ...] = ()
        self.session = HostSession(adapter, self._on_state, lambda found: setattr(self, "tracks", found.tracks))

    def _on_state(self, state: HostState, version: str) -> None:
        self.states.append(state)
        self.versions.append(version)

    async def online(self) -> None:
        """Wait until the host answers."""
        await until(lambda: self.session.state == "online", "the host is online")

    async def carry_out(self, delivery: Delivery) -> Done:
        """Send a delivery to the host."""
        return await self.session.carry_out(delivery.steps)


@contextlib.asynccontextmanager
async def seen(adapter: DawAdapter) -> AsyncIterator[Seen]:
    """Run a session."""
    one = Seen(adapter)
    task = asyncio.create_task(one.session.run())
    try:
        yield one
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for a condition on the event loop; fail with `what` when it does not come."""
    with_timeout = WAIT_S / 0.05
    while not condition():
        with_timeout -= 1
        if with_timeout < 0:
            pytest.fail(f"not within {WAIT_S:g} s: {what}")
        await asyncio.sleep(0.05)
