"""Fit what says of which kind an instrument is, on a network that stays as it is.

The kinds of the training instruments are known: their families, and the General MIDI programs of presets. Few makers of
each are, so that what the head is given is spoiled much (dropout, noise): sounds of a maker that was never heard are
told by what is left. A slot of a mixture is to say what its instrument says by itself, as far as it can be told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
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

STEPS, DROPPED, NOISE = 800, 0.5, 0.5
"""Of single sounds: steps; share of what each layer is given that is left out; spread of what is added to numbers whose
own spread is 1."""

SLOT_STEPS, SLOT_DROPPED = 2000, 0.3
"""Of slots."""

SCALE, SMOOTHED = 16.0, 0.1
"""Inverse temperature of the softmax over kinds, and the part of each answer that is shared out among all."""

LabelledClips = tuple[Tensor, Tensor]
"""Features[B, 1, F, frames] of single clips and the numbers [B] of their instruments."""


def fit_kinds(
    network: TimbrelNetwork,
    clips: Iterable[LabelledClips],
    mixtures: Iterable[MixtureBatch],
    prototypes: Tensor,
    scale: float,
    kinds: Mapping[str, Tensor],
) -> None:
    """Train network.kind on single clips, then network.slot_kind on slots of mixtures. Nothing else changes.

    Args:
        network: A trained one.
        clips: Single clips to learn from, of instruments whose kind is known.
        mixtures: Mixtures to learn from.
        prototypes: [C, D] unit norm, where the training instruments lie: they say which slot holds which.
        scale: Inverse temperature of the softmax over them.
        kinds: For each grouping the number of each instrument's kind [C], below 0 where none is known.
    """
    network.eval()
    alone = _given_clips(network, clips)
    slots = _given_slots(network, mixtures, prototypes, scale)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        _fit_alone(network.kind, alone, kinds)
        with torch.inference_mode():
            said = f.normalize(network.kind(alone.numbers), dim=-1)
        total = said.new_zeros(len(prototypes), said.shape[1]).index_add_(0, alone.label, said)
        _fit_slots(network.slot_kind, slots, f.normalize(total, dim=-1))


@dataclass(frozen=True, slots=True)
class _Given:
    """Hold what a head is given [M, m], and the instrument [M] that each is of."""

    numbers: Tensor
    label: Tensor

    def of(self, rows: Tensor) -> _Given:
        return _Given(self.numbers[rows], self.label[rows])


def _given_clips(network: TimbrelNetwork, clips: Iterable[LabelledClips]) -> _Given:
    label = []
    with inputs_of(network.kind) as (numbers,):
        for features, of in clips:
            with torch.autocast(features.device.type, torch.bfloat16):
                network.embed(features)
            label.append(of)
    return _Given(torch.cat(numbers).float(), torch.cat(label))


def _given_slots(network: TimbrelNetwork, batches: Iterable[MixtureBatch], prototypes: Tensor, scale: float) -> _Given:
    with inputs_of(network.slot_kind) as (numbers,):
        label = torch.cat([instruments_of_slots(network, batch, prototypes, scale) for batch in batches])
    return _Given(torch.cat(numbers)[label != NOTHING].float(), label[label != NOTHING])


def _fit_alone(head: KindHead, given: _Given, kinds: Mapping[str, Tensor]) -> None:
    """Bring sounds of a kind to one direction, those of others to others."""
    device = given.numbers.device
    length = cast("nn.Linear", head.layers[-1]).out_features
    directions = {
        name: nn.Parameter(torch.randn(int(of.max()) + 1, length, device=device)) for name, of in kinds.items()
    }

    def loss(said: Tensor, label: Tensor) -> Tensor:
        said = f.normalize(said, dim=-1)
        parts = []
        for name, of in kinds.items():
            is_known = of[label] >= 0
            if is_known.any():
                logits = SCALE * said[is_known] @ f.normalize(directions[name], dim=-1).T
                parts.append(f.cross_entropy(logits, of[label][is_known], label_smoothing=SMOOTHED))
        return torch.stack(parts).sum()

    _fit(head, given, loss, STEPS, DROPPED, NOISE, [*directions.values()])


def _fit_slots(head: KindHead, given: _Given, wanted: Tensor) -> None:
    """Bring slots to what their instruments say by themselves, wanted[C, k]; 0 where that is not known."""
    given = given.of(wanted[given.label].any(dim=-1).nonzero()[:, 0])

    def loss(said: Tensor, label: Tensor) -> Tensor:
        return (said - wanted[label]).square().sum(dim=-1).mean()

    _fit(head, given, loss, SLOT_STEPS, SLOT_DROPPED, 0.0, [])


def _fit(
    head: KindHead,
    given: _Given,
    loss: Callable[[Tensor, Tensor], Tensor],
    steps: int,
    dropped: float,
    noise: float,
    more: list[nn.Parameter],
) -> None:
    """Train a head from nothing, on centred numbers; the network gives it what is not."""
    mean, spread = given.numbers.mean(dim=0), given.numbers.std(dim=0) + 1e-3
    layers: list[nn.Module] = []
    for layer in head.layers:
        if isinstance(layer, nn.Linear):
            layer.reset_parameters()
            layers.append(nn.Dropout(dropped))
        layers.append(layer)
    spoiled = nn.Sequential(*layers).train()
    optimiser = torch.optim.AdamW([*spoiled.parameters(), *more], lr=PEAK_LR, weight_decay=DECAY)
    rising = torch.optim.lr_scheduler.OneCycleLR(optimiser, PEAK_LR, steps)
    for _ in range(steps):
        some = given.of(torch.randint(len(given.label), (BATCH,), device=given.label.device))
        numbers = (some.numbers - mean) / spread
        optimiser.zero_grad()
        torch.autograd.backward(loss(spoiled(numbers + noise * torch.randn_like(numbers)), some.label))
        optimiser.step()
        rising.step()
    first = cast("nn.Linear", head.layers[0])
    with torch.no_grad():
        first.weight.div_(spread)
        first.bias.sub_(first.weight @ mean)
