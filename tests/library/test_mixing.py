from __future__ import annotations

import numpy as np
import torch

from library.data.mixing import MixConfig, Mixer
from tests.library.clips import small_store

STORE = small_store()


def test_mixtures_hold_as_many_different_instruments_as_asked() -> None:
    batch = Mixer(STORE, MixConfig(min_sources=2, max_sources=9, empty=0.0), seed=0).mixtures(40)
    counts = (batch.label >= 0).sum(dim=1)
    assert int(counts.min()) >= 2
    assert int(counts.max()) == 9
    for row in batch.label:
        present = row[row >= 0].tolist()
        assert len(set(present)) == len(present)


def test_shares_add_up_to_the_whole() -> None:
    batch = Mixer(STORE, MixConfig(), seed=0).mixtures(8)
    total = batch.share.sum(dim=1)[batch.energy > 1e-6]
    torch.testing.assert_close(total, torch.ones_like(total), atol=0.02, rtol=0)
    torch.testing.assert_close(batch.energy.mean(dim=(1, 2)), torch.ones(8), atol=1e-3, rtol=0)


def test_the_same_seed_draws_the_same_mixtures() -> None:
    first, second = (Mixer(STORE, MixConfig(), seed=3).mixtures(4) for _ in range(2))
    torch.testing.assert_close(first.features, second.features)
    assert torch.equal(first.label, second.label)
    other = Mixer(STORE, MixConfig(), seed=4).mixtures(4)
    assert not torch.equal(first.label, other.label)


def test_the_state_of_the_generator_resumes_a_run() -> None:
    mixer = Mixer(STORE, MixConfig(), seed=3)
    mixer.mixtures(4)
    state = mixer.rng.bit_generator.state
    expected = mixer.mixtures(4)
    resumed = Mixer(STORE, MixConfig(), seed=99)
    resumed.rng.bit_generator.state = state
    torch.testing.assert_close(resumed.mixtures(4).features, expected.features)


def test_empty_mixtures_hold_percussion_or_noise_alone() -> None:
    batch = Mixer(STORE, MixConfig(empty=1.0), seed=0).mixtures(6)
    assert (batch.label == -1).all()
    assert torch.isfinite(batch.features).all()
    assert float(batch.share[:, -1].mean()) > 0.9


def test_noise_is_as_far_below_the_clip_as_asked() -> None:
    clean = Mixer(STORE, MixConfig(noise=0.0), seed=0).singles(16)
    noisy = Mixer(STORE, MixConfig(noise=1.0, noise_snr_db=(0.0, 0.0)), seed=0).singles(16)
    assert torch.equal(clean.label, noisy.label)
    assert float((noisy.features - clean.features).abs().mean()) > 0.02


def test_sources_that_enter_late_leave_a_part_of_the_window_to_the_others() -> None:
    batch = Mixer(
        STORE, MixConfig(min_sources=1, max_sources=1, drums=0, noise=0, empty=0, entry=1.0), seed=0
    ).mixtures(8)
    silent = (batch.energy.sum(dim=1) < 1e-3).float().mean(dim=1)  # share of silent frames
    assert np.all((silent.numpy() > 0.15) & (silent.numpy() < 0.65))
