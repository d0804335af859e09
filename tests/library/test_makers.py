"""Check what clips become as other makers' instruments."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import library.data.makers as makers
from library.data.makers import as_other_makers

FRAME_S = 0.032
SHARES = [name for name in vars(makers) if name.endswith("_SHARE")]


def power(batch: int = 24, bands: int = 180, frames: int = 120) -> torch.Tensor:
    return torch.rand(batch, bands, frames, generator=torch.Generator().manual_seed(0)) + 0.1


def only(monkeypatch: pytest.MonkeyPatch, *chosen: str) -> None:
    """Make some changes to every clip, and the others to none."""
    for name in SHARES:
        monkeypatch.setattr(makers, name, float(name in chosen))


def test_clips_stay_power_and_are_changed_in_many_ways() -> None:
    given = power()
    before = given.clone()
    found = as_other_makers(given, np.random.default_rng(0), FRAME_S)
    assert torch.equal(given, before), "the clips of the store stay what they are"
    assert found.shape == given.shape
    assert torch.isfinite(found).all()
    assert (found >= 0).all()
    changed = (found - given).abs().amax(dim=(1, 2)) > 1e-3
    assert changed.float().mean() > 0.9


def test_the_same_draws_make_the_same_changes() -> None:
    first, second = (as_other_makers(power(), np.random.default_rng(4), FRAME_S) for _ in range(2))
    assert torch.equal(first, second)


def test_without_any_change_clips_are_what_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch)
    torch.testing.assert_close(as_other_makers(power(), np.random.default_rng(0), FRAME_S), power())


def test_filters_change_bands_alike_at_all_times(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, "BODY_SHARE", "COLOUR_SHARE", "DARK_SHARE")
    gain = as_other_makers(power(), np.random.default_rng(0), FRAME_S) / power()
    torch.testing.assert_close(gain, gain[..., :1].expand_as(gain), rtol=1e-3, atol=1e-7)
    assert gain[:, :, 0].std(dim=1).min() > 0.1


def test_notes_are_shortened_and_lengthened(monkeypatch: pytest.MonkeyPatch) -> None:
    note = torch.zeros(16, 4, 120)
    note[:, :, 20:] = torch.exp(-torch.arange(100) / 20.0)
    only(monkeypatch, "DAMPED_SHARE")
    shorter = as_other_makers(note, np.random.default_rng(0), FRAME_S)
    assert (shorter[:, :, 60] < note[:, :, 60]).all()
    torch.testing.assert_close(shorter[:, :, 20], note[:, :, 20])  # onsets stay
    only(monkeypatch, "RINGING_SHARE")
    longer = as_other_makers(note, np.random.default_rng(0), FRAME_S)
    assert (longer[:, :, 60] > note[:, :, 60]).all()
    assert (longer[:, :, :20] == 0).all(), "nothing sounds before its onset"


def test_a_shift_moves_all_bands_together(monkeypatch: pytest.MonkeyPatch) -> None:
    line = torch.zeros(40, 180, 6)
    line[:, 90] = 1.0
    only(monkeypatch, "SHIFT_SHARE")
    moved = as_other_makers(line, np.random.default_rng(0), FRAME_S).sum(dim=2).argmax(dim=1)
    assert (moved - 90).abs().max() <= makers.MOST_SHIFT
    assert len(set(moved.tolist())) > 10


def test_a_tremolo_leaves_the_spectrum(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, "TREMOLO_SHARE")
    gain = as_other_makers(power(), np.random.default_rng(0), FRAME_S) / power()
    torch.testing.assert_close(gain, gain[:, :1].expand_as(gain), rtol=1e-3, atol=1e-6)
    assert gain[:, 0].std(dim=1).min() > 0.05
