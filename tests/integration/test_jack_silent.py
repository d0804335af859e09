"""Ask a real JACK server that hangs: everything goes on, and says so."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from library.errors import CaptureError
from library.index import library_path
from realtime.jack_open import open_client
from realtime.ring import Ring
from realtime.supervisor import CaptureProcess, capture_command, capture_environment
from tests.bridge.osc_peer import OscPeer
from tests.integration.jack import JackServer, jack_server, wait_for
from tests.integration.test_daemon_process import running


@contextlib.contextmanager
def _hanging_server() -> Iterator[JackServer]:
    with jack_server() as server:
        os.kill(server.pid, signal.SIGSTOP)
        try:
            yield server
        finally:
            os.kill(server.pid, signal.SIGCONT)


def test_a_jack_that_does_not_answer_is_told_and_heard_again_when_it_does() -> None:
    with jack_server() as server:
        ring = Ring.create(1.0, 48_000)
        capture = CaptureProcess({"kind": "jack", "pattern": ".*", "server": server.name}, ring)
        beats = []
        os.kill(server.pid, signal.SIGSTOP)
        try:
            with pytest.raises(CaptureError, match=r"^JACK: does not answer within 5 s; .*start"):
                open_client("probe", server.name, lambda: beats.append(1))
            capture.start()
            wait_for(lambda: "does not answer" in capture.stats(0, 0).detail, "it is told")
            assert capture.stats(0, 0).state == "waiting"
        finally:
            os.kill(server.pid, signal.SIGCONT)
        wait_for(lambda: capture.stats(0, 0).state == "running", "it listens")
        assert len(beats) > 3
        capture.stop()
        ring.close()


def test_the_look_for_inputs_says_that_jack_does_not_answer() -> None:
    with _hanging_server() as server:
        done = subprocess.run(
            capture_command("list"),
            env={**capture_environment(), "JACK_DEFAULT_SERVER": server.name},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    found = json.loads(done.stdout)
    assert found["problem"][:2] == ["JACK", "does not answer within 5 s"]
    assert (found["devices"], found["jack"]) == (None, None)


OPENS_A_PORT = """
import os
from bridge.midi import open_midi
from library.errors import DeviceError
try:
    open_midi("timbrel", "jack")
except DeviceError as error:
    print(error, flush=True)
os._exit(0)
"""
"""In a process of its own: what still waits for JACK there ends with it, and can't hold Python's lock in this one."""


def test_no_midi_port_is_asked_of_a_jack_that_does_not_answer() -> None:
    with _hanging_server() as server:
        done = subprocess.run(
            [sys.executable, "-c", OPENS_A_PORT],
            env={**os.environ, "JACK_DEFAULT_SERVER": server.name},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert "tried jack, which does not answer within 5 s" in done.stdout, done.stderr


def test_a_daemon_whose_jack_hangs_says_so_and_ends_when_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its MIDI port is a JACK client inside the daemon, whose own end would wait for JACK with Python's lock held."""
    lines: list[str] = []

    def wait_for_line(part: str) -> None:
        wait_for(lambda: any(part in line for line in lines), part, 60)

    with jack_server() as server:
        monkeypatch.setenv("JACK_DEFAULT_SERVER", server.name)
        options = ("--midi", "timbrel", "--no-page")
        with running(library_path("gm"), "jack:system:.*", tmp_path, *options) as (daemon, port):
            stdout = daemon.stdout
            assert stdout is not None
            threading.Thread(target=lambda: lines.extend(iter(stdout.readline, "")), daemon=True).start()
            wait_for_line("MIDI port timbrel:out")
            wait_for_line("the bus is silent")
            os.kill(server.pid, signal.SIGSTOP)
            try:
                wait_for_line("no-device: JACK: does not answer")
                with OscPeer(("127.0.0.1", port)) as peer:
                    peer.send("/timbrel/ping", "s", "here")
                    peer.expect("/timbrel/pong")
                daemon.terminate()
                assert daemon.wait(30) == 0
            finally:
                os.kill(server.pid, signal.SIGCONT)
