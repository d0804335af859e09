"""Tests of the process that plays previews, with an output of our own in the place of a device."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from typing import Self

import numpy as np
import pytest

from realtime.player_wire import Frame, Kind, pack, read_frame, unpack_rate


class _Child:
    """Run the child process with an output of our own in the place of a device."""

    def __init__(self, change: str = "") -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _CHILD.replace("# change", change)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._stdin, self._stdout = self._process.stdin, self._process.stdout

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait(10)
        with suppress(BrokenPipeError):
            self._stdin.close()
        self._stdout.close()

    def send(self, *frames: Frame) -> None:
        self.write(b"".join(pack(frame) for frame in frames))

    def next(self) -> Frame | None:
        return read_frame(self._stdout.read)

    def write(self, data: bytes) -> None:
        with suppress(BrokenPipeError):  # it may have ended already
            self._stdin.write(data)
            self._stdin.flush()

    def end(self) -> int:
        """Let it end as at the end of its parent; return its exit code."""
        with suppress(BrokenPipeError):
            self._stdin.close()
        return self._process.wait(30)


_CHILD = """
import os, threading, time, numpy
from realtime import player_process
from realtime.player_voice import Voice

class Output:
    rate, name = 8000, "fake"
    def __init__(self):
        os.write(1, b"native libraries talk on standard output")
        self.voice = Voice(8000)
        threading.Thread(target=self.play, daemon=True).start()
    def play(self):
        while True:
            self.voice.render(numpy.zeros((80, 2), numpy.float32))
            time.sleep(0.01)
    def aim(self, bus):
        return "not on the bus" if bus == "jack:me" else None
    def lost(self):
        return None
    def release(self):
        pass

player_process._open = lambda text, server: Output()
# change
player_process.main(['{"output": "x", "server": null}'])
"""
_SECOND = np.ones((8000, 2), "<f4").tobytes()


def test_the_child_says_what_becomes_of_each_request() -> None:
    with _Child() as child:
        ready = child.next()
        assert ready is not None
        assert (ready.kind, unpack_rate(ready.body)) == (Kind.READY, (8000, "fake"))
        child.send(Frame(Kind.PLAY, 1, _SECOND[:800]))
        assert child.next() == Frame(Kind.PLAYING, 1)
        assert child.next() == Frame(Kind.ENDED, 1)
        child.send(Frame(Kind.PLAY, 2, _SECOND * 6))
        assert child.next() == Frame(Kind.PLAYING, 2)
        child.send(Frame(Kind.STOP, 3))
        assert child.next() == Frame(Kind.ENDED, 2)
        child.send(Frame(Kind.BUS, 0, b"jack:me"), Frame(Kind.PLAY, 4, _SECOND))
        assert child.next() == Frame(Kind.REFUSED, 4, b"not on the bus")
        child.send(Frame(Kind.BUS, 0, b"jack:x"), Frame(Kind.BUS, 1, b"jack:me"), Frame(Kind.PLAY, 5, _SECOND))
        assert child.next() == Frame(Kind.REFUSED, 5, b"not on the bus")
        child.send(Frame(Kind.BUS, 0, b"jack:x"), Frame(Kind.PLAY, 6, _SECOND[:800]))
        assert child.next() == Frame(Kind.PLAYING, 6)
        assert child.next() == Frame(Kind.ENDED, 6)
        assert child.end() == 0


def test_a_stop_that_overtakes_its_preview_silences_it() -> None:
    # Slow to connect; what sounds all the same is seen at the next look at where it leads.
    aim = "time.sleep(0.5) or ('it sounds' if self.voice.is_busy else None)"
    with _Child(f"Output.aim = lambda self, bus: {aim}") as child:
        child.next()
        child.send(Frame(Kind.PLAY, 1, _SECOND * 60), Frame(Kind.STOP, 2))
        assert child.next() == Frame(Kind.PLAYING, 1)
        assert child.next() == Frame(Kind.ENDED, 1)
        assert child.end() == 0


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("Output.aim = lambda self, bus: time.sleep(3600)", "fake hangs"),
        ("Output.play = lambda self: None", "fake takes no audio"),
        ("Output.lost = lambda self: 'it went away'", "it went away"),
        ("Output.aim = lambda self, bus: {}['x']", "'x'"),
        (
            "def _broken(text, server): raise OSError('no such output')\nplayer_process._open = _broken",
            "no such output",
        ),
    ],
    ids=["hung", "stalled", "lost", "broken", "not there"],
)
def test_a_child_whose_output_is_of_no_use_says_so_and_ends(change: str, why: str) -> None:
    with _Child(change) as child:
        child.send(Frame(Kind.PLAY, 1, _SECOND))
        frames = []
        while frame := child.next():
            frames.append(frame)
        assert (frames[-1].kind, frames[-1].text) == (Kind.FAILED, why)
        assert child.end() == 1


def test_a_child_without_anything_to_play_ends_by_itself() -> None:
    with _Child("player_process.IDLE_S = 0.2") as child:
        child.next()
        assert child.next() == Frame(Kind.IDLE)
        assert child.end() == 0


def test_a_child_that_is_sent_nonsense_ends() -> None:
    with _Child() as child:
        child.next()
        child.write(b"x" * 12)
        assert child.next() is None
        assert child.end() == 1


def test_the_child_process_never_imports_torch() -> None:
    code = (
        "import sys, realtime.player_process, realtime.player_jack, realtime.player_device;"
        "print([name for name in ('torch', 'sounddevice', 'jack', 'soundfile') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"
