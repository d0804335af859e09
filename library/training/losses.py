"""Compare what the networks say with what was mixed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch.nn import functional as f

from library.data.mixing import MixtureBatch
from library.encoders.network import MixtureOutput, TimbrelNetwork
from library.training.config import TrainConfig

__all__ = [
    "Assignment",
    "Kinds",
    "Targets",
    "angular_margin_loss",
    "assign",
    "mixture_loss",
    "note_loss",
    "permutation_invariant_loss",
]

NOTE_CELLS = 112
"""Cells that are named for each window of a batch, on average: all of them would cost more than the trunk."""


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
    """Additive angular margin softmax (ArcFace, arXiv 1801.07698) of unit vectors[B, D] to prototypes[C, D].

    A label below 0 is passed over.
    """
    cosine = vectors @ f.normalize(prototypes, dim=-1).T
    place = label.clamp_min(0)[:, None]
    target = cosine.gather(1, place).clamp(-1 + 1e-6, 1 - 1e-6)
    shifted = torch.cos(torch.acos(target) + config.margin)
    losses = f.cross_entropy(config.scale * cosine.scatter(1, place, shifted), label.clamp_min(0), reduction="none")
    known = label >= 0
    return (losses * known).sum() / known.sum().clamp_min(1)


@dataclass(frozen=True, slots=True)
class Kinds:
    """Hold where the kinds of instruments lie in the space: families, General MIDI programs.

    Attributes:
        directions: [G, D] one for each kind, of any length.
        of: [C] number of each instrument's kind, below 0 where none is known.
    """

    directions: Tensor
    of: Tensor

    def loss(self, vectors: Tensor, label: Tensor, config: TrainConfig) -> Tensor:
        """Name the kind of unit vectors[B, D] of instruments label[B], by a softmax without a margin."""
        return angular_margin_loss(vectors, self.of[label], self.directions, replace(config, margin=0.0))


@dataclass(frozen=True, slots=True)
class Targets:
    """Hold where the training instruments lie in the space.

    Attributes:
        instruments: [C, D] a direction each, of any length.
        kinds: Where their kinds lie, by the name of the grouping.
    """

    instruments: Tensor
    kinds: Mapping[str, Kinds]


def mixture_loss(
    network: TimbrelNetwork, out: MixtureOutput, batch: MixtureBatch, targets: Targets, config: TrainConfig
) -> tuple[Tensor, dict[str, float]]:
    """Sum the losses of the multi path: which instruments, how many, and whose note each cell holds."""
    unit = f.normalize(targets.instruments, dim=-1)
    present = batch.label >= 0  # [B, S]
    log_probability = (config.scale * out.vectors @ unit.T).log_softmax(dim=-1)  # [B, K, C]
    wanted = batch.label.clamp_min(0)[:, None, :].expand(-1, out.vectors.shape[1], -1)
    cost = -log_probability.gather(2, wanted) - f.logsigmoid(out.presence)[..., None]
    pairs = assign(cost, present)
    label = batch.label[pairs.row, pairs.source]
    in_use = torch.zeros_like(out.presence)
    in_use[pairs.row, pairs.slot] = 1.0
    parts = {
        "which": f.nll_loss(log_probability[pairs.row, pairs.slot], label),
        "presence": f.binary_cross_entropy_with_logits(out.presence, in_use),
        "masks": _mask_loss(out, batch, pairs),
        "notes": note_loss(network, out.cells, batch.owner, batch.label, unit, config.scale),
    }
    held = out.vectors[pairs.row, pairs.slot]
    parts |= {name: kinds.loss(held, label, config) for name, kinds in targets.kinds.items()}
    weights = {
        "which": 1.0,
        "presence": config.presence_weight,
        "masks": config.mask_weight,
        "notes": config.note_weight,
    }
    total = torch.stack([weights.get(key, config.kind_weight) * part for key, part in parts.items()]).sum()
    return total, {key: float(value.detach()) for key, value in parts.items()}


def _mask_loss(out: MixtureOutput, batch: MixtureBatch, pairs: Assignment) -> Tensor:
    """Give each cell to the slot of the instrument whose note it holds."""
    slot_of = torch.full(
        (len(batch.label), batch.label.shape[1] + 1), out.masks.shape[1] - 1, device=batch.label.device
    )
    slot_of[pairs.row, pairs.source] = pairs.slot
    target = slot_of.gather(1, batch.owner.clamp_min(0))
    target[batch.owner < 0] = -100  # cells that two sources share teach nothing
    return f.cross_entropy(out.masks, target, ignore_index=-100)


def permutation_invariant_loss(slots: Tensor, targets: Tensor, present: Tensor) -> Tensor:
    """Mean cosine distance of slots[B, K, D] to targets[B, S, D] under the best assignment (arXiv 2211.07951)."""
    cosine = f.normalize(slots, dim=-1) @ f.normalize(targets, dim=-1).transpose(1, 2)
    pairs = assign(1 - cosine, present)
    return (1 - cosine[pairs.row, pairs.slot, pairs.source]).mean()


def note_loss(
    network: TimbrelNetwork, cells: Tensor, owner: Tensor, label: Tensor, unit: Tensor, scale: float
) -> Tensor:
    """Name the instrument of each cell that holds one source's note: the score as supervision.

    Args:
        network: Embeds cells.
        cells: [B, N, C].
        owner: [B, N] number of the source, at least S or below 0 where there is none.
        label: [B, S] instruments of the sources.
        unit: [classes, D] prototypes, unit norm.
        scale: Inverse temperature.
    """
    row, cell = ((owner >= 0) & (owner < label.shape[1])).nonzero(as_tuple=True)
    if len(row) == 0:
        return cells.sum() * 0.0
    keep = torch.linspace(0, len(row) - 1, min(NOTE_CELLS * len(label), len(row)), device=row.device).long()
    row, cell = row[keep], cell[keep]
    vectors = f.normalize(network.local(cells[row, cell].float()), dim=-1)
    return f.cross_entropy(scale * vectors @ unit.T, label[row, owner[row, cell]])
