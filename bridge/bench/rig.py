"""Set up what a bench of the whole daemon needs: a JACK server, a player on it, the daemon as a child."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bridge.osc.clients import Endpoint
from library.errors import MissingDependencyError, TimbrelError

__all__ = [
    "BUS_RATE_HZ", "PERIOD_FRAMES", "DaemonChild", "Player", "busy_cores", "daemon_child", "find_font", "jack_missing",
    "jack_server", "player", "timbrel_command", "wait_until",
]  # fmt: skip

BUS_RATE_HZ, PERIOD_FRAMES = 48_000, 1024

START_S = 90.0
"""Longest wait for the daemon to answer: a busy machine imports torch slowly."""

JACK_S = 15
END_S = 10.0
POLL_S = 0.05

MOST_SERVERS = 3
"""Benches side by side: JACK has room for eight servers on a machine, and keeps the names of those that crashed."""

_FONTS = tuple(Path("/usr/share/sounds/sf2") / name for name in ("TimGM6mb.sf2", "default-GM.sf2", "FluidR3_GM.sf2"))
"""Where Debian puts General MIDI SoundFonts; training never read the first, the last made the built-in library."""

_NULL = subprocess.DEVNULL
_BUSY = "while True: pass"


def timbrel_command(*words: str) -> list[str]:
    """Return the command line of this very Timbrel."""
    return [sys.executable, "-c", "from bridge.cli import main; main()", *words]


def wait_until(condition: Callable[[], bool], seconds: float, otherwise: str) -> None:
    """Return as soon as a condition holds.

    Raises:
        TimbrelError: It does not in time; `otherwise` says what did not happen.
    """
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimbrelError("bench", f"{otherwise} in {seconds:.0f} s", "try it when less runs on this machine")
        time.sleep(POLL_S)


def find_font() -> Path | None:
    """Return a General MIDI SoundFont that is installed."""
    return next((path for path in _FONTS if path.is_file()), None)


def jack_missing() -> str:
    """Name what a JACK bus needs and is not installed, "" when all is there."""
    import importlib.util

    programs = [name for name in ("jackd", "jack_wait") if shutil.which(name) is None]
    return ", ".join([*programs, *(["JACK-Client"] if importlib.util.find_spec("jack") is None else [])])


@contextlib.contextmanager
def jack_server() -> Iterator[str]:
    """Run jackd with the dummy driver, 48 kHz, blocks of 1024 frames; give its name.

    Raises:
        MissingDependencyError: It is not installed.
        TimbrelError: It does not start.
    """
    if missing := jack_missing():
        raise MissingDependencyError(missing, "is needed for a captured bus", "install jackd2 and timbrel[jack]")
    with _claim() as name:
        process = _start_jack(name)
        try:
            yield name
        finally:
            _end(process)


@contextlib.contextmanager
def _claim() -> Iterator[str]:
    """Give a server name that no other bench holds."""
    import fcntl

    for number in range(MOST_SERVERS):
        name = f"timbrel-bench-{number}"
        with (Path(tempfile.gettempdir()) / f"{name}.lock").open("wb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield name
            return
    raise TimbrelError("bench", f"{MOST_SERVERS} others hold a JACK server already", "wait until one has ended")


def _start_jack(name: str) -> subprocess.Popen[bytes]:
    driver = ["-d", "dummy", "-r", str(BUS_RATE_HZ), "-p", str(PERIOD_FRAMES), "-C", "2", "-P", "2"]
    # Real time scheduling where it is allowed: without it a busy machine loses frames before we see them.
    for mode in ("--realtime", "--no-realtime"):
        process = subprocess.Popen(["jackd", "--name", name, mode, *driver], stdin=_NULL, stdout=_NULL, stderr=_NULL)
        waited = subprocess.run(
            ["jack_wait", "-s", name, "-w", "-t", str(JACK_S)], stdout=_NULL, stderr=_NULL, check=False
        )
        if waited.returncode == 0 and process.poll() is None:
            return process
        _end(process)
    raise TimbrelError("jackd", "does not start with the dummy driver", "start it by hand to see why")


class Player:
    """Hold a JACK client of a process of its own that plays one recording.

    Attributes:
        marks_ns: time.monotonic_ns() at which the block with each mark was handed to the bus, by number of the mark.
        is_over: The recording was played to its end.
        xruns: Periods that the JACK server ended late so far.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.marks_ns: dict[int, int] = {}
        self.is_over = False
        self.xruns = 0
        self._listener = threading.Thread(target=self._listen, name="player", daemon=True)
        self._listener.start()

    @property
    def is_alive(self) -> bool:
        """Whether its process runs."""
        return self._process.poll() is None

    def play(self) -> None:
        """Begin; silence until then."""
        if self._process.stdin is not None:
            self._process.stdin.write("play\n")
            self._process.stdin.flush()

    def end(self) -> None:
        """Kill its process: closing a JACK client may hang where its server is gone."""
        self._process.kill()
        self._listener.join()

    def _listen(self) -> None:
        """Take what the process tells, until it ends; a thread of its own."""
        for line in self._process.stdout or ():
            told = json.loads(line)
            if "mark" in told:
                self.marks_ns[told["mark"]] = told["at_ns"]
            self.is_over = self.is_over or "over" in told
            self.xruns = told.get("xruns", self.xruns)


