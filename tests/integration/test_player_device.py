"""Hear previews through PortAudio, on an ALSA device that hands what is played to a pipe."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from numpy.typing import NDArray

from library.audio import level_db
from realtime.player import Player, PlayerEvent
from realtime.preview_level import TARGET_DB
from tests.integration.jack import peak_hz, wait_for
from tests.realtime.signals import tone

pytestmark = pytest.mark.daw

_ALSA = Path("/usr/share/alsa/alsa.conf")
_PIECE = 4096
_PIECE_S = 0.02
"""About four times as fast as it would be heard; a null device has no clock of its own."""


class Pipe:
    """Take what the device plays, at a pace."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = path
        self._pieces: list[bytes] = []
        self._stop = threading.Event()
        self._file = os.open(path, os.O_RDWR)  # never at its end, whoever writes
        os.set_blocking(self._file, False)
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        os.close(self._file)

    def newest(self) -> NDArray[np.float32]:
        """Return the newest second and a half as [T, 2] float32."""
        return np.frombuffer(b"".join(self._pieces[-16:]), "<f4").reshape(-1, 2)

    def _read(self) -> None:
        while not self._stop.wait(_PIECE_S):
            try:
                data = os.read(self._file, _PIECE * 8)
            except BlockingIOError:
                continue
            if len(data) % 8 == 0:
                self._pieces.append(data)


@pytest.fixture
def pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipe]:
    if not _ALSA.exists():
        pytest.skip(f"{_ALSA} is missing: apt-get install libasound2-data")
    made = Pipe(tmp_path / "heard")
    config = tmp_path / "asound.conf"
    device = f'pcm.speakers {{\n type file\n slave.pcm "null"\n file "{made.path}"\n format "raw"\n}}'
    config.write_text(f"<{_ALSA}>\n{device}\n")
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(config))
    yield made
    made.close()


def test_a_device_plays_a_preview_and_one_that_hangs_is_replaced(pipe: Pipe) -> None:
    events: list[PlayerEvent] = []
    player = Player("speak", "file:song.wav", events.append, answer_s=3.0)
    player.play(tone(440.0, 6.0), 16_000)
    wait_for(lambda: _is_heard(pipe, 440.0), "the tone")
    player.play(tone(1000.0, 6.0), 16_000)
    wait_for(lambda: _is_heard(pipe, 1000.0), "the tone that replaced it")
    player.stop()
    wait_for(lambda: len(pipe.newest()) > 0 and not pipe.newest().any(), "silence")
    pid = player.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    hung = player.play(tone(440.0, 6.0), 16_000)
    wait_for(lambda: any(event.number == hung and event.state == "failed" for event in events), "it is told")
    assert not psutil.pid_exists(pid)
    player.play(tone(660.0, 6.0), 16_000)
    wait_for(lambda: _is_heard(pipe, 660.0), "another child plays")
    player.close()


def test_a_device_that_is_not_there_is_told_with_the_closest_name(pipe: Pipe) -> None:
    events: list[PlayerEvent] = []
    player = Player("Speeker", "file:song.wav", events.append, answer_s=15.0)
    player.play(tone(440.0, 6.0), 16_000)
    wait_for(lambda: bool(events), "it is told")
    assert "Speeker: is no audio output; the closest is speakers" in events[0].detail
    player.close()


def _is_heard(pipe: Pipe, hz: float) -> bool:
    got = pipe.newest()
    return len(got) > 4096 and all(
        abs(peak_hz(got[:, side], 44_100) - hz) < 12.0 and abs(level_db(got[:, side]) - TARGET_DB) < 1.0
        for side in (0, 1)
    )
