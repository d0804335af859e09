"""Lead a MIDI port of ours to one input of a DAW, by JACK; blocking: not for the event loop."""

from __future__ import annotations

import re
import time
from typing import Any

from library.errors import CaptureError
from realtime.jack_open import open_client

__all__ = ["MidiRoute"]

APPEAR_S, LOOK_S = 6.0, 0.1
"""Longest wait for an input: a DAW whose session has just been loaded tells of its tracks before it has their ports, on
a busy machine by seconds. Time between two looks."""


class MidiRoute:
    """Connect our port to the input that is wanted now, and take back the connection made for the one before.

    Connections that the user made stay.
    """

    def __init__(self) -> None:
        self._made: tuple[str, str] | None = None

    def lead(self, source: str, destination: str) -> str | None:
        """Connect a port, as "timbrel:out", to a MIDI input named without its client; return why not, or None."""
        try:
            import jack
        except (ImportError, OSError):
            return "JACK-Client is missing: pip install 'timbrel[jack]', or connect the MIDI port by hand"
        try:
            client = open_client("timbrel-route", None)
        except jack.JackError:
            return "no JACK server runs; connect the MIDI port by hand"
        except CaptureError as error:
            return str(error)
        try:
            return self._lead(client, source, destination)
        except jack.JackError as error:
            return f"JACK could not connect {source} to {destination}: {error}"
        finally:
            client.close()

    def _lead(self, client: Any, source: str, destination: str) -> str | None:  # Any: JACK-Client has no types
        found = _inputs(client, destination)
        if not found:
            return f"there is no MIDI input {destination}"
        if len(found) > 1:
            return f"{len(found)} programs have a MIDI input {destination}"
        if not client.get_ports(f"^{re.escape(source)}$", is_midi=True, is_output=True):
            return f'{source} is no JACK port; connect it by hand, or set [midi] backend = "jack"'
        wanted = (source, str(found[0].name))
        connected = {port.name for port in client.get_all_connections(source)}
        if self._made is not None and self._made != wanted and self._made[1] in connected:
            client.disconnect(*self._made)
        if wanted[1] not in connected:
            client.connect(*wanted)
            self._made = wanted
        return None


def _inputs(client: Any, name: str) -> list[Any]:
    """Return the MIDI inputs of a name, of whatever client, as soon as there is one."""
    end = time.monotonic() + APPEAR_S
    while True:
        found: list[Any] = client.get_ports(f"^[^:]+:{re.escape(name)}$", is_midi=True, is_input=True)
        if found or time.monotonic() >= end:
            return found
        time.sleep(LOOK_S)
