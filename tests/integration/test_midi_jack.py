"""Write MIDI through a virtual port on a real JACK server without a sound card."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bridge.midi import open_midi
from tests.integration.jack import JackServer, jack_server, wait_for

pytestmark = pytest.mark.daw

BANK_AND_PROGRAM = [b"\xb2\x00\x01", b"\xb2\x20\x02", b"\xc2\x05"]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[JackServer]:
    with jack_server() as running:
        monkeypatch.setenv("JACK_DEFAULT_SERVER", running.name)
        monkeypatch.setenv("JACK_NO_START_SERVER", "1")
        yield running


def test_a_virtual_port_carries_bank_select_and_program_in_their_order(server: JackServer) -> None:
    with server.client("synth") as client, open_midi("timbrel", prefer_jack=True) as port:
        got: list[bytes] = []
        destination = client.midi_inports.register("in")
        client.set_process_callback(lambda _: got.extend(bytes(data) for _, data in destination.incoming_midi_events()))
        client.activate()
        assert port.name == "timbrel:out"
        client.connect("timbrel:out", destination)
        wait_for(lambda: len(client.get_all_connections(destination)) == 1, "the port is connected")
        assert port.send(BANK_AND_PROGRAM) is None
        wait_for(lambda: len(got) == 3, "three MIDI messages arrived")
        assert got == BANK_AND_PROGRAM
        client.deactivate()


def test_an_existing_destination_is_opened_by_the_start_of_its_name(server: JackServer) -> None:
    with server.client("synth") as client:
        destination = client.midi_inports.register("in")
        client.activate()
        with open_midi("Synth", "jack") as port:
            assert port.name == "synth:in"
            wait_for(lambda: len(client.get_all_connections(destination)) == 1, "the port is connected")
        client.deactivate()


def test_a_closed_port_says_so(server: JackServer) -> None:
    port = open_midi("timbrel", "jack")
    port.close()
    port.close()
    assert port.send(BANK_AND_PROGRAM) == "the port is closed"
