"""Check what says of which kind an instrument is: in an embedding, as it is learnt, by cells alone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as f

from library.data.clips import ClipStore
from library.data.mixing import MixConfig, Mixer
from library.encoders.checkpoint import load_checkpoint
from library.encoders.kind_network import KindNetwork
from library.encoders.kinds import KIND_WEIGHT, SLOT_KIND_WEIGHT, KindHead, joined
from library.encoders.network import NetworkConfig, TimbrelNetwork
from library.encoders.runtime import WEIGHTS
from library.errors import InputError
from library.training.config import TrainConfig
from library.training.entry import train_kinds
from library.training.kind_heads import fit_kinds
from library.training.kind_task import INSTRUMENTS, KindTask
from library.training.kinds import NO_KIND, KindLabels
from library.training.run import run_training
from library.training.tasks import MultiTask
from tests.library.clips import small_store

CLASSES = 12
SMALL = NetworkConfig(dim=16, cells=16, slots=9, layers=1, heads=2, widths=(4, 8), blocks=1, traits=8, kinds=8)


def test_a_cosine_of_joined_vectors_is_the_weighted_mean_of_both() -> None:
    torch.manual_seed(0)
    vectors, kinds = (f.normalize(torch.randn(2, 5, length), dim=-1) for length in (16, 8))
    one, other = joined(vectors, kinds)
    slot = joined(vectors[:1], kinds[:1], SLOT_KIND_WEIGHT)
    torch.testing.assert_close(one.norm(dim=-1), torch.ones(5))
    cosine = (vectors[0] * vectors[1]).sum(dim=-1) + KIND_WEIGHT * (kinds[0] * kinds[1]).sum(dim=-1)
    torch.testing.assert_close((one * other).sum(dim=-1), cosine / (1.0 + KIND_WEIGHT))
    torch.testing.assert_close(
        slot[0, :, 16:].norm(dim=-1).square(), torch.full((5,), SLOT_KIND_WEIGHT / (1 + SLOT_KIND_WEIGHT))
    )
    torch.testing.assert_close(slot.norm(dim=-1), torch.ones(1, 5))


def test_a_new_head_says_nothing_and_leaves_cosines_as_they_are() -> None:
    torch.manual_seed(0)
    network = TimbrelNetwork(SMALL).eval()
    features = torch.randn(3, 1, 180, 64)
    with torch.inference_mode():
        whole, one = network.multi(features), network.embed(features)
        single = network.single(features)
        alone = network.alone(whole.whole, features)
    assert not KindHead(4, 8, 2)(torch.randn(3, 4)).any()
    torch.testing.assert_close(one @ one.T, single @ single.T)
    torch.testing.assert_close(whole.whole, single)
    torch.testing.assert_close(alone, one)
    torch.testing.assert_close(whole.embeddings[..., : SMALL.dim], whole.vectors)
    assert whole.embeddings.shape == (3, 9, SMALL.embedding)


def test_what_is_heard_of_a_kind_is_a_direction_whatever_the_length_and_level() -> None:
    torch.manual_seed(0)
    network = KindNetwork(8, (4, 6, 8, 10)).eval()
    network.reset()
    with torch.inference_mode():
        for frames in (4, 5, 63, 157):
            said = network(torch.randn(3, 1, 180, frames))
            torch.testing.assert_close(said.norm(dim=-1), torch.ones(3))


def test_kinds_are_told_from_programs_and_names_and_drawn_alike() -> None:
    rows = _three_programs(small_store(CLASSES, 9)).instruments
    patch = replace(rows[0], engine="amsynth", name="Nameless")
    labels = KindLabels.read([*rows, patch])
    assert [len(known) for known in labels.known.values()] == [3, 3]
    assert all(int(of[-1]) == NO_KIND for of in labels.of.values())
    assert sorted(len(alike) for alike in labels.alike) == [4, 4, 4]
    drawn = labels.draw(np.random.default_rng(0), 300)
    assert np.bincount(drawn % 3).min() > 70
    assert len(rows) not in drawn


def test_patches_of_a_family_are_drawn_as_often_as_asked() -> None:
    rows = _three_programs(small_store(CLASSES, 9)).instruments
    patches = [replace(rows[0], engine="amsynth", name=name) for name in ("Warm Strings", "Big Brass", "Strings 2")]
    labels = KindLabels.read([*rows, *patches])
    assert np.count_nonzero(labels.has_program) == 3
    drawn = labels.draw(np.random.default_rng(0), 1000, 0.35)
    assert 300 < np.count_nonzero(drawn >= len(rows)) < 400
    assert np.bincount(drawn)[len(rows) :].tolist()[1] > 140  # both families alike, however many patches they have


def test_kinds_are_learnt_and_the_run_goes_on_from_what_was(tmp_path: Path) -> None:
    store = _three_programs(small_store(CLASSES, 9))
    config = TrainConfig(steps=40, batch=16, scale=16.0, peak_lr=4e-3)
    task = KindTask(store, store, config)
    before = task.validate()["families"]
    learnt = run_training(task, config, tmp_path)
    assert learnt["families"] > max(0.5, before)
    assert {"families", "programs", INSTRUMENTS} <= json.loads((tmp_path / "log.jsonl").read_text()).keys()
    again = KindTask(store, store, TrainConfig(), start=task.network)
    assert again.validate()["families"] > 0.5
    more = replace(
        store, instruments=tuple(replace(row, engine="amsynth", name="Strings") for row in store.instruments)
    )
    both = KindTask(store, store, replace(config, batch=32), known=more)
    assert both.modules[INSTRUMENTS].state_dict()["weight"].shape[0] == 2 * CLASSES
    assert {"families", "programs", INSTRUMENTS} == both.loss(0.0)[1].keys()
    new = KindNetwork(64, (32, 48, 96, 192))
    assert not new.is_trained
    assert KindTask(store, store, TrainConfig(), start=new).network.is_trained


def test_trained_kinds_are_in_the_weights_and_the_rest_is_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("entry.CALIBRATION_MIXTURES", 64), ("tasks.COHORT", 32), ("kind_heads.STEPS", 5)):
        monkeypatch.setattr(f"library.training.{name}", value)
    monkeypatch.setattr("library.training.entry.KIND_WINDOWS", 64)
    stores = (_three_programs(small_store(CLASSES, 9)), _three_programs(small_store(CLASSES, 27, seed=1)))
    monkeypatch.setattr("library.training.entry._stores", lambda *_: stores)
    result = train_kinds(tmp_path, WEIGHTS, tmp_path, TrainConfig(steps=2, batch=8), "cpu", lambda *_: None)
    assert {"families", "programs"} <= set(result)
    before, after = (load_checkpoint(path).network.state_dict() for path in (WEIGHTS, tmp_path / WEIGHTS.name))
    changed = {key.partition(".")[0] for key, value in after.items() if not torch.equal(value, before[key])}
    assert changed == {"kind_network", "slot_kind"}


def test_without_a_known_kind_nothing_is_learnt_of_kinds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = small_store(CLASSES, 9)
    nameless = replace(store, instruments=tuple(replace(row, engine="amsynth") for row in store.instruments))
    monkeypatch.setattr("library.training.entry._stores", lambda *_: (nameless, nameless))
    with pytest.raises(InputError, match="family or General MIDI program is known"):
        train_kinds(tmp_path, WEIGHTS, tmp_path, TrainConfig(steps=1), "cpu", lambda *_: None)
    assert not MultiTask(nameless, store, TrainConfig()).has_kinds
    assert MultiTask(store, store, TrainConfig()).has_kinds


def test_slots_say_of_kinds_what_their_instruments_say_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("library.training.kind_heads.STEPS", 150)
    store = _three_programs(small_store(CLASSES, 9))
    task = MultiTask(store, small_store(CLASSES, 27, seed=1), TrainConfig())
    network = task.network
    hears = _Colour(Mixer(store, MixConfig(), seed=5).singles(64).features, network.config.kinds)
    monkeypatch.setattr(network.kind_network, "forward", hears)
    # Which slot holds which instrument is known for sure; what a new network's slots hold is not.
    given = torch.randn(256, network.config.dim + network.config.cells + network.config.traits)
    held = torch.arange(256) % CLASSES
    given[torch.arange(256), held] += 20.0
    monkeypatch.setattr("library.training.kind_heads._given_slots", lambda *_: (given, held))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    prototypes = f.normalize(torch.randn(CLASSES, network.config.dim), dim=-1)
    fit_kinds(network, task.clips(128), task.draws(64), prototypes, task.scale)
    changed = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}
    assert {name.partition(".")[0] for name in changed} == {"slot_kind"}
    with torch.inference_mode():
        kinds = torch.stack([hears(_clips_of(store, number)).mean(dim=0) for number in range(CLASSES)])
        said = f.normalize(network.slot_kind(given), dim=-1)
    assert (said * f.normalize(kinds, dim=-1)[held]).sum(dim=-1).mean() > 0.5
    assert (said * f.normalize(kinds, dim=-1)[held.roll(1)]).sum(dim=-1).mean() < 0.3


def _clips_of(store: ClipStore, number: int) -> torch.Tensor:
    return Mixer(store, MixConfig(), seed=6).singles(16, np.full(16, number)).features


class _Colour:
    """Hear a kind in how loud bands are."""

    def __init__(self, features: torch.Tensor, kinds: int) -> None:
        loud = features.mean(dim=(1, 3))
        self._usual = loud.mean(dim=0)
        self._bands = torch.randn(loud.shape[1], kinds, generator=torch.Generator().manual_seed(0))

    def __call__(self, features: torch.Tensor) -> torch.Tensor:
        return f.normalize((features.mean(dim=(1, 3)) - self._usual) @ self._bands, dim=-1)


def _three_programs(store: ClipStore) -> ClipStore:
    rows = tuple(replace(row, program=8 * (number % 3)) for number, row in enumerate(store.instruments))
    return replace(store, instruments=rows)
