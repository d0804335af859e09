"""Fit the last parts of the multi path anew on a network that stays as it is.

While all of a network learns, its slots move, and windows without an instrument are few. On slots that stand still,
with a quarter of such windows, seconds of training tell percussion from instruments three times as well; the window as
a whole, by its own vector, three times as well again; and a minute brings slots nearer to what plays than hours of
training all of the network do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as f

from library.data.mixing import MixtureBatch
from library.encoders.network import TimbrelNetwork
from library.encoders.refiner import Refiner
from library.training.losses import assign

__all__ = ["NOTHING", "inputs_of", "instruments_of_slots", "refit_heads"]

BATCH = 256
PEAK_LR = 1e-3

SLOT_EPOCHS, WINDOW_EPOCHS, REFINER_EPOCHS = 1, 2, 4
"""Times that the head of presence, that of whole windows and the refiner see each window."""

DROPPED = (0.1, 0.3)
"""Share of what the head of the whole window is given, and of what it makes of it, that is left out at random."""

_CHUNK = 4096

NOTHING = -1
"""Instrument of a slot that holds none."""


@dataclass(frozen=True, slots=True)
class _Given:
    """Hold what M windows give the heads, in half precision.

    Attributes:
        slots: [M, K, m] what the head of presence is given.
        windows: [M, n] what the head of whole windows is given.
        vectors: [M, K, D] what the refiner is given.
        label: [M, K] number of the instrument that a slot holds, or NOTHING.
    """

    slots: Tensor
    windows: Tensor
    vectors: Tensor
    label: Tensor


def refit_heads(network: TimbrelNetwork, batches: Iterable[MixtureBatch], prototypes: Tensor, scale: float) -> None:
    """Train network.presence, network.any_instrument and network.refiner on mixtures and windows without instruments.

    Nothing else changes.

    Args:
        network: A trained one.
        batches: Windows to learn from.
        prototypes: [C, D] unit norm, where the training instruments lie: a slot is in use when the best assignment of
            slots to what plays takes it, as in training.
        scale: Inverse temperature of the softmax over them.
    """
    network.eval()
    given = _given(network, batches, prototypes, scale)
    in_use = (given.label != NOTHING).float()
    _fit(network.presence, _binary(network.presence, given.slots, in_use), len(in_use), SLOT_EPOCHS)
    _fit_any(network.any_instrument, _windows(network, given), in_use.amax(dim=1))
    _fit_refiner(network.refiner, given, prototypes, scale)
    network.eval()


def _given(network: TimbrelNetwork, batches: Iterable[MixtureBatch], prototypes: Tensor, scale: float) -> _Given:
    with inputs_of(network.presence, network.any_instrument, network.refiner) as kept:
        label = [instruments_of_slots(network, batch, prototypes, scale) for batch in batches]
    return _Given(*(torch.cat(parts).clone() for parts in (*kept, label)))


@contextmanager
def inputs_of(*parts: nn.Module) -> Iterator[tuple[list[Tensor], ...]]:
    """Collect what parts of a network are given while it runs, in half precision and without gradients."""
    kept: tuple[list[Tensor], ...] = tuple([] for _ in parts)
    watches = [
        part.register_forward_pre_hook(lambda _, args, into=into: into.append(args[0].detach().half()))
        for part, into in zip(parts, kept, strict=True)
    ]
    try:
        with torch.inference_mode():
            yield kept
    finally:
        for watch in watches:
            watch.remove()


def instruments_of_slots(network: TimbrelNetwork, batch: MixtureBatch, prototypes: Tensor, scale: float) -> Tensor:
    """Return the number of the instrument that each slot holds by the best assignment, or NOTHING: [B, K]."""
    with torch.autocast(batch.features.device.type, torch.bfloat16):
        out = network.multi(batch.features)
    probability = (scale * out.vectors.float() @ prototypes.T).log_softmax(dim=-1)
    label = batch.label.clamp_min(0)[:, None, :].expand(-1, out.vectors.shape[1], -1)
    cost = -probability.gather(2, label) - f.logsigmoid(out.presence.float())[..., None]
    pairs = assign(cost, batch.label >= 0)
    held = torch.full(out.presence.shape, NOTHING, device=batch.label.device)
    held[pairs.row, pairs.slot] = batch.label[pairs.row, pairs.source]
    return held


def _windows(network: TimbrelNetwork, given: _Given) -> Tensor:
    """Return what the head of whole windows is given once the head of presence has changed: [M, n]."""
    with torch.inference_mode():
        parts = [network.presence(slots.float())[..., 0] for slots in torch.split(given.slots, _CHUNK)]
    surest = torch.cat(parts).sort(dim=1, descending=True).values
    dim = network.config.dim
    return torch.cat([given.windows[:, :dim].float(), surest, given.windows[:, dim + surest.shape[1] :].float()], dim=1)


def _fit_any(head: nn.Sequential, given: Tensor, wanted: Tensor) -> None:
    """Fit the head of whole windows to given[M, m], on centred numbers; the network gives it what is not."""
    first, last = cast("nn.Linear", head[0]), cast("nn.Linear", head[2])
    mean, spread = given.mean(dim=0), given.std(dim=0) + 1e-4
    dropping = nn.Sequential(nn.Dropout(DROPPED[0]), first, nn.ReLU(), nn.Dropout(DROPPED[1]), last)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        first.reset_parameters()
        last.reset_parameters()
        _fit(dropping, _binary(dropping, (given - mean) / spread, wanted), len(given), WINDOW_EPOCHS)
    with torch.no_grad():
        first.weight.div_(spread)
        first.bias.sub_(first.weight @ mean)


def _fit_refiner(refiner: Refiner, given: _Given, prototypes: Tensor, scale: float) -> None:
    """Bring slots in use to where their instruments lie."""

    def loss(rows: Tensor) -> Tensor:
        label = given.label[rows]
        window, slot = (label != NOTHING).nonzero(as_tuple=True)
        vectors = refiner(given.vectors[rows].float())[window, slot]
        return f.cross_entropy(scale * vectors @ prototypes.T, label[window, slot])

    refiner.train()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        _fit(refiner, loss, len(given.label), REFINER_EPOCHS)


def _binary(head: nn.Module, given: Tensor, wanted: Tensor) -> Callable[[Tensor], Tensor]:
    """Return the loss of what a head says of some rows of given[M, ...], where wanted[M, ...] is 0 or 1."""

    def loss(rows: Tensor) -> Tensor:
        return f.binary_cross_entropy_with_logits(head(given[rows].float())[..., 0], wanted[rows])

    return loss


def _fit(head: nn.Module, loss: Callable[[Tensor], Tensor], count: int, epochs: int) -> None:
    """Lower the loss of a head on some rows at a time, until it has seen all of count rows so many times."""
    steps = max(1, epochs * count // BATCH)
    optimiser = torch.optim.AdamW(head.parameters(), lr=PEAK_LR)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    draws = torch.Generator().manual_seed(0)
    for _ in range(steps):
        rows = torch.randint(count, (BATCH,), generator=draws)
        optimiser.zero_grad()
        torch.autograd.backward(loss(rows))
        optimiser.step()
        falling.step()
