"""Choose sounds for a running Ardour through a whole carrier, and hear what its Master plays."""

from __future__ import annotations

import socket
from pathlib import Path

import mido
import numpy as np
import pytest
from numpy.typing import NDArray

from bridge.carrier import Carrier
from bridge.commands import Choose, Undo
from bridge.daws.ardour import ArdourAdapter
from bridge.daws.base import Reach
from bridge.daws.wire import osc
from bridge.effects import Deliver, Effect, Send
from bridge.hub import Hub, HubOptions
from bridge.midi import open_midi
from library.sounds import Sound
from tests.bridge.heard import heard, suggestion
from tests.integration.ardour import OSC_PORT, Ardour
from tests.integration.hosts import hear, until
from tests.integration.jack import JackServer

__all__ = ["Rig", "played", "tell"]

AUDIBLE = 1e-3
TRIES = 6


class Rig:
    """A hub with a carrier, as the daemon puts them together.

    Args:
        folder: For the carrier.
        sounds: What is suggested.
    """

    def __init__(self, folder: Path, *sounds: Sound) -> None:
        adapter = ArdourAdapter(Reach("osc", OSC_PORT, probe_s=0.5))
        self.hub = Hub(HubOptions("bus"), [adapter])
        self.chosen: list[tuple[object, ...]] = []
        self.said: list[str] = []
        self.carrier = Carrier(self.hub, [adapter], folder, self._execute, self.said.append)
        self.hub.on_state("listening", "")
        self.hub.on_analysis(heard(suggestion(1, *sounds)), 1.0)

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


def played(server: JackServer, ardour: Ardour, track: str) -> NDArray[np.float32]:
    """Return what Master puts out while a track plays a chord; its synth may be reading its SoundFont still."""
    with open_midi(f"ardour:{track}/midi_in", "jack") as keys:
        off = [bytes(mido.Message("note_off", note=n).bytes()) for n in (55, 60, 64)]
        on = [bytes(mido.Message("note_on", note=n, velocity=100).bytes()) for n in (55, 60, 64)]
        for _ in range(TRIES):
            try:
                sound = hear(server, ardour.ports, lambda: keys.send([*off, *on]), 2.0)
            finally:
                keys.send(off)
            if np.abs(sound).max() > AUDIBLE:
                return sound
    pytest.fail(f"track {track} stayed silent")


def tell(*addresses: str) -> None:
    """Send messages without arguments."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for address in addresses:
            sender.sendto(osc(address), ("127.0.0.1", OSC_PORT))
