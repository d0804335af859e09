"""Run a network over streams with ONNX Runtime, on a CPU."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from library.encoders.kind_graph import kind_graph
from library.encoders.onnx_session import open_graph
from library.encoders.share_graph import VIEWS, newest_graph, share_graph
from library.encoders.shared import Shared
from library.encoders.strip_graph import Kept, look_graph, strip_graph
from library.encoders.strips import Span, Told

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from onnxruntime import InferenceSession
    from torch import Tensor

    from library.encoders.network import TimbrelNetwork
    from library.encoders.quantise import Ranges
    from library.encoders.streaming import Scene
    from library.front_end import FeatureSpec

__all__ = ["OnnxNetwork", "OnnxStrip"]


class OnnxNetwork:
    """Run a network in evaluation mode; all its streams share it.

    Args:
        network: What to run.
        spec: Its front end.
        ranges: How far activations reach.
    """

    def __init__(self, network: TimbrelNetwork, spec: FeatureSpec, ranges: Ranges) -> None:
        self._network = network
        graph, self._kept = strip_graph(network, spec, ranges.trunk)
        self._strip, self._look = open_graph(graph), open_graph(look_graph(network, ranges.trunk.cells))
        self._kinds = open_graph(kind_graph(network.kind_network, spec, ranges.kinds))
        self._share = open_graph(share_graph(network))
        self._newest = open_graph(newest_graph(network))

    def strip(self) -> OnnxStrip:
        """Begin a stream."""
        return OnnxStrip(self._network, self._strip, self._kept, self._look)

    def share(self, scene: Scene) -> Shared:
        """Share the cells of a window out among slots, and those of its newest part by itself."""
        (cells, looks), told = scene.old, scene.told
        given = _arrays(
            {
                "cells": told.cells, "traits": told.traits, "looks": scene.looks,
                "newest_cells": told.cells[cells:], "newest_traits": told.traits[cells:],
            }
        )  # fmt: skip
        seen = _seen(self._network.config.heads, self._network.config.slots, len(scene.looks), looks)
        embeddings, presence, places, whole, doubt = self._share.run(None, {**given, "seen": seen})
        alone = partial(scene.alone, self._kinds_of, torch.from_numpy(whole))
        return Shared(embeddings, presence, places, alone, float(doubt[0, 0]))

    def newest(self, scene: Scene, doubt: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return where the slots of the newest part alone lie [K, D], and logits of their presence [K].

        Args:
            scene: The window.
            doubt: What the presences of the last window that was shared out were lowered by.
        """
        cells, looks = scene.old
        given = {"cells": scene.told.cells[cells:], "traits": scene.told.traits[cells:], "looks": scene.looks[looks:]}
        places, presence = self._newest.run(None, _arrays(given))
        return places[0], presence[0] - np.float32(doubt)

    def _kinds_of(self, features: Tensor) -> Tensor:
        """Say of which kind [1, k] the instrument of features [1, 1, F, n] is."""
        return torch.from_numpy(self._kinds.run(None, {"features": features[0, 0].contiguous().numpy()})[0])


def _arrays(tensors: Mapping[str, Tensor]) -> dict[str, NDArray[np.float32]]:
    return {name: tensor.numpy() for name, tensor in tensors.items()}


@lru_cache(maxsize=16)
def _seen(heads: int, slots: int, looks: int, old: int) -> NDArray[np.float32]:
    """Return which of a window's looks the queries of both views see, as in share_graph()."""
    seen = np.zeros((1, heads, len(VIEWS) * slots, looks), np.float32)
    seen[:, :, slots:, :old] = -np.inf
    return seen


class OnnxStrip:
    """Do what TorchStrip does, nearly: the trunk counts in bytes.

    Args:
        network: In evaluation mode.
        session: Of the same network.
        kept: What it keeps.
        look: Of how it looks at cells.
    """

    def __init__(
        self,
        network: TimbrelNetwork,
        session: InferenceSession,
        kept: Sequence[Kept],
        look: InferenceSession,
    ) -> None:
        self._session, self._keeps, self._look = session, kept, look
        self._strides = network.trunk.stem1.stride[0], network.trunk.stem2.stride[0]
        self.begin()

    def begin(self) -> None:
        """Forget what came before."""
        self._stem = [Span(stride) for stride in self._strides]
        self._blocks = [(Span(1), Span(1)) for kept in self._keeps if not kept.before]
        self._kept: list[NDArray[np.uint8]] = [
            np.full((1, kept.before, kept.rows, kept.channels), kept.silence, np.uint8) for kept in self._keeps
        ]

    def push(self, power: Tensor, reference: Tensor, settled: int) -> tuple[Told, int]:
        """Take a strip; see Strip."""
        spans, settled = self._spans(settled)
        given = {"power": power.contiguous().numpy(), "reference": reference.reshape(1).numpy()}
        given |= {keeps.name: kept for keeps, kept in zip(self._keeps, self._kept, strict=True)}
        cells, traits, *behind = self._session.run(None, given)
        self._kept = [columns[:, begin:end] for columns, (begin, end) in zip(behind, spans, strict=True)]
        return Told(torch.from_numpy(cells), torch.from_numpy(traits)), settled

    def look(self, cells: Tensor, before: int, after: int) -> Tensor:
        """Return what queries see; see Strip."""
        pads = np.array([before, 0, 0, after, 0, 0], np.int64)
        looks: NDArray[np.float32] = self._look.run(None, {"cells": cells.contiguous().numpy(), "pads": pads})[0]
        return torch.from_numpy(looks)

    def _spans(self, settled: int) -> tuple[list[tuple[int, int]], int]:
        """Take so many settled frames; return from where to where each is kept, and how many cells are settled."""
        spans: list[tuple[int, int]] = []
        for span in self._stem:
            spans.append(span.move(settled))
            settled = span.settled
        for first, second in self._blocks:
            before, waiting = second.settled, len(spans)
            spans += [first.move(settled), second.move(first.settled)]
            spans.insert(waiting, (second.settled - before, settled - before))
            settled = second.settled
        return spans, settled
