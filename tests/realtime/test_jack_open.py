"""Tests of how JACK is opened, without any server."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from realtime.ring import Ring
from realtime.supervisor import CaptureProcess, capture_environment
from tests.integration.jack import wait_for

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
