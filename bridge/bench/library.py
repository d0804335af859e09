"""Measure a library by its size, beside exact search and hnswlib in the same run."""

from __future__ import annotations

import gc
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray

from library.audio import SAMPLE_RATE_HZ
from library.catalog import Catalog
from library.encoders.spec import SingleEncoder
from library.index import SoundIndex
from library.manifest import Manifest, file_entry, write_manifest
from library.publish import write_indexes
from library.table import sound_line, write_table

__all__ = ["LibraryBench", "SearchRow", "bench_embedding", "bench_size", "clustered_vectors"]

DIM = 192
"""Length of the vectors of the shipped encoder."""

SLOTS = 9
"""Vectors looked up at once: as many as the encoder has slots."""

NEIGHBOURS = 10
LOOKUPS = 40
_PER_CLUSTER = 100
_SPREAD = 0.7
_QUERY_SPREAD = 0.3
_CHUNK_ROWS = 65_536
_SEED = 5
_MIB = 2**20


@dataclass(frozen=True, slots=True)
class SearchRow:
    """Hold what one way of searching takes and finds.

    Attributes:
        name: "timbrel (how)", "exact numpy" or "hnswlib".
        build_s: Seconds to make it from vectors that are on the disk.
        open_s: Seconds until it can be asked; 0 where it is only ever in memory.
        p50_ms: Median time to look up 9 vectors for 10 sounds each.
        p99_ms: 99th percentile.
        recall: Share of the 10 truly nearest that it finds.
        rss_mib: Resident memory that it added, mapped pages of its files included.
    """

    name: str
    build_s: float
    open_s: float
    p50_ms: float
    p99_ms: float
    recall: float
    rss_mib: float


@dataclass(frozen=True, slots=True)
class LibraryBench:
    """Hold the rows of one size; `missing` says which comparison could not be made."""

    vectors: int
    rows: tuple[SearchRow, ...]
    missing: str


def bench_size(count: int, note: Callable[[str], None]) -> LibraryBench:
    """Measure one size with synthetic vectors, each a sound of its own.

    Args:
        count: Number of vectors, 100 or more.
        note: Told what is being done.
    """
    note(f"{count:,}: drawing vectors")
    vectors = clustered_vectors(count)
    queries = _queries(vectors, LOOKUPS * SLOTS)
    lib_dir = Path(tempfile.mkdtemp(prefix="timbrel-bench-"))
    try:
        note(f"{count:,}: exact search")
        exact, truth = _exact(vectors, queries)
        note(f"{count:,}: building the index")
        build_s = _write_library(lib_dir, vectors)
        note(f"{count:,}: searching")
        ours = _ours(lib_dir, queries, truth, build_s)
        note(f"{count:,}: hnswlib")
        other = _hnswlib(vectors, queries, truth)
    finally:
        shutil.rmtree(lib_dir, ignore_errors=True)
    missing = "" if other else "hnswlib is not installed: pip install 'timbrel[bench]'"
    return LibraryBench(count, (ours, exact, *([other] if other else ())), missing)


def bench_embedding(encoder: SingleEncoder, seconds: float = 5.0, clips: int = 16) -> dict[str, float]:
    """Return how many seconds of audio a second are embedded, in a batch and one by one."""
    rng = np.random.default_rng(_SEED)
    audio = rng.normal(0.0, 0.1, (clips, round(seconds * SAMPLE_RATE_HZ))).astype(np.float32)
    encoder.embed(audio[:1])
    begun = time.perf_counter()
    encoder.embed(audio)
    batch_s = time.perf_counter() - begun
    begun = time.perf_counter()
    for clip in audio:
        encoder.embed(clip[None])
    single_s = time.perf_counter() - begun
    return {"batch": clips * seconds / batch_s, "one_by_one": clips * seconds / single_s}


