"""Check what REAPER is asked over its web interface, what is understood, and the script inside it."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.daws.base import Before, Chose, Here, Reach, Told, Track, Tracks
from bridge.daws.reaper import ReaperHttpAdapter
from library.sounds import MidiProgram, Sound
from tests.bridge.host_peers import Watched, until, watch
from tests.bridge.peers_reaper import LUA, SCRIPT, LuaScript, PlainScript, Script, WebReaper

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


def test_the_web_probe_takes_the_sign_of_life_away_and_lists_tracks() -> None:
    assert ReaperHttpAdapter().probe() == (
        b"/_/GET/EXTSTATE/timbrel/alive;SET/EXTSTATE/timbrel/alive/;"
        b"GET/EXTSTATE/timbrel/choice;SET/EXTSTATE/timbrel/choice/;TRACK;NTRACK",
    )


def test_a_load_request_is_escaped_and_carried_in_parts() -> None:
    plan = ReaperHttpAdapter().load(KICK, None, BASS)
    assert (plan.method, plan.target) == ("file", "track Bass")
    assert [step.payload for step in plan.steps[:3]] == [
        b"/_/SET/EXTSTATE/timbrel/part.1/sample%0ABass%0A%2Fs%2Fkick%3B%201%2F2.wav%0AKick;GET/EXTSTATE/timbrel/part.1",
        b"/_/SET/EXTSTATE/timbrel/answer.1/;SET/EXTSTATE/timbrel/request/1%201;GET/EXTSTATE/timbrel/request",
        b"/_/GET/EXTSTATE/timbrel/answer.1",
    ]
    assert plan.steps[0].value == "sample\nBass\n/s/kick; 1/2.wav\nKick"


def test_a_long_path_is_cut_into_commands_that_reaper_reads_whole() -> None:
    path = "/сэмплы/" + "ъ" * 700 + ".wav"
    plan = ReaperHttpAdapter().load(replace(KICK, path=path), None, None)
    parts = [step for step in plan.steps if step.answer.startswith("part.")]
    assert len(parts) > 3
    assert all(len(c) <= 1023 for step in parts for c in step.payload[3:].split(b";"))
    assert "".join(str(step.value) for step in parts) == f"sample\n\n{path}\nKick"
    assert unquote(parts[0].payload.decode().split(";")[0]).endswith(str(parts[0].value))


def test_what_can_not_be_told_over_the_web_falls_back() -> None:
    for path in ("/a\nb.wav", "/\udc80.wav", "/" + "ъ" * 4000 + ".wav"):
        plan = ReaperHttpAdapter().load(replace(KICK, path=path), PROGRAM, None)
        assert (plan.method, "path can't be sent" in plan.detail) == ("program", True)
    text = ReaperHttpAdapter().load(replace(PIANO, program=None), None, None)
    assert text.method == "text"
    assert text.steps[0].payload == b"/_/SET/EXTSTATE/timbrel/text/Piano;GET/EXTSTATE/timbrel/text"


def test_answers_of_the_web_interface_are_understood() -> None:
    read = ReaperHttpAdapter().read
    assert read(b"EXTSTATE\ttimbrel\talive\t1 7.22/x64\n") == (Here("7.22/x64"),)
    assert read(b"EXTSTATE\ttimbrel\talive\t\n") == ()
    assert read(b"EXTSTATE\ttimbrel\talive\t2 8.0\n") == ()
    assert read(b"EXTSTATE\ttimbrel\tchoice\t7 3\n") == (Chose(3, 7),)
    assert read(b"EXTSTATE\ttimbrel\tpart.1\tC:\\\\new\\ta\\nb\n") == (Told("part.1", "C:\\new\ta\nb"),)
    assert read(b"EXTSTATE\ttimbrel\tanswer.4\tfailed\\nno such file\n")[1] == Told("done.4", "no such file", ok=False)
    tracks = b"TRACK\t0\tMASTER\t0\nTRACK\t1\tKeys\t0\nTRACK\t2\t\t0\n"
    assert read(tracks + b"NTRACK\t2\n") == (Tracks((Track(1, "Keys"), Track(2, "Track 2"))),)
    assert read(tracks + b"NTRACK\t3\n") == ()


@given(
    st.binary(max_size=300)
    | st.text().map(lambda t: f"EXTSTATE\ttimbrel\tanswer.1\t{t}\nTRACK\t{t}\nNTRACK\t{t}".encode())
)
def test_no_bytes_trouble_the_web_adapter(data: bytes) -> None:
    for event in ReaperHttpAdapter().read(data):
        assert isinstance(event, (Here, Told, Tracks))


@asynccontextmanager
async def web_pair(script: Script) -> AsyncIterator[tuple[WebReaper, ReaperHttpAdapter]]:
    """Run REAPER's web interface around a script; gives it and an adapter that reaches it."""
    host = WebReaper(script)
    await host.start()
    try:
        yield host, ReaperHttpAdapter(Reach("http", host.port, probe_s=0.3))
    finally:
        await host.stop()


