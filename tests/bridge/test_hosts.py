"""Check that sessions see hosts come and go, and carry steps out in their order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.daws.ardour import ArdourAdapter
from bridge.daws.base import Reach, Step, TargetError, Track, named_track, numbered_track
from bridge.daws.fluidsynth import FluidSynthAdapter
from bridge.daws.wire import host_messages, osc
from bridge.daws.zynaddsubfx import ZynAdapter
from library.sounds import MidiProgram, Sound
from tests.bridge.host_peers import UdpHost, lines_host, until, watch

NAME = osc("/part0/Pname")
PAD = Sound("Zyn/pad.xiz", "Pad", "patch", "/banks/pad.xiz", None, "", "Zyn", "")


def zyn(port: int) -> ZynAdapter:
    return ZynAdapter(Reach("osc", port, probe_s=0.05))


class Zyn:
    """Answer as ZynAddSubFX does: a file that is not there leaves a part without a name."""

    def __init__(self) -> None:
        self.part = "Old"

    def __call__(self, payload: bytes) -> list[bytes]:
        one = host_messages(payload)[0]
        if one.address == "/load_xiz":
            late = osc("/part0/Pname", "s", self.part)  # to a probe that came before
            self.part = "New" if str(one.args[1]).startswith("/banks") else ""
            return [late, osc("/damage", "s", "/part0/")]
        if one.address == "/part0/Penabled":
            return [b"/part0/Penabled\0,T\0\0"]
        return [osc(one.address, "s", self.part)] if one.address == "/part0/Pname" else []


def run(scenario: Callable[[], Coroutine[None, None, None]]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 60))


def test_a_host_that_answers_is_online_and_one_that_falls_silent_is_offline() -> None:
    async def scenario() -> None:
        host = UdpHost(Zyn())
        await host.start()
        async with watch(zyn(host.port)) as seen:
            await until(lambda: seen.session.state == "online", "online")
            port = host.port
            await host.stop()
            await until(lambda: seen.session.state == "offline", "offline")
            await host.start(port)
            await until(lambda: seen.session.state == "online", "online again")
            assert seen.states == ["probing", "online", "offline", "online"]
            await host.stop()

    run(scenario)


def test_steps_wait_for_their_answers_and_keep_what_was_there() -> None:
    async def scenario() -> None:
        host = UdpHost(Zyn())
        await host.start()
        adapter = zyn(host.port)
        async with watch(adapter) as seen:
            await until(lambda: seen.session.state == "online", "online")
            done = await seen.session.carry_out(adapter.load(PAD, None, None).steps)
            assert (done.result, done.kept) == ("ok", {"part 0": "Old"})
            loads = [p for p in host.got if host_messages(p)[0].address == "/load_xiz"]
            assert loads == [osc("/load_xiz", "is", 0, "/banks/pad.xiz")]
            await host.stop()

    run(scenario)


def test_an_answer_from_before_a_load_does_not_confirm_it() -> None:
    async def scenario() -> None:
        host = UdpHost(Zyn())
        await host.start()
        adapter = zyn(host.port)
        async with watch(adapter) as seen:
            await until(lambda: seen.session.state == "online", "online")
            load = adapter.load(replace(PAD, path="/gone/pad.xiz"), None, None)
            hasty = (*load.steps[:-1], replace(load.steps[-1], patience=3))
            done = await seen.session.carry_out(hasty)
            assert (done.result, done.detail) == ("failed", "zynaddsubfx says nothing")
            await host.stop()

    run(scenario)


def test_an_answer_that_stays_wrong_or_away_fails_with_the_reason() -> None:
    async def scenario() -> None:
        host = UdpHost(Zyn())
        await host.start()
        async with watch(zyn(host.port)) as seen:
            await until(lambda: seen.session.state == "online", "online")
            wrong = Step(NAME, "part 0", "Other", patience=3)
            assert (await seen.session.carry_out([wrong])).detail == "zynaddsubfx says Old, not Other"
            silent = Step(osc("/nothing"), "nothing", wait_s=0.1)
            assert (await seen.session.carry_out([silent])).detail == "zynaddsubfx did not answer within 0.1 s"
            assert (await seen.session.carry_out([Step(osc("/nothing"))])).result == "queued"
            await host.stop()

    run(scenario)


def test_a_line_host_is_asked_what_it_has_before_it_loads() -> None:
    fonts = {"1": "/fonts/gm.sf2"}
    channel = {"0": "1, bank 0, preset 0"}
    got: list[str] = []

    def answer(line: bytes) -> list[bytes]:
        words = line.decode().split()
        got.append(line.decode())
        match words[0]:
            case "echo":
                return [words[1].encode()]
            case "fonts":
                return [b"ID  Name", *(f"{number:>2}  {path}".encode() for number, path in fonts.items())]
            case "load":
                fonts["2"] = words[1]
                return [b"loaded SoundFont has ID 2"]
            case "select":
                channel[words[1]] = f"{words[2]}, bank {words[3]}, preset {words[4]}"
            case "channels":
                return [f"chan {number}, sfont {value}, Name".encode() for number, value in channel.items()]
        return []

    async def scenario() -> None:
        async with lines_host(answer) as port:
            adapter = FluidSynthAdapter(Reach("lines", port, probe_s=0.05))
            async with watch(adapter) as seen:
                await until(lambda: seen.session.state == "online", "online")
                for path, loads in (("/fonts/own.sf2", 1), ("/fonts/own.sf2", 1), ("/fonts/gm.sf2", 1)):
                    sound = Sound("x", "Flute", "soundfont", path, MidiProgram(0, 3, 0, 73), "", "", "")
                    done = await seen.session.carry_out(adapter.load(sound, sound.program, None).steps)
                    assert done.result == "ok"
                    assert sum(line.startswith("load ") for line in got) == loads
                assert [line for line in got if line.startswith("select")] == [
                    "select 0 2 3 73", "select 0 2 3 73", "select 0 1 3 73",
                ]  # fmt: skip
                assert done.kept == {"preset 0": "2 3 73"}
            assert seen.session.state == "online"

    run(scenario)


def test_a_line_host_that_ends_is_offline_at_once_and_found_again() -> None:
    def answer(line: bytes) -> list[bytes]:
        return [line.split()[1]]

    async def scenario() -> None:
        async with lines_host(answer) as port:
            adapter = FluidSynthAdapter(Reach("lines", port, probe_s=0.05))
            task = watch(adapter)
            seen = await task.__aenter__()
            await until(lambda: seen.session.state == "online", "online")
        await until(lambda: seen.session.state == "offline", "offline")
        assert (await seen.session.carry_out([Step(b"echo x")])).detail == "fluidsynth is offline"
        async with lines_host(answer, port):
            await until(lambda: seen.session.state == "online", "online again")
            await task.__aexit__(None, None, None)

    run(scenario)


def test_ardours_strips_become_tracks_and_vanish_with_it() -> None:
    names = ["Keys", "Lead"]

    def answer(payload: bytes) -> list[bytes]:
        if host_messages(payload)[0].address != "/strip/list":
            return []
        strips = [osc("/reply", "ssiiiiii", "MT", name, 0, 2, 0, 0, n, 0) for n, name in enumerate(names, 1)]
        return [
            osc("/reply", "ssiiiiii", "B", "Reverb", 1, 2, 0, 0, 8, 0),
            osc("/reply", "ssiiiiii", "AT", "Drums", 1, 2, 0, 0, 9, 0),
            *strips,
            osc("/reply", "si", "end_route_list", 0),
        ]

    async def scenario() -> None:
        host = UdpHost(answer)
        await host.start()
        async with watch(ArdourAdapter(Reach("osc", host.port, probe_s=0.05))) as seen:
            await until(lambda: bool(seen.tracks), "tracks")
            names.reverse()
            await until(lambda: len(seen.tracks) > 1, "other tracks")
            await host.stop()
            await until(lambda: seen.session.state == "offline", "offline")
            assert seen.tracks == [
                (Track(9, "Drums"), Track(1, "Keys"), Track(2, "Lead")),
                (Track(9, "Drums"), Track(1, "Lead"), Track(2, "Keys")),
                (),
            ]

    run(scenario)


@given(st.binary(max_size=300))
def test_no_bytes_from_a_host_raise(payload: bytes) -> None:
    for adapter in (ZynAdapter(), FluidSynthAdapter(), ArdourAdapter()):
        adapter.read(payload)


def test_tracks_are_found_by_name_then_number_and_refused_in_a_sentence() -> None:
    tracks = (Track(3, "Keys"), Track(4, "Bass"), Track(5, "bass"), Track(6, "3"))
    assert named_track("keys", tracks) == tracks[0]
    assert named_track("3", tracks) == tracks[3]  # a name comes before a number
    assert named_track("4", tracks) == tracks[1]
    assert named_track("", tracks) is None
    with pytest.raises(TargetError, match="2 tracks are named Bass"):
        named_track("Bass", tracks)
    with pytest.raises(TargetError, match="no track Lead; there is Keys, Bass"):
        named_track("Lead", tracks)
    assert numbered_track("16", 16, "part") == Track(16, "part 16")
    for wrong in ("0", "17", "x", "٣"):
        with pytest.raises(TargetError, match="must be a part 1-16"):
            numbered_track(wrong, 16, "part")
