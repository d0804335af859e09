"""Compare a library, byte by byte and vector by vector, with what its manifest says."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from library.candidates import AnnoyCandidates, annoy_available
from library.catalog import read_published
from library.errors import InputError, LibraryError
from library.index import SoundIndex
from library.manifest import CATALOG_NAME, FileEntry, Manifest, file_entry, read_manifest
from library.stamp import catalog_problem

__all__ = ["verify_library"]

_CHUNK_ROWS = 8192
_NORM_TOLERANCE = 0.01
"""float16 keeps unit norm to about .0005."""


def verify_library(lib_dir: Path) -> tuple[str, ...]:
    """Check every file and vector.

    Returns:
        What is wrong, one line each; empty for a sound library.

    Raises:
        LibraryError: There is no library, or its manifest is damaged, or its files don't fit each other.
    """
    manifest = read_manifest(lib_dir)
    problems = [
        f"{name}: {rule}" for name, entry in manifest.files.items() if (rule := _bad_file(lib_dir / name, entry))
    ]
    if CATALOG_NAME not in manifest.files and (rule := catalog_problem(lib_dir)):
        problems.append(f"{CATALOG_NAME}: {rule}")
    if problems:  # nothing opens such files: Annoy crashes on one that is not its own
        return tuple(problems)
    generation = SoundIndex.open(lib_dir, None, exact=True).generation
    for table in (generation.base, generation.delta):
        try:
            for _ in table:
                pass
        except (LibraryError, InputError) as error:
            problems.append(str(error))
    if manifest.base is None:
        published = read_published(lib_dir, manifest.generation, immutable=manifest.sealed)
        if published.content_sha256 != manifest.content_sha256:
            problems.append(f"{CATALOG_NAME}: its sounds are not what the manifest says")
    problems += _bad_vectors(lib_dir, manifest)
    if manifest.index_name in manifest.files and annoy_available():
        try:
            AnnoyCandidates(lib_dir / manifest.index_name, manifest.base_vectors, manifest.dim)
        except LibraryError as error:
            problems.append(str(error))
    return tuple(problems)


def _bad_file(path: Path, entry: FileEntry) -> str:
    if not path.is_file():
        return "is missing from the library"
    if path.stat().st_size != entry.bytes:
        return f"has {path.stat().st_size} bytes, the manifest says {entry.bytes}"
    return "" if file_entry(path) == entry else "its content is not what the manifest says"


def _bad_vectors(lib_dir: Path, manifest: Manifest) -> list[str]:
    names = [manifest.vectors_name] + ([f"{manifest.delta_name}.f16"] if manifest.base else [])
    problems = []
    for name in names:
        if not manifest.files[name].bytes:
            continue
        vectors = np.memmap(lib_dir / name, np.float16, "r").reshape(-1, manifest.dim)
        bad = 0
        for start in range(0, len(vectors), _CHUNK_ROWS):
            norms = np.linalg.norm(vectors[start : start + _CHUNK_ROWS].astype(np.float32), axis=1)
            bad += int(np.count_nonzero(~(np.abs(norms - 1.0) < _NORM_TOLERANCE)))  # NaN counts as bad
        if bad:
            problems.append(f"{name}: {bad} vectors are not unit vectors")
    return problems
