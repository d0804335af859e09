"""Fit what says of which kind the instrument of a slot is, on a network that stays as it is.

What hears all of a window (library.encoders.kind_network) knows it best, of an instrument by itself. A slot of a
mixture is to say what its instrument says by itself, as far as its cells tell.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as f

from library.data.mixing import MixtureBatch
from library.encoders.kinds import KindHead
from library.encoders.network import TimbrelNetwork
from library.training.heads import NOTHING, inputs_of, instruments_of_slots

__all__ = ["LabelledClips", "fit_kinds"]

BATCH, PEAK_LR, DECAY = 256, 3e-3, 0.05

STEPS = 2000
DROPPED = 0.3
"""Share of what each layer is given that is left out."""

LabelledClips = tuple[Tensor, Tensor]
"""Features[B, 1, F, frames] of single clips and the numbers [B] of their instruments."""


def fit_kinds(
    network: TimbrelNetwork,
    clips: Iterable[LabelledClips],
    mixtures: Iterable[MixtureBatch],
    prototypes: Tensor,
    scale: float,
) -> None:
    """Train network.slot_kind on slots of mixtures. Nothing else changes.

    Args:
        network: A trained one, its kind network too.
        clips: Single clips: they say what is to be learnt.
        mixtures: Mixtures to learn from.
        prototypes: [C, D] unit norm, where the training instruments lie: they say which slot holds which.
        scale: Inverse temperature of the softmax over them.
    """
    network.eval()
    slots, held = _given_slots(network, mixtures, prototypes, scale)
    wanted = _kinds(network, clips, len(prototypes))[held]
    is_known = wanted.any(dim=-1)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        _fit(network.slot_kind, slots[is_known], wanted[is_known])


def _kinds(network: TimbrelNetwork, clips: Iterable[LabelledClips], count: int) -> Tensor:
    """Return the kinds [count, k] of instruments by themselves, of norm 1; 0 where no clip is one's."""
    total = torch.zeros(count, network.config.kinds)
    with torch.inference_mode():
        for features, label in clips:
            with torch.autocast(features.device.type, torch.bfloat16):
                said = network.kind_network(features).float()
            total = total.to(said.device).index_add(0, label, said)
    return f.normalize(total, dim=-1).clone()


def _given_slots(
    network: TimbrelNetwork, batches: Iterable[MixtureBatch], prototypes: Tensor, scale: float
) -> tuple[Tensor, Tensor]:
    """Return what the head is given of each slot in use [M, m], and which instrument that is [M]."""
    with inputs_of(network.slot_kind) as (numbers,):
        label = torch.cat([instruments_of_slots(network, batch, prototypes, scale) for batch in batches])
    return torch.cat(numbers)[label != NOTHING].float().clone(), label[label != NOTHING].clone()


def _fit(head: KindHead, given: Tensor, wanted: Tensor) -> None:
    """Train a head from nothing to say wanted[M, k] of given[M, m]: centred numbers, which the network's are not."""
    mean, spread = given.mean(dim=0), given.std(dim=0) + 1e-3
    layers: list[nn.Module] = []
    for layer in head.layers:
        if isinstance(layer, nn.Linear):
            layer.reset_parameters()
            layers.append(nn.Dropout(DROPPED))
        layers.append(layer)
    spoiled = nn.Sequential(*layers).train()
    optimiser = torch.optim.AdamW(spoiled.parameters(), lr=PEAK_LR, weight_decay=DECAY)
    rising = torch.optim.lr_scheduler.OneCycleLR(optimiser, PEAK_LR, STEPS)
    for _ in range(STEPS):
        some = torch.randint(len(given), (BATCH,), device=given.device)
        optimiser.zero_grad()
        said = spoiled((given[some] - mean) / spread)
        torch.autograd.backward((said - wanted[some]).square().sum(dim=-1).mean())
        optimiser.step()
        rising.step()
    first = cast("nn.Linear", head.layers[0])
    with torch.no_grad():
        first.weight.div_(spread)
        first.bias.sub_(first.weight @ mean)
