"""Fit the presence heads anew on a network that stays as it is.

While all of a network learns, its slots move, and windows without an instrument are few. On slots that stand still,
with a quarter of such windows, a few seconds of training tell percussion from instruments three times as well; and the
window as a whole, by its own vector, three times as well again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as f

from library.data.mixing import MixtureBatch
from library.encoders.network import TimbrelNetwork
from library.training.losses import assign

__all__ = ["refit_presence"]

EPOCHS = 5
BATCH = 256
PEAK_LR = 1e-3

WINDOW_EPOCHS = 12
DROPPED = (0.1, 0.3)
"""Share of what the head of the whole window is given, and of what it makes of it, that is left out at random."""


def refit_presence(network: TimbrelNetwork, batches: Iterable[MixtureBatch], prototypes: Tensor, scale: float) -> None:
    """Train network.presence and network.any_instrument on mixtures and on windows without instruments.

    Nothing else changes.

    Args:
        network: A trained one.
        batches: Windows to learn from.
        prototypes: [C, D] unit norm, where the training instruments lie: a slot is in use when the best assignment of
            slots to what plays takes it, as in training.
        scale: Inverse temperature of the softmax over them.
    """
    network.eval()
    of_slots: list[Tensor] = []
    of_windows: list[Tensor] = []
    watches = [
        head.register_forward_pre_hook(lambda _, args, kept=kept: kept.append(args[0].detach().float()))
        for head, kept in ((network.presence, of_slots), (network.any_instrument, of_windows))
    ]
    try:
        with torch.inference_mode():
            wanted = [_in_use(network, batch, prototypes, scale) for batch in batches]
    finally:
        for watch in watches:
            watch.remove()
    held = torch.cat(wanted).clone()
    _fit(network.presence, torch.cat(of_slots).clone(), held, EPOCHS)
    _fit_any(network.any_instrument, torch.cat(of_windows).clone(), held.amax(dim=1))


def _in_use(network: TimbrelNetwork, batch: MixtureBatch, prototypes: Tensor, scale: float) -> Tensor:
    """Return 1 for slots that hold an instrument, 0 for the others: [B, K]."""
    with torch.autocast(batch.features.device.type, torch.bfloat16):
        out = network.multi(batch.features)
    probability = (scale * out.vectors.float() @ prototypes.T).log_softmax(dim=-1)
    label = batch.label.clamp_min(0)[:, None, :].expand(-1, out.vectors.shape[1], -1)
    cost = -probability.gather(2, label) - f.logsigmoid(out.presence.float())[..., None]
    pairs = assign(cost, batch.label >= 0)
    in_use = torch.zeros_like(out.presence, dtype=torch.float32)
    in_use[pairs.row, pairs.slot] = 1.0
    return in_use


def _fit_any(head: nn.Sequential, given: Tensor, wanted: Tensor) -> None:
    """Fit the head of whole windows to given[M, m], on centred numbers; the network gives it what is not."""
    first, last = cast("nn.Linear", head[0]), cast("nn.Linear", head[2])
    mean, spread = given.mean(dim=0), given.std(dim=0) + 1e-4
    dropping = nn.Sequential(nn.Dropout(DROPPED[0]), first, nn.ReLU(), nn.Dropout(DROPPED[1]), last)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        first.reset_parameters()
        last.reset_parameters()
        _fit(dropping, (given - mean) / spread, wanted, WINDOW_EPOCHS)
    with torch.no_grad():
        first.weight.div_(spread)
        first.bias.sub_(first.weight @ mean)


def _fit(head: nn.Module, given: Tensor, wanted: Tensor, epochs: int) -> None:
    steps = max(1, epochs * len(given) // BATCH)
    optimiser = torch.optim.AdamW(head.parameters(), lr=PEAK_LR)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    draws = torch.Generator().manual_seed(0)
    for _ in range(steps):
        rows = torch.randint(len(given), (BATCH,), generator=draws).to(given.device)
        loss = f.binary_cross_entropy_with_logits(head(given[rows])[..., 0], wanted[rows])
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        falling.step()
