"""Change the program of a track in a real Ardour through a whole daemon's carrier, hear Master, and take it back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.commands import Choose, Refusal, SetTarget, Undo
from bridge.config import Config
from tests.bridge.heard import preset
from tests.integration.ardour import Ardour
from tests.integration.ardour_rig import Rig, played
from tests.integration.hosts import likeness, until
from tests.integration.jack import JackServer, jack_server, needs_fluidsynth

pytestmark = [pytest.mark.daw, pytest.mark.slow]

PIANO, TRUMPET = preset("Piano", 0), preset("Trumpet", 56)
TRACK = "Keys"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[JackServer]:
    with jack_server() as running:
        monkeypatch.setenv("JACK_DEFAULT_SERVER", running.name)
        monkeypatch.setenv("JACK_NO_START_SERVER", "1")
        yield running


def test_a_track_of_ardour_changes_its_program_and_gets_it_back(server: JackServer, tmp_path: Path) -> None:
    needs_fluidsynth()

    async def scenario() -> None:
        with Ardour(server, tmp_path / "home") as ardour:
            rig = Rig(tmp_path / "replaced", PIANO, TRUMPET)
            rig.carrier.start(Config(input="jack:ardour:Master/audio_out.*"))
            try:
                await until(lambda: "online" in rig.hub.status[1], "Ardour is online")
                listed = rig.hub.targets.describe(0)
                assert [line for line in listed if "track" in line][1:] == [
                    "ardour track 1: Keys",
                    "ardour track 2: Lead",
                ]
                with pytest.raises(Refusal, match="no track Nothing; there is Keys, Lead"):
                    rig.hub.handle(SetTarget("ardour", "Nothing"), 1.0)
                rig.hub.handle(SetTarget("ardour", TRACK), 1.0)

                assert (outcome := await rig.do(Choose(1)))[4] == "ok", outcome
                assert server.connections("timbrel:out") == [f"ardour:{TRACK}/midi_in 1"]
                piano = await asyncio.to_thread(played, server, ardour, TRACK)
                assert (outcome := await rig.do(Choose(2)))[4] == "ok", outcome
                trumpet = await asyncio.to_thread(played, server, ardour, TRACK)
                assert likeness(piano, trumpet) < 0.9
                undone = await rig.do(Undo())
                assert (undone[4], undone[5]) == (
                    "ok",
                    "undone: Piano: program 1 on track Keys, over OSC and MIDI port timbrel:out",
                )
                assert likeness(piano, await asyncio.to_thread(played, server, ardour, TRACK)) > 0.95

                # It is killed, and comes back with other tracks: nothing goes to one of them.
                ardour.kill()
                await until(lambda: "offline" in rig.hub.status[1], "Ardour is offline")
                await asyncio.to_thread(ardour.use, ("Bass",))
                await asyncio.to_thread(ardour.start)
                await until(lambda: "online" in rig.hub.status[1], "Ardour is online again")
                with pytest.raises(Refusal, match="no track Keys; there is Bass"):
                    rig.hub.handle(Choose(2), 1.0)
                assert server.connections("timbrel:out") == []
            finally:
                rig.carrier.close()
                await asyncio.sleep(0.1)

    asyncio.run(scenario())
