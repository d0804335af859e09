"""Tests of realtime.windows."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.ring import Ring
from realtime.windows import Grid, WindowCutter, file_windows
from tests.realtime.signals import song, tone


@pytest.mark.parametrize("rate", [8000, 11_025, 44_100, 48_000])
@pytest.mark.parametrize("hop_s", [0.1, 0.5, 0.333, 7.0])
def test_the_newest_window_is_the_last_one_that_fits(rate: int, hop_s: float) -> None:
    grid = Grid(rate, 5.0, hop_s)
    assert grid.newest(grid.window_frames - 1) == -1
    for number in range(40):
        assert grid.newest(grid.end(number)) == number
        assert grid.newest(grid.end(number) - 1) == number - 1


def test_a_short_recording_gives_one_window_in_which_it_is_repeated() -> None:
    recording = tone(330.0, 2.0)
    windows = list(file_windows(recording[:, None], 16_000, 5.0, 0.5))
    assert len(windows) == 1
    assert windows[0].audio.shape == (80_000,)
    np.testing.assert_array_equal(windows[0].audio, np.concatenate([recording, recording, recording[:16_000]]))


def test_windows_start_on_the_hop_grid_at_the_rate_of_the_encoder() -> None:
    windows = list(file_windows(song(44_100, 2), 44_100, 5.0, 0.5))
    assert [window.start_frame for window in windows] == [8000 * number for number in range(9)]
    assert {len(window.audio) for window in windows} == {80_000}


def test_resampling_keeps_a_tone_where_it_is() -> None:
    window = next(file_windows(tone(1000.0, 5.0, 44_100)[:, None], 44_100, 5.0, 0.5))
    np.testing.assert_allclose(window.audio[1000:-1000], tone(1000.0, 5.0)[1000:-1000], atol=2e-3)


def test_live_the_newest_window_wins_and_missed_hops_are_counted() -> None:
    ring = Ring.create(10.0, 16_000, 1)
    ring.begin(16_000)
    cutter = WindowCutter(ring, 5.0, 0.5)
    ring.write(np.zeros((80_000, 1), np.float32))
    first = cutter.newest()
    assert first is not None
    assert first.start_frame == 0
    assert cutter.newest() is None
    assert cutter.due_in_s() == pytest.approx(0.5)
    ring.write(np.zeros((24_000, 1), np.float32))
    late = cutter.newest()
    assert late is not None
    assert late.start_frame == 24_000
    assert cutter.missed_hops == 2
    ring.close()


def test_a_window_that_the_ring_has_lost_is_counted_not_torn() -> None:
    ring = Ring.create(5.0, 16_000, 1)
    ring.begin(16_000)
    cutter = WindowCutter(ring, 5.0, 0.5)
    ring.write(np.zeros((100_000, 1), np.float32))
    assert cutter.next() is None
    assert cutter.overwritten == 1
    ring.close()


def test_a_window_with_missing_frames_is_flagged_and_the_ones_after_it_are_not() -> None:
    ring = Ring.create(12.0, 16_000, 1)
    ring.begin(16_000)
    cutter = WindowCutter(ring, 5.0, 0.5)
    ring.write(np.zeros((8_000, 1), np.float32))
    ring.mark_gap()
    ring.write(np.zeros((80_000, 1), np.float32))
    flags = []
    while (window := cutter.next()) is not None:
        flags.append(window.has_gap)
    assert flags == [True, False]
    ring.close()


def test_a_new_rate_begins_a_new_grid_and_time_goes_on() -> None:
    ring = Ring.create(20.0, 48_000, 1)
    ring.begin(48_000)
    cutter = WindowCutter(ring, 5.0, 0.5)
    ring.write(np.zeros((5 * 48_000 + 24_000, 1), np.float32))
    before = cutter.newest()
    ring.begin(44_100)
    ring.write(tone(1000.0, 5.0, 44_100)[:, None])
    after = cutter.newest()
    assert before is not None
    assert after is not None
    assert after.start_frame > before.start_frame
    assert not after.has_gap
    np.testing.assert_allclose(after.audio[1000:-1000], tone(1000.0, 5.0)[1000:-1000], atol=2e-3)
    ring.close()
