"""Define our network: one trunk, one pooling head, a single and a multi path through both.

The single path pools all cells of a window. The multi path lets nine learned queries share the cells out among slots
and pools each slot's cells with the same head, so that an instrument has one place in the space, alone or in a mixture
(slots as masks over local embeddings; arXiv 2211.07951 predicts nine free vectors instead). Then slots are corrected by
each other. An embedding joins what says which instrument it is with what says of which kind (library.encoders.kinds).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as f

from library.encoders.attention import decode, key_value_weights
from library.encoders.blocks import Trunk
from library.encoders.kind_network import KindNetwork
from library.encoders.kinds import SLOT_KIND_WEIGHT, KindHead, joined
from library.encoders.refiner import Refiner

__all__ = ["MixtureOutput", "NetworkConfig", "TimbrelNetwork", "Views"]

_ANY_WIDTH = 64
"""Units of the head that tells whether a window holds any instrument."""


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """Set the sizes of the network.

    Attributes:
        dim: Length D of what says which instrument it is.
        cells: Length C of a cell's vector.
        slots: Most instruments K of a mixture.
        layers: Decoder layers of the queries.
        heads: Attention heads.
        widths: Channels of the trunk after each of its strides.
        blocks: Blocks of the trunk.
        traits: Features of cells whose means tell how a sound's cells differ.
        rows: Rows R of the cell grid, two semitones each, from MIDI note 28 up.
        refiner: Length of what slots say to each other when they are corrected.
        kinds: Length of what says of which kind an instrument is, joined to an embedding.
        kind_widths: Channels of the network that says so of an instrument by itself, after each of its strides.
    """

    dim: int = 192
    cells: int = 128
    slots: int = 9
    layers: int = 2
    heads: int = 4
    widths: tuple[int, int] = (32, 64)
    blocks: int = 2
    traits: int = 64
    rows: int = 36
    refiner: int = 64
    kinds: int = 64
    kind_widths: tuple[int, int, int, int] = (32, 48, 96, 192)

    @property
    def embedding(self) -> int:
        """Length E of an embedding: which instrument it is, and of which kind."""
        return self.dim + self.kinds


@dataclass(frozen=True, slots=True)
class Views:
    """Say which parts of a window are to be heard by themselves.

    Attributes:
        cells: [V, N] 0 where a cell is in a part, -inf where it is not.
        looks: [V, M] the same of what queries look at.
    """

    cells: Tensor
    looks: Tensor


@dataclass(frozen=True, slots=True)
class MixtureOutput:
    """Hold what the multi path says before calibration.

    Attributes:
        vectors: [B, K, D] unit norm, which instrument a slot holds.
        embeddings: [B, K, E] unit norm, the same joined with its kind.
        presence: [B, K] logits; low in all slots where the window as a whole sounds like none.
        certainty: [B or 1, 1] what that has added to them, 0 at most.
        masks: [B, K + 1, N] logits of each cell over the slots; the last is "no note".
        cells: [B, N, C] the trunk's cells, N = R * frames / 4, row by row.
        whole: [B, D] unit norm, which instrument it is if all of the window is one: what single() says.
    """

    vectors: Tensor
    embeddings: Tensor
    presence: Tensor
    certainty: Tensor
    masks: Tensor
    cells: Tensor
    whole: Tensor


class TimbrelNetwork(nn.Module):
    """Hear one instrument or a mixture of up to nine."""

    def __init__(self, config: NetworkConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or NetworkConfig()
        width = config.cells
        self.trunk = Trunk(width, config.widths, config.blocks, config.rows)
        self.saliency = nn.Linear(width, 1)
        self.traits = nn.Linear(width, config.traits)
        self.head = nn.Sequential(
            nn.Linear(width + config.traits, 2 * width), nn.ReLU(), nn.Linear(2 * width, config.dim)
        )
        self.local = nn.Linear(width, config.dim)
        # Queries look at eight cells at a time: finding instruments needs less detail than parting them.
        self.overview = nn.Conv2d(width, width, (2, 4), (2, 4), (0, 2))
        self.row_code = nn.Parameter(torch.randn(config.rows // 2, width) * 0.02)
        self.queries = nn.Parameter(torch.randn(config.slots, width) * 0.5)
        self.decoder = nn.ModuleList(
            nn.TransformerDecoderLayer(width, config.heads, 2 * width, dropout=0.0, batch_first=True, norm_first=True)
            for _ in range(config.layers)
        )
        self.query_norm = nn.LayerNorm(width)
        self.key = nn.Linear(width, width)
        self.nothing = nn.Linear(width, 1)
        self.presence = nn.Sequential(nn.Linear(width + 1, width), nn.ReLU(), nn.Linear(width, 1))
        self.refiner = Refiner(config.dim, config.refiner, config.heads)
        self.kind_network = KindNetwork(config.kinds, config.kind_widths)
        self.slot_kind = KindHead(config.dim + width + config.traits, 2 * width, config.kinds)
        # Percussion can look like an instrument to one slot; what all of the window sounds like tells them apart.
        self.any_instrument = nn.Sequential(
            nn.Linear(config.dim + config.slots + 1, _ANY_WIDTH), nn.ReLU(), nn.Linear(_ANY_WIDTH, 1)
        )

    def embed(self, features: Tensor) -> Tensor:
        """Embed features[B, 1, F, frames] of one instrument as unit vectors[B, E]."""
        return self.alone(self.single(features), features)

    def alone(self, whole: Tensor, features: Tensor) -> Tensor:
        """Join what all of windows is, [B, D], with the kind of features[B, 1, F, frames]: unit vectors[B, E]."""
        return joined(whole, self.kind_network(features))

    def single(self, features: Tensor) -> Tensor:
        """Return the part of embed() that says which instrument it is: unit vectors[B, D]."""
        return self.single_and_cells(features)[0]

    def single_and_cells(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return vectors as single() does, and the trunk's cells[B, N, C]."""
        cells = self.trunk(features).flatten(2).transpose(1, 2)
        told = self.tell(cells)
        return self._place(_mean(told, _share_out(told[..., -1:])))[:, 0], cells

    def multi(self, features: Tensor) -> MixtureOutput:
        """Estimate the set of instruments in features[B, 1, F, frames]."""
        return self.sets(self.trunk(features))

    def sets(self, grid: Tensor) -> MixtureOutput:
        """Estimate the set of instruments in the trunk's cells[B, C, R, n]."""
        cells = grid.flatten(2).transpose(1, 2)  # [B, N, C]
        memory = (self.overview(grid) + self.row_code.T[None, :, :, None]).flatten(2).transpose(1, 2)
        return self.share(self.tell(cells), self.look(memory))

    def look(self, memory: Tensor) -> Tensor:
        """Return what the queries of each decoder layer see in memory[..., C]: keys and values [..., layers * 2 C]."""
        return f.linear(memory, *self.look_weights())

    def look_weights(self) -> tuple[Tensor, Tensor]:
        """Return the weight and the bias of look(): a product."""
        return key_value_weights([layer.multihead_attn for layer in self._layers()])

    def tell(self, cells: Tensor) -> Tensor:
        """Return what each of cells[..., C] says by itself.

        Returns:
            [..., C + traits + 2]: the cell; its traits; the logits of its being no note, and of how much it tells of
            timbre.
        """
        says = (self.traits, self.nothing, self.saliency)
        weight, bias = torch.cat([part.weight for part in says]), torch.cat([part.bias for part in says])
        said = f.linear(cells, weight, bias)
        traits = self.config.traits
        return torch.cat([cells, f.relu(said[..., :traits]), said[..., traits:]], dim=-1)

    def share(self, told: Tensor, looks: Tensor, views: Views | None = None) -> MixtureOutput:
        """Share cells out among slots and pool those of each.

        Args:
            told: [B, N, C + traits + 2] what tell() says of cells in any order, which that of the masks is.
            looks: [B, M, layers * 2 C] what queries look at, from look().
            views: Parts of one window (B = 1), each of which is heard as if it were all; B of the result is their
                number.
        """
        cells, nothing, telling = told[..., : self.config.cells], told[..., -2:-1], told[..., -1:]
        count, unseen = (len(cells), None) if views is None else (len(views.cells), views.looks)
        query = self.queries.expand(count, -1, -1)
        for layer, seen in zip(self._layers(), looks.chunk(len(self.decoder), dim=-1), strict=True):
            query = decode(layer, query, seen, unseen)
        query = self.query_norm(query)
        # Keys are applied to the few queries instead of the many cells: q . (W c + b) = (q W) . c + q . b
        scores = _each_by(query @ self.key.weight, cells.transpose(1, 2)) + (query @ self.key.bias)[..., None]
        scores = scores * cells.shape[-1] ** -0.5
        masks = torch.cat([scores, nothing.transpose(1, 2).expand(count, -1, -1)], dim=1).float()
        shares = masks.softmax(dim=1)  # [B, K + 1, N]: how much of a cell is a slot's, or no note
        salience = _share_out(telling if views is None else telling + views.cells[..., None])
        weights = shares[:, :-1] * salience
        held = weights.sum(dim=-1, keepdim=True)  # [B, K, 1]: share of the window that a slot holds
        mean = _mean(told, torch.cat([weights / held.clamp_min(1e-6), salience], dim=1))
        pooled = self._place(mean)
        presence = self.presence(torch.cat([query, held.clamp_min(1e-6).log()], dim=-1))[..., 0]
        told_by = slice(None) if views is None else slice(1)  # parts are too short to tell
        surest = presence[told_by].detach().float().sort(dim=1, descending=True).values
        window = [pooled[told_by, -1].detach(), surest, shares[told_by, -1].detach().mean(dim=1, keepdim=True)]
        certainty = f.logsigmoid(self.any_instrument(torch.cat(window, dim=1)).float())
        vectors = self.refiner(pooled[:, :-1])
        kinds = self.slot_kind(torch.cat([vectors, mean[:, :-1].float()], dim=-1))
        embeddings = joined(vectors, kinds, SLOT_KIND_WEIGHT)
        return MixtureOutput(vectors, embeddings, presence + certainty, certainty, masks, cells, pooled[:, -1])

    def _layers(self) -> list[nn.TransformerDecoderLayer]:
        return [cast("nn.TransformerDecoderLayer", layer) for layer in self.decoder]

    def _place(self, mean: Tensor) -> Tensor:
        """Turn the mean[..., C + traits] of cells and their traits into unit vectors[..., D]."""
        return f.normalize((self.local(mean[..., : self.config.cells]) + self.head(mean)).float(), dim=-1)


def _mean(told: Tensor, weights: Tensor) -> Tensor:
    """Return the mean [B, K, C + traits] of cells and traits that tell() says, by weights[B, K, N] (rows sum to 1)."""
    return _each_by(weights.to(told.dtype), told[..., :-2])


def _each_by(rows: Tensor, columns: Tensor) -> Tensor:
    """Return rows[B, n, m] @ columns[B or 1, m, p], with one product where the columns are the same for all."""
    if len(columns) == 1 < len(rows):
        return (rows.flatten(0, 1) @ columns[0]).view(len(rows), -1, columns.shape[2])
    return rows @ columns


def _share_out(telling: Tensor) -> Tensor:
    """Return how much each cell counts [B, 1, N], sum 1, of logits[B, N, 1]."""
    return telling.float().transpose(1, 2).softmax(dim=-1)
