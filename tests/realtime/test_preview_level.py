"""Tests of the level, length and channels of previews."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from library.audio import level_db
from realtime.preview_level import (
    LONGEST_S,
    MOST_GAIN_DB,
    PEAK_DB,
    TARGET_DB,
    active_level_db,
    fade_ends,
    match_level,
    shape_preview,
    skip_silence,
)
from tests.realtime.signals import noise, tone

_RATE = 48_000


def _stereo(mono: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.stack([mono, mono], axis=1)


@pytest.mark.parametrize("amplitude", [0.005, 0.05, 0.9])
def test_loud_and_quiet_sounds_come_out_at_one_level(amplitude: float) -> None:
    shaped = shape_preview(tone(440.0, 2.0, amplitude=amplitude), 16_000, _RATE)
    assert level_db(shaped[_RATE // 2 : _RATE, 0]) == pytest.approx(TARGET_DB, abs=0.1)


def test_pauses_and_decay_do_not_count_for_the_level() -> None:
    steady = _stereo(tone(440.0, 1.0, _RATE))
    with_pauses = np.concatenate([steady, np.zeros((3 * _RATE, 2), np.float32), steady])
    assert active_level_db(with_pauses, _RATE) == pytest.approx(active_level_db(steady, _RATE), abs=0.1)


def test_a_peak_never_passes_its_limit_and_a_short_hit_stays_under_the_target() -> None:
    hit = noise(1.0, -60.0, _RATE)[:, None]
    hit[100:103] = 0.5
    matched = match_level(hit, _RATE)
    assert 20.0 * np.log10(np.abs(matched).max()) == pytest.approx(PEAK_DB, abs=1e-3)
    assert active_level_db(matched, _RATE) < TARGET_DB


def test_silence_is_left_alone_and_a_whisper_is_raised_by_no_more_than_the_most() -> None:
    nothing = np.zeros((_RATE, 2), np.float32)
    assert not match_level(nothing, _RATE).any()
    assert active_level_db(nothing[:0], _RATE) == -200.0
    whisper = noise(1.0, -65.0, _RATE)[:, None]
    gain_db = level_db(match_level(whisper, _RATE)[:, 0]) - level_db(whisper[:, 0])
    assert gain_db == pytest.approx(MOST_GAIN_DB, abs=0.01)


def test_a_preview_is_no_longer_than_six_seconds_and_begins_and_ends_at_zero() -> None:
    shaped = shape_preview(tone(440.0, 20.0, 44_100), 44_100, _RATE)
    assert shaped.shape == (round(LONGEST_S * _RATE), 2)
    assert shaped.dtype == np.float32
    assert shaped.flags.c_contiguous
    assert not shaped[0].any()
    assert not shaped[-1].any()
    assert np.abs(shaped[-_RATE // 100 :]).max() < 0.25 * np.abs(shaped[_RATE : 2 * _RATE]).max()


@pytest.mark.parametrize("frames", [0, 1, 2, 7])
def test_even_a_sound_of_a_few_frames_can_be_shaped(frames: int) -> None:
    assert shape_preview(np.full(frames, 0.5, np.float32), _RATE, _RATE).shape == (frames, 2)
    assert fade_ends(np.ones((frames, 2), np.float32), _RATE).shape == (frames, 2)


def test_a_sound_begins_at_once_although_its_file_begins_with_silence() -> None:
    late = np.concatenate([np.zeros((3 * _RATE, 2), np.float32), _stereo(tone(440.0, 1.0, _RATE))])
    assert len(skip_silence(late, _RATE)) == pytest.approx(_RATE, abs=_RATE // 100)
    assert np.abs(shape_preview(late, _RATE, _RATE)[: _RATE // 50]).max() > 0.05


def test_mono_is_heard_on_both_sides_stereo_on_its_own_and_more_channels_as_their_average() -> None:
    a, b = tone(440.0, 1.0, _RATE), tone(880.0, 1.0, _RATE)
    mono = shape_preview(a, _RATE, _RATE)
    np.testing.assert_array_equal(mono[:, 0], mono[:, 1])
    stereo = shape_preview(np.stack([a, b], axis=1), _RATE, _RATE)
    assert abs(float(stereo[:, 0] @ stereo[:, 1])) < 0.1 * float(stereo[:, 0] @ stereo[:, 0])
    many = shape_preview(np.stack([a, b, a, b], axis=1), _RATE, _RATE)
    np.testing.assert_array_equal(many[:, 0], many[:, 1])
    assert many[:, 0] @ a > 100.0
    assert many[:, 0] @ b > 100.0
