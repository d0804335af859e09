"""Find the nearest sounds of a library: candidates from Annoy, exact ranking by the stored vectors."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from library.candidates import AnnoyCandidates, annoy_available
from library.cells import Cells, cell_names
from library.description import describe
from library.distinct import FILE_KIND, SPARE, Ranking, distinct_places, named, stacked
from library.errors import InputError, LibraryError
from library.generation import Generation, open_generation
from library.hubs import Cohort, Hubs
from library.integrity import READ_WHOLE_BYTES, MappedFiles, check_content, check_files
from library.manifest import check_fingerprint, read_manifest
from library.match import Found, Match
from library.nearest import Part, Ranked, best_places, merged
from library.sounds import Sound
from library.taste import Taste, lean

__all__ = ["BUILT_IN", "Match", "SoundIndex", "library_path", "open_library"]

BUILT_IN = "gm"
"""Name of the General MIDI library that ships inside the package."""

MAKE_BUILT_IN = "timbrel library make-gm"
"""Command that makes the built-in library again where it belongs."""

EXACT_VALUES = 4_000_000
"""Libraries up to this many numbers (20k vectors of 192) are searched exactly from 16 MB of memory: for nine slots at
once that takes no longer than nine Annoy queries."""

_CANDIDATES = 100
"""Rows that the exact ranking takes at least; both kinds of candidates come ranked by (nearly) exact scores."""

_WEIGHED = 4
"""Times as many candidates where weights of sources may bring up what lies further down."""

_ALIKE_DIGITS = 5
_LEAST_NORM = 1e-6
_OPEN_TRIES = 3
_SOUNDS_KEPT = 4096


class SoundIndex:
    """Search one generation of a library; what is built meanwhile shows when it is opened again.

    Use `SoundIndex.open` or `open_library`.
    """

    def __init__(
        self, lib_dir: Path, generation: Generation, *, approximate: bool, taste: Taste | None, cohort: Cohort
    ) -> None:
        self._lib_dir = lib_dir
        self._generation = generation
        self._sound = lru_cache(_SOUNDS_KEPT)(generation.sound)  # a song asks for the same ones each hop
        self._manifest = manifest = generation.manifest
        self._gone = np.concatenate([generation.gone, np.zeros(len(generation.delta), np.bool_)])
        self._annoy: AnnoyCandidates | None = None
        self._cells: Cells | None = None
        rows, dim = generation.vectors.shape
        if approximate and set(cell_names(manifest.base_generation)) <= set(manifest.files):
            self._cells = Cells(lib_dir, manifest.base_generation, rows, dim)
        elif approximate and manifest.index_name in manifest.files and annoy_available():
            check_content(lib_dir, manifest, manifest.index_name)  # a damaged one would kill the process
            self._annoy = AnnoyCandidates(lib_dir / manifest.index_name, rows, dim)
        leaning = lean(taste, lib_dir, generation) if taste is not None else None
        self._added = np.zeros(len(self._gone), np.float32) if leaning is None else leaning.added
        self._least = _CANDIDATES * (_WEIGHED if leaning is not None and leaning.weighted else 1)
        self._hubs = None if cohort is None else Hubs(generation, cohort)
        large = {name for name, entry in manifest.files.items() if entry.bytes > READ_WHOLE_BYTES}
        self._mapped = MappedFiles(lib_dir, manifest, large | ({manifest.index_name} if self._annoy else set()))
        keep = EXACT_VALUES if self.search == "exact" else 0
        slots = cohort is not None
        self._base = Part.of(generation.vectors, generation.base, 0, keep, slots)
        self._delta = Part.of(generation.delta_vectors, generation.delta, len(generation.base), EXACT_VALUES, slots)
        # Liked sounds are compared beside the candidates, not in place of them.
        self._aside = self._gone if leaning is None else self._gone | leaning.liked
        self._liked_rows = self._base.rows_of(np.zeros_like(self._gone) if leaning is None else leaning.liked)

    @classmethod
    def open(
        cls,
        lib_dir: Path,
        fingerprint: str | None,
        *,
        exact: bool | None = None,
        taste: Taste | None = None,
        cohort: Cohort = None,
    ) -> SoundIndex:
        """Open a library after checking all that its manifest says except the hashes.

        Args:
            lib_dir: Folder of the library.
            fingerprint: Fingerprint of the encoder that will ask; None to look without asking.
            exact: True never uses candidates, False uses them wherever there are some, None decides by size.
            taste: Orders matches by more than the cosine; None = by the cosine alone.
            cohort: [M, D] what slots of mixtures look like (EncoderSpec.cohort), where slots ask: the order is by all
                clips of a sound and corrected for hubs (see library.hubs). None = by the nearest clip.

        Raises:
            LibraryError: There is no library, or it is damaged.
            FingerprintError: It was built with other weights.
        """
        for left in reversed(range(_OPEN_TRIES)):
            manifest = read_manifest(lib_dir)
            try:
                check_fingerprint(lib_dir, manifest, fingerprint)
                check_files(lib_dir, manifest)
                found = open_generation(lib_dir, manifest)
                approximate = found.vectors.size > EXACT_VALUES if exact is None else not exact
                return cls(lib_dir, found, approximate=approximate, taste=taste, cohort=cohort)
            except (LibraryError, OSError) as error:
                # A build may have swapped the generation between two reads; then the next try sees the new one.
                if not left or read_manifest(lib_dir).generation == manifest.generation:
                    if isinstance(error, OSError):
                        raise LibraryError(lib_dir, f"can't be read ({error.strerror})", "build it again") from error
                    raise
        raise AssertionError("the last try returns or raises")

    @property
    def sounds(self) -> Sequence[Sound]:
        """All sounds of the library, those that never match (drum kits) too; made one by one as they are asked for."""
        found = self._generation
        return found.base if found.manifest.base is None else [found.sound(int(p)) for p in found.positions()]

    @property
    def generation(self) -> Generation:
        """What is mapped: sounds and vectors by position."""
        return self._generation

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
        """All vectors [N, D] of a generation that is whole, unit norm; may be a memory map."""
        return self._generation.vectors

    @property
    def search(self) -> str:
        """How this index searches: "exact", "annoy" or "cells"."""
        return "annoy" if self._annoy is not None else "exact" if self._cells is None else "cells"

    def query(
        self, vectors: NDArray[np.float32], k: int, among: NDArray[np.bool_] | None = None
    ) -> tuple[tuple[Match, ...], ...]:
        """Find the k nearest sounds of each query vector, match by match; see nearest()."""
        return self.nearest(vectors, k, among).rows()

    def nearest(self, vectors: NDArray[np.float32], k: int, among: NDArray[np.bool_] | None = None) -> Found:
        """Find the k nearest sounds of each query vector.

        Args:
            vectors: [K, D], any length but zero.
            k: How many sounds, 1 or more; fewer come back where the library has fewer.
            among: [positions] bool, sounds to choose from; they are searched exactly. None = all.

        Returns:
            For each query the sounds, best first; a sound counts once, scored by its nearest vector, and of sounds
            that are the same (see library.distinct) only one.

        Raises:
            InputError: The queries have another shape, are not finite or (nearly) zero, or k is below 1.
            LibraryError: A file of the library was cut short while it was open.
        """
        self._mapped.check()
        queries = self._checked(vectors, k)
        blocked = self._gone if among is None else self._gone | ~among
        new = self._delta.all(queries)
        if among is not None or self.search == "exact":
            return self._top([merged(self._base.all(queries), new, blocked)], k)
        near = enumerate(self._near(queries, k))
        return self._top([merged(some, new.of(i), blocked) for i, some in near], k)

    def preview_path(self, sound: Sound) -> Path | None:
        """Return a short audio file that shows how a sound of this library sounds, if there is one."""
        position = self._generation.find(sound.id)
        preview = "" if position is None else self._generation.preview(position)
        if preview in self._manifest.files:  # any other name could lead out of the library
            return self._lib_dir / preview
        return Path(sound.path) if sound.kind == "sample" and sound.path else None

    def info(self) -> dict[str, Any]:  # Any: what JSON can hold
        """Describe the library; see `library.description`."""
        return describe(self._lib_dir, self._generation, self.sounds, self.search)

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

    def _near(self, queries: NDArray[np.float32], k: int) -> list[Ranked]:
        """Rank candidates exactly; ask for more while they belong to fewer sounds than are wanted."""
        part = self._base
        wanted = min(k + SPARE, len(part.starts) - int(np.count_nonzero(self._aside)))
        found: list[Ranked | None] = [None] * len(queries)
        missing = list(range(len(queries)))
        count = max(self._least, 5 * k)
        while missing and count < len(part.vectors):
            for i, rows in zip(missing, self._candidates(queries[missing], count), strict=True):
                ranked = part.some(queries[i], np.concatenate([rows, self._liked_rows]))
                near = ranked.scores[0, ~self._aside[ranked.positions]]
                if len(np.unique(near.round(_ALIKE_DIGITS))) >= wanted:  # files of one score may be the same one
                    found[i] = ranked
            missing = [i for i in missing if found[i] is None]
            count *= 4
        # Even asked for all, Annoy leaves some out: the last resort is every row.
        if missing:
            whole = part.all(queries[missing])
            for number, i in enumerate(missing):
                found[i] = whole.of(number)
        return [ranked for ranked in found if ranked is not None]

    def _candidates(self, queries: NDArray[np.float32], count: int) -> list[NDArray[np.int64]]:
        if self._cells is not None:
            return self._cells.rows(queries, count)
        return [self._annoy.rows(query, count) for query in queries] if self._annoy else []

    def _top(self, parts: Sequence[Ranked], k: int) -> Found:
        """Return the best k sounds of each query, part by part; of those that are the same, the first."""
        ordered = [(part, self._keys(part)) for part in parts]
        found = named(stacked([self._ranking(*one, best_places(one[1], k)) for one in ordered]), self._sound)
        if not any(sound.kind == FILE_KIND for sound in found.sounds):
            return found
        places = [distinct_places(*one, self._sound, self._generation, k) for one in ordered]
        return named(stacked([self._ranking(*one, at) for one, at in zip(ordered, places, strict=True)]), self._sound)

    def _keys(self, ranked: Ranked) -> NDArray[np.float32]:
        """Return what sounds are ordered by [K, S]."""
        added = self._added[ranked.positions]
        return ranked.standing + (added if self._hubs is None else added - self._hubs.of(ranked.positions))

    def _ranking(self, ranked: Ranked, keys: NDArray[np.float32], places: NDArray[np.int64]) -> Ranking:
        """Return the sounds at places [K, k], -1 = none."""
        of = np.arange(len(places))[:, None]
        positions = np.where(places < 0, -1, ranked.positions[places])
        scores, taste = ranked.scores[of, places], self._added[positions]
        # float16 rounding can put the cosine of equal vectors a little beyond 1.
        bounded = np.maximum(np.minimum(scores, np.float32(1.0)), np.float32(-1.0))
        return Ranking(positions, bounded, taste, scores + taste - keys[of, places])


def library_path(name_or_path: str | Path) -> Path:
    """Turn what a user gives as LIB into a folder: "gm" is the built-in library."""
    if str(name_or_path) == BUILT_IN:
        return Path(__file__).parent / "gm" / "data"
    return Path(name_or_path).expanduser()


def open_library(
    name_or_path: str | Path, fingerprint: str | None, taste: Taste | None = None, cohort: Cohort = None
) -> SoundIndex:
    """Open a library by its folder, or the built-in one by the name "gm"; see `SoundIndex.open`.

    Raises:
        LibraryError: There is no library, or it is damaged.
        FingerprintError: It was built with other weights.
    """
    path = library_path(name_or_path)
    if str(name_or_path) == BUILT_IN and not path.is_dir():
        raise LibraryError(BUILT_IN, "is missing from this installation", f"run `{MAKE_BUILT_IN}`")
    return SoundIndex.open(path, fingerprint, taste=taste, cohort=cohort)
