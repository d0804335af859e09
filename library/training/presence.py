"""Fit the presence head anew on a network that stays as it is.

While all of a network learns, its slots move, and windows without an instrument are few. On slots that stand still,
with a quarter of such windows, a few seconds of training tell percussion from instruments three times as well.
"""

from __future__ import annotations

from collections.abc import Iterable

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


def refit_presence(network: TimbrelNetwork, batches: Iterable[MixtureBatch], prototypes: Tensor, scale: float) -> None:
    """Train network.presence on mixtures and on windows without instruments; nothing else changes.

    Args:
        network: A trained one.
        batches: Windows to learn from.
        prototypes: [C, D] unit norm, where the training instruments lie: a slot is in use when the best assignment of
            slots to what plays takes it, as in training.
        scale: Inverse temperature of the softmax over them.
    """
    network.eval()
    given: list[Tensor] = []
    watch = network.presence.register_forward_pre_hook(lambda _, args: given.append(args[0].detach().float()))
    try:
        with torch.inference_mode():
            wanted = [_in_use(network, batch, prototypes, scale) for batch in batches]
    finally:
        watch.remove()
    _fit(network.presence, torch.cat(given).clone(), torch.cat(wanted).clone())


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


def _fit(head: nn.Module, given: Tensor, wanted: Tensor) -> None:
    steps = max(1, EPOCHS * len(given) // BATCH)
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
