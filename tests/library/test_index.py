"""Check that searches are exact, merged by sound, and refuse what would crash or mislead."""

from __future__ import annotations

import gc
import json
import sys
import weakref
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import library.index
import library.nearest
from library.errors import FingerprintError, InputError, LibraryError
from library.index import SoundIndex, library_path, open_library
from library.manifest import read_manifest
from library.verify import verify_library
from tests.library.libraries import clustered, make_library

FINGERPRINT = "f" * 64
DIM = 24


@pytest.fixture
def lib(tmp_path: Path) -> Path:
    return make_library(tmp_path / "lib", list(clustered(30, 3, DIM)))


def unit(rows: int, seed: int = 1) -> NDArray[np.float32]:
    queries = np.random.default_rng(seed).normal(size=(rows, DIM))
    return np.asarray(queries / np.linalg.norm(queries, axis=1, keepdims=True), np.float32)


def test_a_sound_counts_once_by_its_nearest_vector(lib: Path) -> None:
    vectors = clustered(30, 3, DIM).astype(np.float32)
    queries = unit(4)
    found = SoundIndex.open(lib, FINGERPRINT).query(queries, 30)
    scores = np.einsum("kd,spd->ksp", queries, vectors).max(axis=2)
    for row, matches in zip(scores, found, strict=True):
        assert [match.sound.id for match in matches] == [f"s{i:05d}" for i in np.argsort(-row, kind="stable")]
        assert [match.score for match in matches] == pytest.approx(np.sort(row)[::-1], abs=1e-5)


def test_length_of_a_query_does_not_count(lib: Path) -> None:
    index = SoundIndex.open(lib, None)
    (plain,), (long,) = index.query(unit(1), 3), index.query(unit(1) * 1000, 3)
    assert [m.sound for m in plain] == [m.sound for m in long]
    assert long[0].score == pytest.approx(plain[0].score)


def test_scores_never_leave_the_range_of_a_cosine(lib: Path) -> None:
    own = clustered(30, 3, DIM)[:, 0].astype(np.float32)
    found = SoundIndex.open(lib, None).query(own, 1)
    assert all(0.99 < matches[0].score <= 1.0 for matches in found)


def test_sounds_without_vectors_are_listed_and_never_match(tmp_path: Path) -> None:
    vectors = [*clustered(2, 2, DIM), np.zeros((0, DIM), np.float16), *clustered(2, 2, DIM, seed=6)]
    index = SoundIndex.open(make_library(tmp_path / "lib", vectors), None)
    assert [s.kind for s in index.sounds].count("drumkit") == 1
    (matches,) = index.query(unit(1), 10)
    assert {m.sound.id for m in matches} == {"s00000", "s00001", "s00003", "s00004"}
    best = index.query(vectors[3].astype(np.float32), 1)
    assert [m[0].sound.id for m in best] == ["s00003", "s00003"]


def test_annoy_with_exact_ranking_finds_the_same_first_sound_as_exact_search(tmp_path: Path) -> None:
    vectors = clustered(1500, 2, DIM)
    lib = make_library(tmp_path / "lib", list(vectors))
    exact = SoundIndex.open(lib, None, exact=True)
    near = SoundIndex.open(lib, None, exact=False)
    assert (exact.search, near.search) == ("exact", "annoy")
    rng = np.random.default_rng(2)
    queries = (vectors[rng.integers(1500, size=200), 0] + 0.05 * rng.normal(size=(200, DIM))).astype(np.float32)
    for one, other in zip(exact.query(queries, 5), near.query(queries, 5), strict=True):
        assert one[0].sound == other[0].sound
        assert one[0].score == pytest.approx(other[0].score, abs=1e-5)


def test_annoy_asks_for_more_while_one_sound_holds_all_candidates(tmp_path: Path) -> None:
    crowd = clustered(1, 3000, DIM)
    lib = make_library(tmp_path / "lib", [*crowd, *-clustered(3, 1, DIM)])
    (matches,) = SoundIndex.open(lib, None, exact=False).query(crowd[0, :1].astype(np.float32), 4)
    assert len(matches) == 4
    assert len({m.sound.id for m in matches}) == 4


