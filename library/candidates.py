"""Find candidate rows among many vectors with Annoy, where it is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from library.errors import LibraryError

__all__ = ["AnnoyCandidates", "annoy_available", "write_annoy"]

TREES = 100
"""With SEARCH_NODES a recall@10 over .99 at 60k x 1024 (50 trees and the default: .75)."""

SEARCH_NODES = 10_000
_SEED = 17


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
    index.build(TREES)
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
        found = self._index.get_nns_by_vector(query, count, max(SEARCH_NODES, 10 * count))
        return np.asarray(found, np.int64)
