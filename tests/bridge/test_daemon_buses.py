"""Run a daemon that listens to several buses."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from bridge.config import Config
from library.errors import DeviceError
from realtime.engine import Engine
from realtime.types import AudioSource
from tests.bridge.osc_peer import Got, OscPeer
from tests.bridge.rig import Rig, ToneSource, open_tone, quick_engine, run_daemon


@pytest.fixture(autouse=True)
def _runtime_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


def begins(seen: list[Got]) -> list[list[object]]:
    return [args for address, args in seen if address == "/timbrel/suggest/begin"]


def lists(peer: OscPeer, *contexts: str) -> dict[object, object]:
    """Register and wait for a list with items of each context; return their numbers by context."""
    peer.send("/timbrel/register", "siis", "desk", 60, 0, ":suggest:status:")
    peer.expect("/timbrel/registered")
    found: dict[object, object] = {}
    for _ in range(200):
        list_id, count, context = peer.expect("/timbrel/suggest/begin")
        if count:
            found[context] = list_id
        if found.keys() >= set(contexts):
            return found
    raise AssertionError(f"only lists of {sorted(map(str, found))} came")


def refreshed(peer: OscPeer) -> list[list[object]]:
    peer.settle()
    peer.send("/timbrel/refresh")
    return begins(peer.until("/timbrel/suggest/8/score"))


def test_both_buses_get_a_list_the_focus_moves_and_either_list_can_be_chosen() -> None:
    opened: list[str] = []

    def open_source(name: str) -> AudioSource:
        opened.append(name)
        return open_tone(name)

    def scenario(rig: Rig) -> None:
        with rig.peer() as peer:
            found = lists(peer, "keys", "strings")
            assert len(set(found.values())) == 2
            assert [one[2] for one in refreshed(peer)][-1] == "keys"
            peer.send("/timbrel/suggest/choose", "ii", 2, found["strings"])
            assert peer.expect("/timbrel/chosen")[:2] == [found["strings"], 2]
            peer.send("/timbrel/bus/set", "s", "strings")
            said = "strings is in focus; its list and labels are sent again"
            assert peer.expect("/timbrel/reply") == ["/timbrel/bus/set", said]
            seen = peer.until("/timbrel/suggest/8/score")
            assert [one[2] for one in begins(seen)] == ["strings"]
            assert sum(address.endswith("/name") for address, _ in seen) == 8
            assert [one[2] for one in refreshed(peer)][-1] == "strings"
            peer.send("/timbrel/suggest/choose", "ii", 1, 0)
            assert peer.expect("/timbrel/chosen")[:2] == [found["strings"], 1]
            peer.send("/timbrel/suggest/choose", "ii", 1, found["keys"])
            assert peer.expect("/timbrel/chosen")[:2] == [found["keys"], 1]
        assert sorted(opened) == ["keys", "strings"]

    rig = run_daemon(scenario, open_source=open_source, input=("keys", "strings"))
    assert rig.daemon.is_clean
    assert rig.said[0] == "listens to keys, strings, library gm"


def test_the_engines_share_encoder_and_library_are_locked_alone_and_tuned_together() -> None:
    loads: list[Engine] = []

    def load(config: Config) -> Engine:
        loads.append(quick_engine(config))
        return loads[-1]

    def scenario(rig: Rig) -> None:
        with rig.peer() as peer:
            lists(peer, "keys", "strings")
            first, second = rig.daemon._buses.engines
            assert loads == [first]
            assert (first.encoder, first.index) == (second.encoder, second.index)
            peer.send("/timbrel/bus/set", "s", "strings")
            peer.expect("/timbrel/reply")
            peer.send("/timbrel/lock", "ii", 1, 1)
            assert peer.expect("/timbrel/reply")[1] == "slot 1 is locked"
            assert [bool(engine._tracker.silence(1e9)) for engine in (first, second)] == [False, True]

    run_daemon(scenario, load=load, input=("keys", "strings"))


def test_the_bus_in_focus_is_switched_and_the_other_goes_on() -> None:
    def scenario(rig: Rig) -> None:
        with rig.peer() as peer:
            found = lists(peer, "keys", "strings")
            peer.send("/timbrel/bus/set", "s", "unknown")
            assert peer.expect("/timbrel/error")[:2] == ["/timbrel/bus/set", 404]
            assert [one[1:] for one in refreshed(peer)] == [[3, "strings"], [3, "keys"]]
            peer.send("/timbrel/bus/set", "s", "silence")
            assert peer.expect("/timbrel/reply") == ["/timbrel/bus/set", "listening to silence"]
            assert [one[1:] for one in refreshed(peer)] == [[3, "strings"], [0, "silence"]]
            peer.send("/timbrel/suggest/choose", "ii", 1, found["strings"])
            assert peer.expect("/timbrel/chosen")[0] == found["strings"]
            peer.send("/timbrel/suggest/choose", "ii", 1, found["keys"])
            assert peer.expect("/timbrel/error")[:2] == ["/timbrel/suggest/choose", 409]
        assert rig.daemon._buses.names == ("silence", "strings")

    run_daemon(scenario, input=("keys", "strings"))


def test_two_switches_at_once_open_one_input() -> None:
    opening, go_on = threading.Event(), threading.Event()

    def open_source(name: str) -> AudioSource:
        if name == "slow":
            opening.set()
            assert go_on.wait(20)
        return open_tone(name)

    def scenario(rig: Rig) -> None:
        with rig.peer() as peer:
            lists(peer, "keys", "strings")
            peer.send("/timbrel/bus/set", "s", "slow")
            assert opening.wait(20)
            peer.send("/timbrel/bus/set", "s", "strings")
            peer.expect("/timbrel/reply")
            peer.send("/timbrel/bus/set", "s", "slow")
            assert peer.expect("/timbrel/error")[:2] == ["/timbrel/bus/set", 503]
            go_on.set()
            assert peer.expect("/timbrel/reply") == ["/timbrel/bus/set", "listening to slow"]
        assert rig.daemon._buses.names == ("slow", "strings")

    run_daemon(scenario, open_source=open_source, input=("keys", "strings"))


def test_a_bus_that_is_silent_does_not_disturb_the_other() -> None:
    def scenario(rig: Rig) -> None:
        with rig.peer() as peer:
            lists(peer, "keys")  # drops what was told before
            for _ in range(200):
                peer.send("/timbrel/refresh")
                told = str(peer.expect("/timbrel/status")[1])
                if told.startswith("hears ") and "silence: the bus is silent" in told:
                    return
                time.sleep(0.05)
            raise AssertionError(f"the last that was told: {told}")

    run_daemon(scenario, input=("silence", "keys"))


def test_an_input_that_is_not_there_is_told_before_anything_starts() -> None:
    with pytest.raises(DeviceError, match="unknown: is no audio input"):
        run_daemon(lambda rig: None, input=("keys", "unknown"))


def test_all_sources_end_with_the_daemon() -> None:
    sources = {name: ToneSource() for name in ("keys", "strings")}

    def scenario(rig: Rig) -> None:
        with rig.peer() as peer:
            lists(peer, "keys", "strings")

    run_daemon(scenario, open_source=sources.__getitem__, input=tuple(sources))
    assert [source._ring for source in sources.values()] == [None, None]