@contextlib.contextmanager
def player(
    server: str, frames: NDArray[np.float32], marks: Sequence[int] = (), *, loop: bool = False
) -> Iterator[Player]:
    """Give a player as JACK client timbrel_bench, with the ports out_1 and out_2.

    Args:
        server: Name of the JACK server.
        frames: [T, 2] at 48 kHz.
        marks: Frames whose way onto the bus is timed, ascending.
        loop: Begin again at the end.

    Raises:
        TimbrelError: It can't reach the server.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "audio.npy"
        np.save(path, frames)
        job = {"server": server, "audio": str(path), "marks": list(marks), "loop": loop}
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "bridge.bench.jack_player", json.dumps(job)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=_importable(),
        )  # fmt: skip
        try:
            if process.stdout is None or process.stdout.readline() != '{"ready": true}\n':
                raise TimbrelError("player", f"can't reach the JACK server {server}", "look whether jackd runs")
            playing = Player(process)
            try:
                yield playing
            finally:
                playing.end()
        finally:
            _end(process, signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class DaemonChild:
    """Hold `timbrel run` as a process.

    Attributes:
        process: Of it.
        endpoint: Where it listens for OSC.
        out: File with what it prints.
        err: File with its complaints.
    """

    process: subprocess.Popen[bytes]
    endpoint: Endpoint
    out: Path
    err: Path

    def page(self) -> str:
        """Return the address of its page, "" where it serves none (yet)."""
        found = [line.split()[2] for line in self.out.read_text("utf-8").splitlines() if line.startswith("page at ")]
        return found[0] if found else ""

    def complaints(self) -> tuple[str, ...]:
        """Return the lines of its standard error so far."""
        return tuple(self.err.read_text("utf-8", "replace").splitlines())

    def end(self) -> int:
        """Ask it to end as a musician's Ctrl-C does; return its exit code, -9 when it did not listen."""
        _end(self.process, signal.SIGTERM)
        return self.process.returncode


@contextlib.contextmanager
def daemon_child(folder: Path, words: Sequence[str], environment: Mapping[str, str]) -> Iterator[DaemonChild]:
    """Run the daemon with settings, data and state of its own, and wait for its OSC.

    Args:
        folder: Where they lie, and what it prints.
        words: Options of `timbrel run`.
        environment: Added to ours.

    Raises:
        TimbrelError: It ended, or did not answer in 90 s.
    """
    out, err = folder / "out.txt", folder / "err.txt"
    own = {name: str(folder) for name in ("XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME")}
    with out.open("wb") as to, err.open("wb") as complaints:
        process = subprocess.Popen(
            timbrel_command("run", *words), stdin=subprocess.DEVNULL, stdout=to, stderr=complaints,
            env={**_importable(), **own, **environment},
        )  # fmt: skip
    try:
        state = folder / "timbrel" / f"{process.pid}.json"
        wait_until(lambda: state.exists() or process.poll() is not None, START_S, "the daemon did not answer")
        if process.poll() is not None:
            last = err.read_text("utf-8", "replace").strip().rpartition("\n")[2]
            raise TimbrelError("timbrel run", f"ended with {process.returncode} ({last})", "start it by hand")
        found = json.loads(state.read_text("utf-8"))
        yield DaemonChild(process, (found["host"], found["port"]), out, err)
    finally:
        _end(process, signal.SIGTERM)


@contextlib.contextmanager
def busy_cores(is_wanted: bool = True) -> Iterator[None]:
    """Keep every core busy with another program of normal priority."""
    count = (os.cpu_count() or 1) if is_wanted else 0
    others = [subprocess.Popen([sys.executable, "-c", _BUSY]) for _ in range(count)]
    try:
        yield
    finally:
        for other in others:
            _end(other, signal.SIGKILL)


def _importable() -> dict[str, str]:
    """Return our environment, with the place that we were imported from."""
    here = str(Path(__file__).resolve().parents[2])
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH", ""))))}


def _end(process: subprocess.Popen[str] | subprocess.Popen[bytes], how: signal.Signals = signal.SIGTERM) -> None:
    process.send_signal(how)
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