def test_a_sample_is_loaded_answered_and_taken_back_over_the_web() -> None:
    async def scenario() -> None:
        script = PlainScript(["Keys", "Bass"])
        async with web_pair(script) as (_, adapter), watch(adapter) as seen:
            await until(lambda: bool(seen.tracks), "tracks")
            assert seen.tracks[-1] == (Track(1, "Keys"), BASS)
            done = await seen.session.carry_out(adapter.load(KICK, None, BASS).steps)
            assert (done.result, script.files["Bass"]) == ("ok", KICK.path)
            undo = adapter.restore(Before(kept=done.kept), BASS)
            assert undo is not None
            assert (await seen.session.carry_out(undo.steps)).result == "ok"
            assert script.files["Bass"] == ""
            gone = await seen.session.carry_out(adapter.load(KICK, None, Track(3, "Gone")).steps)
            assert (gone.result, gone.detail) == ("failed", "reaper-http says there is no track Gone")

    run(scenario)


def test_a_script_that_ended_is_offline_though_reaper_answers_and_a_restart_is_seen() -> None:
    async def scenario() -> None:
        async with web_pair(PlainScript(["Keys"])) as (host, adapter), watch(adapter) as seen:
            await online(seen)
            host.runs = False
            await until(lambda: seen.session.state == "offline", "offline without its script")
            host.runs = True
            await online(seen)
            port = host.port
            await host.stop()
            await until(lambda: seen.session.state == "offline", "offline")
            await host.start(port)
            await online(seen)
            assert seen.states == ["probing", "online", "offline", "online", "offline", "online"]

    run(scenario)


@pytest.fixture
def lua() -> Iterator[LuaScript]:
    script = LuaScript()
    yield script
    script.close()


