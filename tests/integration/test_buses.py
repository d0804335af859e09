"""Listen to several buses with one daemon, as a user does: one process, two inputs, a list for each."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from library.audio import read_frames, write_audio
from library.demo import load_demo_song
from tests.bridge.osc_peer import Got, OscPeer, free_port
from tests.integration.jack import ToneClient, jack_server
from tests.integration.test_daemon_process import LOAD_S, TIMBREL

pytestmark = pytest.mark.slow


@contextmanager
def listening(tmp_path: Path, *inputs: str) -> Iterator[tuple[subprocess.Popen[str], OscPeer]]:
    """Start a daemon on several inputs; give its process and a client that has registered."""
    names = ("XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME")
    options = [word for name in inputs for word in ("--input", name)]
    process = subprocess.Popen(
        [*TIMBREL, "run", *options, "--midi", "", "--no-page", "--device", "cpu", "--osc", f"127.0.0.1:{free_port()}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | dict.fromkeys(names, str(tmp_path)),
    )
    try:
        assert process.stdout is not None
        line = next((line for line in process.stdout if line.startswith("OSC at ")), None)
        assert line is not None, "the daemon ended before it listened"
        port = int(line.split()[2].split(":")[1].rstrip(","))
        with OscPeer(("127.0.0.1", port), LOAD_S) as peer:
            peer.send("/timbrel/register", "siis", "test", 300, 0, ":suggest:status:")
            peer.expect("/timbrel/registered")
            yield process, peer
    finally:
        process.kill()
        process.communicate(timeout=20)


def newest(peer: OscPeer, *contexts: str) -> dict[str, int]:
    """Ask for the full state until each of these buses has a list with items; return their numbers by context."""
    for _ in range(200):
        seen = refreshed(peer)
        found = {str(args[2]): args[0] for address, args in seen if address.endswith("/begin") and args[1]}
        if found.keys() >= set(contexts):
            return {context: number for context, number in found.items() if isinstance(number, int)}
        peer.expect("/timbrel/suggest/end")  # the next list
    raise AssertionError(f"only lists of {list(found)} came")


def refreshed(peer: OscPeer) -> list[Got]:
    """Return the full state, from its status to the last label; where a list came in between, ask again."""
    for _ in range(20):
        peer.settle()
        peer.send("/timbrel/refresh")
        seen = peer.until("/timbrel/suggest/8/score")
        begins = [place for place, (address, _) in enumerate(seen) if address == "/timbrel/status"]
        state = seen[begins[-1] :] if begins else []
        if len(set(contexts(state))) == len(contexts(state)) > 0:
            return state
    raise AssertionError(f"the state never came whole: {seen}")


def contexts(seen: list[Got]) -> list[object]:
    return [args[2] for address, args in seen if address == "/timbrel/suggest/begin"]


def status(peer: OscPeer, is_right: Callable[[str, str], bool]) -> str:
    """Wait for a status; return its sentence."""
    while True:
        state, text = map(str, peer.expect("/timbrel/status"))
        if is_right(state, text):
            return text


def choose(peer: OscPeer, context: str) -> list[object]:
    """Choose the first sound of a bus by the number of its list; where that has changed meanwhile, of the next one."""
    for _ in range(20):
        number = newest(peer, context)[context]
        peer.send("/timbrel/suggest/choose", "ii", 1, number)
        answers = [one for one in peer.settle() if one[0] in ("/timbrel/chosen", "/timbrel/error")]
        if answers[0][0] == "/timbrel/chosen":
            assert answers[0][1][:2] == [number, 1]
            return answers[0][1]
        assert answers[0][1][1] == 409
    raise AssertionError("every list was stale")


def test_each_recording_has_a_list_the_focus_moves_and_any_list_can_be_chosen(tmp_path: Path) -> None:
    frames, rate = read_frames(load_demo_song().audio)
    write_audio(tmp_path / "later.wav", np.roll(frames, len(frames) // 2, axis=0), rate)
    first, second = f"file:{load_demo_song().audio},loop", f"file:{tmp_path}/later.wav,loop"
    with listening(tmp_path, first, second) as (process, peer):
        numbers = newest(peer, first, second)
        assert numbers[first] != numbers[second]
        text = status(peer, lambda state, text: state == "listening" and text.count(" on ") == 2)
        assert text.startswith("hears ")
        assert contexts(refreshed(peer)) == [second, first]
        assert choose(peer, second)[4] == "ok"
        assert contexts(refreshed(peer)) == [second, first]  # a choice leaves the focus
        peer.send("/timbrel/bus/set", "s", second)
        assert " is in focus" in str(peer.expect("/timbrel/reply")[1])
        assert contexts(refreshed(peer)) == [first, second]
        assert choose(peer, first)[4] == "ok"
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
        assert peer.until("/timbrel/bye")[-2][1] == ["stopped", "stopped by SIGTERM"]


def test_a_bus_whose_ports_go_leaves_the_other_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys, strings = "jack:keys:.*", "jack:strings:.*"
    with jack_server() as server:
        monkeypatch.setenv("JACK_DEFAULT_SERVER", server.name)
        monkeypatch.setenv("JACK_NO_START_SERVER", "1")
        with ToneClient(server, "keys", [440.0, 660.0]), listening(tmp_path, keys, strings) as (process, peer):
            waiting = f"{strings}: waiting for a JACK output"
            status(peer, lambda state, text: state == "no-device" and text.startswith(waiting))
            with ToneClient(server, "strings", [220.0, 330.0]):
                status(peer, lambda state, text: state == "listening" and keys in text and strings in text)
            status(
                peer, lambda state, text: state == "no-device" and text.startswith(waiting) and f" on {keys}" in text
            )
            process.send_signal(signal.SIGTERM)
            assert process.wait(5) == 0
