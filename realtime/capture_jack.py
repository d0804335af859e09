"""Capture JACK ports in the capture process, with JACK-Client's own process callback.

PortAudio could do it ('system' opened, its automatic connections dropped, ours made with JACK-Client), but it freezes
its device list at start, names its ports as it likes, and doesn't tell when the server goes. A JACK client of our own
has two ports, a shutdown callback and frame times from which lost frames are counted: on an overloaded two-core machine
(dummy driver, 1024 frames, 8 s, twice each, in turn) what arrived and what was counted as lost came to 100.0 and 99.7 %
of the time here, to 98.5 and 84.1 % with PortAudio.
"""

from __future__ import annotations

import contextlib
import os
import re
import threading
import time
from typing import Any

import numpy as np

from library.errors import CaptureError
from realtime.capture import report
from realtime.jack_open import open_client
from realtime.ring import Ring

__all__ = ["assign_sides", "capture_jack"]

CLIENT_NAME = "timbrel_in"
LARGEST_BLOCK = 8192
"""Largest period that JACK allows, in frames."""

LOOK_S = 0.2
"""Time between two looks at the ports: a port that appears is heard this much later at most."""

SERVER_RETRY_S = 0.3
"""Time between two tries to reach a server: well under the second after which the parent takes us for hung."""

_FRAME_TIME = 1 << 32
"""JACK's frame time is an unsigned 32 bit number."""


def assign_sides(ports: list[str]) -> tuple[list[str], list[str]]:
    """Share ports out to left and right in their order; a last one without a partner goes to both."""
    left, right = ports[0::2], ports[1::2]
    if len(ports) % 2:
        right = [*right, ports[-1]]
    return left, right


def capture_jack(ring: Ring, pattern: str, server: str | None) -> None:
    """Copy the sum of all matching output ports into the ring until the server goes away.

    Args:
        ring: Written by JACK's thread only, once the client is active.
        pattern: Regular expression that the full name of a port has to match.
        server: Name of the JACK server, None for JACK's own choice.
    """
    try:
        client = _reach_server(ring, server)
    except CaptureError as error:
        report("waiting", str(error))
        return  # another process tries again
    inputs = [client.inports.register(name) for name in ("in_left", "in_right")]
    scratch = np.zeros((LARGEST_BLOCK, ring.channels), np.float32)
    expected: int | None = None
    gone = threading.Event()

    def process(frames: int) -> None:
        """Copy one period; JACK's real-time thread, due within the period. Must not wait, log or raise."""
        nonlocal expected
        now = client.last_frame_time
        if expected is not None and now != expected:
            # Time that went back (a server that was late corrects itself) is a gap, too, but nothing was lost.
            ahead = (now - expected) % _FRAME_TIME
            ring.mark_gap(ahead if ahead < _FRAME_TIME // 2 else 0)
        expected = (now + frames) % _FRAME_TIME
        for side, port in enumerate(inputs[: ring.channels]):
            scratch[:frames, side] = port.get_array()
        ring.write(scratch[:frames])

    client.set_process_callback(process)
    client.set_shutdown_callback(lambda _status, _reason: gone.set())
    ring.begin(client.samplerate)
    client.activate()
    _keep_from_waiting()
    told: tuple[str, ...] | None = None
    wanted = re.compile(pattern)
    while not gone.wait(LOOK_S if told is not None else 0.0):
        heard = _connect(client, wanted, inputs)
        if heard != told:
            told = heard
            _tell(client, pattern, heard)
    report("lost", "the JACK server went away")


def _keep_from_waiting() -> None:
    """Run this thread in real time, too: put off while it holds Python's lock, it would make JACK's thread wait."""
    with contextlib.suppress(AttributeError, OSError):  # not Linux, or not allowed
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))


def _reach_server(ring: Ring, server: str | None) -> Any:  # JACK-Client has no types
    import jack

    told = False
    while True:
        ring.beat()
        try:
            return open_client(CLIENT_NAME, server, ring.beat)
        except jack.JackOpenError:
            if not told:
                told = True
                report("waiting", f"waiting for the JACK server{f' {server}' if server else ''}; is jackd running?")
            time.sleep(SERVER_RETRY_S)


def _connect(client: Any, wanted: re.Pattern[str], inputs: list[Any]) -> tuple[str, ...]:
    """Connect what matches and is not connected yet; return the names of all that match, in JACK's order."""
    import jack

    names = [port.name for port in client.get_ports(is_audio=True, is_output=True) if wanted.fullmatch(port.name)]
    for port, side in zip(inputs, assign_sides(names), strict=True):
        connected = {other.name for other in client.get_all_connections(port)}
        try:
            for name in side:
                if name not in connected:
                    client.connect(name, port)
            for name in connected & set(names) - set(side):  # its place in the order changed
                client.disconnect(name, port)
        except jack.JackError:
            continue  # a port that went while we looked; the next look is near
    return tuple(names)


def _tell(client: Any, pattern: str, heard: tuple[str, ...]) -> None:
    if heard:
        report("running", f"JACK {', '.join(heard)}", client.samplerate)
        return
    there = sorted({port.name.split(":")[0] for port in client.get_ports(is_audio=True, is_output=True)})
    known = f"; clients with outputs now: {', '.join(there)}" if there else ""
    report("waiting", f"waiting for a JACK output whose full name matches {pattern}{known}", client.samplerate)
