"""Check that the presence head is fitted by itself."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as f

from library.data.mixing import MixConfig, Mixer
from library.encoders.checkpoint import load_checkpoint
from library.encoders.network import TimbrelNetwork
from library.encoders.runtime import WEIGHTS
from library.training.config import TrainConfig
from library.training.presence import refit_presence
from library.training.tasks import MultiTask
from tests.library.clips import small_store

STORE = small_store(12, 9)


def test_only_the_heads_change_and_they_tell_windows_without_instruments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("library.training.presence.EPOCHS", 200)
    monkeypatch.setattr("library.training.presence.WINDOW_EPOCHS", 200)
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
    refit_presence(network, batches, prototypes, 24.0)
    changed = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}
    assert {name.partition(".")[0] for name in changed} == {"presence", "any_instrument"}
    assert _more_when_played(network, mixtures, nothing) > untaught + 0.05
    assert _any(network, nothing) < 0.5 < _any(network, mixtures)


def _any(network: TimbrelNetwork, mixer: Mixer) -> float:
    """Return how likely windows hold any instrument, by the head of whole windows, in the mean."""
    said: list[torch.Tensor] = []
    watch = network.any_instrument.register_forward_hook(lambda _, __, out: said.append(out.sigmoid()))
    with torch.inference_mode():
        network.multi(mixer.mixtures(32).features)
    watch.remove()
    return float(said[0].mean())


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
