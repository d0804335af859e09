"""Check that the last parts of the multi path are fitted by themselves."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as f

from library.data.mixing import MixConfig, Mixer, MixtureBatch
from library.encoders.checkpoint import load_checkpoint
from library.encoders.network import TimbrelNetwork
from library.encoders.runtime import WEIGHTS
from library.training.config import TrainConfig
from library.training.heads import refit_heads
from library.training.tasks import MultiTask
from tests.library.clips import small_store

STORE = small_store(12, 9)


def test_only_the_heads_change_and_they_tell_windows_without_instruments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("library.training.heads.SLOT_EPOCHS", 200)
    monkeypatch.setattr("library.training.heads.WINDOW_EPOCHS", 200)
    monkeypatch.setattr("library.training.heads.REFINER_EPOCHS", 200)
    torch.manual_seed(0)
    network = load_checkpoint(WEIGHTS).network
    for head in (network.presence, network.any_instrument):
        for parameter in head.parameters():
            torch.nn.init.normal_(parameter, std=0.05)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    mixtures, nothing = (Mixer(STORE, MixConfig(empty=empty), seed=0) for empty in (0.0, 1.0))
    batches = [mixer.mixtures(32) for _ in range(3) for mixer in (mixtures, nothing)]
    network.eval()
    untaught = _more_when_played(network, mixtures, nothing)
    prototypes = f.normalize(torch.randn(12, network.config.dim), dim=-1)
    apart = _apart(network, batches, prototypes)
    refit_heads(network, batches, prototypes, 24.0)
    changed = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}
    assert {name.partition(".")[0] for name in changed} == {"presence", "any_instrument", "refiner"}
    assert _more_when_played(network, mixtures, nothing) > untaught + 0.05
    assert _any(network, nothing) < 0.5 < _any(network, mixtures)
    assert _apart(network, batches, prototypes) < 0.8 * apart


def _any(network: TimbrelNetwork, mixer: Mixer) -> float:
    """Return how likely windows hold any instrument, by the head of whole windows, in the mean."""
    said: list[torch.Tensor] = []
    watch = network.any_instrument.register_forward_hook(lambda _, __, out: said.append(out.sigmoid()))
    with torch.inference_mode():
        network.multi(mixer.mixtures(32).features)
    watch.remove()
    return float(said[0].mean())


def _apart(network: TimbrelNetwork, batches: list[MixtureBatch], prototypes: Tensor) -> float:
    """Return how far, by cosine, the nearest slot is from what plays, in the mean."""
    with torch.inference_mode():
        cosine = torch.cat([network.multi(batch.features).vectors @ prototypes.T for batch in batches])  # [M, K, C]
    label = torch.cat([batch.label for batch in batches])
    window, source = (label >= 0).nonzero(as_tuple=True)
    return float(1.0 - cosine.amax(dim=1)[window, label[window, source]].mean())


def _more_when_played(network: TimbrelNetwork, mixtures: Mixer, nothing: Mixer) -> float:
    """Return by how much the mean presence in mixtures lies above that in windows without instruments."""
    with torch.inference_mode():
        played, empty = (network.multi(mixer.mixtures(32).features).presence.sigmoid() for mixer in (mixtures, nothing))
    return float(played.mean() - empty.mean())


def test_a_quarter_of_the_windows_that_it_learns_from_hold_no_instrument() -> None:
    task = MultiTask(STORE, small_store(12, 27, seed=1), TrainConfig(batch=8))
    state = task.rng.bit_generator.state
    drawn = [batch.label for batch in task.draws(256)]
    assert len(drawn) == 8
    empty = [bool((label < 0).all()) for label in drawn]
    assert empty == [False, False, False, True] * 2
    assert task.rng.bit_generator.state == state, "a run's own draws go on where they were"
