"""Start a JACK server without a sound card, with things that sound on it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, Self

import numpy as np
import pytest

__all__ = [
    "FONT",
    "Fluidsynth",
    "JackServer",
    "ToneClient",
    "jack_server",
    "needs_fluidsynth",
    "needs_jack",
    "wait_for",
]

FONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")
PERIOD_FRAMES = 1024
START_TIMEOUT_S = 15.0
MOST_SERVERS = 4


def needs_jack() -> None:
    """Skip the test where jackd is not installed."""
    for program in ("jackd", "jack_wait"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is missing: apt-get install jackd2")


def needs_fluidsynth() -> None:
    """Skip the test where FluidSynth or its font is not installed."""
    if shutil.which("fluidsynth") is None:
        pytest.skip("fluidsynth is missing: apt-get install fluidsynth")
    if not FONT.exists():
        pytest.skip(f"{FONT} is missing: apt-get install fluid-soundfont-gm")


def _claim_name() -> tuple[IO[bytes], str]:
    """Return a server name that no other test run holds, with the open file that holds it.

    JACK's registry has room for eight names on a machine and keeps those of servers that crashed: names are reused.
    """
    for number in range(MOST_SERVERS):
        name = f"timbrel-test-{number}"
        claim = (Path(tempfile.gettempdir()) / f"{name}.lock").open("wb")
        try:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            claim.close()
        else:
            return claim, name
    pytest.fail(f"{MOST_SERVERS} JACK servers of other test runs are in use")


def wait_for(condition: Callable[[], bool], what: str, timeout_s: float = 20.0) -> None:
    """Return as soon as a condition holds; fail with `what` when it does not in time."""
    end = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end:
            pytest.fail(f"not within {timeout_s:g} s: {what}")
        time.sleep(0.05)


class JackServer:
    """Run jackd with the dummy driver under a name of its own."""

    def __init__(self, sample_rate: int = 48_000) -> None:
        self._claim, self.name = _claim_name()
        self.sample_rate = sample_rate
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self._claim.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._claim.close()

    @property
    def environment(self) -> dict[str, str]:
        """Environment that leads clients to this server."""
        return {**os.environ, "JACK_DEFAULT_SERVER": self.name, "JACK_NO_START_SERVER": "1"}

    @property
    def pid(self) -> int:
        """Process number of the running server."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start the server and wait until it answers."""
        driver = ["-d", "dummy", "-r", str(self.sample_rate), "-p", str(PERIOD_FRAMES), "-C", "2", "-P", "2"]
        # Real time scheduling where it is allowed: without it 3-7 % of the frames are lost.
        for mode in ("--realtime", "--no-realtime"):
            self._process = subprocess.Popen(
                ["jackd", "--name", self.name, mode, "--port-max", "256", *driver],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            waited = subprocess.run(
                ["jack_wait", "-s", self.name, "-w", "-t", str(int(START_TIMEOUT_S))],
                capture_output=True,
                env=self.environment,
                timeout=2 * START_TIMEOUT_S,
                check=False,
            )
            if waited.returncode == 0 and self._process.poll() is None:
                return
            self.stop()
            # A client that was killed while it opened JACK has locked this for all (see realtime.jack_open).
            shutil.rmtree(Path("/dev/shm") / f"jack_db-{os.getuid()}", ignore_errors=True)
        pytest.fail("jackd with the dummy driver did not start")

    def stop(self) -> None:
        """End the server properly."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the server as a crash would."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)

    @contextlib.contextmanager
    def client(self, name: str = "probe") -> Iterator[Any]:
        """Open a JACK client to look at ports and to connect them."""
        import jack

        client = jack.Client(name, no_start_server=True, servername=self.name)
        try:
            yield client
        finally:
            client.close()

    def connections(self, port: str) -> list[str]:
        """Return the names of the ports that a port is connected to."""
        with self.client() as client:
            return [other.name for other in client.get_all_connections(port)]


class ToneClient:
    """Play one sine per port from a process of its own, so that a killed server can't hang the test."""

    def __init__(self, server: JackServer, name: str, tones_hz: list[float], amplitude: float = 0.25) -> None:
        self.name = name
        self._process = subprocess.Popen(
            [sys.executable, "-c", _TONES, name, str(amplitude), *map(str, tones_hz)],
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


class Fluidsynth:
    """Run FluidSynth as a JACK client, driven over its shell on standard input; it plays MIDI files if given."""

    def __init__(self, server: JackServer, name: str = "fs", font: Path = FONT, songs: tuple[Path, ...] = ()) -> None:
        self.name = name
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  closed in __exit__
        self._process = subprocess.Popen(
            [
                "fluidsynth",
                *("-a", "jack", "-m", "jack", "-r", str(server.sample_rate)),
                *("-o", f"audio.jack.id={name}", "-o", f"midi.jack.id={name}", "-o", "audio.jack.autoconnect=0"),
                *("-o", f"audio.jack.server={server.name}", "-o", f"midi.jack.server={server.name}"),
                str(font),
                *map(str, songs),
            ],
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env=server.environment,
        )
        with server.client() as client:
            wait_for(
                lambda: len(client.get_ports(f"^{name}:", is_audio=True, is_output=True)) >= 2,
                "FluidSynth's ports are there",
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate(timeout=10)
        self._log.close()

    def shell(self, command: str) -> None:
        """Send one line to FluidSynth's shell, such as `prog 0 40` or `noteon 0 60 100`."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n".encode())
        self._process.stdin.flush()


@contextlib.contextmanager
def jack_server() -> Iterator[JackServer]:
    """Give a running server, or skip where jackd is missing."""
    needs_jack()
    with JackServer() as server:
        yield server


def peak_hz(samples: np.ndarray[Any, np.dtype[np.float32]], sample_rate: int) -> float:
    """Return the strongest frequency of samples[T]."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * sample_rate / len(samples))


_TONES = """
import sys, threading, jack, numpy as np
name, amplitude, tones = sys.argv[1], float(sys.argv[2]), [float(tone) for tone in sys.argv[3:]]
client = jack.Client(name, no_start_server=True)
ports = [client.outports.register(f"out_{i + 1}") for i in range(len(tones))]
position = 0
@client.set_process_callback
def process(frames):
    global position
    time = (position + np.arange(frames)) / client.samplerate
    position += frames
    for port, tone in zip(ports, tones):
        port.get_array()[:] = amplitude * np.sin(2 * np.pi * tone * time)
client.set_shutdown_callback(lambda status, reason: threading.Thread(target=lambda: __import__("os")._exit(0)).start())
client.activate()
print("ready", flush=True)
sys.stdin.read()
__import__("os")._exit(0)
"""
