"""Change the program of a track in a real Ardour through a whole daemon's carrier, hear Master, and take it back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import mido
import numpy as np
import pytest
from numpy.typing import NDArray

from bridge.carrier import Carrier
from bridge.commands import Choose, Refusal, SetTarget, Undo
from bridge.config import Config
from bridge.daws.ardour import ArdourAdapter
from bridge.daws.base import Reach
from bridge.effects import Deliver, Effect, Send
from bridge.hub import Hub, HubOptions
from bridge.midi import open_midi
from tests.bridge.heard import heard, preset, suggestion
from tests.integration.ardour import OSC_PORT, Ardour
from tests.integration.hosts import hear, likeness, until
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


class Rig:
    """A hub with a carrier, as the daemon puts them together."""

    def __init__(self, folder: Path) -> None:
        adapter = ArdourAdapter(Reach("osc", OSC_PORT, probe_s=0.5))
        self.hub = Hub(HubOptions("bus"), [adapter])
        self.chosen: list[tuple[object, ...]] = []
        self.said: list[str] = []
        self.carrier = Carrier(self.hub, [adapter], folder, self._execute, self.said.append)
        self.hub.on_state("listening", "")
        self.hub.on_analysis(heard(suggestion(1, PIANO, TRUMPET)), 1.0)

    def _execute(self, effects: list[Effect], _: object) -> None:
        for effect in effects:
            if isinstance(effect, Deliver):
                self.carrier.deliver(effect, None)
            elif isinstance(effect, Send) and effect.message.address == "/timbrel/chosen":
                self.chosen.append(effect.message.args)

    async def do(self, command: Choose | Undo) -> tuple[object, ...]:
        """Return what /timbrel/chosen said."""
        self.chosen.clear()
        self._execute(self.hub.handle(command, 1.0), None)
        await until(lambda: bool(self.chosen), "the choice was reported")
        return self.chosen[0]


def test_a_track_of_ardour_changes_its_program_and_gets_it_back(server: JackServer, tmp_path: Path) -> None:
    needs_fluidsynth()

    async def scenario() -> None:
        with Ardour(server, tmp_path / "home") as ardour:
            rig = Rig(tmp_path / "replaced")
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

                assert (await rig.do(Choose(1)))[4] == "ok"
                assert server.connections("timbrel:out") == [f"ardour:{TRACK}/midi_in 1"]
                piano = await asyncio.to_thread(played, server, ardour)
                assert (await rig.do(Choose(2)))[4] == "ok"
                trumpet = await asyncio.to_thread(played, server, ardour)
                assert likeness(piano, trumpet) < 0.9
                undone = await rig.do(Undo())
                assert (undone[4], undone[5]) == (
                    "ok",
                    "undone: Piano: program 1 on track Keys, over OSC and MIDI port timbrel:out",
                )
                assert likeness(piano, await asyncio.to_thread(played, server, ardour)) > 0.95

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


def played(server: JackServer, ardour: Ardour) -> NDArray[np.float32]:
    """Return what Master puts out while the track plays a chord."""
    with open_midi(f"ardour:{TRACK}/midi_in", "jack") as keys:
        off = [bytes(mido.Message("note_off", note=n).bytes()) for n in (55, 60, 64)]
        on = [bytes(mido.Message("note_on", note=n, velocity=100).bytes()) for n in (55, 60, 64)]
        try:
            return hear(server, ardour.ports, lambda: keys.send([*off, *on]), 2.0)
        finally:
            keys.send(off)