def test_large_libraries_are_searched_by_chunks_with_the_same_result(
    lib: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = SoundIndex.open(lib, None, exact=True).query(unit(3), 5)
    monkeypatch.setattr(library.index, "EXACT_VALUES", 10)
    monkeypatch.setattr(library.nearest, "_CHUNK_ROWS", 7)
    chunked = SoundIndex.open(lib, None, exact=True).query(unit(3), 5)
    assert [[m.sound for m in row] for row in chunked] == [[m.sound for m in row] for row in whole]


def test_size_decides_for_annoy(lib: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert SoundIndex.open(lib, None).search == "exact"
    monkeypatch.setattr(library.index, "EXACT_VALUES", 10)
    assert SoundIndex.open(lib, None).search == "annoy"


def test_everything_works_where_annoy_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "annoy", None)
    lib = make_library(tmp_path / "lib", list(clustered(30, 2, DIM)))
    assert not list(lib.glob("*.ann"))
    index = SoundIndex.open(lib, FINGERPRINT, exact=False)
    assert index.search == "exact"
    assert len(index.query(unit(2), 5)[1]) == 5


def test_a_library_made_with_annoy_opens_where_annoy_is_not_installed(
    lib: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert list(lib.glob("*.ann"))
    monkeypatch.setitem(sys.modules, "annoy", None)
    assert SoundIndex.open(lib, FINGERPRINT, exact=False).query(unit(1), 1)


@pytest.mark.parametrize(
    "query",
    [
        np.full((1, DIM), np.nan, np.float32),
        np.full((1, DIM), np.inf, np.float32),
        np.zeros((1, DIM), np.float32),
        np.full((1, DIM), 1e-9, np.float32),
        np.ones((1, DIM + 1), np.float32),
        np.ones(DIM, np.float32),
    ],
    ids=["nan", "infinite", "zero", "nearly zero", "another dimension", "no batch"],
)
def test_queries_that_mean_nothing_are_refused(lib: Path, query: NDArray[np.float32]) -> None:
    with pytest.raises(InputError):
        SoundIndex.open(lib, None).query(query, 1)


def test_k_below_one_is_refused_and_no_query_gets_no_answer(lib: Path) -> None:
    index = SoundIndex.open(lib, None)
    with pytest.raises(InputError, match="k 0"):
        index.query(unit(1), 0)
    assert index.query(np.zeros((0, DIM), np.float32), 3) == ()


def test_other_weights_are_refused_with_the_command_that_rebuilds(lib: Path) -> None:
    with pytest.raises(FingerprintError, match=r"timbrel library build /nowhere --out .*lib") as caught:
        SoundIndex.open(lib, "0" * 64)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("pattern", ["vectors-*.f16", "index-*.ann"])
@pytest.mark.parametrize("change", ["truncated", "longer", "gone"])
def test_damaged_files_give_one_clear_error_before_they_are_opened(lib: Path, pattern: str, change: str) -> None:
    (path,) = lib.glob(pattern)
    data = path.read_bytes()
    if change == "gone":
        path.unlink()
    else:
        path.write_bytes(data[: len(data) // 2] if change == "truncated" else data + b"more")
    with pytest.raises(LibraryError, match=path.name) as caught:
        SoundIndex.open(lib, None, exact=False)
    assert "timbrel library build" in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0" + bytes(50), b"not a database at all" * 400])
def test_a_damaged_catalogue_is_told_by_verify_and_does_not_stop_a_reader(lib: Path, content: bytes) -> None:
    before = SoundIndex.open(lib, None).query(unit(1), 3)
    for side in lib.glob("catalog.sqlite-*"):
        side.unlink()
    (lib / "catalog.sqlite").write_bytes(content)
    (problem,) = verify_library(lib)
    assert problem.startswith("catalog.sqlite: ")
    assert SoundIndex.open(lib, None).query(unit(1), 3) == before


def test_copies_of_a_sound_are_named_once_and_others_take_their_place(tmp_path: Path) -> None:
    vectors = list(clustered(30, 2, DIM))
    lib = make_library(tmp_path / "lib", [*vectors, vectors[4], vectors[4]])
    for exact in (True, False):
        (matches,) = SoundIndex.open(lib, None, exact=exact).query(vectors[4][:1].astype(np.float32), 5)
        names = [match.sound.name for match in matches]
        assert names[0] == "s00004"
        assert len(names) == 5
        assert not {"s00030", "s00031"} & set(names)


def test_a_choice_of_sounds_is_searched_to_the_end(lib: Path) -> None:
    index = SoundIndex.open(lib, None, exact=False)
    among = np.zeros(30, np.bool_)
    among[[3, 17, 29]] = True
    (matches,) = index.query(unit(1), 10, among)
    assert {match.sound.id for match in matches} == {"s00003", "s00017", "s00029"}


def test_a_manifest_that_counts_other_sounds_than_the_catalogue_is_refused(lib: Path) -> None:
    data = json.loads((lib / "manifest.json").read_text())
    (lib / "manifest.json").write_text(json.dumps(data | {"sounds": 29, "sha256": None}))
    with pytest.raises(LibraryError, match="holds 30 sounds"):
        SoundIndex.open(lib, None)


def test_a_reader_keeps_the_generation_that_it_opened(lib: Path) -> None:
    index = SoundIndex.open(lib, None, exact=False)
    before = index.query(unit(2), 5)
    make_library(lib, list(clustered(5, 2, DIM, seed=9)))
    assert read_manifest(lib).generation == 2
    assert index.query(unit(2), 5) == before
    assert len(SoundIndex.open(lib, None).sounds) == 30  # the same ids, five of them with new vectors


def test_a_missing_library_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="no such library"):
        open_library(tmp_path / "none", None)
    with pytest.raises(LibraryError, match="is not a library"):
        open_library(tmp_path, None)


def test_gm_names_the_built_in_library() -> None:
    assert library_path("gm").parts[-3:] == ("library", "gm", "data")


def test_info_counts_what_is_there(lib: Path) -> None:
    found = SoundIndex.open(lib, None).info()
    assert (found["sounds"], found["vectors"], found["encoder"]) == (30, 90, FINGERPRINT)
    assert found["sources"] == [{"name": "s", "path": "/nowhere", "kind": "folder"}]
    assert found["errors"] == []


def test_an_index_that_is_let_go_of_leaves_nothing_to_the_garbage_collector(lib: Path) -> None:
    gc.disable()  # it comes by after minutes: generations of a library that changes would pile up until then
    try:
        index = SoundIndex.open(lib, None)
        index.query(np.ones((1, index.dim), np.float32), 3)
        left, table = weakref.ref(index), weakref.ref(index.generation.base)
        del index
        assert (left(), table()) == (None, None)
    finally:
        gc.enable()
