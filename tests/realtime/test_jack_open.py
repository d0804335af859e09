"""Tests of how JACK is opened, without any server."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

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

_OPENS = """
import threading, time
from pathlib import Path
from realtime.capture import _end_with_parent
from realtime.jack_open import opening
threading.Thread(target=_end_with_parent, daemon=True).start()
with opening():
    Path({begun!r}).touch()
    time.sleep(0.7)
    Path({opened!r}).touch()
time.sleep(60)
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


def test_a_capture_process_that_is_ended_while_it_opens_something_gets_it_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, opened = tmp_path / "begun", tmp_path / "opened"
    code = _OPENS.format(begun=str(begun), opened=str(opened))
    monkeypatch.setattr("realtime.supervisor.capture_command", lambda _job: [sys.executable, "-c", code])
    ring = Ring.create(1.0, 48_000)
    capture = CaptureProcess({"kind": "jack"}, ring)
    capture.start()
    wait_for(begun.exists, "it opens")
    assert not opened.exists()
    capture.stop()
    assert opened.exists()
    ring.close()
