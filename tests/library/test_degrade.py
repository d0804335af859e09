from __future__ import annotations

import numpy as np
import pytest

from library.evaluation import degrade

RATE = 16_000
TONE = (0.3 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)).astype(np.float32)[None]


def power_db(audio: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> float:
    return float(10 * np.log10(np.square(audio).mean()))


def test_level_changes_the_level_alone() -> None:
    assert power_db(degrade.level(TONE, -30.0)) == pytest.approx(power_db(TONE) - 30.0, abs=0.01)


def test_noise_lies_as_far_below_as_asked() -> None:
    assert power_db(degrade.add_noise(TONE, 20.0) - TONE) == pytest.approx(power_db(TONE) - 20.0, abs=0.1)


def test_a_room_rings_after_the_sound() -> None:
    click = np.zeros((1, RATE), np.float32)
    click[0, 100:200] = 1.0
    wet = degrade.reverb(click, 0.5, -6.0)
    assert np.abs(wet[0, 300:4000]).max() > 0.01
    assert power_db(wet - click) == pytest.approx(power_db(click) - 6.0, abs=0.1)


def test_a_codec_keeps_the_tone_and_is_not_the_same() -> None:
    coded = degrade.mp3(TONE, 0.9)
    assert coded.shape == TONE.shape
    spectrum = np.abs(np.fft.rfft(coded[0]))
    assert spectrum.argmax() == 440
    assert not np.allclose(coded, TONE, atol=1e-4)
