"""Tests of how one clip replaces another."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from realtime.player_voice import SWITCH_S, Voice
from realtime.preview_level import fade_ends
from tests.realtime.signals import tone

_RATE = 48_000


def _stereo(mono: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.stack([mono, mono], axis=1)


def _render(voice: Voice, frames: int, block: int = 256) -> NDArray[np.float32]:
    out = np.full((frames, 2), 9.0, np.float32)
    for at in range(0, frames, block):
        voice.render(out[at : at + block])
    return out


@pytest.mark.parametrize("block", [1, 64, 1000, 5000])
def test_a_clip_is_rendered_as_it_is_whatever_the_blocks(block: int) -> None:
    clip = _stereo(tone(440.0, 0.05, _RATE))
    voice = Voice(_RATE)
    voice.play(clip)
    assert voice.is_busy
    out = _render(voice, 5000, block)
    np.testing.assert_array_equal(out[: len(clip)], clip)
    assert not out[len(clip) :].any()
    assert not voice.is_busy


def test_a_stop_fades_out_in_a_hundredth_of_a_second() -> None:
    voice = Voice(_RATE)
    voice.play(np.ones((_RATE, 2), np.float32))
    _render(voice, 1000)
    voice.stop()
    out = _render(voice, 4096)
    fade = round(SWITCH_S * _RATE)
    assert (np.diff(out[:fade, 0]) < 0.0).all()
    assert not out[fade:].any()
    assert not voice.is_busy


def test_a_clip_that_replaces_another_begins_at_once_while_the_other_fades_out() -> None:
    voice = Voice(_RATE)
    voice.play(np.ones((_RATE, 2), np.float32))
    before = _render(voice, 1000)
    voice.play(np.full((_RATE, 2), 0.5, np.float32))
    after = _render(voice, 1000)
    assert before[-1, 0] == 1.0
    assert after[0, 0] == pytest.approx(1.5)
    assert after[-1, 0] == 0.5
    assert voice.is_busy


def test_clips_that_follow_each_other_within_a_fade_make_no_step() -> None:
    voice = Voice(_RATE)
    out = []
    for _ in range(6):
        voice.play(fade_ends(np.ones((_RATE, 2), np.float32), _RATE))
        out.append(_render(voice, 100, 50))
    voice.stop()
    out.append(_render(voice, 1000))
    joined = np.concatenate(out)[:, 0]
    # The steepest that is meant: each fade-in lasts a millisecond.
    assert np.abs(np.diff(joined)).max() <= 1.0 / (0.001 * _RATE) + 1e-5
    assert not joined[-100:].any()


def test_the_same_samples_can_be_played_again() -> None:
    clip = np.ones((100, 2), np.float32)
    voice = Voice(_RATE)
    for _ in range(2):
        voice.play(clip)
        assert voice.is_busy
        assert _render(voice, 200).sum() == 200.0
        assert not voice.is_busy
