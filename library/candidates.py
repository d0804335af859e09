"""Find candidate rows among many vectors with Annoy, where it is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from library.annoy_file import annoy_problem
from library.errors import LibraryError

__all__ = ["AnnoyCandidates", "annoy_available", "trees_for", "write_annoy"]

_SIZES = (
    # up to vectors, trees, search nodes
    (50_000, 40, 1500),
    (250_000, 80, 2000),
    (None, 20, 5000),  # from here on cells answer (library.cells); Annoy serves where they are missing
)
"""How many trees are built, and how many nodes are looked at, by the number of vectors: chosen with
`timbrel bench library`, recall@10 above .99. Nodes cost time; trees cost building time and room on disk (80 MB each at
a million vectors)."""

_SEED = 17


def trees_for(rows: int) -> tuple[int, int]:
    """Return the number of trees and of search nodes for so many vectors."""
    return next((trees, nodes) for most, trees, nodes in _SIZES if most is None or rows <= most)


def annoy_available() -> bool:
    """Say whether Annoy can be used; it has to be compiled, and that fails on some machines."""
    try:
        import annoy  # noqa: F401
    except ImportError:
        return False
    return True


def write_annoy(path: Path, vectors: NDArray[np.float16]) -> None:
    """Write an angular index of vectors[N, D] to a new file.

    Raises:
        LibraryError: Annoy could not write the file.
    """
    from annoy import AnnoyIndex

    index = AnnoyIndex(vectors.shape[1], "angular")
    index.set_seed(_SEED)
    for row, vector in enumerate(vectors):
        index.add_item(row, vector.astype(np.float32))
    index.build(trees_for(len(vectors))[0], n_jobs=1)
    try:
        index.save(str(path))
    except OSError as error:
        raise LibraryError(path, f"can't be written ({error})", "free some disk space and build again") from error


class AnnoyCandidates:
    """Ask an Annoy file that was checked against its manifest (Annoy itself crashes on a wrong file).

    Args:
        path: The file.
        rows: Number N of vectors in it.
        dim: Their length D.

    Raises:
        LibraryError: The file can't be opened or holds another number of vectors.
    """

    def __init__(self, path: Path, rows: int, dim: int) -> None:
        from annoy import AnnoyIndex

        self._nodes = trees_for(rows)[1]
        if problem := annoy_problem(path, rows, dim):
            raise LibraryError(path, problem, "build the library again")
        self._index: Any = AnnoyIndex(dim, "angular")  # Any: annoy has no types
        try:
            self._index.load(str(path))
        except OSError as error:
            raise LibraryError(path, f"can't be opened ({error})", "build the library again") from error
        if self._index.get_n_items() != rows:
            found = self._index.get_n_items()
            raise LibraryError(path, f"holds {found} vectors instead of {rows}", "build the library again")

    def rows(self, query: NDArray[np.float32], count: int) -> NDArray[np.int64]:
        """Return about `count` rows near query[D], in no order that counts."""
        found = self._index.get_nns_by_vector(query, count, max(self._nodes, 5 * count))
        return np.asarray(found, np.int64)
