"""Tests of the player without any audio server."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from library.audio import write_audio
from library.errors import AudioFileError, CaptureError, DeviceError
from realtime.player import READ_S, Player, PlayerEvent, read_preview
from tests.integration.jack import wait_for
from tests.realtime.signals import tone


def test_no_more_than_the_beginning_of_a_file_is_read(tmp_path: Path) -> None:
    write_audio(tmp_path / "long.wav", np.zeros((round(8000 * READ_S * 2), 2), np.float32), 8000)
    samples, rate = read_preview(tmp_path / "long.wav")
    assert (samples.shape, rate) == ((round(8000 * READ_S), 2), 8000)
    write_audio(tmp_path / "empty.wav", np.zeros(0, np.float32), 8000)
    with pytest.raises(AudioFileError, match="no audio frames"):
        read_preview(tmp_path / "empty.wav")


@pytest.mark.parametrize("output", ["", "jack:", "jack:(", "file:x.wav"])
def test_a_player_without_an_output_is_refused_at_once(output: str) -> None:
    with pytest.raises(DeviceError):
        Player(output, "", lambda event: None)


class _Told:
    def __init__(self) -> None:
        self.events: list[PlayerEvent] = []

    def __call__(self, event: PlayerEvent) -> None:
        self.events.append(event)

    def why(self, number: int) -> str | None:
        return next((event.detail for event in self.events if event.number == number and event.state == "failed"), None)


def test_nothing_is_started_before_the_first_preview() -> None:
    before = set(threading.enumerate())  # an earlier test may have left one behind
    player = Player("jack:x:.*", "", _Told(), server="timbrel-no-such-server")
    player.stop()
    player.set_bus("jack:y:.*")
    assert player.pid is None
    player.close()
    assert set(threading.enumerate()) <= before
    player.stop()
    with pytest.raises(CaptureError, match="closed"):
        player.play(tone(440.0, 1.0), 16_000)


def test_what_cannot_be_played_is_told_and_does_not_stop_the_next(tmp_path: Path) -> None:
    told = _Told()
    player = Player("jack:x:.*", "", told, server="timbrel-no-such-server")
    (tmp_path / "text.wav").write_text("no audio")
    tries: tuple[tuple[Callable[[], int], str], ...] = (
        (lambda: player.play_file(tmp_path / "none.wav"), "no such file"),
        (lambda: player.play_file(tmp_path / "text.wav"), "is not audio"),
        (lambda: player.play(np.full(100, np.nan, np.float32), 16_000), "NaN"),
        (lambda: player.play(tone(440.0, 1.0), 16_000), "there is no JACK server timbrel-no-such-server"),
    )
    for play, why in tries:
        number = play()
        wait_for(lambda: told.why(number) is not None, why)  # noqa: B023  run at once
        assert why in (told.why(number) or "")
    player.close()


def test_of_many_previews_at_once_the_newest_wins() -> None:
    told = _Told()
    player = Player("jack:x:.*", "", told, server="timbrel-no-such-server")
    numbers = [player.play(tone(440.0, 1.0), 16_000) for _ in range(200)]
    wait_for(lambda: told.why(numbers[-1]) is not None, "the last one is served")
    assert len(told.events) < 10
    player.close()
