"""Play previews in a process of its own: `python -m realtime.player_process`, started by `realtime.player`.

Requests come on standard input, reports go to standard output, both framed by `realtime.player_wire`. Imports numpy and
one audio library, never torch. It ends by `realtime.jack_open.end_process`; with its parent, whose end closes its
standard input; and when nothing was to be played for a while, because a device may be one that only one program can
open.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import time
from typing import NoReturn, Protocol

import numpy as np
from numpy.typing import NDArray

from library.errors import CaptureError
from realtime.jack_open import end_process
from realtime.player_voice import Voice
from realtime.player_wire import Frame, Kind, pack, pack_rate, read_frame
from realtime.preview_output import parse_output

__all__ = ["main"]

LOOK_S = 0.05
"""Time between two looks at the output."""

AIM_S = 0.25
"""Time between two looks at where it leads, while something sounds: connections change."""

STALL_S = 1.0
"""An output that takes no block for that long hangs: PortAudio never tells when a JACK server died."""

HANG_S = 2.0
"""A look that takes that long never ends: calls into JACK hang when its server dies in the middle of one."""

IDLE_S = 30.0
"""Without a preview for that long the process ends, and with it its hold on the device."""

WAITING = 32
"""Requests that may wait, one for each bus beside a preview; when full, the parent waits: it sends the next preview
after the answer to the last."""


class _Player(Protocol):
    rate: int
    name: str
    voice: Voice

    def aim(self, bus: str) -> str | None: ...
    def lost(self) -> str | None: ...
    def release(self) -> None: ...


class _Session:
    """Answer requests until the output is lost, idle, or the parent is gone."""

    def __init__(self, tell: int) -> None:
        self._tell = tell
        self._inbox: queue.Queue[Frame] = queue.Queue(WAITING)
        self._turn = threading.Lock()  # a stop and the start of a preview must not cross
        self._stopped = 0
        self._output: _Player | None = None
        self._buses = [""]
        self._sounding = 0
        self._aim_at = self._idle_at = self._beat_at = 0.0
        self._beat = -1
        self._looked_at = time.monotonic()

    def read(self) -> None:
        """Take requests from standard input; a thread of its own, so that a stop gets through whatever else hangs."""
        stdin = open(0, "rb", buffering=0, closefd=False)  # noqa: SIM115  for the life of the process
        try:
            while frame := read_frame(stdin.read):
                if frame.kind is Kind.STOP:
                    self._stop(frame.number)
                else:
                    self._inbox.put(frame)
        except (CaptureError, OSError):
            self.end(1)
        self.end(0)

    def run(self, job: dict[str, str | None]) -> None:
        """Open the output and play what comes."""
        self._output = output = _open(job["output"] or "", job["server"])
        self.send(Kind.READY, 0, pack_rate(output.rate, output.name))
        self._looked_at = time.monotonic()
        self._idle_at = self._looked_at + IDLE_S
        threading.Thread(target=self._watch, args=(output.name,), name="watch", daemon=True).start()
        while True:
            try:
                frame = self._inbox.get(timeout=LOOK_S)
            except queue.Empty:
                pass
            else:
                self._obey(frame, output)
            self._look(output, time.monotonic())
            self._looked_at = time.monotonic()

    def send(self, kind: Kind, number: int = 0, body: bytes = b"") -> None:
        """Report to the parent."""
        data = memoryview(pack(Frame(kind, number, body)))
        while data:
            data = data[os.write(self._tell, data) :]

    def fail(self, why: str) -> NoReturn:
        """Report that the output is gone, and end."""
        self.send(Kind.FAILED, self._sounding, why.encode())
        end_process(1)

    def end(self, code: int) -> NoReturn:
        """Let go of the output, and end."""
        if self._output is not None:
            self._output.release()
        end_process(code)

    def _watch(self, name: str) -> None:
        """End the process when the thread that looks at the output hangs; a thread of its own."""
        while time.monotonic() - self._looked_at < HANG_S:
            time.sleep(LOOK_S)
        self.fail(f"{name} hangs")

    def _stop(self, number: int) -> None:
        with self._turn:
            self._stopped = number
            if self._output is not None:
                self._output.voice.stop()

    def _obey(self, frame: Frame, output: _Player) -> None:
        if frame.kind is Kind.BUS:
            if frame.number == 0:
                self._buses.clear()
            self._buses.append(frame.text)
        elif frame.kind is Kind.PLAY:
            samples: NDArray[np.float32] = np.frombuffer(frame.body, "<f4").reshape(-1, 2)
            why = self._aim(output)
            if why is not None:
                self._refuse(frame.number, why, output)
                return
            with self._turn:
                if frame.number > self._stopped:
                    output.voice.play(samples)
            self._sounding = frame.number
            now = time.monotonic()
            self._aim_at, self._beat_at, self._idle_at = now + AIM_S, now, now + IDLE_S
            self.send(Kind.PLAYING, frame.number)

    def _aim(self, output: _Player) -> str | None:
        """Say why nothing may be played because of any bus, None where it may."""
        return next((why for bus in self._buses if (why := output.aim(bus))), None)

    def _refuse(self, number: int, why: str, output: _Player) -> None:
        output.voice.stop()
        self._sounding = 0
        self.send(Kind.REFUSED, number, why.encode())

    def _look(self, output: _Player, now: float) -> None:
        """See whether what sounds has ended, may still sound, and is still taken by the output."""
        if why := output.lost():
            self.fail(why)
        if output.voice.blocks != self._beat:
            self._beat, self._beat_at = output.voice.blocks, now
        if not output.voice.is_busy:
            if self._sounding:
                self.send(Kind.ENDED, self._sounding)
                self._sounding, self._idle_at = 0, now + IDLE_S
            elif now >= self._idle_at:
                self.send(Kind.IDLE)
                self.end(0)
            return
        if now - self._beat_at > STALL_S:
            self.fail(f"{output.name} takes no audio")
        if now >= self._aim_at:
            self._aim_at = now + AIM_S
            if why := self._aim(output):
                self._refuse(self._sounding, why, output)


def main(argv: list[str]) -> None:
    """Run one job: a JSON object with the output's text and the JACK server's name."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    tell = os.dup(1)
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123  native libraries print to standard output
        os.dup2(nowhere.fileno(), 1)
    session = _Session(tell)
    threading.Thread(target=session.read, name="requests", daemon=True).start()
    try:
        session.run(json.loads(argv[0]))
    except Exception as error:  # noqa: BLE001  this is a main(): whatever went wrong, the parent has to be told
        session.fail(str(error) or type(error).__name__)


def _open(text: str, server: str | None) -> _Player:
    output = parse_output(text)
    if output.kind == "jack":
        from realtime.player_jack import JackPlayer

        return JackPlayer(output.name, server)
    from realtime.player_device import open_device

    return open_device(output.name, server)


if __name__ == "__main__":
    main(sys.argv[1:])
