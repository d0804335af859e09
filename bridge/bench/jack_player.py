"""Play one recording into JACK, in a process of its own, and tell when marked frames went onto the bus."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import time
from pathlib import Path

import numpy as np

__all__ = ["CLIENT_NAME", "main"]

CLIENT_NAME = "timbrel_bench"
TELL_S = 0.05
"""Time between two looks at what the callback noted: it can't print itself."""


def main(argument: str) -> None:
    """Play until standard input ends.

    Args:
        argument: JSON object: server, audio (a .npy of [T, 2] float32), marks (frames, ascending), loop.
    """
    import jack

    job = json.loads(argument)
    audio = np.load(Path(job["audio"]))
    marks: list[int] = job["marks"]
    client = jack.Client(CLIENT_NAME, no_start_server=True, servername=job["server"])
    ports = [client.outports.register(f"out_{number}") for number in (1, 2)]
    playing = threading.Event()
    noted: list[tuple[int, int]] = []
    position, next_mark = 0, 0

    def process(frames: int) -> None:
        """Hand one period over; JACK's real-time thread, due within the period. Must not wait, log or raise."""
        nonlocal position, next_mark
        now_ns = time.monotonic_ns()
        buffers = [port.get_array() for port in ports]
        for buffer in buffers:
            buffer[:] = 0.0
        if not playing.is_set():
            return
        done = 0
        while done < frames and (job["loop"] or position < len(audio)):
            at = position % len(audio)
            count = min(frames - done, len(audio) - at)
            for side, buffer in enumerate(buffers):
                buffer[done : done + count] = audio[at : at + count, side]
            position, done = position + count, done + count
        while next_mark < len(marks) and marks[next_mark] < position:
            noted.append((next_mark, now_ns))
            next_mark += 1

    late = 0

    def on_xrun(_delayed_us: float) -> None:
        """Count a period that the server ended late; a thread of JACK's, which must not wait."""
        nonlocal late
        late += 1

    client.set_process_callback(process)
    client.set_xrun_callback(on_xrun)
    client.set_shutdown_callback(lambda _status, _reason: threading.Thread(target=os._exit, args=(1,)).start())
    client.activate()
    with contextlib.suppress(AttributeError, OSError):
        # The callback needs Python's lock: on a busy machine whoever holds it must not be set aside for others.
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    _tell({"ready": True})
    sys.stdin.readline()
    playing.set()
    told = told_late = 0
    while job["loop"] or position < len(audio) or told < len(noted):
        for mark, at_ns in noted[told:]:
            _tell({"mark": mark, "at_ns": at_ns})
            told += 1
        if late > told_late:
            told_late = late
            _tell({"xruns": told_late})
        time.sleep(TELL_S)
    _tell({"over": True})
    sys.stdin.read()
    os._exit(0)


def _tell(message: dict[str, int | bool]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
