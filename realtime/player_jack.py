"""Play previews into JACK inputs, in the player's child process, connected to exactly those that were asked for."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from library.errors import DeviceError
from realtime.jack_open import open_client
from realtime.player_voice import Voice
from realtime.preview_output import Graph, Port, jack_refusal

__all__ = ["JackPlayer"]

CLIENT_NAME = "timbrel_preview"
LARGEST_BLOCK = 8192
"""Largest period that JACK allows, in frames."""

RELEASE_S = 0.3
"""Longest wait for JACK to let go of us; it never does when the server is gone."""


class JackPlayer:
    """Hold a JACK client with a left and a right output.

    Args:
        pattern: Regular expression for the whole `client:port` of the inputs to play to; looked up at each preview.
        server: Name of the JACK server, None for JACK's own choice.

    Raises:
        DeviceError: There is no server.
        CaptureError: It does not answer.
    """

    def __init__(self, pattern: str, server: str | None) -> None:
        import jack

        self._pattern = pattern
        try:
            self._client: Any = open_client(CLIENT_NAME, server)
        except jack.JackOpenError as error:
            named = f" {server}" if server else ""
            raise DeviceError(f"jack:{pattern}", f"there is no JACK server{named}", "start jackd") from error
        self._ports = [self._client.outports.register(name) for name in ("out_left", "out_right")]
        self._scratch = np.zeros((LARGEST_BLOCK, 2), np.float32)
        self._is_mono = False
        self._gone = threading.Event()
        self.rate: int = self._client.samplerate
        self.name = f"jack:{pattern}"
        self.voice = Voice(self.rate)
        self._client.set_process_callback(self._process)
        self._client.set_shutdown_callback(lambda _status, _reason: self._gone.set())
        self._client.activate()

    def aim(self, bus: str) -> str | None:
        """Connect to the inputs that match now, and to no others; or say why nothing may be played.

        Args:
            bus: Input of the daemon.
        """
        import jack

        try:
            graph = self._graph()
            targets = graph.inputs(self._pattern)
            if not targets:
                there = sorted({port.client for port in graph.ports if port.is_input} - _own_clients(graph))
                known = f"; clients with inputs now: {', '.join(there)}" if there else ""
                return f"no JACK input is there whose full name matches {self._pattern}{known}"
            why = jack_refusal(targets, graph, bus, [port.name for port in self._ports])
            if why is not None:
                self._connect([], graph)
                return why
            self._is_mono = len(targets) == 1
            self._connect([port.name for port in targets], graph)
        except jack.JackError as error:
            return f"JACK could not connect {self._pattern} ({error}); try again"
        return None

    def lost(self) -> str | None:
        """Say why nothing can be played any more, None while it can."""
        return "the JACK server went away" if self._gone.is_set() else None

    def release(self) -> None:
        """Leave the graph in order, so that no other client of it sees a late period."""
        leave = threading.Thread(target=self._client.deactivate, daemon=True)
        leave.start()
        leave.join(RELEASE_S)

    def _process(self, frames: int) -> None:
        """Hand one period over; JACK's real-time thread, due within the period. Must not wait, log or raise."""
        block = self._scratch[:frames]
        self.voice.render(block)
        left = self._ports[0].get_array()
        if self._is_mono:
            np.add(block[:, 0], block[:, 1], out=left)
            left *= 0.5
        else:
            left[:] = block[:, 0]
        self._ports[1].get_array()[:] = block[:, 1]

    def _graph(self) -> Graph:
        inputs = self._client.get_ports(is_audio=True, is_input=True)
        outputs = self._client.get_ports(is_audio=True, is_output=True)
        ports = [
            *(Port(port.name, True, port.is_physical) for port in inputs),
            *(Port(port.name, False, port.is_physical) for port in outputs),
        ]
        connections = {
            port.name: tuple(other.name for other in self._client.get_all_connections(port)) for port in outputs
        }
        return Graph(tuple(ports), connections)

    def _connect(self, names: list[str], graph: Graph) -> None:
        """Connect left and right to these inputs in turn, a single one to left alone; undo all other connections."""
        for side, port in enumerate(self._ports):
            wanted = names[side::2]
            present = graph.connections.get(port.name, ())
            for name in present:
                if name not in wanted:
                    self._client.disconnect(port.name, name)
            for name in wanted:
                if name not in present:
                    self._client.connect(port.name, name)


def _own_clients(graph: Graph) -> set[str]:
    """Return the clients of Timbrel itself, which nobody wants to play to."""
    return {port.client for port in graph.ports if port.client.startswith("timbrel")}
