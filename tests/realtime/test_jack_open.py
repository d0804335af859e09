"""Tests of how JACK is opened, with a real server where one can run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from library.errors import CaptureError
from realtime.jack_open import open_client
from realtime.ring import Ring
from realtime.supervisor import CaptureProcess, capture_environment
from tests.integration.jack import JackServer, jack_server, wait_for

_ENDED_AMID = """
import threading, time
from realtime.jack_open import end_process, opening
begun = threading.Event()
def work():
    with opening():
        begun.set()
        time.sleep({takes_s})
        print("opened", flush=True)
threading.Thread(target=work, daemon=True).start()
begun.wait()
end_process(3)
"""


@pytest.mark.parametrize(("takes_s", "said"), [(0.3, "opened\n"), (60.0, "")], ids=["soon", "hangs"])
def test_a_process_that_is_to_end_lets_what_it_opens_get_open_but_not_for_ever(takes_s: float, said: str) -> None:
    code = _ENDED_AMID.format(takes_s=takes_s)
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env=capture_environment(),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (3, said)


def test_processes_that_are_ended_at_any_moment_leave_jack_open_for_others() -> None:
    """Each is stopped a little later than the one before, from before its first open on."""
    pytest.importorskip("jack", exc_type=ImportError)
    job: dict[str, str | int | None] = {"kind": "jack", "pattern": ".*", "server": "timbrel-no-such-server"}
    ring = Ring.create(1.0, 48_000)
    for late_ms in range(0, 200, 25):
        capture = CaptureProcess(job, ring)
        capture.start()
        while capture.pid is None:
            time.sleep(0.001)
        time.sleep(late_ms / 1000)
        capture.stop()
    last = CaptureProcess(job, ring)
    last.start()
    wait_for(lambda: last.stats(0, 0).state == "waiting", "it waits")
    assert "is jackd running?" in last.stats(0, 0).detail
    last.stop()
    ring.close()


def _stopped(server: JackServer) -> int:
    """Let a server hang; return its process number."""
    pid = server.pid
    os.kill(pid, signal.SIGSTOP)
    return pid


def test_a_jack_that_does_not_answer_is_told_and_heard_again_when_it_does() -> None:
    with jack_server() as server:
        ring = Ring.create(1.0, 48_000)
        capture = CaptureProcess({"kind": "jack", "pattern": ".*", "server": server.name}, ring)
        pid = _stopped(server)
        beats = []
        try:
            with pytest.raises(CaptureError, match=r"^JACK: does not answer within 5 s; .*start"):
                open_client("probe", server.name, lambda: beats.append(1))
            capture.start()
            wait_for(lambda: "does not answer" in capture.stats(0, 0).detail, "it is told")
            assert capture.stats(0, 0).state == "waiting"
        finally:
            os.kill(pid, signal.SIGCONT)
        wait_for(lambda: capture.stats(0, 0).state == "running", "it listens")
        assert len(beats) > 3
        capture.stop()
        ring.close()


def test_the_look_for_inputs_says_that_jack_does_not_answer() -> None:
    with jack_server() as server:
        pid = _stopped(server)
        try:
            done = subprocess.run(
                [sys.executable, "-P", "-m", "realtime.capture", "list"],
                env={**capture_environment(), **server.environment, "PYTHONPATH": str(Path.cwd())},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=60,
                check=True,
            )
        finally:
            os.kill(pid, signal.SIGCONT)
    found = json.loads(done.stdout)
    assert found["problem"][:2] == ["JACK", "does not answer within 5 s"]
    assert (found["devices"], found["jack"]) == (None, None)
