"""Load drum kits in a real Hydrogen, hear them, and take them back."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bridge.daws.base import Before, Reach
from bridge.daws.hydrogen import HydrogenAdapter
from bridge.daws.wire import osc
from library.sounds import Sound
from tests.integration.hosts import HostProcess, free_port, hear, likeness, seen, until
from tests.integration.jack import JackServer, jack_server, wait_for

pytestmark = pytest.mark.daw

DATA = Path("/usr/share/hydrogen/data")
SONG = DATA / "demo_songs" / "GM_kit_demo1.h2song"
HEARD_S = 4.0
FADED_S = 2.5
"""After it no cymbal sounds any more."""

QUIET_S = 1.5
"""Hydrogen listens before it has opened its first song, and pushes its state again when it has."""

SAME, OTHER = 0.97, 0.9
SETTINGS = {
    "<oscEnabled>false": "<oscEnabled>true",
    "<oscServerPort>9000": "<oscServerPort>{}",
    "USE_JACK_TRANSPORT": "NO_JACK_TRANSPORT",
    "<showDevelWarning>true": "<showDevelWarning>false",
    "<restoreLastSong>true": "<restoreLastSong>false",
    "<jack_connect_defaults>true": "<jack_connect_defaults>false",
}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[JackServer]:
    with jack_server() as running:
        monkeypatch.setenv("JACK_DEFAULT_SERVER", running.name)
        monkeypatch.setenv("JACK_NO_START_SERVER", "1")
        monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
        yield running


def hydrogen(server: JackServer, port: int, home: Path) -> HostProcess:
    """Start Hydrogen with OSC on a port, a song to play, and a home of its own."""
    defaults = DATA / "hydrogen.default.conf"
    if not defaults.exists():
        pytest.skip(f"{defaults} is missing: apt-get install hydrogen-data")
    conf = defaults.read_text()
    for old, new in SETTINGS.items():
        assert old in conf
        conf = conf.replace(old, new.format(port))
    (home / ".hydrogen").mkdir()
    (home / ".hydrogen" / "hydrogen.conf").write_text(conf)
    return HostProcess(
        ["hydrogen", "-n", "-d", "jack", "--child", "-s", str(SONG)], server, "^Hydrogen:out", "hydrogen", home
    )


def kit(name: str) -> Sound:
    return Sound(name, name, "drumkit", str(DATA / "drumkits" / name), None, "drums", "hydrogen", "")


def heard(server: JackServer, host: HostProcess, port: int) -> NDArray[np.float32]:
    """Return what is heard when the song is played from its beginning; it stands still before and after."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as remote:
        remote.connect(("127.0.0.1", port))
        sound = hear(server, host.ports, lambda: remote.sendall(osc("/Hydrogen/PLAY")), HEARD_S)
        assert np.abs(sound).max() > 0.05
        remote.sendall(osc("/Hydrogen/STOP"))
        quiet = hear(server, host.ports, lambda: remote.sendall(osc("/Hydrogen/RELOCATE", "f", 0.0)), FADED_S)
        assert np.abs(quiet[-len(quiet) // 10 :]).max() < 0.01
    return sound


def test_kits_are_heard_and_taken_back_and_a_missing_one_is_reported(server: JackServer, tmp_path: Path) -> None:
    port = free_port(socket.SOCK_DGRAM)
    adapter = HydrogenAdapter(Reach("osc", port))
    rock, electro = kit("GMRockKit"), kit("TR808EmulationKit")
    missing = adapter.load(replace(rock, path=str(tmp_path / "gone")), None, None)
    hasty = replace(missing, steps=tuple(replace(step, wait_s=1.0) for step in missing.steps))

    async def scenario() -> None:
        with hydrogen(server, port, tmp_path) as host:
            async with seen(adapter) as one:
                await asyncio.to_thread(wait_for, lambda: has_started(port), "Hydrogen listens")
                await until(lambda: one.session.state == "probing", "the session is open")
                # The first that Hydrogen hears of us: it sends a welcome, which must not pass for a kit.
                failed = await one.carry_out(hasty)
                assert (failed.result, failed.detail) == ("failed", "hydrogen did not answer within 1 s")
                assert one.session.state == "online"
                assert (done := await one.carry_out(adapter.load(rock, None, None))).result == "ok", done
                before = await asyncio.to_thread(heard, server, host, port)
                assert (done := await one.carry_out(adapter.load(electro, None, None))).result == "ok", done
                assert likeness(before, await asyncio.to_thread(heard, server, host, port)) < OTHER
                undo = adapter.restore(Before(rock), None)
                assert undo is not None
                assert (done := await one.carry_out(undo)).result == "ok", done
                assert likeness(before, await asyncio.to_thread(heard, server, host, port)) > SAME
                assert (await one.carry_out(hasty)).result == "failed"

    asyncio.run(scenario())


def has_started(port: int) -> bool:
    """Tell whether Hydrogen welcomes a sender that it has not heard before, and is through with its first song."""
    heard = False
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.settimeout(QUIET_S)
        stranger.sendto(osc("/timbrel/hello"), ("127.0.0.1", port))
        with contextlib.suppress(OSError):
            while stranger.recv(8192):
                heard = True
    return heard
