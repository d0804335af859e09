"""Check that cells find what exact search finds, and refuse files that are not theirs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import library.publish
from library.cells import Cells, cell_names, write_cells
from library.errors import LibraryError
from library.index import SoundIndex
from library.verify import verify_library
from tests.library.libraries import clustered, make_library

DIM = 24


def test_the_best_of_the_nearest_cells_are_the_best_of_all(tmp_path: Path) -> None:
    vectors = clustered(4000, 1, DIM)[:, 0]
    write_cells(tmp_path, 3, vectors)
    queries = vectors[::400].astype(np.float32)
    found = Cells(tmp_path, 3, 4000, DIM).rows(queries, 10)
    truth = np.argsort(-(queries @ vectors.astype(np.float32).T), axis=1)[:, :10]
    hits = [len(set(rows.tolist()) & set(best.tolist())) for rows, best in zip(found, truth, strict=True)]
    assert np.mean(hits) > 9.9


def test_a_library_over_the_bound_is_searched_by_cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library.publish, "CELL_VECTORS", 1000)
    vectors = clustered(900, 2, DIM)
    lib = make_library(tmp_path / "lib", list(vectors))
    near, exact = SoundIndex.open(lib, None, exact=False), SoundIndex.open(lib, None, exact=True)
    assert (near.search, exact.search) == ("cells", "exact")
    queries = vectors[::90, 1].astype(np.float32)
    for one, other in zip(near.query(queries, 5), exact.query(queries, 5), strict=True):
        assert one[0].sound == other[0].sound
        assert one[0].score == pytest.approx(other[0].score, abs=1e-5)
    assert verify_library(lib) == ()


def test_files_of_other_vectors_are_refused(tmp_path: Path) -> None:
    write_cells(tmp_path, 1, clustered(300, 1, DIM)[:, 0])
    with pytest.raises(LibraryError, match=cell_names(1)[2]):
        Cells(tmp_path, 1, 299, DIM)