@needs_lua
def test_the_script_is_valid_lua() -> None:
    done = subprocess.run(
        [str(LUA), "-e", f"assert(loadfile({str(SCRIPT)!r}))"],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@needs_lua
def test_the_script_loads_a_sample_into_the_sampler_and_takes_it_back(lua: LuaScript) -> None:
    async def scenario() -> None:
        async with web_pair(lua) as (_, adapter), watch(adapter) as seen:
            await until(lambda: bool(seen.tracks), "tracks")
            assert [t.name for t in seen.tracks[-1]] == ["Keys", "Bass", "Track 3", "Twin", "Twin"]
            sampler = "VSTi: ReaSamplOmatic5000 (Cockos)"
            first = await seen.session.carry_out(adapter.load(KICK, None, BASS).steps)
            assert (first.result, lua.ask("fx", "Bass")) == ("ok", f"{sampler}={KICK.path}")
            snare = replace(KICK, path="/s/snäre \\n.wav", name="Snare")
            second = await seen.session.carry_out(adapter.load(snare, None, BASS).steps)
            assert (second.result, lua.ask("fx", "Bass")) == ("ok", f"{sampler}={snare.path}")
            for done, left in ((second, f"{sampler}={KICK.path}"), (first, "")):
                undo = adapter.restore(Before(kept=done.kept), BASS)
                assert undo is not None
                assert (await seen.session.carry_out(undo.steps)).result == "ok"
                assert lua.ask("fx", "Bass") == left
            assert lua.ask("undo") == "Timbrel: Kick;Timbrel: Snare;Timbrel: undo;Timbrel: undo"
            again = adapter.restore(Before(kept=first.kept), BASS)
            assert again is not None
            assert "not there any more" in (await seen.session.carry_out(again.steps)).detail

    run(scenario)


@needs_lua
def test_the_script_sets_presets_on_the_selected_track_and_puts_the_state_back(lua: LuaScript) -> None:
    async def scenario() -> None:
        lua.ask("open", "Keys", "VSTi: Synth")
        async with web_pair(lua) as (_, adapter), watch(adapter) as seen:
            await online(seen)
            none = await seen.session.carry_out(adapter.load(WARM, None, None).steps)
            assert none.detail == "reaper-http says no track is selected"
            lua.ask("select", "Keys")
            done = await seen.session.carry_out(adapter.load(WARM, None, None).steps)
            assert (done.result, lua.ask("fx", "Keys")) == ("ok", "VSTi: Synth=Warm")
            undo = adapter.restore(Before(kept=done.kept), None)
            assert undo is not None
            assert (await seen.session.carry_out(undo.steps)).result == "ok"
            assert lua.ask("fx", "Keys") == "VSTi: Synth=Init"

    run(scenario)


@needs_lua
@pytest.mark.parametrize(
    ("sound", "track", "reason"),
    [
        (KICK, Track(9, "Gone"), "there is no track Gone"),
        (KICK, Track(4, "Twin"), "several tracks are named Twin"),
        (replace(KICK, path="/missing.wav"), BASS, "there is no file /missing.wav"),
        (replace(KICK, path="/broken.wav"), BASS, "ReaSamplOmatic5000 did not take /broken.wav"),
        (WARM, BASS, "the track has no instrument"),
    ],
)
def test_the_script_says_why_it_failed(lua: LuaScript, sound: Sound, track: Track, reason: str) -> None:
    async def scenario() -> None:
        async with web_pair(lua) as (_, adapter), watch(adapter) as seen:
            await online(seen)
            done = await seen.session.carry_out(adapter.load(sound, None, track).steps)
            assert (done.result, done.detail) == ("failed", f"reaper-http says {reason}")

    run(scenario)


@needs_lua
def test_the_script_sends_programs(lua: LuaScript) -> None:
    async def scenario() -> None:
        async with web_pair(lua) as (_, adapter), watch(adapter) as seen:
            await online(seen)
            assert (await seen.session.carry_out(adapter.load(PIANO, PROGRAM, None).steps)).result == "ok"
            assert lua.ask("midi") == "0 179 0 1;0 179 32 2;0 195 5 0"

    run(scenario)


@needs_lua
def test_the_script_shows_the_list_tells_what_was_clicked_and_ends_with_its_window(lua: LuaScript) -> None:
    adapter = ReaperHttpAdapter()
    WebReaper(lua).commands(adapter.show(["Kick", "Snare; 100 %", "x" * 300], 7).decode())
    assert [lua.get(f"list.{at}") for at in range(3)] == ["7", "Kick", "Snare; 100 %"]
    lua.ask("click", "2")
    assert adapter.read(f"EXTSTATE\ttimbrel\tchoice\t{lua.get('choice')}\n".encode()) == (Chose(2, 7),)
    lua.set("choice", "")
    lua.ask("click", "5")
    assert lua.get("choice") == ""
    lua.ask("close")
    lua.turn()
    lua.turn()
    assert lua.get("alive") == ""


def test_eight_names_fit_into_one_request() -> None:
    shown = ReaperHttpAdapter().show(["ъ" * 400] * 12, 1)
    assert len(shown) < 4095
    assert all(len(command) <= 1023 for command in shown[3:].split(b";"))
    assert shown.count(b"/list.") == 9
