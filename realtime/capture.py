"""Capture audio in a process of its own: `python -m realtime.capture`, started by `realtime.supervisor`.

Imports numpy and one audio library, never torch: a Python callback beside a busy torch thread is up to 20 ms late. The
process says what it does in JSON lines on standard output and ends by `realtime.jack_open.end_process`; with its
parent, too, whose end closes its standard input.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from realtime.jack_open import end_process, opening
from realtime.ring import Ring

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["main", "report"]

LOOK_S = 0.1
"""Time between two looks at whether the stream is still active."""


def report(state: str, detail: str, rate: int = 0) -> None:
    """Tell the parent what goes on.

    Args:
        state: "waiting", "running" or "lost".
        detail: One sentence for the user.
        rate: Sample rate in Hz, 0 while unknown.
    """
    sys.stdout.write(json.dumps({"state": state, "detail": detail, "rate": rate}) + "\n")
    sys.stdout.flush()


def main(argv: list[str]) -> None:
    """Run one job: `list`, or a JSON object with the ring's name and what to capture."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    if argv[:1] == ["list"]:
        from realtime.capture_list import list_everything

        sys.stdout.write(json.dumps(list_everything()) + "\n")
        end_process(0)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    job = json.loads(argv[0])
    ring = Ring.attach(job["ring"])
    try:
        if job["kind"] == "jack":
            from realtime.capture_jack import capture_jack

            capture_jack(ring, job["pattern"], job["server"])
        else:
            _capture_device(ring, job["device"], job["host"], job["index"])
    except Exception as error:  # noqa: BLE001  this is a main(): whatever went wrong, the parent has to be told
        report("lost", f"{type(error).__name__}: {error}")
        end_process(1)
    end_process(0)


def _capture_device(ring: Ring, name: str, host: str, index: int) -> None:
    """Copy a PortAudio input into the ring until its callbacks stop.

    Args:
        ring: Written by PortAudio's thread only, once the stream runs.
        name: Name of the device.
        host: Name of its host API.
        index: PortAudio's number when it was looked up; the one to take where several have the same name.
    """
    with opening():
        import sounddevice

    device = _find_device(name, host, index)
    if device is None:
        report("waiting", f"waiting for {name} ({host}) to be plugged in")
        return  # PortAudio froze its list: only another process can see the device come back
    info = sounddevice.query_devices(device)
    rate, channels = round(info["default_samplerate"]), min(ring.channels, int(info["max_input_channels"]))

    def callback(indata: NDArray[np.float32], frames: int, _time: object, status: Any) -> None:  # cffi flags
        """Copy one block; PortAudio's thread, due within the block's own length. Must not wait, log or raise."""
        if status.input_overflow:
            ring.mark_gap(frames)  # PortAudio does not say how many frames: at least one block
        ring.write(indata)

    ring.begin(rate)
    stream = sounddevice.InputStream(
        samplerate=rate, device=device, channels=channels, dtype="float32", latency="high", callback=callback
    )
    stream.start()
    report("running", f"{info['name']}, {channels} channels at {rate} Hz", rate)
    while stream.active:
        time.sleep(LOOK_S)
    report("lost", f"{info['name']} stopped")


def _find_device(name: str, host: str, index: int) -> int | None:
    """Return the present number of a device: numbers move when others are plugged in."""
    import sounddevice

    hosts = sounddevice.query_hostapis()
    same = [
        number
        for number, device in enumerate(sounddevice.query_devices())
        if device["name"] == name and hosts[device["hostapi"]]["name"] == host and device["max_input_channels"] > 0
    ]
    return index if index in same else next(iter(same), None)


def _end_with_parent() -> None:
    """Wait for the end of standard input, which the parent holds open as long as it lives."""
    while sys.stdin.buffer.read(1):
        pass
    end_process(0)


if __name__ == "__main__":
    main(sys.argv[1:])
