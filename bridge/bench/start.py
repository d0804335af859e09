"""Measure how long a musician waits: from the start of the daemon to OSC, to listening, to the first list."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

from pythonosc.osc_message import OscMessage

from library.errors import TimbrelError

__all__ = ["StartTimes", "bench_start"]

LONGEST_S = 90.0
_POLL_S = 0.5


@dataclass(frozen=True, slots=True)
class StartTimes:
    """Hold the seconds from the start of the process.

    Attributes:
        osc_s: Until its first datagram.
        listening_s: Until it says that it listens to the bus.
        list_s: Until the first list with a suggestion: the weights are loaded and one whole window was heard.
    """

    osc_s: float
    listening_s: float
    list_s: float


def bench_start(source: str, library: str) -> StartTimes:
    """Start `timbrel run` as a process of its own and wait for its datagrams.

    Args:
        source: What it listens to, as --input takes it; something must play there.
        library: What it looks sounds up in.

    Raises:
        TimbrelError: It ended, or brought no list in 90 s.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as inbox, tempfile.TemporaryDirectory() as folder:
        inbox.bind(("127.0.0.1", 0))
        inbox.settimeout(_POLL_S)
        command = [sys.executable, "-c", "from bridge.cli import main; main()", "run", "--input", source]
        command += ["--library", library, "--midi", "", "--send", f"127.0.0.1:{inbox.getsockname()[1]}"]
        begun = time.monotonic()
        process = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "XDG_RUNTIME_DIR": folder},
        )
        try:
            return _wait(process, inbox, begun)
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(process: subprocess.Popen[bytes], inbox: socket.socket, begun: float) -> StartTimes:
    osc_s = listening_s = 0.0
    while time.monotonic() - begun < LONGEST_S:
        if process.poll() is not None:
            raise TimbrelError("timbrel run", f"ended with {process.returncode}", "start it by hand to see why")
        try:
            message = OscMessage(inbox.recv(2048))
        except TimeoutError:
            continue
        now_s = time.monotonic() - begun
        osc_s = osc_s or now_s
        if message.address == "/timbrel/status" and message.params[0] == "listening":
            listening_s = listening_s or now_s
        if message.address == "/timbrel/suggest/begin" and message.params[1] > 0:
            return StartTimes(osc_s, listening_s or now_s, now_s)
    raise TimbrelError("timbrel run", f"brought no list in {LONGEST_S:.0f} s", "check that something plays there")
