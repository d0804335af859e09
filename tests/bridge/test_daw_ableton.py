"""Check what Live is sent through AbletonOSC, what is understood, with a peer that has AbletonOSC's habits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.daws.ableton import AbletonAdapter
from bridge.daws.base import Before, DawAdapter, Here, Reach, TargetError, Told, Track, Tracks
from bridge.daws.wire import osc
from library.sounds import MidiProgram, Sound
from tests.bridge.host_peers import until, watch
from tests.bridge.peers_ableton import AbletonOsc
from tests.bridge.peers_reaper import free_port

PIANO = Sound("gm:0:0", "Piano", "gm", "", MidiProgram(None, 1, None, 5), "", "gm", "")
PROGRAM = MidiProgram(3, 1, None, 5)
KICK = Sound("k/kick.wav", "Kick", "sample", "/s/kick.wav", None, "", "k", "")
PAD = Sound("p/pad.adg", "Pad", "preset", "/p/pad.adg", None, "", "p", "")
BASS = Track(2, "Bass")
SHOW_KICK = b"/live/api/show_message\0\0,s\0\0Timbrel: Kick\0\0\0"
VERSION = b"/live/application/get/version\0\0\0,\0\0\0"
COUNT = b"/live/song/get/num_tracks\0\0\0,\0\0\0"


def run(scenario: Callable[[], Coroutine[None, None, None]]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 60))


def with_loader() -> AbletonAdapter:
    adapter = AbletonAdapter()
    adapter.read(osc("/timbrel/live/hello", "is", 1, "12.4"))
    return adapter


def test_the_usual_ports_are_those_of_abletonosc() -> None:
    adapter: DawAdapter = AbletonAdapter()
    assert adapter.reach == Reach("osc", 11000, 11001)


def test_the_probe_asks_for_version_tracks_tempo_the_loader_and_the_selection() -> None:
    assert AbletonAdapter().probe() == (
        VERSION,
        b"/live/song/get/track_names\0\0,\0\0\0",
        b"/live/song/get/tempo\0\0\0\0,\0\0\0",
        b"/timbrel/live/hello\0,\0\0\0",
        b"/live/view/get/selected_track\0\0\0,\0\0\0",
    )


def test_a_file_goes_to_the_remote_script_with_the_name_of_its_track() -> None:
    plan = with_loader().load(KICK, None, BASS)
    assert [step.payload for step in plan.steps] == [
        SHOW_KICK,
        b"/timbrel/live/load\0\0,isss\0\0\0\0\0\0\x01Bass\0\0\0\0/s/kick.wav\0Kick\0\0\0\0",
        b"/timbrel/live/before\0\0\0\0,i\0\0\0\0\0\x01",
    ]
    assert (plan.method, plan.target, plan.steps[1].answer) == ("file", "track Bass", "loaded 1")
    assert with_loader().load(PAD, None, None).method == "preset"
    undo = with_loader().restore(Before(kept={"before 1": "s-1"}), BASS)
    assert undo is not None
    assert undo.steps[0].payload == b"/timbrel/live/restore\0\0\0,is\0\0\0\0\x01s-1\0"


def test_a_program_goes_by_midi_and_the_name_to_the_status_bar() -> None:
    plan = AbletonAdapter().load(replace(PIANO, name="Kick"), PROGRAM, BASS)
    assert (plan.method, plan.packets) == ("program", (b"\xb3\0\x01", b"\xc3\x05"))
    assert [step.payload for step in plan.steps] == [SHOW_KICK, COUNT]
    undo = AbletonAdapter().restore(Before(PIANO, PROGRAM), None)
    assert undo is not None
    assert undo.packets == plan.packets
    assert AbletonAdapter().restore(Before(), None) is None


def test_without_the_remote_script_or_with_a_path_that_is_too_long_it_falls_back_and_says_why() -> None:
    plan = AbletonAdapter().load(KICK, PROGRAM, None)
    assert (plan.method, "Remote Script Timbrel" in plan.detail) == ("program", True)
    text = AbletonAdapter().load(KICK, None, None)
    assert (text.method, text.steps[0].payload) == ("text", SHOW_KICK)
    for path in ("/" + "x" * 1100 + ".wav", "/\0.wav", "/\udc80.wav"):
        long = with_loader().load(replace(KICK, path=path), PROGRAM, None)
        assert (long.method, "path can't be sent" in long.detail) == ("program", True)
    assert with_loader().load(replace(KICK, name="a\0b" + "ü" * 900), None, None).method == "file"
    assert with_loader().load(replace(PAD, path="/p/pad.vstpreset"), None, None).method == "text"


def test_answers_are_understood_whether_numbers_are_integers_or_floats() -> None:
    read = AbletonAdapter().read
    for types in ("ii", "ff"):
        assert read(osc("/live/application/get/version", types, 12, 1)) == (Here("12.1"),)
    assert read(osc("/live/view/get/selected_track", "f", 2.0)) == (Told("selected track", "3"),)
    assert read(osc("/live/song/get/tempo", "f", 98.5)) == (Told("tempo", "98.5"),)
    assert read(osc("/live/song/get/track_names", "ss", "1-MIDI", "Bass")) == (
        Tracks((Track(1, "1-MIDI"), Track(2, "Bass"))),
    )
    assert read(osc("/live/song/get/num_tracks", "i", 4)) == (Told("tracks", "4"),)
    assert read(osc("/live/error", "s", "boom")) == (Told("error", "boom", ok=False),)
    assert read(osc("/timbrel/live/loaded", "iis", 4, 0, "no such track")) == (
        Told("loaded 4", "no such track", ok=False),
    )
    assert read(osc("/timbrel/live/loaded", "ifs", 4, 1.0, "done")) == (Told("loaded 4", "done"),)


def test_tracks_are_found_by_name_first_and_a_name_that_two_have_is_refused() -> None:
    tracks = (Track(1, "2"), Track(2, "Bass"), Track(3, "Pad"), Track(4, "pad"))
    adapter = AbletonAdapter()
    assert adapter.track("2", tracks) == Track(1, "2")
    assert adapter.track("3", tracks) == Track(3, "Pad")
    assert adapter.track("", tracks) is None
    with pytest.raises(TargetError, match="2 tracks are named pad"):
        adapter.track("pad", tracks)


ADDRESSES = st.sampled_from(
    [
        "/live/application/get/version",
        "/live/song/get/track_names",
        "/live/view/get/selected_track",
        "/live/song/get/tempo",
        "/live/song/get/num_tracks",
        "/timbrel/live/hello",
        "/timbrel/live/loaded",
        "/timbrel/live/before",
        "/live/error",
        "/live/startup",
    ]
)
ARGS = st.lists(
    st.integers(-(2**31), 2**31 - 1) | st.floats(width=32) | st.text(max_size=9).map(lambda t: t.replace("\0", "")),
    max_size=4,
)


@given(st.binary(max_size=200))
def test_no_bytes_trouble_the_adapter(data: bytes) -> None:
    for event in AbletonAdapter().read(data):
        assert isinstance(event, (Here, Told, Tracks))


@given(ADDRESSES, ARGS)
def test_no_arguments_trouble_the_adapter(address: str, args: list[int | float | str]) -> None:
    types = "".join({int: "i", float: "f", str: "s"}[type(arg)] for arg in args)
    for event in AbletonAdapter().read(osc(address, types, *args)):
        assert isinstance(event, (Here, Told, Tracks))


@asynccontextmanager
async def ableton(names: list[str]) -> AsyncIterator[tuple[AbletonOsc, AbletonAdapter]]:
    """Run a small AbletonOSC; gives it and an adapter that reaches it."""
    replies = free_port()
    live = AbletonOsc(names, replies)
    await live.start()
    try:
        yield live, AbletonAdapter(Reach("osc", live.port, replies, probe_s=0.1))
    finally:
        await live.stop()


def test_abletonosc_is_found_listed_and_asked_only_once_for_what_it_does_not_know() -> None:
    async def scenario() -> None:
        async with ableton(["1-MIDI", "Bass"]) as (live, adapter), watch(adapter) as seen:
            await until(lambda: bool(seen.tracks), "tracks")
            assert (seen.session.state, seen.tracks[-1]) == ("online", (Track(1, "1-MIDI"), BASS))
            await until(lambda: "/timbrel/live/hello" in live.asked, "asked for the loader")
            asked = live.asked.count("/live/song/get/track_names")
            await until(lambda: live.asked.count("/live/song/get/track_names") > asked + 5, "more probes")
            # Probes that were on their way before its first answer.
            assert live.asked.count("/timbrel/live/hello") <= 4
            plan = adapter.load(KICK, PROGRAM, BASS)
            done = await seen.session.carry_out(plan.steps)
            assert (plan.method, done.result, live.shown) == ("program", "ok", ["Timbrel: Kick"])
            undo = adapter.restore(Before(PIANO, PROGRAM), BASS)
            assert undo is not None
            assert (await seen.session.carry_out(undo.steps)).result == "ok"
            assert live.shown[-1] == "Timbrel: Piano"

    run(scenario)


def test_a_selected_return_track_does_not_take_the_rest_of_the_answers_away() -> None:
    async def scenario() -> None:
        async with ableton(["Bass"]) as (live, adapter), watch(adapter) as seen:
            live.selected = 5
            await until(lambda: bool(seen.tracks), "tracks")
            await until(lambda: live.asked.count("/live/song/get/tempo") > 5, "more probes")
            assert seen.session.state == "online"

    run(scenario)


def test_live_killed_and_started_again_is_seen_with_its_new_tracks() -> None:
    async def scenario() -> None:
        async with ableton(["Bass"]) as (live, adapter), watch(adapter) as seen:
            await until(lambda: bool(seen.tracks), "tracks")
            port = live.port
            await live.stop()
            await until(lambda: seen.session.state == "offline", "offline")
            assert seen.tracks[-1] == ()
            assert (await seen.session.carry_out(adapter.load(PIANO, PROGRAM, None).steps)).result == "failed"
            live.names = ["Drums", "Bass"]
            await live.start(port)
            await until(lambda: seen.tracks[-1] == (Track(1, "Drums"), BASS), "new tracks")
            assert seen.states == ["probing", "online", "offline", "online"]

    run(scenario)
