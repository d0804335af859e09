"""Hold one child process of the player: start it, send to it without ever being stuck, hear it, kill it."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import IO

from library.errors import CaptureError
from realtime.jack_open import END_S
from realtime.player_wire import Frame, Kind, pack, read_frame, unpack_rate
from realtime.supervisor import capture_environment

__all__ = ["PlayerChild"]


class PlayerChild:
    """Run `realtime.player_process` once, until it ends or is ended.

    ask() and wait_ready() are for one thread; stop() for any.

    Args:
        output: Where to play, as `realtime.preview_output` reads it.
        server: Name of the JACK server, None for JACK's own choice.
        hear: Takes each report about a preview, in a thread of this object's own.
    """

    def __init__(self, output: str, server: str | None, hear: Callable[[Frame], None]) -> None:
        self._hear = hear
        self._changed = threading.Condition()  # around the fields below, which the listening thread writes
        self.rate = 0
        self.has_ended = False
        self.was_idle = False
        self.why = ""
        """Why it ended, where it said so."""
        self._answered = self._asked = 0
        self._sounds = False
        self._writing = threading.Lock()  # around every use of standard input
        # -P: a folder named `library` where the user stands must not be imported instead of ours.
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-P", "-m", "realtime.player_process"),
                json.dumps({"output": output, "server": server}),
            ],
            stdin=subprocess.PIPE,  # its end tells the child that we are gone
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # PortAudio, ALSA and JACK talk at length about what is not there
            env=capture_environment(),
            bufsize=0,
        )
        self._stdin, self._stdout = _pipe(self._process.stdin), _pipe(self._process.stdout)
        os.set_blocking(self._stdin.fileno(), False)
        self._listener = threading.Thread(target=self._listen, name="preview-reports", daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        """Process number."""
        return self._process.pid

    def wait_ready(self, timeout_s: float) -> bool:
        """Wait until the output is open; False when the child has ended or the time is over."""
        with self._changed:
            self._changed.wait_for(lambda: self.rate > 0 or self.has_ended, timeout_s)
            return self.rate > 0 and not self.has_ended

    def ask(self, frames: tuple[Frame, ...], wanted: Callable[[], bool], timeout_s: float) -> bool:
        """Send frames, the last of which is answered, and wait for the answer.

        Args:
            frames: Requests.
            wanted: Looked at when nobody else can send any more; False = they are left out, as if answered.
            timeout_s: Longest wait for each of the two: that all is taken, and that the answer comes.

        Returns:
            False when there was no answer: the child has ended, or hangs.
        """
        number = frames[-1].number
        with self._writing:
            if not wanted():
                return True
            with self._changed:
                self._asked = number
            if not self._write(b"".join(pack(frame) for frame in frames), timeout_s):
                return False
        with self._changed:
            self._changed.wait_for(lambda: self._answered >= number or self.has_ended, timeout_s)
            return self._answered >= number

    def stop(self, number: int) -> None:
        """Ask for silence, at once or not at all: while a preview is being sent, whoever sends it does it after."""
        if self._writing.acquire(blocking=False):
            try:
                self._write(pack(Frame(Kind.STOP, number)), 0.0)
            finally:
                self._writing.release()

    def abandon(self) -> None:
        """End it while it opens its output; returns at once. What is told by it afterwards is not passed on."""
        self._hear = _ignore
        threading.Thread(target=self.close, name="preview-end", daemon=True).start()

    def kill(self) -> None:
        """End one that hangs; returns at once. What is told by it afterwards is not passed on."""
        self._hear = _ignore
        self._process.kill()

    def close(self, *, is_hung: bool = False) -> None:
        """End it in order, soon (END_S), or at once where it hangs; may be called twice."""
        self._hear = _ignore
        if is_hung:
            self._process.kill()
        with self._writing:
            self._stdin.close()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._listener.join()
        self._stdout.close()

    def _write(self, data: bytes, timeout_s: float) -> bool:
        """Write all of it within a time; a short message is written as a whole or not at all."""
        if self._stdin.closed:
            return False
        rest, end = memoryview(data), time.monotonic() + timeout_s
        waiting = select.poll()
        waiting.register(self._stdin, select.POLLOUT)
        while rest:
            try:
                rest = rest[os.write(self._stdin.fileno(), rest) :]
            except BlockingIOError:
                left_s = end - time.monotonic()
                if left_s <= 0.0 or not waiting.poll(left_s * 1e3):
                    return False
            except OSError:  # it has ended
                return False
        return True

    def _listen(self) -> None:
        """Take what the child reports, until its standard output ends."""
        try:
            while frame := read_frame(self._stdout.read):
                self._take(frame)
        except CaptureError as error:
            self._process.kill()
            with self._changed:
                self.why = str(error)
        with self._changed:
            lost = self._asked if self._answered == self._asked and self._sounds else 0
            self.has_ended = True
            self._changed.notify_all()
        if lost:
            self._hear(Frame(Kind.FAILED, lost, (self.why or "the preview process ended").encode()))

    def _take(self, frame: Frame) -> None:
        with self._changed:
            if frame.kind is Kind.READY:
                self.rate, _ = unpack_rate(frame.body)
            elif frame.kind is Kind.FAILED:
                self.why = frame.text
            elif frame.kind is Kind.IDLE:
                self.was_idle = True
            else:
                self._answered = max(self._answered, frame.number)
                self._sounds = frame.kind is Kind.PLAYING
            self._changed.notify_all()
        if frame.kind in (Kind.PLAYING, Kind.ENDED, Kind.REFUSED):
            self._hear(frame)


def _ignore(_frame: Frame) -> None:
    """Take a report that nobody waits for."""


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:  # never: both were asked for
        raise CaptureError("preview process", "has no pipe", "start the daemon again")
    return stream
