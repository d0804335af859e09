from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from library.data.clips import CELLS, PARTS, ClipStore
from library.data.mixing import MixConfig, Mixer, MixtureBatch
from library.front_end import SILENCE
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


def _loud(store: ClipStore, mixes: MixConfig) -> MixtureBatch:
    return Mixer(store, mixes, seed=0).mixtures(8)


def test_a_cell_belongs_to_the_source_that_plays_in_it() -> None:
    alone = MixConfig(min_sources=1, max_sources=1, drums=0, noise=0, empty=0, entry=0, effects=0)
    batch = _loud(replace(STORE, amplitude=np.ones_like(STORE.amplitude)), alone)
    turned = [np.roll(STORE.notes[int(row)], k, axis=1).ravel() for row in batch.rows[:, 0] for k in range(CELLS)]
    for b in range(8):
        played = (batch.owner[b] == 0).numpy()
        assert any(np.array_equal(played, notes > 0) for notes in turned[b * CELLS : (b + 1) * CELLS])
        assert (batch.owner[b][~torch.from_numpy(played)] == 1).all()


def test_cells_that_two_sources_share_alike_belong_to_nobody() -> None:
    everywhere = replace(STORE, notes=np.ones_like(STORE.notes), amplitude=np.ones_like(STORE.amplitude))
    equal = MixConfig(min_sources=2, max_sources=2, gain_db=(0, 0), drums=0, noise=0, empty=0, entry=0, effects=0)
    assert (_loud(everywhere, equal).owner == -1).all()


def test_sampled_instruments_are_drawn_as_often_as_asked() -> None:
    synths = tuple(replace(i, engine="amsynth") if n >= 2 else i for n, i in enumerate(STORE.instruments))
    store = replace(STORE, instruments=synths)
    for asked, share in ((0.5, 0.5), (None, 0.2)):
        labels = Mixer(store, MixConfig(sampled=asked), seed=0).singles(400).label
        assert abs(float((labels < 2).float().mean()) - share) < 0.08


def test_a_window_is_heard_louder_or_softer_than_it_is() -> None:
    steady, moved = (
        Mixer(STORE, MixConfig(level_db=level_db, noise=0.0, effects=0.0), seed=0).singles(16).features
        for level_db in (0.0, 2.0)
    )
    apart = (moved - steady)[(moved > SILENCE) & (steady > SILENCE)] * 20.0
    assert 1.0 < float(apart.abs().max()) < 2.01


def test_the_instruments_of_a_song_play_different_parts_of_one_moment_in_time() -> None:
    part = np.full(len(STORE.label), -1)
    for c in range(10):
        rows = np.flatnonzero(STORE.label == c)
        part[rows[:3]] = [0 * PARTS + c % 4, 1 * PARTS + c % 3, 2 * PARTS + c % 2]
    store = replace(STORE, part=part)
    parts_only = MixConfig(min_sources=4, max_sources=9, songs=1.0, entry=0.0, drums=0.0, empty=0.0)
    mixer = Mixer(store, parts_only, seed=0)
    batch = mixer.mixtures(30)
    for label, rows in zip(batch.label.numpy(), batch.rows.numpy(), strict=True):
        played = part[rows[label >= 0]]
        assert 2 <= len(played) <= 4
        assert len(set(played // PARTS)) == 1
        assert len(set(played)) == len(played)
        assert len(set(label[label >= 0])) == len(played)


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
    assert (batch.owner == batch.label.shape[1]).all()


def test_percussion_is_played_by_other_kits_where_that_is_asked() -> None:
    def drums(kits: float) -> torch.Tensor:
        return (
            Mixer(STORE, MixConfig(empty=1.0, drums=1.0, noise=0.0, effects=0.0, kits=kits), seed=4)
            .mixtures(6)
            .features
        )

    plain, again, other = drums(0.0), drums(0.0), drums(1.0)
    assert torch.equal(plain, again)
    assert not torch.allclose(plain, other, atol=0.05)
    assert torch.isfinite(other).all()


def test_noise_is_as_far_below_the_clip_as_asked() -> None:
    clean = Mixer(STORE, MixConfig(noise=0.0, effects=0.0), seed=0).singles(16)
    noisy = Mixer(STORE, MixConfig(noise=1.0, noise_snr_db=(0.0, 0.0), effects=0.0), seed=0).singles(16)
    assert torch.equal(clean.label, noisy.label)
    assert float((noisy.features - clean.features).abs().mean()) > 0.02


def test_sources_that_enter_late_leave_a_part_of_the_window_to_the_others() -> None:
    batch = Mixer(
        STORE, MixConfig(min_sources=1, max_sources=1, drums=0, noise=0, empty=0, entry=1.0, effects=0), seed=0
    ).mixtures(8)
    silent = (batch.features[:, 0].amax(dim=1) <= SILENCE + 0.01).float().mean(dim=1)  # share of silent frames
    assert np.all((silent.numpy() > 0.15) & (silent.numpy() < 0.85))


def test_a_room_rings_on_after_the_sound() -> None:
    amplitude = np.zeros_like(STORE.amplitude)
    amplitude[:, 20:40, 60:80] = 1.0
    one = MixConfig(min_sources=1, max_sources=1, drums=0, noise=0, empty=0, entry=0, effects=0)
    dry = _loud(replace(STORE, amplitude=amplitude), one).features[:, 0].amax(dim=1)
    wet = _loud(replace(STORE, amplitude=amplitude), replace(one, effects=1.0)).features[:, 0].amax(dim=1)
    sounding = ((dry > SILENCE + 0.1).sum(dim=1), (wet > SILENCE + 0.1).sum(dim=1))
    assert (sounding[0] == 20).all()
    assert float((sounding[1] > sounding[0]).float().mean()) > 0.8


def test_clips_of_other_makers_are_features_of_the_instruments_asked_for() -> None:
    mixer = Mixer(STORE, MixConfig(noise=0.0, effects=0.0, level_db=0.0), seed=0)
    features = mixer.other_makers(np.array([3, 3, 7]))
    assert features.shape == (3, 1, STORE.spec.bands, STORE.amplitude.shape[2])
    assert torch.isfinite(features).all()
    assert float(features.min()) >= SILENCE
