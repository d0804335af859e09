"""See the child of a player end with it, on a real JACK server without a sound card."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from realtime.player import Player
from tests.integration.jack import JackServer, jack_server, wait_for
from tests.integration.previews import Heard
from tests.realtime.signals import tone

pytestmark = pytest.mark.daw

_PARENT = """
import threading, time, numpy
from realtime.player import Player
playing = threading.Event()
player = Player("jack:system:playback_.*", "", lambda event: playing.set(), answer_s=15.0)
player.play(numpy.full(60_000, 0.1, numpy.float32), 10_000)
playing.wait(30)
print(player.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def server() -> Iterator[JackServer]:
    with jack_server() as running:
        yield running


def test_the_child_ends_with_the_player_and_leaves_the_graph(server: JackServer) -> None:
    heard = Heard()
    player = Player("jack:system:playback_.*", "jack:daw:.*", heard, server=server.name, answer_s=15.0)
    number = player.play(tone(440.0, 1.0), 16_000)
    wait_for(lambda: heard.has(number, "playing"), "it plays")
    pid = player.pid
    assert pid is not None
    player.close()
    assert not psutil.pid_exists(pid)
    with server.client() as probe:
        wait_for(lambda: not probe.get_ports("timbrel_preview"), "its ports are gone")


def test_the_child_ends_with_a_parent_that_was_killed(server: JackServer) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT], stdout=subprocess.PIPE, text=True, env=server.environment
    )
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    assert child.is_running()
    parent.kill()
    parent.communicate(timeout=10)
    wait_for(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, "the child is gone")
    with server.client() as probe:
        wait_for(lambda: not probe.get_ports("timbrel_preview"), "its ports are gone")