def clustered_vectors(count: int, dim: int = DIM) -> NDArray[np.float16]:
    """Draw unit vectors[count, dim] in clusters of about a hundred (cosine .67 inside): variants of one instrument."""
    rng = np.random.default_rng(_SEED)
    centres = rng.standard_normal((max(1, count // _PER_CLUSTER), dim), np.float32)
    vectors = np.empty((count, dim), np.float16)
    for begin in range(0, count, _CHUNK_ROWS):
        size = min(_CHUNK_ROWS, count - begin)
        own = rng.integers(len(centres), size=size)
        drawn = centres[own] + _SPREAD * rng.standard_normal((size, dim), np.float32)
        vectors[begin : begin + size] = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return vectors


def _queries(vectors: NDArray[np.float16], count: int) -> NDArray[np.float32]:
    """Draw vectors near those of the library, as an instrument in a mixture is near a sound: cosine .96."""
    rng = np.random.default_rng(_SEED + 1)
    near = vectors[rng.integers(len(vectors), size=count)].astype(np.float32)
    drawn = near + _QUERY_SPREAD / np.sqrt(near.shape[1]) * rng.standard_normal(near.shape, np.float32)
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True), np.float32)


def _write_library(lib_dir: Path, vectors: NDArray[np.float16]) -> float:
    """Write a library of one generation; returns the seconds that its indexes took."""
    rows = len(vectors)
    with Catalog(lib_dir):
        pass
    vectors.tofile(lib_dir / "vectors-1.f16")
    table = (lib_dir / "sounds-1.jsonl", lib_dir / "sounds-1.spans")
    write_table(*table, _lines(rows))
    files = {path.name: file_entry(path) for path in (lib_dir / "vectors-1.f16", *table)}
    content = files[table[0].name].sha256
    manifest = Manifest(1, "", "synthetic", vectors.shape[1], rows, rows, content, False, (), files)
    begun = time.perf_counter()
    manifest = write_indexes(lib_dir, manifest)
    build_s = time.perf_counter() - begun
    write_manifest(lib_dir, manifest)
    return build_s


def _lines(count: int) -> Iterator[bytes]:
    nothing = [None] * 4
    for row in range(count):
        name = f"made/{row // 1000:04d}/sound {row:07d}.wav"
        yield sound_line([name, f"sound {row:07d}", "sample", f"/{name}", *nothing, "bass", "made", "", "", row, 1])


def _ours(lib_dir: Path, queries: NDArray[np.float32], truth: NDArray[np.int64], build_s: float) -> SearchRow:
    before = _rss_mib()
    begun = time.perf_counter()
    index = SoundIndex.open(lib_dir, None)
    open_s = time.perf_counter() - begun

    def ask(some: NDArray[np.float32]) -> Sequence[set[int]]:
        return [{int(match.sound.name.split()[1]) for match in row} for row in index.query(some, NEIGHBOURS)]

    times_ms, recall = _measure(ask, queries, truth)
    rss = _rss_mib() - before
    return SearchRow(f"timbrel ({index.search})", build_s, open_s, *_spread(times_ms), recall, rss)


def _exact(vectors: NDArray[np.float16], queries: NDArray[np.float32]) -> tuple[SearchRow, NDArray[np.int64]]:
    before = _rss_mib()
    begun = time.perf_counter()
    whole = vectors.astype(np.float32)
    build_s = time.perf_counter() - begun
    found: list[NDArray[np.int64]] = []

    def ask(some: NDArray[np.float32]) -> Sequence[set[int]]:
        best = np.argpartition(-(some @ whole.T), NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
        found.append(best)
        return [set(row.tolist()) for row in best]

    times_ms, _ = _measure(ask, queries, None)
    row = SearchRow("exact numpy", build_s, 0.0, *_spread(times_ms), 1.0, _rss_mib() - before)
    return row, np.concatenate(found[1:])


def _hnswlib(vectors: NDArray[np.float16], queries: NDArray[np.float32], truth: NDArray[np.int64]) -> SearchRow | None:
    try:
        import hnswlib
    except ImportError:
        return None
    before = _rss_mib()
    begun = time.perf_counter()
    index = hnswlib.Index(space="ip", dim=vectors.shape[1])
    index.init_index(max_elements=len(vectors), ef_construction=100, M=16)
    index.set_num_threads(1)
    for start in range(0, len(vectors), _CHUNK_ROWS):
        index.add_items(vectors[start : start + _CHUNK_ROWS].astype(np.float32))
    index.set_ef(100)
    build_s = time.perf_counter() - begun

    def ask(some: NDArray[np.float32]) -> Sequence[set[int]]:
        return [set(row.tolist()) for row in index.knn_query(some, NEIGHBOURS)[0]]

    times_ms, recall = _measure(ask, queries, truth)
    return SearchRow("hnswlib", build_s, 0.0, *_spread(times_ms), recall, _rss_mib() - before)


def _measure(
    ask: Callable[[NDArray[np.float32]], Sequence[set[int]]],
    queries: NDArray[np.float32],
    truth: NDArray[np.int64] | None,
) -> tuple[NDArray[np.float64], float]:
    """Return the milliseconds of each look-up and the recall; the first look-up warms up and is done twice."""
    ask(queries[:SLOTS])
    times: list[float] = []
    hits = 0
    for start in range(0, len(queries), SLOTS):
        begun = time.perf_counter()
        found = ask(queries[start : start + SLOTS])
        times.append(1e3 * (time.perf_counter() - begun))
        if truth is not None:
            hits += sum(len(row & set(best.tolist())) for row, best in zip(found, truth[start:], strict=False))
    return np.array(times), hits / (NEIGHBOURS * len(queries))


def _spread(times_ms: NDArray[np.float64]) -> tuple[float, float]:
    return float(np.percentile(times_ms, 50)), float(np.percentile(times_ms, 99))


def _rss_mib() -> float:
    gc.collect()
    return float(psutil.Process().memory_info().rss) / _MIB
