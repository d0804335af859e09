"""Drive Carla through a session, against a peer that speaks as its OSC engine does."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager

from bridge.daws.base import Before, Reach, Track
from bridge.daws.carla import CarlaAdapter
from library.sounds import MidiProgram
from tests.bridge.carla_peer import LV2, SF2, CarlaPeer, RackPlugin
from tests.bridge.host_peers import Watched, until, watch
from tests.bridge.test_daw_carla import BRASS, CELLO, DISK, FLUTE, FONT, GM, KIT, SFZ_KIT, TRUMPET, preset


def run(scenario: Callable[[], Coroutine[None, None, None]]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 60))


def free_tcp_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def carla(peer: CarlaPeer) -> AsyncIterator[tuple[CarlaAdapter, Watched]]:
    """Run a session with a peer that connects back."""
    await peer.start()
    adapter = CarlaAdapter(Reach("osc-tcp", peer.port, free_tcp_port(), probe_s=0.1))
    try:
        async with watch(adapter) as seen:
            await until(lambda: seen.session.state == "online", "online")
            yield adapter, seen
    finally:
        await peer.stop()


def test_a_file_is_loaded_with_its_program_and_removed_again() -> None:
    async def scenario() -> None:
        peer = CarlaPeer(DISK)
        async with carla(peer) as (adapter, seen):
            await until(
                lambda: adapter.load(FLUTE, FLUTE.program, None).detail.find("not told") < 0, "its rack is told"
            )
            delivery = adapter.load(KIT, KIT.program, None)
            done = await seen.session.carry_out(delivery.steps)
            assert (done.result, done.detail) == ("ok", "")
            await until(lambda: peer.plugins[0].program == 129, "the program is chosen")
            assert (peer.plugins[0].name, peer.plugins[0].path) == ("Kit", FONT)
            await until(lambda: bool(seen.tracks) and seen.tracks[-1] == (Track(0, "Kit"),), "it is a track")
            undo = adapter.restore(Before(kept={**delivery.keeps, **done.kept}), None)
            assert undo is not None
            assert (await seen.session.carry_out(undo.steps)).result == "ok"
            assert peer.plugins == []

    run(scenario)


def test_a_plugin_gets_back_the_file_and_program_that_it_had() -> None:
    async def scenario() -> None:
        peer = CarlaPeer(DISK, [RackPlugin("Strings", SF2, FONT, "gm", GM, 48)])
        async with carla(peer) as (adapter, seen):
            await until(lambda: bool(seen.tracks), "tracks")
            delivery = adapter.load(TRUMPET, TRUMPET.program, adapter.track("strings", seen.tracks[-1]))
            done = await seen.session.carry_out(delivery.steps)
            assert done.result == "ok"
            assert [(one.name, one.path) for one in peer.plugins] == [("Strings", BRASS)]
            undo = adapter.restore(Before(kept={**delivery.keeps, **done.kept}), None)
            assert undo is not None
            assert (await seen.session.carry_out(undo.steps)).result == "ok"
            await until(lambda: peer.plugins[0].program == 48, "its program is back")
            assert [(one.name, one.path) for one in peer.plugins] == [("Strings", FONT)]

    run(scenario)


def test_what_carla_cannot_load_fails_with_its_reason() -> None:
    async def scenario() -> None:
        peer = CarlaPeer(DISK, [RackPlugin("Strings", SF2, FONT, "gm", GM, 0)])
        async with carla(peer) as (adapter, seen):
            await until(lambda: bool(seen.tracks), "tracks")
            missing = adapter.load(preset("Gone", "/fonts/gone.sf2", 1), MidiProgram(0, 0, None, 1), None)
            failed = await seen.session.carry_out(missing.steps)
            assert (failed.result, failed.detail) == ("failed", "carla says Failed to load file")
            odd = preset("Odd", BRASS, 3)
            failed = await seen.session.carry_out(adapter.load(odd, odd.program, None).steps)
            assert "the file is loaded, but it has no program 4 in bank 0" in failed.detail

    run(scenario)


def test_an_sfz_kit_is_found_by_its_name_and_replaced_by_the_next_choice() -> None:
    async def scenario() -> None:
        peer = CarlaPeer(DISK)
        async with carla(peer) as (adapter, seen):
            await until(
                lambda: adapter.load(FLUTE, FLUTE.program, None).detail.find("not told") < 0, "its rack is told"
            )
            assert (await seen.session.carry_out(adapter.load(SFZ_KIT, None, None).steps)).result == "ok"
            assert [one.name for one in peer.plugins] == ["Kit"]
            again = adapter.load(TRUMPET, TRUMPET.program, None)
            assert (await seen.session.carry_out(again.steps)).result == "ok"
            assert [(one.name, one.path) for one in peer.plugins] == [("Kit", BRASS)]

    run(scenario)


def test_carla_that_has_another_client_stays_unavailable_until_that_leaves() -> None:
    async def scenario() -> None:
        peer = CarlaPeer(DISK)
        await peer.start()
        peer.registered = (free_tcp_port(), "/ctrl")  # Carla-Control was first
        adapter = CarlaAdapter(Reach("osc-tcp", peer.port, free_tcp_port(), probe_s=0.1))
        async with watch(adapter) as seen:
            await until(lambda: peer.exit_errors >= 2, "refused")
            assert "online" not in seen.states
            assert peer.registered[1] == "/ctrl"
            peer.registered = None
            await until(lambda: seen.session.state == "online", "online")
        await peer.stop()

    run(scenario)


def test_a_daemon_that_was_killed_finds_its_registration_again() -> None:
    async def scenario() -> None:
        peer = CarlaPeer(DISK, [RackPlugin("Strings", SF2, FONT, "gm", GM, 0)])
        await peer.start()
        reach = Reach("osc-tcp", peer.port, free_tcp_port(), probe_s=0.1)
        for _ in range(2):
            async with watch(CarlaAdapter(reach)) as seen:
                await until(lambda seen=seen: bool(seen.tracks), "tracks")  # type: ignore[misc]  # bound at once
            assert peer.registered == (reach.reply_port, "/timbrel")
        await peer.stop()

    run(scenario)


def test_a_carla_that_was_restarted_with_other_plugins_is_learnt_anew() -> None:
    async def scenario() -> None:
        peer = CarlaPeer(DISK, [RackPlugin("Strings", SF2, FONT, "gm", GM, 0), RackPlugin("Brass", SF2, BRASS, "b")])
        async with carla(peer) as (adapter, seen):
            brass = Track(1, "Brass")
            await until(lambda: bool(seen.tracks) and seen.tracks[-1] == (Track(0, "Strings"), brass), "tracks")
            await peer.stop()
            await until(lambda: seen.session.state == "offline", "offline")
            assert seen.tracks[-1] == ()
            peer.plugins = [RackPlugin("Brass", SF2, BRASS, "b"), RackPlugin("Vital", LV2, "", "http://vital")]
            await peer.start()
            both = (Track(0, "Brass"), Track(1, "Vital"))
            await until(lambda: seen.session.state == "online" and seen.tracks[-1] == both, "online again")
            assert adapter.load(CELLO, CELLO.program, brass).steps == ()
            await peer.rename(0, "Horns")
            await peer.remove(1)
            await until(lambda: seen.tracks[-1] == (Track(0, "Horns"),), "the rack is followed")
            delivery = adapter.load(CELLO, CELLO.program, adapter.track("horns", seen.tracks[-1]))
            assert (await seen.session.carry_out(delivery.steps)).result == "ok"
            assert [(one.name, one.path) for one in peer.plugins] == [("Horns", FONT)]

    run(scenario)
