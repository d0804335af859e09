"""Tests of the capture process and of who watches it, without any audio server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from realtime.ring import Ring
from realtime.supervisor import CaptureProcess, capture_command, capture_environment
from tests.integration.jack import wait_for

_NO_SERVER: dict[str, str | int | None] = {"kind": "jack", "pattern": ".*", "server": "timbrel-no-such-server"}

_PARENT = """
import sys, time
from realtime.ring import Ring
from realtime.supervisor import CaptureProcess
ring = Ring.create(1.0, 48000)
capture = CaptureProcess({"kind": "jack", "pattern": ".*", "server": "timbrel-no-such-server"}, ring)
capture.start()
while capture.stats(0, 0).state != "waiting":
    time.sleep(0.05)
print(capture.pid, flush=True)
time.sleep(600)
"""


def test_the_capture_process_never_imports_torch() -> None:
    code = "import sys, realtime.capture, realtime.capture_jack, realtime.capture_list; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "False\n"


def test_a_folder_named_like_a_package_does_not_get_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "realtime").mkdir()
    (tmp_path / "realtime" / "__init__.py").write_text("raise SystemExit('the wrong one')")
    done = subprocess.run(
        capture_command("list"),
        cwd=tmp_path,
        env=capture_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert set(json.loads(done.stdout)) == {"devices", "jack", "problem"}


def test_without_a_server_it_waits_and_shows_that_it_lives() -> None:
    ring = Ring.create(1.0, 48_000)
    capture = CaptureProcess(_NO_SERVER, ring)
    capture.start()
    wait_for(lambda: capture.stats(0, 0).state == "waiting", "it waits")
    first = ring.heartbeat_ns
    wait_for(lambda: ring.heartbeat_ns > first, "its heart beats")
    stats = capture.stats(0, 0)
    assert "JACK server" in stats.detail
    assert stats.restarts == 0
    capture.stop()
    capture.stop()
    ring.close()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "hung"])
def test_a_capture_process_that_dies_or_hangs_is_replaced(how: signal.Signals) -> None:
    ring = Ring.create(1.0, 48_000)
    capture = CaptureProcess(_NO_SERVER, ring)
    capture.start()
    wait_for(lambda: capture.stats(0, 0).state == "waiting", "it waits")
    first = capture.pid
    assert first is not None
    os.kill(first, how)
    wait_for(lambda: capture.stats(0, 0).restarts == 1 and capture.pid != first, "another one was started")
    beat = ring.heartbeat_ns
    wait_for(lambda: ring.heartbeat_ns > beat, "the new one lives")
    assert not psutil.pid_exists(first)
    capture.stop()
    ring.close()


def test_the_capture_process_ends_with_its_parent() -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT], stdout=subprocess.PIPE, text=True, env=capture_environment()
    )
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.communicate(timeout=10)
    wait_for(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, "the child is gone")


def test_a_job_that_fails_is_told_in_one_sentence() -> None:
    ring = Ring.create(1.0, 48_000)
    capture = CaptureProcess({"kind": "jack", "pattern": "(", "server": None, "device": None}, ring)
    broken = CaptureProcess({"kind": "device"}, ring)
    broken.start()
    wait_for(lambda: broken.stats(0, 0).state == "lost", "the failure is told")
    assert "KeyError" in broken.stats(0, 0).detail
    broken.stop()
    capture.stop()
    ring.close()
