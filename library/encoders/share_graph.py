"""Write down as an ONNX graph how the cells of a window are shared out among slots, and those of its newest part.

It is the arithmetic of TimbrelNetwork.share, many small products: on a CPU torch takes longer to get from one to the
next than to do them. What does not depend on what is heard, the first layer's queries among themselves, is worked out
once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import nn

from library.encoders.kinds import SLOT_KIND_WEIGHT
from library.encoders.onnx_graph import MICROSOFT, Graph, Shape, array_of

if TYPE_CHECKING:
    from library.encoders.network import TimbrelNetwork
    from library.encoders.refiner import Refiner

__all__ = ["VIEWS", "newest_graph", "share_graph"]

VIEWS = ("", "newest_")
"""What the inputs of the window and of its newest part by itself begin with."""

_LEAST_HELD = 1e-6


def share_graph(network: TimbrelNetwork) -> bytes:
    """Return how a network in evaluation mode tells the slots.

    Inputs are "cells" [N, C] and "traits" [N, traits] of the window, as in library.encoders.streaming.Scene, the same
    of its newest part as "newest_cells" and "newest_traits"; "looks" [M, layers * 2 C] of the window and "seen"
    [1, heads, 2 K, M], 0 where a query may look and -inf where it may not. Outputs are "embeddings" [2, K, E] and
    "presence" [2, K], as in MixtureOutput; "places" [2, K, D], of unit norm, where slots lie before they are corrected;
    "whole" [2, D], as in MixtureOutput; and "doubt" [1, 1], what presences are lowered by as there may be no
    instrument.
    """
    graph = _Share(network, VIEWS)
    query = graph.asked("seen")
    mean, held, empty = graph.pool(query)
    slots, whole = graph.placed(mean)
    graph.op("Identity", whole, out="whole")
    graph.doubt(whole, graph.presence(query, held), empty)
    graph.embed(slots, mean)
    by_slot: Shape = [len(VIEWS), None, None]
    found: dict[str, Shape] = {
        "embeddings": by_slot, "presence": by_slot[:2], "places": by_slot, "whole": by_slot[:2], "doubt": [1, 1]
    }  # fmt: skip
    return graph.written({**graph.given, "looks": [None, None], "seen": [1, None, None, None]}, found)


def newest_graph(network: TimbrelNetwork) -> bytes:
    """Return how it tells the slots of one stretch alone.

    Inputs are "cells", "traits" and "looks" of it, outputs "places" [1, K, D] and "presence" [1, K] without doubt.
    """
    graph = _Share(network, VIEWS[:1])
    query = graph.asked()
    mean, held, _ = graph.pool(query)
    graph.placed(mean)
    graph.op("Identity", graph.presence(query, held), out="presence")
    return graph.written({**graph.given, "looks": [None, None]}, {"places": [1, None, None], "presence": [1, None]})


class _Share(Graph):
    """Add what queries, slots and the whole of some views go through.

    Attributes:
        given: The inputs that hold the views' cells.
    """

    def __init__(self, network: TimbrelNetwork, views: tuple[str, ...]) -> None:
        super().__init__()
        self._network, self._config, self._views = network, network.config, views
        widths = {"cells": self._config.cells, "traits": self._config.traits}
        self.given: dict[str, Shape] = {view + part: [None, width] for view in views for part, width in widths.items()}

    def asked(self, seen: str = "") -> str:
        """Return the queries [V K, C] after they looked at the looks of their views; "" = they see all."""
        first, *others = layers = [cast("nn.TransformerDecoderLayer", layer) for layer in self._network.decoder]
        looks = self.op("Unsqueeze", "looks", self.ints(0))
        keys = iter(self.parts(looks, [self._config.cells] * 2 * len(layers), axis=2))
        with torch.no_grad():
            query = self._network.queries[None]
            among = first.norm1(query)
            query = query + first.self_attn(among, among, among, need_weights=False)[0]
        rows = self.constant(np.tile(array_of(query[0]), (len(self._views), 1)))
        asks = self.norm(rows, first.norm2)
        for layer, after in zip(layers, [*(layer.norm1 for layer in others), self._network.query_norm], strict=True):
            if layer is not first:
                asks, rows = self._added(rows, self._among(asks, layer.self_attn), layer.norm2)
            asks, rows = self._added(
                rows, self._look(asks, layer.multihead_attn, next(keys), next(keys), seen), layer.norm3
            )
            asks, rows = self._added(rows, self._fed(asks, layer.linear1, layer.linear2), after)
        return asks

    def pool(self, query: str) -> tuple[str, str, str]:
        """Share the cells of views out among their queries [V K, C].

        Returns:
            Means [V (K + 1), C + traits] of what slots hold, those of each view before that of all; the share of its
            view that each holds [V (K + 1), 1]; and that no note does in the first view [1, 1].
        """
        network, slots = self._network, [self._config.slots] * len(self._views)
        # Keys are applied to the few queries instead of the many cells: q . (W c + b) = (q W) . c + q . b
        scale = np.float32(self._config.cells**-0.5)
        asks = self.parts(self.product(query, scale * array_of(network.key.weight).T), slots, axis=0)
        biases = self.parts(self.product(query, scale * array_of(network.key.bias)[None]), slots, axis=0)
        heads = network.nothing, network.saliency
        head = self.constant(np.concatenate([array_of(part.weight) for part in heads]))
        head_bias = self.constant(np.concatenate([array_of(part.bias) for part in heads])[:, None])
        pooled = [
            self._pooled(view, self.op("Concat", ask, head, axis=0), self.op("Concat", bias, head_bias, axis=0))
            for view, ask, bias in zip(self._views, asks, biases, strict=True)
        ]
        means, shares, empty = zip(*pooled, strict=True)
        held = self.op("Max", self.op("Concat", *shares, axis=0), self.number(_LEAST_HELD))
        return self.op("Div", self.op("Concat", *means, axis=0), held), held, empty[0]

    def placed(self, mean: str) -> tuple[str, str]:
        """Tell where slots and the whole lie, of means [V (K + 1), C + traits] those of each view before that of all.

        Returns:
            [V K, D] and [V, D].
        """
        network = self._network
        local = np.pad(array_of(network.local.weight), ((0, 0), (0, self._config.traits)))
        placed = self.op(
            "Add", self.product(mean, local, array_of(network.local.bias)), self.layers(mean, network.head)
        )
        slots, whole = self._slots_and_whole(self.unit(placed))
        self.op("Reshape", slots, self.ints(len(self._views), self._config.slots, self._config.dim), out="places")
        return slots, whole

    def presence(self, query: str, held: str) -> str:
        """Return the logits [V, K] of slots' holding an instrument, of queries[V K, C] and shares as pool() tells."""
        logs = self.op("Log", self._slots_and_whole(held)[0])
        logits = self.layers(self.op("Concat", query, logs, axis=1), self._network.presence)
        return self.op("Reshape", logits, self.ints(len(self._views), self._config.slots))

    def doubt(self, whole: str, logits: str, empty: str) -> None:
        """Lower presences [V, K] where the window holds no instrument; its newest part is too short to tell.

        Args:
            whole: [V, D] where all of each view lies.
            logits: The presences.
            empty: [1, 1] share of the window that no note holds.
        """
        first_and_rest, all_slots = [1, len(self._views) - 1], self.ints(self._config.slots)
        surest = self.add("TopK", [self.parts(logits, first_and_rest, axis=0)[0], all_slots], ["surest", "order"])[0]
        window = self.op("Concat", self.parts(whole, first_and_rest, axis=0)[0], surest, empty, axis=1)
        doubt = self.op("Softplus", self.op("Neg", self.layers(window, self._network.any_instrument)), out="doubt")
        self.op("Sub", logits, doubt, out="presence")

    def embed(self, slots: str, mean: str) -> None:
        """Tell the embeddings of slots [V K, D], of the means as in placed()."""
        network, config = self._network, self._config
        vectors = self._refined(slots, network.refiner)
        told = self.op("Concat", vectors, self._slots_and_whole(mean)[0], axis=1)
        kind = self.layers(told, network.slot_kind.layers, SLOT_KIND_WEIGHT**0.5)
        shape = self.ints(len(self._views), config.slots, config.embedding)
        self.op("Reshape", self.unit(self.op("Concat", vectors, kind, axis=1)), shape, out="embeddings")

    def _pooled(self, view: str, asks: str, bias: str) -> tuple[str, str, str]:
        """Share out the cells of one view; asks[K + 2, C] are of slots, no note, and how much a cell tells."""
        slots, cells = self._config.slots, view + "cells"
        scores = self.op("Gemm", asks, cells, bias, transB=1)
        masks, telling = self.parts(scores, [slots + 1, 1], axis=0)
        parts, of_all = self.shares(masks, axis=0)
        of_slots, of_none = self.parts(parts, [slots, 1], axis=0)
        salience = self.op("Div", self.op("Div", *self.shares(telling, axis=1)), of_all)
        rows = self.op("Mul", self.op("Concat", of_slots, of_all, axis=0), salience)
        mean = self.op("Concat", *(self.op("MatMul", rows, part) for part in (cells, view + "traits")), axis=1)
        empty = self.op("ReduceMean", self.op("Div", of_none, of_all), self.ints(1), keepdims=1)
        return mean, self.op("ReduceSum", rows, self.ints(1), keepdims=1), empty

    def _slots_and_whole(self, rows: str) -> tuple[str, str]:
        """Part rows [V (K + 1), n] into [V K, n] of slots and [V, n] of all."""
        parts = self.parts(rows, [self._config.slots, 1] * len(self._views), axis=0)
        return self.op("Concat", *parts[0::2], axis=0), self.op("Concat", *parts[1::2], axis=0)

    def _refined(self, vectors: str, refiner: Refiner) -> str:
        """Do what a refiner does with unit vectors[V K, D]."""
        among = refiner.among
        read = np.float32(self._config.dim**0.5) * array_of(refiner.read.weight)
        said = self.product(vectors, read, array_of(refiner.read.bias))
        rows, said = self._added(said, self._among(self.norm(said, among.norm1), among.self_attn), among.norm2)
        rows, said = self._added(said, self._fed(rows, among.linear1, among.linear2), refiner.norm)
        return self.unit(self.op("Add", vectors, self.linear(rows, refiner.correct)))

    def _fed(self, rows: str, first: nn.Linear, second: nn.Linear) -> str:
        return self.linear(self.op("Relu", self.linear(rows, first)), second)

    def _added(self, rows: str, more: str, norm: nn.LayerNorm) -> tuple[str, str]:
        """Return the norm of the sum of two, and the sum."""
        weights = self.constant(array_of(norm.weight)), self.constant(array_of(norm.bias))
        given, outs = [rows, more, *weights], [f"norm of {more}", "", "", f"sum of {more}"]
        normed, _, _, total = self.add("SkipLayerNormalization", given, outs, epsilon=norm.eps, domain=MICROSOFT)
        return normed, total

    def _among(self, rows: str, attention: nn.MultiheadAttention) -> str:
        """Let the rows [V K, C] of each view look at each other."""
        dim = attention.embed_dim
        by_view = self.op("Reshape", rows, self.ints(len(self._views), self._config.slots, dim))
        weights = [self.constant(array_of(part).T) for part in (attention.in_proj_weight, attention.in_proj_bias)]
        found = self.op("Attention", by_view, *weights, num_heads=attention.num_heads, domain=MICROSOFT)
        return self.linear(self.op("Reshape", found, self.ints(-1, dim)), attention.out_proj)

    def _look(self, rows: str, attention: nn.MultiheadAttention, keys: str, values: str, seen: str) -> str:
        """Let the rows [V K, C] of all views look at the keys and values [1, M, C] that are in theirs."""
        dim, heads = attention.embed_dim, attention.num_heads
        asks = self.product(rows, array_of(attention.in_proj_weight)[:dim], array_of(attention.in_proj_bias)[:dim])
        given = [self.op("Reshape", asks, self.ints(1, -1, dim)), keys, values, *(["", "", seen] if seen else [])]
        found = self.op("MultiHeadAttention", *given, num_heads=heads, domain=MICROSOFT)
        return self.linear(self.op("Reshape", found, self.ints(-1, dim)), attention.out_proj)
