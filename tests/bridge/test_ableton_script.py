"""Check the Remote Script's messages over a real socket, with small stand-ins for Live's objects.

What Live itself does with these calls is not checked: no Live runs here.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.daws import base
from bridge.daws.ableton import AbletonAdapter
from bridge.daws.base import Before, Reach
from bridge.daws.wire import host_messages, osc
from library.sounds import Sound
from tests.bridge.host_peers import Watched, until, watch
from tests.bridge.peers_ableton import SCRIPTS, Device, Item, Live, OldSimpler, OldTrack, Simpler, Track, remote_script

KICK = Sound("k/kick.wav", "Kick", "sample", "/s/kick.wav", None, "", "k", "")
PAD = Sound("p/pad.adg", "Pad", "preset", "/m/Places/Drums/Pad.adg", None, "", "p", "")
PLACES = (Item("Drums", Item("Pad"), Item("Clap.wav"), Item("More", Item("Hat.wav"))),)
Load = Callable[[str], ModuleType]


def run(scenario: Callable[[], Coroutine[None, None, None]]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 60))


@pytest.fixture
def load() -> Iterator[Load]:
    with remote_script() as importer:
        yield importer


@contextlib.asynccontextmanager
async def served(live: Live, load: Load) -> AsyncIterator[tuple[AbletonAdapter, Watched]]:
    """Run the Remote Script around a small Live; gives an adapter and its session, online."""
    server, tick = live.serve(load)

    async def ticking() -> None:
        while True:
            tick()
            await asyncio.sleep(0.01)

    task = asyncio.create_task(ticking())
    adapter = AbletonAdapter(Reach("osc", server.port, probe_s=0.05))
    try:
        async with watch(adapter) as seen:
            await until(lambda: bool(seen.tracks) and adapter.load(KICK, None, None).method == "file", "found")
            yield adapter, seen
    finally:
        task.cancel()
        server.close()


def bass(adapter: AbletonAdapter, seen: Watched, name: str = "Bass") -> base.Track | None:
    return adapter.track(name, seen.tracks[-1])


def test_a_sample_replaces_that_of_simpler_and_comes_back(load: Load) -> None:
    async def scenario() -> None:
        simpler = Simpler("/s/old.wav")
        live = Live(Track("1-MIDI"), Track("Bass", simpler))
        async with served(live, load) as (adapter, seen):
            done = await seen.session.carry_out(adapter.load(KICK, None, bass(adapter, seen)).steps)
            assert (done.result, simpler.sample and simpler.sample.file_path) == ("ok", "/s/kick.wav")
            # The track moves and is renamed: undo still finds it.
            live.tracks.insert(0, Track("New"))
            live.tracks[2].name = "Kick"
            undo = adapter.restore(Before(kept=done.kept), None)
            assert undo is not None
            assert (await seen.session.carry_out(undo.steps)).result == "ok"
            assert simpler.sample is not None
            assert simpler.sample.file_path == "/s/old.wav"
            assert live.shown == ["Timbrel: Kick", "Timbrel: Kick"]
            assert live.steps == 0

    run(scenario)


def test_a_track_without_instrument_gets_a_simpler_and_loses_it_again(load: Load) -> None:
    async def scenario() -> None:
        live = Live(Track("Bass", Device("EQ Eight", "Eq8", 2)))
        async with served(live, load) as (adapter, seen):
            done = await seen.session.carry_out(adapter.load(KICK, None, None).steps)
            assert (done.result, [d.name for d in live.tracks[0].devices]) == ("ok", ["EQ Eight", "Simpler"])
            for result in ("ok", "failed"):
                undo = adapter.restore(Before(kept=done.kept), None)
                assert undo is not None
                assert (await seen.session.carry_out(undo.steps)).result == result
            assert [d.name for d in live.tracks[0].devices] == ["EQ Eight"]

    run(scenario)


def test_an_older_live_loads_what_its_browser_lists(load: Load) -> None:
    async def scenario() -> None:
        live = Live(OldTrack("1-MIDI"), OldTrack("Bass", OldSimpler()), places=PLACES, version=(11, 3))
        clap = replace(KICK, path="/m/Places/Drums/Clap.wav")
        async with served(live, load) as (adapter, seen):
            assert (await seen.session.carry_out(adapter.load(clap, None, bass(adapter, seen)).steps)).result == "ok"
            done = await seen.session.carry_out(adapter.load(PAD, None, bass(adapter, seen)).steps)
            assert (done.result, [d.name for d in live.tracks[1].devices]) == ("ok", ["Pad"])
            # What a preset replaced is Live's to bring back.
            assert adapter.restore(Before(kept=done.kept), None) is None

    run(scenario)


@pytest.mark.parametrize(
    ("path", "track", "reason"),
    [
        ("/s/missing.wav", "Bass", "Live says: file not found"),
        ("/s/broken.wav", "Bass", "Live did not show what was loaded"),
        ("/s/kick.wav", "Gone", "there is no track Gone"),
        ("/s/kick.wav", "Twin", "several tracks are named Twin"),
        ("/s/kick.wav", "Lead", "track Lead has the instrument Serum; take one with Simpler, or without"),
        ("/elsewhere/Pad.adg", "Bass", "Live's browser does not list /elsewhere/Pad.adg; add its folder to Places"),
    ],
)
def test_what_is_not_loaded_is_told_with_the_reason(load: Load, path: str, track: str, reason: str) -> None:
    async def scenario() -> None:
        live = Live(Track("Bass", Simpler()), Track("Twin"), Track("Twin"), Track("Lead", Device("Serum")))
        async with served(live, load) as (adapter, seen):
            plan = adapter.load(replace(KICK, path=path), None, base.Track(1, track))
            done = await seen.session.carry_out(plan.steps)
            assert (done.result, done.detail) == ("failed", f"ableton says {reason}")
            assert live.steps == 0

    run(scenario)


def test_a_script_that_started_again_does_not_mistake_an_old_token(load: Load) -> None:
    live = Live(Track("Bass", Simpler("/s/old.wav")))
    loading = load(".loading")
    first, second = loading.Loader(live, live.browser), loading.Loader(live, live.browser)
    token = first.load("Bass", "/s/kick.wav").before
    second.load("Bass", "/s/snare.wav")
    with pytest.raises(loading.Refused, match="nothing is known"):
        second.restore(token)


def test_messages_are_coded_as_by_an_independent_library(load: Load) -> None:
    server = load(".server")
    assert server.encode(("/a/b", (7, 0.5, "ü"))) == osc("/a/b", "ifs", 7, 0.5, "ü")
    assert server.decode(osc("/a/b", "ifs", 7, 0.5, "ü")) == ("/a/b", (7, 0.5, "ü"))
    assert server.decode(b"/a\0\0") is None
    assert server.decode(b"/a\0\0,i\0\0") is None
    assert server.decode(b"/a\0\0,b\0\0\0\0\0\0") is None


@given(st.binary(max_size=80), st.text(max_size=20))
def test_no_bytes_and_no_arguments_stop_the_script(data: bytes, text: str) -> None:
    with remote_script() as importer:
        decoded = importer(".server").decode(data)
        assert decoded is None or host_messages(data) or decoded[0].startswith("/")
        live = Live(Track("Bass"))
        service = importer(".service").Service(importer(".loading").Loader(live, live.browser), live, live.shown.append)
        for address in ("load", "restore", "before", "hello"):
            for args in ((), (text,), (1, text), (1, text, text, text)):
                assert isinstance(service.handle(f"/timbrel/live/{address}", args, None), list)


def test_live_makes_the_script_by_its_usual_call(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    live = Live(Track("Bass"))
    scheduled: list[Callable[[], None]] = []

    class ControlSurface:
        """What Live's base class has of what the script uses."""

        def __init__(self, c_instance: Any) -> None:
            self.ended = False

        def song(self) -> Live:
            return live

        def show_message(self, text: str) -> None:
            live.shown.append(text)

        def schedule_message(self, ticks: int, call: Callable[[], None]) -> None:
            scheduled.append(call)

        def disconnect(self) -> None:
            self.ended = True

    surface = ModuleType("_Framework.ControlSurface")
    surface.ControlSurface = ControlSurface  # type: ignore[attr-defined]  # a module made here
    api = ModuleType("Live")
    api.Application = type("Application", (), {"get_application": staticmethod(lambda: live)})  # type: ignore[attr-defined]
    for name, module in (
        ("_Framework", ModuleType("_Framework")),
        ("_Framework.ControlSurface", surface),
        ("Live", api),
    ):
        monkeypatch.setitem(sys.modules, name, module)
    server = load(".server")
    monkeypatch.setattr(server.Server.__init__, "__defaults__", (0,))
    script = load("").create_instance(None)
    assert live.shown == ["Timbrel: listening on port 11002"]
    scheduled.pop()()
    assert len(scheduled) == 1
    script.disconnect()
    scheduled.pop()()
    assert (script.ended, scheduled) == (True, [])


def test_the_script_is_written_in_the_python_of_live_11() -> None:
    files = sorted((SCRIPTS / "Timbrel").glob("*.py"))
    assert len(files) == 5
    for file in files:
        tree = ast.parse(file.read_text("utf-8"), feature_version=(3, 7))
        assert any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in tree.body), file
