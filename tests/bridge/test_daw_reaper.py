"""Check what REAPER is sent over OSC and what is understood, with a surface that answers as its source says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.daws.base import Before, DawAdapter, Here, Reach, TargetError, Told, Track, Tracks
from bridge.daws.reaper import BANK, ReaperHttpAdapter, ReaperOscAdapter
from bridge.daws.wire import host_messages, osc
from library.sounds import MidiProgram, Sound
from tests.bridge.host_peers import UdpHost, Watched, until, watch
from tests.bridge.peers_reaper import LUA, OscReaper, free_port

PIANO = Sound("gm:0:0", "Piano", "gm", "", MidiProgram(None, 1, 2, 5), "", "gm", "")
PROGRAM = MidiProgram(3, 1, 2, 5)
WARM = Sound("p/warm.fxp", "Warm", "preset", "/p/warm.fxp", None, "", "p", "")
FILED = replace(WARM, path="/p/Wärm.vstpreset")
KICK = Sound("k/kick.wav", "Kick", "sample", "/s/kick; 1/2.wav", None, "", "k", "")
BASS = Track(2, "Bass")
needs_lua = pytest.mark.skipif(LUA is None, reason="lua5.3 is not installed")


def run(scenario: Callable[[], Coroutine[None, None, None]]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 60))


async def online(seen: Watched) -> None:
    await until(lambda: seen.session.state == "online", "online")


def test_the_usual_ports_are_those_of_reapers_dialogue() -> None:
    adapter: DawAdapter = ReaperOscAdapter()
    assert adapter.reach == Reach("osc", 8000, 9000)
    assert ReaperHttpAdapter().reach == Reach("http", 8080)


def test_the_probe_makes_it_forget_the_names_and_tell_them() -> None:
    probe = ReaperOscAdapter().probe()
    assert probe[0] == b"/track/1/name\0\0\0,\0\0\0"
    assert probe[7] == b"/track/8/name\0\0\0,\0\0\0"
    assert probe[8:] == (b"/device/track/count\0,i\0\0\0\0\0\x08",)


def test_a_program_goes_as_bank_and_program_to_the_virtual_keyboard() -> None:
    plan = ReaperOscAdapter().load(PIANO, PROGRAM, None)
    assert [step.payload for step in plan.steps] == [
        b"/vkb_midi/3/cc/0\0\0\0\0,i\0\0\0\0\0\x01",
        b"/vkb_midi/3/cc/32\0\0\0,i\0\0\0\0\0\x02",
        b"/vkb_midi/3/program\0,i\0\0\0\0\0\x05",
    ]
    assert (plan.method, plan.packets, plan.messages, plan.target) == ("program", (), (), "channel 4")
    bare = ReaperOscAdapter().load(PIANO, MidiProgram(0, None, None, 5), None)
    assert [step.payload for step in bare.steps] == [b"/vkb_midi/0/program\0,i\0\0\0\0\0\x05"]


def test_a_preset_goes_by_name_or_by_its_vst3_file() -> None:
    plan = ReaperOscAdapter().load(WARM, None, BASS)
    assert plan.steps[4].payload == b"/track/2/fxinst/preset\0\0,s\0\0Warm\0\0\0\0"
    assert (plan.method, plan.target, plan.steps[5].value) == ("preset", "track Bass", "Warm")
    filed = ReaperOscAdapter().load(FILED, None, BASS)
    assert filed.steps[-1].payload == b"/track/2/fxinst/preset\0\0,s\0\0/p/W\xc3\xa4rm.vstpreset\0\0"


def test_what_can_not_be_sent_falls_back_and_says_why() -> None:
    long = replace(FILED, path="/" + "x" * 1100 + ".vstpreset", program=PIANO.program)
    plan = ReaperOscAdapter().load(long, PROGRAM, BASS)
    assert (plan.method, "hosts take 1024" in plan.detail) == ("program", True)
    assert ReaperOscAdapter().load(long, None, BASS).method == "text"
    for path in ("a\0.vstpreset", "\udc80.vstpreset"):
        assert ReaperOscAdapter().load(replace(FILED, path=path), None, BASS).method == "text"
    assert "name one" in ReaperOscAdapter().load(WARM, None, None).detail
    assert ReaperOscAdapter().load(KICK, None, BASS).method == "text"


def test_tracks_are_listed_once_all_eight_are_told_and_numbers_stay_those_of_the_bank() -> None:
    adapter = ReaperOscAdapter()
    for number in range(1, BANK):
        assert not any(isinstance(e, Tracks) for e in adapter.read(osc(f"/track/{number}/name", "s", f"T{number}")))
    events = adapter.read(osc("/track/8/name", "s", "T8"))
    assert events[-1] == Tracks(tuple(Track(at, f"T{at}") for at in range(1, 9)))
    assert adapter.read(osc("/track/9/name", "s", "T9")) == (Here(),)
    assert adapter.track("t2", (Track(2, "T2"),)) == Track(2, "T2")
    with pytest.raises(TargetError, match="no track Flute; there is T2"):
        adapter.track("Flute", (Track(2, "T2"),))


def test_the_transport_and_presets_are_understood() -> None:
    adapter = ReaperOscAdapter()
    assert adapter.read(osc("/play", "f", 1.0)) == (Here(), Told("transport", "playing"))
    assert adapter.read(osc("/stop", "f", 0.0)) == (Here(),)
    assert adapter.read(osc("/track/3/fxinst/preset", "s", "Pad")) == (Here(), Told("preset 3", "Pad"))
    assert adapter.read(osc("/track/3/fxinst/preset-", "f", 0.0)) == (Here(),)


@given(st.binary(max_size=200) | st.text().map(lambda text: osc("/track/1/name", "s", text.replace("\0", ""))))
def test_no_bytes_trouble_the_osc_adapter(data: bytes) -> None:
    for event in ReaperOscAdapter().read(data):
        assert isinstance(event, (Here, Told, Tracks))


@asynccontextmanager
async def osc_pair(
    names: list[str], presets: tuple[str, ...] = ()
) -> AsyncIterator[tuple[UdpHost, OscReaper, ReaperOscAdapter]]:
    """Run a small REAPER; gives its server, what it holds, and an adapter that reaches it."""
    reaper, replies = OscReaper(names, presets), free_port()
    host = UdpHost(reaper, replies)
    await host.start()
    try:
        yield host, reaper, ReaperOscAdapter(Reach("osc", host.port, replies, probe_s=0.05))
    finally:
        await host.stop()


def test_a_preset_is_set_read_back_and_brought_back_over_osc() -> None:
    async def scenario() -> None:
        async with osc_pair(["Keys", "Bass"], ("Init", "Warm")) as (_, reaper, adapter), watch(adapter) as seen:
            await until(lambda: bool(seen.tracks), "tracks")
            assert [track.name for track in seen.tracks[-1]] == ["Keys", "Bass", *(f"Track {n}" for n in range(3, 9))]
            track = adapter.track("bass", seen.tracks[-1])
            done = await seen.session.carry_out(adapter.load(WARM, None, track).steps)
            assert (done.result, done.kept["preset 2"], reaper.held) == ("ok", "Init", ["Init", "Warm"])
            undo = adapter.restore(Before(kept=done.kept), track)
            assert undo is not None
            assert (await seen.session.carry_out(undo.steps)).result == "ok"
            assert reaper.held == ["Init", "Init"]
            again = await seen.session.carry_out(adapter.load(replace(WARM, name="Nope"), None, track).steps)
            assert (again.result, again.detail) == ("failed", "reaper says Init, not Nope")
            by_file = await seen.session.carry_out(adapter.load(FILED, None, track).steps)
            assert by_file.result == "queued"
            await until(lambda: reaper.held[1] == "/p/Wärm.vstpreset", "loaded by its file")

    run(scenario)


def test_nothing_is_sent_to_a_track_that_another_took_the_place_of() -> None:
    async def scenario() -> None:
        async with osc_pair(["Keys", "Bass"], ("Warm",)) as (_, reaper, adapter), watch(adapter) as seen:
            await online(seen)
            reaper.names.insert(0, "New")
            reaper.held.insert(0, "Init")
            done = await seen.session.carry_out(adapter.load(WARM, None, BASS).steps)
            assert (done.result, done.detail) == ("failed", "reaper says Keys, not Bass")
            assert reaper.held == ["Init"] * 3

    run(scenario)


def test_a_program_over_osc_is_sent_in_order_but_never_confirmed() -> None:
    async def scenario() -> None:
        async with osc_pair(["Keys"]) as (_, reaper, adapter), watch(adapter) as seen:
            await online(seen)
            assert (await seen.session.carry_out(adapter.load(PIANO, PROGRAM, None).steps)).result == "queued"
            await until(lambda: len(reaper.midi) == 3, "three messages")
            assert reaper.midi == [("/vkb_midi/3/cc/0", 1), ("/vkb_midi/3/cc/32", 2), ("/vkb_midi/3/program", 5)]
            undo = adapter.restore(Before(PIANO, MidiProgram(3, None, None, 7)), None)
            assert undo is not None
            await seen.session.carry_out(undo.steps)
            await until(lambda: reaper.midi[-1] == ("/vkb_midi/3/program", 7), "undone")
            assert reaper.dropped == 0
        assert adapter.restore(Before(), None) is None

    run(scenario)


def test_reaper_killed_and_started_again_is_seen_with_its_new_tracks() -> None:
    async def scenario() -> None:
        async with osc_pair(["Keys"]) as (host, _, adapter), watch(adapter) as seen:
            port = host.port
            await until(lambda: bool(seen.tracks), "tracks")
            await host.stop()
            await until(lambda: seen.session.state == "offline", "offline")
            assert seen.tracks[-1] == ()
            other = UdpHost(OscReaper(["Drums"]), adapter.reach.reply_port)
            await other.start(port)
            await until(lambda: bool(seen.tracks[-1]) and seen.tracks[-1][0].name == "Drums", "new tracks")
            assert seen.states == ["probing", "online", "offline", "online"]
            await other.stop()

    run(scenario)


def test_the_fake_drops_what_reaper_drops() -> None:
    reaper = OscReaper(["Keys"])
    assert reaper(b"/" + b"x" * 1100 + b"\0\0\0,\0\0\0") == []
    assert reaper.dropped == 1
    told = [m.address for bundle in reaper(osc("/device/track/count", "i", 8)) for m in host_messages(bundle)]
    assert len(told) == 16
    assert reaper(osc("/device/track/count", "i", 8)) == []
