"""Check what Surge XT is sent and what it is heard to say, against a peer that speaks as old and new versions do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.daws.base import Before, Delivery, Here, Reach, TargetError, Told
from bridge.daws.surge import SurgeAdapter
from bridge.daws.wire import host_messages, osc
from library.sounds import MidiProgram, Sound
from tests.bridge.host_peers import UdpHost, Watched, until, watch
from tests.bridge.osc_peer import free_port


def patch(path: str) -> Sound:
    return Sound(path, path.rpartition("/")[2].removesuffix(".fxp"), "preset", path, None, "", "surge", "")


LEAD, PAD = patch("/p/Lead.fxp"), patch("/p/Big.Pad.fxp")


class Surge:
    """Answer as Surge XT does: to its own port, a patch once it is loaded, errors as text.

    Args:
        old: It can't tell the patch when asked, tells it with the suffix, and says nothing of a file that is missing.
    """

    def __init__(self, *, old: bool = False) -> None:
        self.old = old
        self.patch = "/factory/Init Saw"
        self.disk = {"/factory/Init Saw.fxp", LEAD.path, PAD.path, "/pätch/Flöte.fxp"}

    def __call__(self, payload: bytes) -> list[bytes]:
        one = host_messages(payload)[0]
        if one.address == "/q/patch":
            return [osc("/error", "s", "No query available for 'patch'")] if self.old else [self._told("/patch")]
        if one.address != "/patch/load" or set(one.types) != {"s"}:
            return []
        file = f"{one.args[0]}.fxp"
        if file not in self.disk:
            return [] if self.old else [osc("/error", "s", f"File not found: {file}")]
        self.patch = str(one.args[0])
        return [self._told("/patch/load"), osc("/param/a/vca/gain", "fs", 0.5, "-6 dB")]

    def _told(self, address: str) -> bytes:
        return osc(address, "s", f"{self.patch}.fxp" if self.old else self.patch)


def run(scenario: Callable[[], Coroutine[None, None, None]]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 60))


def sent(delivery: Delivery | None) -> list[bytes]:
    assert delivery is not None
    return [step.payload for step in delivery.steps]


def test_it_listens_on_53280_sends_to_53281_and_is_asked_for_its_patch() -> None:
    adapter = SurgeAdapter()
    assert adapter.reach == Reach("osc", 53280, 53281)
    assert adapter.probe() == (b"/q/patch\0\0\0\0,\0\0\0",)


def test_a_patch_is_loaded_without_its_suffix() -> None:
    delivery = SurgeAdapter().load(PAD, None, None)
    assert sent(delivery) == [b"/patch/load\0,s\0\0/p/Big.Pad\0\0"]
    assert (delivery.method, delivery.target, delivery.keeps) == ("file", "patch", {})


def test_other_sounds_fall_back() -> None:
    adapter = SurgeAdapter()
    flute = Sound("gm:0:73", "Flute", "gm", "", MidiProgram(0, 0, None, 73), "", "gm", "")
    assert adapter.load(flute, flute.program, None).packets == (b"\xb0\x00\x00", b"\xc0\x49")
    assert adapter.load(patch("/p/x.vital"), None, None).method == "text"
    shouted = adapter.load(patch("/p/Lead.FXP"), None, None)
    assert (shouted.method, "in small letters" in shouted.detail) == ("text", True)


@pytest.mark.parametrize("path", ["/" + "p" * 1024 + ".fxp", "/\udcff.fxp", "/a\0b.fxp"])
def test_a_path_that_cannot_be_sent_falls_back(path: str) -> None:
    delivery = SurgeAdapter().load(patch(path), MidiProgram(0, None, None, 5), None)
    assert (delivery.method, delivery.packets) == ("program", (b"\xc0\x05",))
    assert "can't be sent" in delivery.detail


def test_patches_and_missing_files_are_understood() -> None:
    adapter = SurgeAdapter()
    lead = Told("patch /p/Lead", "/p/Lead")
    assert adapter.read(b"/patch/load\0,s\0\0/p/Lead\0") == (Here(), lead)
    assert adapter.read(osc("/patch/load", "s", "/p/Lead.fxp")) == (Here(), lead)
    assert adapter.read(osc("/patch", "s", "/p/Lead")) == (Here(), lead)
    assert adapter.read(osc("/patch", "s", "<unknown patch>")) == (Here(),)
    missing = Told("patch /p/x", "there is no /p/x.fxp", ok=False)
    assert adapter.read(osc("/error", "s", "File not found: /p/x.fxp")) == (Here(), missing)
    assert adapter.read(osc("/error", "s", "No query available for 'patch'")) == (Here(),)


def test_undo_goes_by_what_it_told_else_by_the_choice_before() -> None:
    adapter = SurgeAdapter()
    assert adapter.restore(Before(), None) is None
    assert sent(adapter.restore(Before(LEAD), None)) == [b"/patch/load\0,s\0\0/p/Lead\0"]
    adapter.read(osc("/patch", "s", "/factory/Init"))
    kept = adapter.load(LEAD, None, None).keeps
    assert sent(adapter.restore(Before(PAD, None, kept), None)) == [b"/patch/load\0,s\0\0/factory/Init\0\0\0"]


def test_it_has_no_tracks() -> None:
    assert SurgeAdapter().track("", ()) is None
    with pytest.raises(TargetError, match="track 1 must be empty: Surge XT has one patch"):
        SurgeAdapter().track("1", ())


@given(st.binary(max_size=200))
def test_any_bytes_are_read(data: bytes) -> None:
    SurgeAdapter().read(data)


@given(
    st.sampled_from(["/patch", "/patch/load", "/error"]), st.text(st.characters(exclude_characters="\0", codec="utf-8"))
)
def test_any_text_is_read_and_can_be_kept(address: str, text: str) -> None:
    adapter = SurgeAdapter()
    adapter.read(osc(address, "s", text[:200]))
    kept = adapter.load(LEAD, None, None).keeps
    adapter.restore(Before(kept=kept), None)


@asynccontextmanager
async def surge(host: Surge) -> AsyncIterator[tuple[UdpHost, SurgeAdapter, Watched]]:
    """Run a session with a peer that answers to the port that is set there."""
    replies = free_port()
    server = UdpHost(host, replies)
    await server.start()
    adapter = SurgeAdapter(Reach("osc", server.port, replies, probe_s=0.05))
    try:
        async with watch(adapter) as seen:
            await until(lambda: seen.session.state == "online", "online")
            yield server, adapter, seen
    finally:
        await server.stop()


@pytest.mark.parametrize("path", [PAD.path, "/pätch/Flöte.fxp"])
def test_a_patch_is_loaded_read_back_and_taken_back(path: str) -> None:
    async def scenario() -> None:
        host = Surge()
        async with surge(host) as (_, adapter, seen):
            delivery = adapter.load(patch(path), None, None)
            assert (await seen.session.carry_out(delivery.steps)).result == "ok"
            assert host.patch == path.removesuffix(".fxp")
            undo = adapter.restore(Before(kept=delivery.keeps), None)
            assert undo is not None
            assert (await seen.session.carry_out(undo.steps)).result == "ok"
            assert host.patch == "/factory/Init Saw"

    run(scenario)


def test_a_missing_patch_fails_with_its_name() -> None:
    async def scenario() -> None:
        host = Surge()
        async with surge(host) as (_, adapter, seen):
            done = await seen.session.carry_out(adapter.load(patch("/p/Gone.fxp"), None, None).steps)
            assert (done.result, done.detail) == ("failed", "surge says there is no /p/Gone.fxp")

    run(scenario)


def test_an_old_version_that_cannot_be_asked_is_online_and_told_what_to_load() -> None:
    async def scenario() -> None:
        host = Surge(old=True)
        async with surge(host) as (_, adapter, seen):
            assert (await seen.session.carry_out(adapter.load(LEAD, None, None).steps)).result == "ok"
            assert adapter.load(PAD, None, None).keeps == {"patch": "/p/Lead"}

    run(scenario)


def test_a_surge_that_was_killed_is_offline_and_its_new_patch_is_known_when_it_is_back() -> None:
    async def scenario() -> None:
        host = Surge()
        async with surge(host) as (server, adapter, seen):
            assert (await seen.session.carry_out(adapter.load(LEAD, None, None).steps)).result == "ok"
            await server.stop()
            await until(lambda: seen.session.state == "offline", "offline")
            host.patch = "/factory/Init Saw"
            await server.start(server.port)
            await until(lambda: seen.session.state == "online", "online again")
            assert adapter.load(PAD, None, None).keeps == {"patch": "/factory/Init Saw"}
            assert seen.states == ["probing", "online", "offline", "online"]

    run(scenario)
