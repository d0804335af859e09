"""Check what says of which kind an instrument is: how it joins an embedding, and how it is fitted."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn import functional as f

from library.data.mixing import MixConfig, Mixer
from library.encoders.kinds import KIND_WEIGHT, KindHead, joined
from library.encoders.network import NetworkConfig, TimbrelNetwork
from library.training.config import TrainConfig
from library.training.kind_heads import fit_kinds
from library.training.tasks import MultiTask
from tests.library.clips import small_store

CLASSES = 12
SMALL = NetworkConfig(dim=16, cells=16, slots=9, layers=1, heads=2, widths=(4, 8), blocks=1, traits=8, kinds=8)


def test_a_cosine_of_joined_vectors_is_the_weighted_mean_of_both() -> None:
    torch.manual_seed(0)
    vectors, kinds = (f.normalize(torch.randn(2, 5, length), dim=-1) for length in (16, 8))
    one, other = joined(vectors, kinds)
    torch.testing.assert_close(one.norm(dim=-1), torch.ones(5))
    cosine = (vectors[0] * vectors[1]).sum(dim=-1) + KIND_WEIGHT * (kinds[0] * kinds[1]).sum(dim=-1)
    torch.testing.assert_close((one * other).sum(dim=-1), cosine / (1.0 + KIND_WEIGHT))


def test_a_new_head_says_nothing_and_leaves_cosines_as_they_are() -> None:
    torch.manual_seed(0)
    network = TimbrelNetwork(SMALL).eval()
    features = torch.randn(3, 1, 180, 64)
    with torch.inference_mode():
        whole, one = network.multi(features), network.embed(features)
        single = network.single(features)
    assert not KindHead(4, 8, 2)(torch.randn(3, 4)).any()
    torch.testing.assert_close(one @ one.T, single @ single.T)
    torch.testing.assert_close(whole.whole, one)
    torch.testing.assert_close(whole.embeddings[..., : SMALL.dim], whole.vectors)
    assert whole.embeddings.shape == (3, 9, SMALL.embedding)


def test_only_the_heads_change_and_instruments_of_a_kind_come_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("library.training.kind_heads.STEPS", 200)
    monkeypatch.setattr("library.training.kind_heads.SLOT_STEPS", 50)
    store = small_store(CLASSES, 9)
    rows = tuple(replace(row, program=8 * (number % 3)) for number, row in enumerate(store.instruments))
    store = replace(store, instruments=rows)
    task = MultiTask(store, small_store(CLASSES, 27, seed=1), TrainConfig())
    network = task.network
    before = {name: value.clone() for name, value in network.state_dict().items()}
    prototypes = f.normalize(torch.randn(CLASSES, network.config.dim), dim=-1)
    fit_kinds(network, task.clips(128), task.draws(128), prototypes, task.scale, task.kinds)
    changed = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}
    assert {name.partition(".")[0] for name in changed} == {"kind", "slot_kind"}
    said, label = _said(network, Mixer(store, MixConfig(), seed=5))
    cosine = said @ said.T
    alike = (label[:, None] - label[None]) % 3 == 0
    other = label[:, None] != label[None]
    assert cosine[alike & other].mean() > cosine[~alike].mean() + 0.2


@pytest.mark.parametrize(("name", "groupings"), [("Test", set()), ("Fat Brass", {"families"})])
def test_what_patches_do_not_tell_is_left_out(name: str, groupings: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("library.training.kind_heads.STEPS", 5)
    monkeypatch.setattr("library.training.kind_heads.SLOT_STEPS", 5)
    store = small_store(CLASSES, 9)
    patches = tuple(replace(row, engine="amsynth", name=name) for row in store.instruments)
    task = MultiTask(replace(store, instruments=patches), small_store(CLASSES, 27, seed=1), TrainConfig())
    assert set(task.kinds) == groupings
    if groupings:
        prototypes = f.normalize(torch.randn(CLASSES, task.network.config.dim), dim=-1)
        fit_kinds(task.network, task.clips(32), task.draws(32), prototypes, task.scale, task.kinds)
        assert all(bool(p.isfinite().all()) for p in task.network.kind.parameters())


def _said(network: TimbrelNetwork, mixer: Mixer) -> tuple[Tensor, Tensor]:
    drawn = mixer.singles(96)
    with torch.inference_mode():
        return f.normalize(network.embed(drawn.features)[:, network.config.dim :], dim=-1), drawn.label
