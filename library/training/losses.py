"""Compare what the networks say with what was mixed."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch.nn import functional as f

from library.data.mixing import MixtureBatch
from library.encoders.blocks import Trunk
from library.encoders.network import MixtureOutput
from library.training.config import TrainConfig

__all__ = ["Assignment", "angular_margin_loss", "assign", "mixture_loss", "permutation_invariant_loss"]

DOMINANT_SHARE = 0.5
"""Share of a cell's power above which it is one source's."""

AUDIBLE = 10**-4.5
"""Power of a cell, relative to the window's mean, below which it belongs to nobody."""

LOCAL_CELLS = 2048
"""Cells of a batch that are classified: all of them would cost more than the trunk."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """Pair slots with sources: index arrays of one length (batch row, slot, source)."""

    row: Tensor
    slot: Tensor
    source: Tensor


def assign(cost: Tensor, present: Tensor) -> Assignment:
    """Pair each present source with one slot at the least total cost (Hungarian).

    Args:
        cost: [B, K, S].
        present: [B, S] bool.
    """
    rows, slots, sources = [], [], []
    table = cost.detach().float().cpu().numpy()
    for b, mask in enumerate(present.cpu().numpy()):
        columns = mask.nonzero()[0]
        chosen, which = linear_sum_assignment(table[b][:, columns])
        rows += [b] * len(chosen)
        slots += chosen.tolist()
        sources += columns[which].tolist()
    index = torch.tensor([rows, slots, sources], dtype=torch.long, device=cost.device)
    return Assignment(index[0], index[1], index[2])


def angular_margin_loss(vectors: Tensor, label: Tensor, prototypes: Tensor, config: TrainConfig) -> Tensor:
    """Additive angular margin softmax (ArcFace, arXiv 1801.07698) of unit vectors[B, D] to prototypes[C, D]."""
    cosine = vectors @ f.normalize(prototypes, dim=-1).T
    target = cosine.gather(1, label[:, None]).clamp(-1 + 1e-6, 1 - 1e-6)
    shifted = torch.cos(torch.acos(target) + config.margin)
    return f.cross_entropy(config.scale * cosine.scatter(1, label[:, None], shifted), label)


def mixture_loss(
    out: MixtureOutput, batch: MixtureBatch, prototypes: Tensor, config: TrainConfig
) -> tuple[Tensor, dict[str, float]]:
    """Sum the losses of the multi path: which instruments, how many, and whose each cell is."""
    unit = f.normalize(prototypes, dim=-1)
    present = batch.label >= 0  # [B, S]
    log_probability = (config.scale * out.vectors @ unit.T).log_softmax(dim=-1)  # [B, K, C]
    wanted = batch.label.clamp_min(0)[:, None, :].expand(-1, out.vectors.shape[1], -1)
    cost = -log_probability.gather(2, wanted) - f.logsigmoid(out.presence)[..., None]
    pairs = assign(cost, present)
    label = batch.label[pairs.row, pairs.source]
    which = f.nll_loss(log_probability[pairs.row, pairs.slot], label)
    target = torch.zeros_like(out.presence)
    target[pairs.row, pairs.slot] = 1.0
    presence = f.binary_cross_entropy_with_logits(out.presence, target)

    owner, audible = _owners(batch)  # [B, N]
    slot_of = torch.full(
        (*batch.label.shape[:1], batch.label.shape[1] + 1), out.masks.shape[1] - 1, device=owner.device
    )
    slot_of[pairs.row, pairs.source] = pairs.slot
    mask_target = slot_of.gather(1, owner.clamp_min(0))
    mask_target[owner < 0] = -100  # cells that two sources share teach nothing
    masks = f.cross_entropy(out.masks, mask_target, ignore_index=-100)
    local = _local_loss(out.cells, owner, audible, batch.label, unit, config.scale)
    total = which + config.presence_weight * presence + config.mask_weight * masks + config.local_weight * local
    parts = {"which": which, "presence": presence, "masks": masks, "local": local}
    return total, {key: float(value.detach()) for key, value in parts.items()}


def permutation_invariant_loss(slots: Tensor, targets: Tensor, present: Tensor) -> Tensor:
    """Mean cosine distance of slots[B, K, D] to targets[B, S, D] under the best assignment (arXiv 2211.07951)."""
    cosine = f.normalize(slots, dim=-1) @ f.normalize(targets, dim=-1).transpose(1, 2)
    pairs = assign(1 - cosine, present)
    return (1 - cosine[pairs.row, pairs.slot, pairs.source]).mean()


def _owners(batch: MixtureBatch) -> tuple[Tensor, Tensor]:
    """Return the source that dominates each cell ([B, N], S for noise, percussion or quiet, -1 for shared)."""
    step = Trunk.STRIDE
    power = f.avg_pool2d(batch.share * batch.energy.unsqueeze(1), step, ceil_mode=True).flatten(2)  # [B, S + 1, N]
    total = power.sum(dim=1)
    best, owner = power.max(dim=1)
    owner = torch.where(best > DOMINANT_SHARE * total, owner, -1)
    audible = total > AUDIBLE
    return torch.where(audible, owner, power.shape[1] - 1), audible


def _local_loss(cells: Tensor, owner: Tensor, audible: Tensor, label: Tensor, unit: Tensor, scale: float) -> Tensor:
    owned = (owner >= 0) & (owner < label.shape[1]) & audible
    row, cell = owned.nonzero(as_tuple=True)
    if len(row) == 0:
        return cells.sum() * 0.0
    keep = torch.linspace(0, len(row) - 1, min(LOCAL_CELLS, len(row)), device=row.device).long()
    row, cell = row[keep], cell[keep]
    return f.cross_entropy(scale * cells[row, cell] @ unit.T, label[row, owner[row, cell]])
