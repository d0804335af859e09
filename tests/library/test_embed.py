"""Check how the clips of one sound are embedded."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from library.embed import embed_clips
from library.encoders.spec import EncoderSpec
from tests.fakes import SpectrumEncoder

KINDS = 8


class _WithKinds(SpectrumEncoder):
    """Take the last numbers for what says of which kind a sound is."""

    @property
    def spec(self) -> EncoderSpec:
        return replace(super().spec, kinds=KINDS)


def _tones(*pitches_hz: float) -> list[NDArray[np.float32]]:
    time_s = np.arange(16_000) / 16_000
    return [np.sin(2 * np.pi * pitch * time_s, dtype=np.float64).astype(np.float32) for pitch in pitches_hz]


def test_clips_of_a_sound_say_together_of_which_kind_it_is() -> None:
    clips = _tones(220.0, 5000.0, 7000.0)
    apart = embed_clips(SpectrumEncoder(), clips).astype(np.float32)
    found = embed_clips(_WithKinds(), clips).astype(np.float32)
    np.testing.assert_array_equal(found[:, :-KINDS], apart[:, :-KINDS])
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1.0, atol=2e-3)
    before, after = (_least_cosine(vectors[:, -KINDS:]) for vectors in (apart, found))
    assert before < after < 1.0


def test_a_single_clip_says_what_it_says() -> None:
    (clip,) = _tones(440.0)
    apart, found = (embed_clips(encoder, [clip]).astype(np.float32) for encoder in (SpectrumEncoder(), _WithKinds()))
    assert found == pytest.approx(apart, abs=1e-3)


def test_without_a_clip_there_is_no_vector() -> None:
    assert embed_clips(_WithKinds(), []).shape == (0, SpectrumEncoder().spec.dim)


def _least_cosine(kinds: NDArray[np.float32]) -> float:
    unit = kinds / np.linalg.norm(kinds, axis=1, keepdims=True)
    return float((unit @ unit.T).min())
