"""Encode the windows of one stream, each at the cost of what is new since the last one.

Windows overlap by nine tenths. Band powers, what each convolution needs (library.encoders.strips), cells and their
traits are kept; only what new audio can reach is computed, then the sharing and the pooling over the whole window. The
trunk is strictly local, so that both ways give the same cells, but for two things: at its left end a window has the
true past where a window by itself has silence, and the power that counts as 0 dB stays while the window's own is within
REFERENCE_DB of it (training moves it by far more). On a CPU the trunk counts in bytes besides, and so does what says
the kind of an instrument by itself (library.encoders.quantise).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as f

from library.encoders.blocks import Trunk
from library.encoders.columns import Columns
from library.encoders.kinds import joined
from library.encoders.network import MixtureOutput, TimbrelNetwork, Views
from library.encoders.strips import Strip, Told, TorchStrip
from library.features import Frontend, normalise_power
from library.front_end import FeatureSpec

__all__ = ["NEWEST_CELLS", "REFERENCE_DB", "NetworkStream", "Scene"]

REFERENCE_DB = 1.0
"""One window in fifteen of a song is computed whole at this, one in five at .3 dB. Names of 220 songs of validation
have an F1 of .662 (in floats .666), at .3 dB .667 (.668)."""

NEWEST_CELLS = 12
"""The newest 1.5 s of a window are heard by themselves as well: what entered half a second ago is a third of them and a
tenth of the window."""

SAME = 1e-4
"""Power of the difference of two windows where they overlap, as a share of the power there, up to which they are one
stream: resampling rounds differently at the ends of a window."""

_EDGE_S = 0.1
"""Left out at both ends when windows are compared."""

_COMPARED = 7
"""One sample in so many is: other audio is other everywhere."""


@dataclass(slots=True)
class _Kept:
    """Hold what was computed of a stream; frames are counted from its beginning.

    Attributes:
        audio: [T] the last window.
        start: Sample that it begins at.
        power: [F, n] band power of frames from `frame` on that later audio can't change.
        reference: Power that counts as 0 dB in the cells.
    """

    audio: NDArray[np.float32]
    start: int
    power: Tensor
    frame: int
    reference: Tensor

    @property
    def end(self) -> int:
        """Sample after the last one of the window."""
        return self.start + len(self.audio)


class NetworkStream:
    """Run the multi path of one network over one stream. Not thread-safe.

    Args:
        network: In evaluation mode.
        frontend: Of a "power" spec; its longest transform has to be a whole number of hops.
        device: Where both are.
        strip: What runs its trunk; torch when none is given.
    """

    def __init__(
        self, network: TimbrelNetwork, frontend: Frontend, device: torch.device, strip: Strip | None = None
    ) -> None:
        self._network, self._frontend, self._device = network, frontend, device
        self._hop = frontend.spec.hop_length
        self._strip = strip or TorchStrip(network, frontend.spec)
        self._cells, self._traits, self._looks = Columns(), Columns(), Columns()
        self._looked = 0  # looks of the queries, from the first frame on, that later audio doesn't change
        self._origin = self._settled = 0  # frames: the first that the trunk took, the first that it has yet to take
        self._edge = frontend.power.longest // 2  # samples that a frame's audio extends to both sides
        self._reach = self._edge // self._hop  # the same in frames
        self._kept: _Kept | None = None
        self._scene: Scene | None = None  # of the last window

    @property
    def cell_samples(self) -> int:
        """Samples of one cell: windows are heard from the first whole cell on."""
        return self._hop * Trunk.STRIDE

    def has_new_cell(self, audio: NDArray[np.float32], start: int) -> bool:
        """Tell whether a window ends with a cell that the last one did not hold whole."""
        kept = self._kept
        return kept is None or (start + len(audio)) // self.cell_samples != kept.end // self.cell_samples

    def listen(self, audio: NDArray[np.float32], start: int) -> Scene:
        """Take the next window; the same again gives the same.

        Args:
            audio: [T] float32, of at least two cells.
            start: Sample of the stream that it begins at; what doesn't continue the last window is computed whole.
        """
        kept = self._kept if self._continues(audio, start) else None
        if self._scene is not None and kept is not None and (start, len(audio)) == (kept.start, len(kept.audio)):
            return self._scene
        skipped = -start % self.cell_samples
        first = (start + skipped) // self._hop
        heard = torch.from_numpy(np.ascontiguousarray(audio[skipped:], np.float32)).to(self._device)
        power, settled = self._power(heard, first, kept)
        reference = power.mean()
        if kept is None or _apart_db(reference, kept.reference) > REFERENCE_DB:
            self._begin(first)
        else:
            reference = kept.reference
        told, looks, old = self._hear(power, first, reference, settled)
        self._scene = Scene(told, looks, old, power, reference, self._frontend.spec)
        self._kept = _Kept(np.array(audio, np.float32), start, power[:, : settled - first], first, reference)
        return self._scene

    def features(self) -> NDArray[np.float32] | None:
        """Return the features [F, frames] of the last window, None before the first; any thread may ask."""
        scene = self._scene
        return None if scene is None else np.asarray(scene.features()[0, 0].cpu().numpy())

    def _power(self, heard: Tensor, first: int, kept: _Kept | None) -> tuple[Tensor, int]:
        """Return the band power [F, n] of a window's frames, and the first frame that later audio can change."""
        begin = first if kept is None else kept.frame + kept.power.shape[1]
        at = (begin - first) * self._hop - self._edge  # a frame lies around its middle; beyond the window is silence
        new = self._frontend.power.of_piece(f.pad(heard[max(0, at) :], (max(0, -at), self._edge)))
        power = new if kept is None else torch.cat([kept.power[:, first - kept.frame :], new], dim=1)
        return power, max(first, first + len(heard) // self._hop - self._reach + 1)

    def _begin(self, first: int) -> None:
        """Forget what cells came before a frame."""
        self._origin = self._settled = first
        self._strip.begin()
        for columns in (self._cells, self._traits, self._looks):
            columns.clear()
        self._looked = 0

    def _hear(self, power: Tensor, first: int, reference: Tensor, settled: int) -> tuple[Told, Tensor, tuple[int, int]]:
        """Turn what is new in a window's power [F, n] into cells; return the first fields of its Scene."""
        new = power[:, self._settled - first :]
        said, whole = self._strip.push(new, reference, settled - self._origin)
        self._settled = settled
        left = (first - self._origin) // Trunk.STRIDE
        cells, traits = self._cells.put(said.cells, left, whole), self._traits.put(said.traits, left, whole)
        looks, old_looks = self._look(cells, left, whole)
        old = max(0, len(cells) - NEWEST_CELLS) * cells.shape[1], old_looks * looks.shape[1]
        return Told(cells.flatten(0, 1), traits.flatten(0, 1)), looks.flatten(0, 1), old

    def _look(self, grid: Tensor, left: int, settled: int) -> tuple[Tensor, int]:
        """Return what queries see of a window, and how much of it is not in the newest part.

        Looks lie on a fixed grid of the stream, so that windows share them.

        Args:
            grid: Cells [n, R, C] of the window.
            left: Cells of the stream before it.
            settled: Cells of the stream that later audio doesn't change.

        Returns:
            [m, R / 2, layers * 2 C], and the first of the m that reaches into the newest part.
        """
        overview = self._network.overview
        size, step, before = overview.kernel_size[1], overview.stride[1], int(overview.padding[1])
        begin, end = step * self._looked - before, left + len(grid)  # cells
        missing = max(0, left - begin)
        last = end + 2 * before - size  # the last look begins there at most, counted with the silence before
        after = last // step * step - before + size - end
        new = self._strip.look(grid[max(0, begin - left) :], missing, after)
        self._looked = max(self._looked, (settled + before - size) // step + 1)
        reaching = size - before - 1  # cells behind its place on the grid that a look reaches
        first = max(0, -(-(left - reaching) // step))
        newest = max(0, -(-(end - NEWEST_CELLS - reaching) // step))
        return self._looks.put(new, first, self._looked), max(0, newest - first)

    def _continues(self, audio: NDArray[np.float32], start: int) -> bool:
        """Tell whether a window holds the audio that the last one ended with."""
        kept = self._kept
        if kept is None or not 0 <= start - kept.start < len(kept.audio):
            return False
        shift = start - kept.start
        settled = kept.frame + kept.power.shape[1]
        if -(-start // self.cell_samples) * Trunk.STRIDE + self._reach > settled:
            return False
        edge = round(_EDGE_S * self._frontend.spec.sample_rate)
        before, now = (
            kept.audio[shift + edge : -edge : _COMPARED],
            audio[edge : len(kept.audio) - shift - edge : _COMPARED],
        )
        if len(before) != len(now):
            return False
        difference = before - now
        return bool(difference @ difference <= SAME * (before @ before))


@dataclass(frozen=True, slots=True)
class Scene:
    """Hold what a window and its newest part are heard from, as it is until the next one.

    Attributes:
        told: The window's cells [N] and what they say, oldest first.
        looks: [M, layers * 2 C] what queries look at, oldest first.
        old: How many of the cells and of the looks are not in the newest part.
        power: [F, frames] band power of the window.
        reference: Power that counts as 0 dB.
        spec: Of the front end.
    """

    told: Told
    looks: Tensor
    old: tuple[int, int]
    power: Tensor
    reference: Tensor
    spec: FeatureSpec

    def features(self) -> Tensor:
        """Return what the network sees of the window [1, 1, F, frames]."""
        return normalise_power(self.power[None, None], self.spec, self.reference)

    def alone(
        self, kinds_of: Callable[[Tensor], Tensor], whole: Tensor, views: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Return what the single path says [n, E] of some of the window, number 0, and its newest part, number 1.

        Args:
            kinds_of: Says of which kind [1, k] features [1, 1, F, frames] are; a network's `kind_network` does.
            whole: [2, D] which instrument each is.
            views: [n] their numbers.
        """
        frames = self.power.shape[1], NEWEST_CELLS * Trunk.STRIDE
        with torch.inference_mode():
            features = self.features()
            found = [joined(whole[view, None], kinds_of(features[..., -frames[view] :])) for view in views.tolist()]
            return np.asarray(torch.cat(found).float().cpu().numpy())

    def shared_by(self, network: TimbrelNetwork) -> MixtureOutput:
        """Let a network share the cells out: B of the result is 2, the window and its newest part by itself."""
        cells = self.told.cells
        told = torch.cat([cells, self.told.traits, network.nothing(cells), network.saliency(cells)], dim=-1)
        return network.share(told[None], self.looks[None], self.views())

    def views(self) -> Views:
        """Return which of its cells and looks are in the window and in its newest part."""
        return _newest(len(self.told.cells), self.old[0], len(self.looks), self.old[1], self.looks.device)


@lru_cache(maxsize=16)
def _newest(cells: int, old_cells: int, looks: int, old_looks: int, device: torch.device) -> Views:
    """Return all of a window and its newest part, by how many cells and looks there are and how many are older."""
    of_cells, of_looks = torch.zeros(2, cells), torch.zeros(2, looks)
    of_cells[1, :old_cells] = of_looks[1, :old_looks] = -torch.inf
    return Views(of_cells.to(device), of_looks.to(device))


def _apart_db(power: Tensor, reference: Tensor) -> float:
    tiny = 1e-20
    return abs(10.0 * math.log10(max(float(power), tiny) / max(float(reference), tiny)))
