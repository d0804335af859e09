"""Find the nearest sounds of a library: candidates from Annoy, exact ranking by the stored vectors."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from library.candidates import AnnoyCandidates, annoy_available
from library.catalog import Published, read_errors, read_notes, read_published
from library.errors import InputError, LibraryError
from library.manifest import Manifest, check_files, check_fingerprint, read_manifest, rebuild_command
from library.sounds import Sound

__all__ = ["BUILT_IN", "Match", "SoundIndex", "library_path", "open_library"]

BUILT_IN = "gm"
"""Name of the General MIDI library that ships inside the package."""

MAKE_BUILT_IN = "timbrel library make-gm"
"""Command that makes the built-in library again where it belongs."""

EXACT_VALUES = 16_000_000
"""Libraries up to this many numbers (16k vectors of 1024) are searched exactly from 64 MB of memory: for nine slots at
once that takes less time than nine Annoy queries of the same recall."""

_CANDIDATES = 400
_CHUNK_ROWS = 8192
_LEAST_NORM = 1e-6
_OPEN_TRIES = 3


@dataclass(frozen=True, slots=True)
class Match:
    """Pair a sound with how close it is.

    Attributes:
        sound: The library entry.
        score: Cosine similarity, -1..1.
    """

    sound: Sound
    score: float


class SoundIndex:
    """Search one generation of a library; what is built meanwhile shows when it is opened again.

    Use `SoundIndex.open` or `open_library`.
    """

    def __init__(
        self, lib_dir: Path, manifest: Manifest, published: Published, vectors: NDArray[np.float16], *, use_annoy: bool
    ) -> None:
        self._lib_dir = lib_dir
        self._manifest = manifest
        self._published = published
        self._vectors = vectors
        # Sounds without vectors (drum kits) can't match; leaving them out keeps every reduceat segment non-empty.
        self._matchable = np.flatnonzero(published.row_count)
        self._starts = published.first_row[self._matchable]
        self._annoy: AnnoyCandidates | None = None
        self._exact: NDArray[np.float32] | None = None
        if use_annoy:
            self._annoy = AnnoyCandidates(lib_dir / manifest.index_name, manifest.vectors, manifest.dim)
        elif vectors.size <= EXACT_VALUES:
            self._exact = vectors.astype(np.float32)

    @classmethod
    def open(cls, lib_dir: Path, fingerprint: str | None, *, exact: bool | None = None) -> SoundIndex:
        """Open a library after checking all that its manifest says except the hashes.

        Args:
            lib_dir: Folder of the library.
            fingerprint: Fingerprint of the encoder that will ask; None to look without asking.
            exact: True never uses Annoy, False uses it wherever it can be, None decides by size.

        Raises:
            LibraryError: There is no library, or it is damaged.
            FingerprintError: It was built with other weights.
        """
        for _ in range(_OPEN_TRIES - 1):
            manifest = read_manifest(lib_dir)
            try:
                return cls._open_generation(lib_dir, manifest, fingerprint, exact)
            except LibraryError:
                # A build may have swapped the generation between two reads; then the next try sees the new one.
                if read_manifest(lib_dir).generation == manifest.generation:
                    raise
        return cls._open_generation(lib_dir, read_manifest(lib_dir), fingerprint, exact)

    @classmethod
    def _open_generation(
        cls, lib_dir: Path, manifest: Manifest, fingerprint: str | None, exact: bool | None
    ) -> SoundIndex:
        check_fingerprint(lib_dir, manifest, fingerprint)
        check_files(lib_dir, manifest)
        published = read_published(lib_dir, manifest.generation, immutable=manifest.sealed)
        _check_published(lib_dir, manifest, published)
        shape = (manifest.vectors, manifest.dim)
        vectors = np.zeros(shape, np.float16)
        if manifest.vectors:
            vectors = np.memmap(lib_dir / manifest.vectors_name, np.float16, "r", shape=shape)
        wanted = vectors.size > EXACT_VALUES if exact is None else not exact
        has_file = manifest.index_name in manifest.files
        return cls(lib_dir, manifest, published, vectors, use_annoy=wanted and has_file and annoy_available())

    @property
    def sounds(self) -> tuple[Sound, ...]:
        """All sounds of the library, those that never match (drum kits) too."""
        return self._published.sounds

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the encoder that made the vectors."""
        return self._manifest.fingerprint

    @property
    def dim(self) -> int:
        """Length D of a vector."""
        return self._manifest.dim

    @property
    def vectors(self) -> NDArray[np.float16]:
        """All vectors [N, D] of the generation, unit norm; may be a memory map."""
        return self._vectors

    @property
    def search(self) -> str:
        """How this index searches: "exact" or "annoy"."""
        return "exact" if self._annoy is None else "annoy"

    def query(self, vectors: NDArray[np.float32], k: int) -> tuple[tuple[Match, ...], ...]:
        """Find the k nearest sounds of each query vector.

        Args:
            vectors: [K, D], any length but zero.
            k: How many sounds, 1 or more; fewer come back where the library has fewer.

        Returns:
            For each query its matches, best first; a sound counts once, by its nearest vector.

        Raises:
            InputError: The queries have another shape, are not finite or (nearly) zero, or k is below 1.
        """
        queries = self._checked(vectors, k)
        if self._annoy is not None:
            return tuple(self._near(query, k, self._annoy) for query in queries)
        if not len(self._matchable):
            return ((),) * len(queries)
        best = np.maximum.reduceat(self._scores(queries), self._starts, axis=1)  # [K, sounds]
        return tuple(self._top(self._matchable, row, k) for row in best)

    def preview_path(self, sound: Sound) -> Path | None:
        """Return a short audio file that shows how a sound of this library sounds, if there is one."""
        for candidate, preview in zip(self._published.sounds, self._published.previews, strict=True):
            if candidate.id == sound.id and preview:
                return self._lib_dir / preview
        return Path(sound.path) if sound.kind == "sample" and sound.path else None

    def info(self) -> dict[str, Any]:  # Any: what JSON can hold
        """Describe the library for `timbrel library info`."""
        manifest = self._manifest
        kinds: dict[str, int] = {}
        families: dict[str, int] = {}
        for sound in self.sounds:
            kinds[sound.kind] = kinds.get(sound.kind, 0) + 1
            families[sound.family or "unknown"] = families.get(sound.family or "unknown", 0) + 1
        return {
            "path": str(self._lib_dir),
            "sounds": manifest.sounds,
            "vectors": manifest.vectors,
            "dim": manifest.dim,
            "encoder": manifest.fingerprint,
            "encoder_name": manifest.encoder,
            "generation": manifest.generation,
            "search": self.search,
            "kinds": dict(sorted(kinds.items())),
            "families": dict(sorted(families.items())),
            "sources": [{"name": s.name, "path": s.path, "kind": s.kind} for s in manifest.sources],
            "errors": [
                {"path": e.path, "error": e.error} for e in read_errors(self._lib_dir, immutable=manifest.sealed)
            ],
            "notes": [{"path": n.path, "note": n.error} for n in read_notes(self._lib_dir, immutable=manifest.sealed)],
        }

    def _checked(self, vectors: NDArray[np.float32], k: int) -> NDArray[np.float32]:
        if k < 1:
            raise InputError(f"k {k}", "must be 1 or more", "ask for at least one match")
        if vectors.ndim != 2 or vectors.shape[1] != self.dim:
            raise InputError(f"query {vectors.shape}", f"must be [K, {self.dim}]", "use this library's encoder")
        norms = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
        if not np.isfinite(norms).all():
            raise InputError("query", "must be finite", "leave out the window that it came from")
        if len(norms) and norms.min() < _LEAST_NORM:
            raise InputError("query", "must not be zero", "leave out the window that it came from")
        return np.asarray(vectors / norms, np.float32)

    def _scores(self, queries: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the cosine of queries[K, D] with every row as [K, N]."""
        if self._exact is not None:
            return queries @ self._exact.T
        # float16 products are slow, and a float32 copy of all would be large: by chunks.
        scores = np.empty((len(queries), len(self._vectors)), np.float32)
        for start in range(0, len(self._vectors), _CHUNK_ROWS):
            chunk = self._vectors[start : start + _CHUNK_ROWS].astype(np.float32)
            scores[:, start : start + len(chunk)] = queries @ chunk.T
        return scores

    def _near(self, query: NDArray[np.float32], k: int, annoy: AnnoyCandidates) -> tuple[Match, ...]:
        """Rank Annoy's candidates exactly; ask for more while they belong to fewer than k sounds."""
        count = max(_CANDIDATES, 20 * k)
        wanted = min(k, len(self._matchable))
        while True:
            # Even asked for all, Annoy leaves some out: the last resort is every row.
            everything = count >= len(self._vectors)
            rows = np.arange(len(self._vectors)) if everything else np.sort(annoy.rows(query, count))
            owner = np.searchsorted(self._starts, rows, side="right") - 1  # position in _matchable, rising
            first = np.flatnonzero(np.diff(owner, prepend=-1))
            if len(first) >= wanted or everything:
                break
            count *= 4
        if not len(rows):
            return ()
        scores = self._vectors[rows].astype(np.float32) @ query
        return self._top(self._matchable[owner[first]], np.maximum.reduceat(scores, first), k)

    def _top(self, positions: NDArray[np.int64], scores: NDArray[np.float32], k: int) -> tuple[Match, ...]:
        order = np.argsort(-scores, kind="stable")[:k]
        sounds = self._published.sounds
        # float16 rounding can put the cosine of equal vectors a little beyond 1.
        return tuple(Match(sounds[positions[i]], float(np.clip(scores[i], -1.0, 1.0))) for i in order)


def library_path(name_or_path: str | Path) -> Path:
    """Turn what a user gives as LIB into a folder: "gm" is the built-in library."""
    if str(name_or_path) == BUILT_IN:
        return Path(__file__).parent / "gm" / "data"
    return Path(name_or_path).expanduser()


def open_library(name_or_path: str | Path, fingerprint: str | None) -> SoundIndex:
    """Open a library by its folder, or the built-in one by the name "gm".

    Raises:
        LibraryError: There is no library, or it is damaged.
        FingerprintError: It was built with other weights.
    """
    path = library_path(name_or_path)
    if str(name_or_path) == BUILT_IN and not path.is_dir():
        raise LibraryError(BUILT_IN, "is missing from this installation", f"run `{MAKE_BUILT_IN}`")
    return SoundIndex.open(path, fingerprint)


def _check_published(lib_dir: Path, manifest: Manifest, published: Published) -> None:
    """Check that the catalogue's rows fill the vectors without a gap; a search would else name wrong sounds."""
    ends = np.cumsum(published.row_count)
    filled = int(ends[-1]) if len(ends) else 0
    if (
        len(published.sounds) != manifest.sounds
        or filled != manifest.vectors
        or (published.row_count < 0).any()
        or not np.array_equal(ends - published.row_count, published.first_row)
    ):
        raise LibraryError(
            lib_dir,
            f"the catalogue holds {len(published.sounds)} sounds with {filled} vectors, "
            f"the manifest says {manifest.sounds} with {manifest.vectors}",
            f"run `{rebuild_command(lib_dir, manifest)}`",
        )
