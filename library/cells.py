"""Find candidate rows among very many vectors by cells: the vectors nearest to the same centre lie side by side."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from library.errors import LibraryError

if TYPE_CHECKING:
    import torch

__all__ = ["CELL_VECTORS", "Cells", "cell_names", "write_cells"]

CELL_VECTORS = 200_000
"""From here on cells give the candidates: they read memory in a row where Annoy jumps. `timbrel bench library` measures
both time and recall."""

PROBES = 16
"""Cells looked into for each query: the more, the higher the recall, and the more is read."""

_CELLS_PER_ROOT = 8
"""Cells for each square root of the number of vectors; fewer make cells longer, more make centres costlier."""

_SAMPLES_PER_CELL = 32
_ROUNDS = 6
_CHUNK_ROWS = 8192
_SEED = 17


def cell_names(generation: int) -> tuple[str, str, str]:
    """Return the names of the files: centres [C, D], vectors by cell [N, D], then starts [C + 1] and rows [N]."""
    return f"cells-{generation}.centres", f"cells-{generation}.f16", f"cells-{generation}.rows"


class Cells:
    """Search the nearest cells exactly.

    Args:
        lib_dir: Folder of the library.
        generation: Which generation.
        rows: Number N of vectors.
        dim: Their length D.

    Raises:
        LibraryError: The files don't fit each other.
    """

    def __init__(self, lib_dir: Path, generation: int, rows: int, dim: int) -> None:
        import torch

        centres, vectors, order = (lib_dir / name for name in cell_names(generation))
        again = "run `timbrel library build` again"
        if centres.stat().st_size % (2 * dim) or not rows:
            raise LibraryError(centres, f"does not hold vectors of {dim} numbers", again)
        self._centres = torch.from_numpy(np.fromfile(centres, np.float16).reshape(-1, dim)).float()
        table = np.fromfile(order, np.int32)
        count = len(self._centres)
        if (
            len(table) != count + 1 + rows
            or table[0] != 0
            or table[count] != rows
            or (np.diff(table[: count + 1]) < 0).any()
            or not 0 <= table[count + 1 :].min() <= table[count + 1 :].max() < rows
        ):
            raise LibraryError(order, f"does not fit {centres.name}", again)
        if vectors.stat().st_size != 2 * rows * dim:
            raise LibraryError(vectors, f"does not hold {rows} vectors", again)
        self._starts, self._rows = table[: count + 1].astype(np.int64), table[count + 1 :]
        # "c" = changes would stay in memory: torch wants to be allowed to write, and never does.
        self._vectors = torch.from_numpy(np.memmap(vectors, np.float16, "c", shape=(rows, dim)))

    def rows(self, queries: NDArray[np.float32], count: int) -> list[NDArray[np.int64]]:
        """Return for each of queries[K, D] its `count` best rows among the nearest cells, or all of those."""
        import torch

        asked = torch.from_numpy(queries)
        probes = min(len(self._centres), max(PROBES, 2 * count * len(self._centres) // len(self._rows)))
        nearest = (asked @ self._centres.T).topk(probes, dim=1).indices.sort(dim=1).values.numpy()
        found = []
        for query, cells in zip(asked, nearest, strict=True):
            spans = [(self._starts[cell], self._starts[cell + 1]) for cell in cells]
            scores = torch.cat([self._vectors[begin:end].float() @ query for begin, end in spans])
            best = scores.topk(min(count, len(scores)), sorted=False).indices.numpy()
            found.append(np.concatenate([self._rows[begin:end] for begin, end in spans])[best].astype(np.int64))
        return found


def write_cells(lib_dir: Path, generation: int, vectors: NDArray[np.float16]) -> tuple[str, str, str]:
    """Write the cells of vectors[N, D]; returns the names of the files."""
    import torch

    names = cell_names(generation)
    with torch.inference_mode():
        centres = _centres(vectors)
        owner = np.concatenate([(chunk @ centres.T).argmax(1).numpy() for chunk in _chunks(vectors)])
    order = np.argsort(owner, kind="stable").astype(np.int32)
    starts = np.searchsorted(owner[order], np.arange(len(centres) + 1)).astype(np.int32)
    centres.numpy().astype(np.float16).tofile(lib_dir / names[0])
    with (lib_dir / names[1]).open("wb") as file:
        for begin in range(0, len(order), _CHUNK_ROWS):
            file.write(vectors[order[begin : begin + _CHUNK_ROWS]].tobytes())
    np.concatenate([starts, order]).tofile(lib_dir / names[2])
    return names


def _centres(vectors: NDArray[np.float16]) -> torch.Tensor:
    """Return unit centres [C, D] by k-means on a sample (spherical; an empty cell keeps its centre)."""
    import torch

    count = max(1, round(_CELLS_PER_ROOT * np.sqrt(len(vectors))))
    rng = np.random.default_rng(_SEED)
    picked = rng.choice(len(vectors), min(len(vectors), _SAMPLES_PER_CELL * count), replace=False)
    sample = vectors[np.sort(picked)]
    centres = torch.from_numpy(sample[rng.permutation(len(sample))[:count]]).float()
    for _ in range(_ROUNDS):
        sums = torch.zeros_like(centres)
        for chunk in _chunks(sample):
            sums.index_add_(0, (chunk @ centres.T).argmax(1), chunk)
        norms = sums.norm(dim=1, keepdim=True)
        centres = torch.where(norms > 0, sums / norms.clamp_min(1e-9), centres)
    return centres


def _chunks(vectors: NDArray[np.float16]) -> Iterator[torch.Tensor]:
    import torch

    for begin in range(0, len(vectors), _CHUNK_ROWS):
        yield torch.from_numpy(np.array(vectors[begin : begin + _CHUNK_ROWS])).float()
