"""Check what Bitwig is sent and what it is heard to say, against a peer that speaks as DrivenByMoss does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.daws.base import Before, Delivery, Here, Reach, TargetError, Told, Track, Tracks
from bridge.daws.bitwig import BitwigAdapter, as_ascii
from bridge.daws.wire import osc
from library.sounds import MidiProgram, Sound
from tests.bridge.bitwig_peer import BitwigTrack, DrivenByMoss, bundle
from tests.bridge.host_peers import UdpHost, Watched, until, watch
from tests.bridge.osc_peer import free_port

KICK = Sound("drums/kick.wav", "kick", "sample", "/x/kick.wav", None, "", "drums", "")
FLUTE = Sound("gm:0:73", "Flute", "gm", "", MidiProgram(0, 0, None, 73), "", "gm", "")
PAD = Sound("presets/Pad.bwpreset", "Pad", "preset", "/x/Pad.bwpreset", None, "", "presets", "")


def run(scenario: Callable[[], Coroutine[None, None, None]]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 60))


def hearing(host: DrivenByMoss) -> BitwigAdapter:
    adapter = BitwigAdapter()
    for payload in host.flush(dump=True):
        adapter.read(payload)
    return adapter


def sent(delivery: Delivery | None) -> list[bytes]:
    assert delivery is not None
    return [step.payload for step in delivery.steps]


def test_it_listens_on_8000_sends_to_9000_and_is_asked_for_everything() -> None:
    adapter = BitwigAdapter()
    assert adapter.reach == Reach("osc", 8000, 9000, probe_s=5.0)
    assert adapter.probe() == (b"/refresh\0\0\0\0,\0\0\0",)


def test_a_sample_goes_into_the_first_empty_slot_of_a_track() -> None:
    adapter = hearing(DrivenByMoss(BitwigTrack("Drums"), BitwigTrack("Loops", clips=["a", None, "b", *[None] * 5])))
    delivery = adapter.load(KICK, None, Track(2, "Loops"))
    assert sent(delivery)[0] == b"/track/2/clip/2/insertFile\0\0,s\0\0/x/kick.wav\0"
    assert (delivery.method, delivery.detail) == ("file", "kick in clip slot 2 of track Loops")


def test_without_a_track_the_selected_one_is_taken() -> None:
    host = DrivenByMoss(BitwigTrack("Drums"), BitwigTrack("Loops"))
    host.selected = 1
    delivery = hearing(host).load(KICK, None, None)
    assert sent(delivery)[0] == b"/track/selected/clip/1/insertFile\0\0\0,s\0\0/x/kick.wav\0"
    assert delivery.target == "clip slot 1 of track Loops"


@pytest.mark.parametrize(
    ("host", "sound", "track", "why"),
    [
        (DrivenByMoss(), KICK, None, "no track is selected in Bitwig"),
        (DrivenByMoss(BitwigTrack("Drums")), KICK, Track(1, "Gone"), "Bitwig told of no such track"),
        (DrivenByMoss(BitwigTrack("Keys", audio=False)), KICK, Track(1, "Keys"), "track Keys takes no audio clips"),
        (DrivenByMoss(BitwigTrack("A", clips=["x"] * 8)), KICK, None, "track A has no empty clip slot on the page"),
    ],
)
def test_what_bitwig_cannot_take_is_named_with_the_reason(
    host: DrivenByMoss, sound: Sound, track: Track | None, why: str
) -> None:
    delivery = hearing(host).load(sound, None, track)
    assert (delivery.method, delivery.steps) == ("text", ())
    assert why in delivery.detail


@pytest.mark.parametrize("path", ["/x/kïck.wav", "/x/" + "k" * 1024 + ".wav", "/x/a\nb.wav", "/x/\udcff.wav"])
def test_a_path_that_cannot_be_sent_falls_back_to_the_program(path: str) -> None:
    sound = Sound("k", "kick", "sample", path, None, "", "drums", "")
    delivery = hearing(DrivenByMoss(BitwigTrack("Drums"))).load(sound, MidiProgram(0, None, None, 5), None)
    assert (delivery.method, delivery.packets) == ("program", (b"\xc0\x05",))
    assert "path" in delivery.detail


def test_sounds_without_a_file_go_by_their_program() -> None:
    assert hearing(DrivenByMoss(BitwigTrack("A"))).load(FLUTE, FLUTE.program, None).method == "program"


def test_tracks_are_listed_once_all_is_told_and_found_as_bitwig_writes_them() -> None:
    adapter = BitwigAdapter()
    dump = DrivenByMoss(BitwigTrack("Gitärre"), BitwigTrack("東")).flush(dump=True)
    events = [event for payload in dump for event in adapter.read(payload)]
    tracks = (Track(1, "Gitaerre"), Track(2, "?"))
    assert [event for event in events if isinstance(event, Tracks)] == [Tracks(tracks)]
    assert Told("selected track", "Gitaerre") in events
    assert Told("transport", "playing") in events
    assert Told("tempo", "120") in events
    assert adapter.track("gitärre", tracks) == Track(1, "Gitaerre")
    assert adapter.track("東", tracks) == Track(2, "?")
    assert adapter.track("", tracks) is None
    with pytest.raises(TargetError, match="no track Bass; there is Gitaerre, "):
        adapter.track("Bass", tracks)


def read(payload: bytes) -> tuple[object, ...]:
    return BitwigAdapter().read(payload)


def test_ascii_is_written_as_drivenbymoss_does() -> None:
    assert as_ascii("Ä ä Ö ö Ü ü ß é ♯ ñ") == "Ae ae Oe oe Ue ue ss e # ?"


def test_a_preset_is_chosen_by_rows_of_the_open_browser() -> None:
    host = DrivenByMoss(BitwigTrack("Keys"), presets=("Bass", "Lead", "Pad"))
    host(osc("/browser/preset"))
    delivery = hearing(host).load(PAD, None, None)
    plus, commit = b"/browser/result/+\0\0\0,\0\0\0", b"/browser/commit\0,\0\0\0"
    assert (delivery.method, sent(delivery)) == ("preset", [plus, plus, commit])


def test_the_browser_is_opened_for_a_preset_and_says_what_to_do() -> None:
    delivery = hearing(DrivenByMoss(BitwigTrack("Keys"))).load(PAD, None, None)
    assert (delivery.method, sent(delivery)) == ("text", [b"/browser/preset\0,\0\0\0"])
    assert "list the preset there, then choose it again" in delivery.detail


def test_a_preset_that_the_open_browser_does_not_list_is_left_to_the_user() -> None:
    host = DrivenByMoss(BitwigTrack("Keys"), presets=("Bass",))
    host(osc("/browser/preset"))
    delivery = hearing(host).load(PAD, None, None)
    assert (delivery.method, delivery.steps) == ("text", ())


@given(st.binary(max_size=200))
def test_any_bytes_are_read(data: bytes) -> None:
    read(data)
    read(bundle(data + bytes(-len(data) % 4)))


@given(
    st.from_regex(r"/(track|browser)/(selected|result|[0-9]{1,4})/(clip/[0-9]{1,4}/)?[a-zA-Z]{1,12}", fullmatch=True),
    st.one_of(st.integers(-(2**31), 2**31 - 1), st.text(st.characters(codec="ascii", exclude_characters="\0"))),
)
def test_any_value_at_any_address_is_read(address: str, value: int | str) -> None:
    assert Here() in read(osc(address, "s" if isinstance(value, str) else "i", value))


@asynccontextmanager
async def bitwig(host: DrivenByMoss) -> AsyncIterator[tuple[UdpHost, BitwigAdapter, Watched]]:
    """Run a session with a peer that answers to a port of its own, as it is set there."""
    replies = free_port()
    server = UdpHost(lambda payload: host(payload), replies)
    await server.start()
    adapter = BitwigAdapter(Reach("osc", server.port, replies, probe_s=0.1))
    try:
        async with watch(adapter) as seen:
            await until(lambda: seen.session.state == "online" and bool(seen.tracks), "online")
            yield server, adapter, seen
    finally:
        await server.stop()


def test_a_sample_is_inserted_confirmed_and_taken_back() -> None:
    async def scenario() -> None:
        host = DrivenByMoss(BitwigTrack("Drums", clips=["mine", *[None] * 7]))
        async with bitwig(host) as (_, adapter, seen):
            assert seen.tracks[-1] == (Track(1, "Drums"),)
            delivery = adapter.load(KICK, None, adapter.track("drums", seen.tracks[-1]))
            done = await seen.session.carry_out(delivery.steps)
            assert (done.result, host.tracks[0].clips[:3]) == ("ok", ["mine", "kick", None])
            undo = adapter.restore(Before(kept={**delivery.keeps, **done.kept}), None)
            assert sent(undo) == [b"/track/1/clip/2/remove\0\0,\0\0\0"]
            assert undo is not None
            assert (await seen.session.carry_out(undo.steps)).result == "ok"
            assert host.tracks[0].clips[:3] == ["mine", None, None]

    run(scenario)


def test_a_clip_that_was_renamed_or_replaced_is_not_removed() -> None:
    async def scenario() -> None:
        host = DrivenByMoss(BitwigTrack("Drums"))
        async with bitwig(host) as (_, adapter, seen):
            delivery = adapter.load(KICK, None, None)
            done = await seen.session.carry_out(delivery.steps)
            before = Before(kept={**delivery.keeps, **done.kept})
            assert adapter.restore(before, None) is not None
            host.tracks[0].clips[0] = "hers"
            await until(lambda: adapter.restore(before, None) is None, "told of the other clip")
            assert adapter.restore(Before(), None) is None

    run(scenario)


def test_a_preset_is_chosen_in_the_browser_and_confirmed() -> None:
    async def scenario() -> None:
        host = DrivenByMoss(BitwigTrack("Keys"), presets=("Bass", "Lead", "Pad"))
        async with bitwig(host) as (_, adapter, seen):
            opened = adapter.load(PAD, None, None)
            assert (await seen.session.carry_out(opened.steps)).result == "ok"
            await until(lambda: adapter.load(PAD, None, None).method == "preset", "rows are told")
            done = await seen.session.carry_out(adapter.load(PAD, None, None).steps)
            assert (done.result, host.chosen, host.browsing) == ("ok", "Pad", False)

    run(scenario)


def test_a_bitwig_that_was_restarted_with_other_tracks_gets_nothing_at_the_old_numbers() -> None:
    async def scenario() -> None:
        host = DrivenByMoss(BitwigTrack("Drums"), BitwigTrack("Loops"))
        async with bitwig(host) as (server, adapter, seen):
            loops = Track(2, "Loops")
            assert list(seen.tracks[-1]) == [Track(1, "Drums"), loops]
            await server.stop()
            await until(lambda: seen.session.state == "offline", "offline")
            assert list(seen.tracks[-1]) == []
            host.tracks = [BitwigTrack("Loops"), BitwigTrack("Vocals")]
            host.selected = 1
            await server.start(server.port)
            await until(lambda: seen.session.state == "online" and seen.tracks[-1] != (), "online again")
            assert list(seen.tracks[-1]) == [Track(1, "Loops"), Track(2, "Vocals")]
            assert adapter.load(KICK, None, loops).steps == ()
            again = adapter.load(KICK, None, adapter.track("loops", seen.tracks[-1]))
            assert (await seen.session.carry_out(again.steps)).result == "ok"
            assert (host.tracks[0].clips[0], host.tracks[1].clips[0]) == ("kick", None)

    run(scenario)
