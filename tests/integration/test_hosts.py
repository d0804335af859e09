"""Load sounds in real synthesisers through their adapters, hear them, and take them back."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bridge.daws.base import Before, Reach
from bridge.daws.fluidsynth import FluidSynthAdapter
from bridge.daws.wire import osc
from bridge.daws.zynaddsubfx import ZynAdapter
from library.sounds import MidiProgram, Sound
from tests.integration.hosts import BANKS, fluidsynth, free_port, hear, likeness, seen, until, zynaddsubfx
from tests.integration.jack import FONT, JackServer, jack_server, needs_fluidsynth

pytestmark = pytest.mark.daw

SAME = 0.97
OTHER = 0.9


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[JackServer]:
    with jack_server() as running:
        monkeypatch.setenv("JACK_DEFAULT_SERVER", running.name)
        monkeypatch.setenv("JACK_NO_START_SERVER", "1")
        yield running


def patch(bank: str, number: int) -> Sound:
    if not BANKS.exists():
        pytest.skip(f"{BANKS} is missing: apt-get install zynaddsubfx-data")
    path = next((BANKS / bank).glob(f"{number:04d}-*.xiz"))
    return Sound(f"Zyn/{path.name}", path.stem[5:], "patch", str(path), None, "", "Zyn", "")


def play_osc(port: int) -> Callable[[], None]:
    def play() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(osc("/noteOff", "ii", 0, 57), ("127.0.0.1", port))
            sock.sendto(osc("/noteOn", "iii", 0, 57, 100), ("127.0.0.1", port))

    return play


def play_shell(port: int) -> Callable[[], None]:
    def play() -> None:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
            sock.sendall(b"noteoff 0 57\nnoteon 0 57 100\n")

    return play


def test_zynaddsubfx_loads_an_instrument_that_is_heard_and_gives_back_the_one_before(
    server: JackServer, tmp_path: Path
) -> None:
    port = free_port(socket.SOCK_DGRAM)
    adapter = ZynAdapter(Reach("osc", port, probe_s=0.3), tmp_path)
    organ, strings = patch("Organ", 1), patch("Strings", 1)

    async def scenario() -> None:
        with zynaddsubfx(server, port) as host:

            async def heard() -> NDArray[np.float32]:
                return await asyncio.to_thread(hear, server, host.ports, play_osc(port))

            async with seen(adapter) as one:
                await one.online()
                first = adapter.load(organ, None, None)
                assert (await one.carry_out(first)).result == "ok"
                before = await heard()
                assert np.abs(before).max() > 0.01
                second = adapter.load(strings, None, None)
                done = await one.carry_out(second)
                assert done.result == "ok"
                assert done.kept["part 0"]
                after = await heard()
                assert likeness(before, after) < OTHER
                undo = adapter.restore(Before(organ, None, {**second.keeps, **done.kept}), None)
                assert undo is not None
                assert (await one.carry_out(undo)).result == "ok"
                assert likeness(before, await heard()) > SAME

                missing = adapter.load(replace(strings, path=str(tmp_path / "gone.xiz")), None, None)
                hasty = replace(missing.steps[-1], patience=5)
                failed = await one.carry_out(replace(missing, steps=(*missing.steps[:-1], hasty)))
                assert failed.result == "failed"

                # Killed and started again in the middle.
                host.kill()
                await until(lambda: one.session.state == "offline", "the session sees that it is gone")
                assert (await one.carry_out(first)).result == "failed"
                await asyncio.to_thread(host.start)
                await one.online()
                assert (await one.carry_out(first)).result == "ok"

    asyncio.run(scenario())


def test_fluidsynth_selects_a_preset_that_is_heard_and_gives_back_the_one_before(
    server: JackServer, tmp_path: Path
) -> None:
    needs_fluidsynth()
    port = free_port(socket.SOCK_STREAM)
    adapter = FluidSynthAdapter(Reach("lines", port, probe_s=0.3))
    copy = tmp_path / "my own fünf's font.sf2"  # what a shell would take apart
    copy.symlink_to(FONT)
    own = Sound("a", "Trumpet", "soundfont", str(copy), MidiProgram(0, 0, 0, 56), "", "", "")
    program = Sound("b", "Flute", "gm", "", MidiProgram(0, 0, 0, 73), "", "gm", "")

    async def scenario() -> None:
        with fluidsynth(server, port) as host:

            async def heard() -> NDArray[np.float32]:
                return await asyncio.to_thread(hear, server, host.ports, play_shell(port))

            async with seen(adapter) as one:
                await one.online()
                piano = await heard()
                first = adapter.load(own, own.program, None)
                assert first.method == "file"
                done = await one.carry_out(first)
                assert (done.result, done.kept) == ("ok", {"preset 0": "1 0 0"})
                trumpet = await heard()
                assert likeness(piano, trumpet) < OTHER
                second = adapter.load(program, program.program, None)
                assert (await one.carry_out(second)).result == "ok"
                assert likeness(trumpet, await heard()) < OTHER
                undo = adapter.restore(Before(None, None, done.kept), None)
                assert undo is not None
                assert (await one.carry_out(undo)).result == "ok"
                assert likeness(piano, await heard()) > SAME

                nowhere = replace(own, path=str(tmp_path / "gone.sf2"))
                failed = await one.carry_out(adapter.load(nowhere, own.program, None))
                assert failed.result == "failed"
                assert "failed to load the SoundFont" in failed.detail
                assert likeness(piano, await heard()) > SAME

                host.kill()
                await until(lambda: one.session.state == "offline", "the session sees that it is gone")
                await asyncio.to_thread(host.start)
                await one.online()
                assert (await one.carry_out(first)).result == "ok"

    asyncio.run(scenario())
