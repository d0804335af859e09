"""Tests of realtime.gate."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.gate import judge
from tests.realtime.signals import noise, tone


def test_music_passes() -> None:
    verdict = judge(tone(330.0, 5.0), 16_000)
    assert verdict.skipped is None
    assert verdict.active == 1.0
    assert verdict.level_db == pytest.approx(20 * np.log10(0.3 / np.sqrt(2)), abs=0.01)


def test_soft_music_passes() -> None:
    assert judge(tone(330.0, 5.0, amplitude=0.004), 16_000).skipped is None  # -51 dBFS


@pytest.mark.parametrize("level_db", [-60.0, -70.0, -200.0])
def test_silence_and_noise_of_an_idle_input_are_silent(level_db: float) -> None:
    assert judge(noise(5.0, level_db), 16_000).skipped == "silent"


def test_digital_silence_is_silent() -> None:
    assert judge(np.zeros(80_000, np.float32), 16_000).skipped == "silent"


def test_a_window_that_is_mostly_silent_is_gated_however_loud_the_rest_is() -> None:
    audio = np.zeros(80_000, np.float32)
    audio[-6400:] = tone(330.0, 0.4)
    assert judge(audio, 16_000).skipped == "silent"
    audio[-9600:] = tone(330.0, 0.6)
    assert judge(audio, 16_000).skipped is None


def test_a_window_rests_for_as_long_as_nothing_sounds_at_its_end() -> None:
    audio = tone(330.0, 5.0)
    assert judge(audio, 16_000).rest_s == 0.0
    audio[-9600:] = noise(0.6, -70.0)
    assert judge(audio, 16_000).rest_s == pytest.approx(0.6)
    assert judge(audio, 16_000).skipped is None
    assert judge(tone(330.0, 0.02), 16_000).rest_s == 0.0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30])
def test_one_broken_sample_is_enough_to_skip_a_window(bad: float) -> None:
    audio = tone(330.0, 5.0)
    audio[123] = bad
    assert judge(audio, 16_000).skipped == "not-finite"


def test_clipped_samples_are_counted_and_do_not_stop_a_window() -> None:
    verdict = judge(np.clip(tone(330.0, 5.0, amplitude=2.0), -1.0, 1.0), 16_000)
    assert verdict.skipped is None
    assert verdict.clipped > 1000
    assert judge(tone(330.0, 5.0), 16_000).clipped == 0
