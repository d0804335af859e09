"""Write down as an ONNX graph how the cells of a window are shared out among slots, and those of its newest part.

It is the arithmetic of TimbrelNetwork.share, many small products: on a CPU torch takes longer to get from one to the
next than to do them. What does not depend on what is heard, the first layer's queries among themselves, ONNX Runtime
works out once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
from torch import nn

from library.encoders.kinds import SLOT_KIND_WEIGHT
from library.encoders.onnx_graph import Graph, Shape, array_of

if TYPE_CHECKING:
    from library.encoders.network import TimbrelNetwork
    from library.encoders.refiner import Refiner

__all__ = ["newest_graph", "share_graph"]

VIEWS = 2
"""The window, and its newest part by itself."""

_GIVEN: dict[str, Shape] = {"told": [None, None], "says": [None, 2], "looks": [None, None]}
_LEAST_HELD = 1e-6


def share_graph(network: TimbrelNetwork) -> bytes:
    """Return how a network in evaluation mode tells the slots.

    Inputs are "told" [N, C + traits] and "says" [N, 2] of cells and "looks" [M, layers * 2 C], as in
    library.encoders.streaming.Scene, and "of_cells" [2, N] and "of_looks" [2, M], as in Views. Outputs are "embeddings"
    [2, K, E] and "presence" [2, K], as in MixtureOutput; "places" [2, K, D], of unit norm, where slots lie before they
    are corrected; "whole" [2, D], as in MixtureOutput; and "doubt" [1, 1], what presences are lowered by as there may
    be no instrument.
    """
    graph = _Share(network, VIEWS)
    query = graph.asked()
    mean, held, empty = graph.pool(query)
    slots, whole = graph.placed(mean)
    graph.op("Identity", whole, out="whole")
    graph.doubt(whole, graph.presence(query, held), empty)
    graph.embed(slots, mean)
    by_slot: Shape = [VIEWS, None, None]
    found: dict[str, Shape] = {
        "embeddings": by_slot, "presence": [VIEWS, None], "places": by_slot, "whole": [VIEWS, None], "doubt": [1, 1]
    }  # fmt: skip
    return graph.written({**_GIVEN, "of_cells": [VIEWS, None], "of_looks": [VIEWS, None]}, found)


def newest_graph(network: TimbrelNetwork) -> bytes:
    """Return how it tells the slots of one stretch alone: "places" [1, K, D] and "presence" [1, K] without doubt."""
    graph = _Share(network, 1)
    query = graph.asked()
    mean, held, _ = graph.pool(query)
    graph.placed(mean)
    graph.op("Identity", graph.presence(query, held), out="presence")
    return graph.written(_GIVEN, {"places": [1, None, None], "presence": [1, None]})


class _Share(Graph):
    """Add what queries, slots and the whole of some views go through."""

    def __init__(self, network: TimbrelNetwork, views: int) -> None:
        super().__init__()
        self._network, self._config, self._views = network, network.config, views

    def asked(self) -> str:
        """Return the queries [V K, C] after they looked at the looks of their views."""
        layers = [cast("nn.TransformerDecoderLayer", layer) for layer in self._network.decoder]
        seen = iter(self.parts("looks", [self._config.cells] * 2 * len(layers), axis=1))
        query = self.constant(np.tile(array_of(self._network.queries), (self._views, 1)))
        for layer in layers:
            query = self.op("Add", query, self._among(self.norm(query, layer.norm1), layer.self_attn))
            asks = self.norm(query, layer.norm2)
            query = self.op("Add", query, self._look(asks, layer.multihead_attn, next(seen), next(seen)))
            query = self._fed(query, layer.norm3, layer.linear1, layer.linear2)
        return self.norm(query, self._network.query_norm)

    def pool(self, query: str) -> tuple[str, str, str]:
        """Share the cells of views out among their queries [V K, C].

        Returns:
            Means [V (K + 1), C + traits] of what slots hold, those of each view before that of all; the share that each
            slot holds [V K, 1]; and that no note does [V, 1].
        """
        key, slots = self._network.key, self._config.slots
        scale = self._config.cells**-0.5
        weight = np.pad(scale * array_of(key.weight), ((0, 0), (0, self._config.traits)))  # traits don't count
        # Keys are applied to the few queries instead of the many cells: q . (W c + b) = (q W) . c + q . b
        bias = self.op("MatMul", query, self.constant(scale * array_of(key.bias)[:, None]))
        scores = self.op("Gemm", self.op("MatMul", query, self.constant(weight)), "told", bias, transB=1)
        nothing, salience = self._nothing_and_salience()
        masks = self.op("Reshape", scores, self.ints(self._views, slots, -1))
        for_each = self.op("Concat", *[nothing] * self._views, axis=0)
        masks = self.op("Concat", masks, for_each, axis=1)
        shares = self.op("Div", *self.shares(masks, axis=1))
        of_slots, of_none = self.parts(shares, [slots, 1], axis=1)
        weights = self.op("Mul", of_slots, salience)
        held = self.op("ReduceSum", weights, self.ints(2), keepdims=1)
        weights = self.op("Div", weights, self.op("Max", held, self.number(_LEAST_HELD)))
        rows = self.op(
            "Reshape", self.op("Concat", weights, salience, axis=1), self.ints(self._views * (slots + 1), -1)
        )
        return (
            self.op("MatMul", rows, "told"),
            self.op("Reshape", held, self.ints(-1, 1)),
            self.op("ReduceMean", of_none, self.ints(2), keepdims=0),
        )

    def placed(self, mean: str) -> tuple[str, str]:
        """Tell where slots and the whole lie, of means [V (K + 1), C + traits] those of each view before that of all.

        Returns:
            [V K, D] and [V, D].
        """
        slots, whole = self._slots_and_whole(self._place(mean), self._config.dim)
        self.op("Reshape", slots, self.ints(self._views, self._config.slots, self._config.dim), out="places")
        return slots, whole

    def presence(self, query: str, held: str) -> str:
        """Return the logits [V, K] of slots' holding an instrument, of queries[V K, C] and what each holds [V K, 1]."""
        logs = self.op("Log", self.op("Max", held, self.number(_LEAST_HELD)))
        logits = self.layers(self.op("Concat", query, logs, axis=1), self._network.presence)
        return self.op("Reshape", logits, self.ints(self._views, self._config.slots))

    def doubt(self, whole: str, logits: str, empty: str) -> None:
        """Lower presences [V, K] where the window holds no instrument; its newest part is too short to tell.

        Args:
            whole: [V, D] where all of each view lies.
            logits: The presences.
            empty: [V, 1] share of each view that no note holds.
        """
        surest = self.add("TopK", [logits, self.ints(self._config.slots)], ["surest", "order"])[0]
        views = self.op("Concat", whole, surest, empty, axis=1)
        told = self.layers(self.parts(views, [1] * self._views, axis=0)[0], self._network.any_instrument)
        doubt = self.op("Softplus", self.op("Neg", told), out="doubt")
        self.op("Sub", logits, doubt, out="presence")

    def embed(self, slots: str, mean: str) -> None:
        """Tell the embeddings of slots [V K, D], of the means as in placed()."""
        network, config = self._network, self._config
        means = self._slots_and_whole(mean, config.cells + config.traits)[0]
        vectors = self._refined(slots, network.refiner)
        kind = self.layers(self.op("Concat", vectors, means, axis=1), network.slot_kind.layers, SLOT_KIND_WEIGHT**0.5)
        joined = self.unit(self.op("Concat", vectors, kind, axis=1))
        self.op("Reshape", joined, self.ints(self._views, config.slots, config.embedding), out="embeddings")

    def _nothing_and_salience(self) -> tuple[str, str]:
        """Return the logits of no note [1, 1, N], and how much each cell counts in each view [V, 1, N], sum 1."""
        nothing, telling = self.parts(self.op("Transpose", "says", perm=[1, 0]), [1, 1], axis=0)
        if self._views > 1:
            telling = self.op("Add", telling, "of_cells")
        salience = self.op("Unsqueeze", self.op("Div", *self.shares(telling, axis=-1)), self.ints(1))
        return self.op("Unsqueeze", nothing, self.ints(0)), salience

    def _place(self, mean: str) -> str:
        """Turn means [..., C + traits] of cells into unit vectors [..., D]."""
        network = self._network
        local = np.pad(array_of(network.local.weight), ((0, 0), (0, self._config.traits)))
        placed = self.product(mean, local, array_of(network.local.bias))
        return self.unit(self.op("Add", placed, self.layers(mean, network.head)))

    def _slots_and_whole(self, rows: str, width: int) -> tuple[str, str]:
        """Part rows [V (K + 1), width] into [V K, width] of slots and [V, width] of all."""
        slots, views = self._config.slots, self._views
        by_view = self.op("Reshape", rows, self.ints(views, slots + 1, width))
        of_slots, of_all = self.parts(by_view, [slots, 1], axis=1)
        return (
            self.op("Reshape", of_slots, self.ints(views * slots, width)),
            self.op("Reshape", of_all, self.ints(views, width)),
        )

    def _refined(self, vectors: str, refiner: Refiner) -> str:
        """Do what a refiner does with unit vectors[V K, D]."""
        among = refiner.among
        read = array_of(refiner.read.weight) * self._config.dim**0.5
        said = self.product(vectors, read.astype(np.float32), array_of(refiner.read.bias))
        said = self.op("Add", said, self._among(self.norm(said, among.norm1), among.self_attn))
        said = self._fed(said, among.norm2, among.linear1, among.linear2)
        return self.unit(self.op("Add", vectors, self.linear(self.norm(said, refiner.norm), refiner.correct)))

    def _fed(self, rows: str, norm: nn.LayerNorm, first: nn.Linear, second: nn.Linear) -> str:
        fed = self.linear(self.op("Relu", self.linear(self.norm(rows, norm), first)), second)
        return self.op("Add", rows, fed)

    def _among(self, rows: str, attention: nn.MultiheadAttention) -> str:
        """Let the rows [V K, C] of each view look at each other."""
        dim, heads = attention.embed_dim, attention.num_heads
        shape = self.ints(self._views, self._config.slots, heads, dim // heads)
        projected = self._projected(rows, attention, 0, 3 * dim)
        asks, keys, values = (self.op("Reshape", part, shape) for part in self.parts(projected, [dim] * 3, axis=1))
        keys = self.op("Transpose", keys, perm=[0, 2, 3, 1])
        asks, values = (self.op("Transpose", part, perm=[0, 2, 1, 3]) for part in (asks, values))
        found = self.op("MatMul", self.op("Softmax", self.op("MatMul", asks, keys), axis=-1), values)
        joined = self.op("Reshape", self.op("Transpose", found, perm=[0, 2, 1, 3]), self.ints(-1, dim))
        return self.linear(joined, attention.out_proj)

    def _look(self, rows: str, attention: nn.MultiheadAttention, keys: str, values: str) -> str:
        """Let the rows [V K, C] of each view look at the keys and values [M, C] that are in it."""
        dim, heads, slots = attention.embed_dim, attention.num_heads, self._config.slots
        shape = self.ints(-1, heads, dim // heads)
        asks, keys, values = (
            self.op("Reshape", part, shape) for part in (self._projected(rows, attention, 0, dim), keys, values)
        )
        asks, values = (self.op("Transpose", part, perm=[1, 0, 2]) for part in (asks, values))
        cosines = self.op("MatMul", asks, self.op("Transpose", keys, perm=[1, 2, 0]))  # [heads, V K, M]
        if self._views > 1:
            by_view = self.op("Reshape", cosines, self.ints(heads, self._views, slots, -1))
            unseen = self.op("Unsqueeze", "of_looks", self.ints(1))
            cosines = self.op("Reshape", self.op("Add", by_view, unseen), self.ints(heads, self._views * slots, -1))
        shares, whole = self.shares(cosines, axis=-1)
        gathered = self.op("Div", self.op("MatMul", shares, values), whole)
        joined = self.op("Reshape", self.op("Transpose", gathered, perm=[1, 0, 2]), self.ints(-1, dim))
        return self.linear(joined, attention.out_proj)

    def _projected(self, rows: str, attention: nn.MultiheadAttention, begin: int, end: int) -> str:
        """Project rows to what asks (scaled), and to keys and values."""
        weight, bias = array_of(attention.in_proj_weight).copy(), array_of(attention.in_proj_bias).copy()
        weight[: attention.embed_dim] *= attention.head_dim**-0.5
        bias[: attention.embed_dim] *= attention.head_dim**-0.5
        return self.product(rows, weight[begin:end], bias[begin:end])
