"""Check that resampling in groups says what torchaudio says."""

from __future__ import annotations

import pytest
import torch
from torchaudio.transforms import Resample

from library.resampler import Resampler

RATES = [(48_000, 16_000), (44_100, 16_000), (96_000, 16_000), (192_000, 16_000), (22_050, 16_000), (8_000, 16_000),
         (16_000, 48_000), (44_100, 48_000), (3, 2)]  # fmt: skip


@pytest.mark.parametrize(("from_hz", "to_hz"), RATES)
@pytest.mark.parametrize("frames", [1, 2, 31, 440, 441, 12_480, 12_485])
def test_samples_are_those_of_torchaudio(from_hz: int, to_hz: int, frames: int) -> None:
    audio = torch.randn(frames, generator=torch.Generator().manual_seed(frames))
    ours, theirs = Resampler(from_hz, to_hz)(audio), Resample(from_hz, to_hz)(audio)
    assert ours.shape == theirs.shape
    assert torch.allclose(ours, theirs, atol=2e-6, rtol=0.0)


def test_resampling_leaves_its_input_as_it_is() -> None:
    audio = torch.randn(1000)
    before = audio.clone()
    Resampler(48_000, 16_000)(audio)
    assert torch.equal(audio, before)
