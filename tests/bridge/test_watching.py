"""Keep a real process running beside this one, and let it step aside."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from bridge.watching import Watch, watch_beside
from library.errors import InputError

SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)", "timbrel-test-sleeper"]
WAIT_S = 30.0


def sleepers() -> list[psutil.Process]:
    found = []
    for one in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):  # it has ended, and nobody has asked how yet
            found += [one] if "timbrel-test-sleeper" in one.cmdline() else []
    return found


def wait(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    running = Watch(SLEEPER, tmp_path / "manifest.json")
    running.start()
    yield running
    running.close()
    assert sleepers() == []


def test_a_watch_that_is_held_has_ended_and_runs_again_when_it_is_let_go(watch: Watch) -> None:
    wait(lambda: len(sleepers()) == 1)
    for _ in range(2):
        watch.hold()
        assert sleepers() == []
        watch.release()
        wait(lambda: len(sleepers()) == 1)


def test_a_watch_that_was_let_go_is_held_again_at_once(watch: Watch) -> None:
    wait(lambda: len(sleepers()) == 1)
    watch.hold()
    watch.release()
    watch.hold()
    assert sleepers() == []
    watch.release()


def test_a_watch_that_crashed_is_started_again_when_the_library_changes(watch: Watch, tmp_path: Path) -> None:
    wait(lambda: len(sleepers()) == 1)
    first = sleepers()[0]
    first.kill()
    (tmp_path / "manifest.json").write_text("{}")
    wait(lambda: [sleeper.pid != first.pid for sleeper in sleepers()] == [True])


def test_the_built_in_library_is_not_watched() -> None:
    with pytest.raises(InputError, match="never changes"), watch_beside("gm", "cpu", None):
        pass
