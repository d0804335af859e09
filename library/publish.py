"""Write a new generation of a library beside the old one and swap them by replacing the manifest."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from library.candidates import annoy_available, write_annoy
from library.catalog import Catalog
from library.encoders.spec import EncoderSpec
from library.errors import LibraryError
from library.manifest import (
    CATALOG_NAME,
    MANIFEST_NAME,
    Manifest,
    SourceEntry,
    file_entry,
    read_manifest,
    write_manifest,
)

__all__ = ["publish", "seal"]

_GENERATION_FILES = ("vectors-*", "index-*", "*.tmp")


def publish(
    lib_dir: Path, catalog: Catalog, spec: EncoderSpec, sources: Sequence[SourceEntry], *, with_index: bool = True
) -> Manifest:
    """Freeze the catalogue's drafts as the next generation; nothing changes where they equal the present one.

    Args:
        lib_dir: Folder of the library.
        catalog: Its catalogue, open for writing.
        spec: The encoder that made the vectors.
        sources: What the library was built from.
        with_index: Write an Annoy file where Annoy is installed.

    Returns:
        The manifest that is in force now.
    """
    old = _present(lib_dir)
    kept = old.generation if old else 0
    generation = _next_generation(lib_dir, kept)
    published = catalog.freeze(generation, kept)
    rows = int(published.row_count.sum())
    vectors_path = lib_dir / f"vectors-{generation}.f16"
    _write_vectors(vectors_path, catalog, generation)
    files = {vectors_path.name: file_entry(vectors_path)}
    manifest = Manifest(
        generation=generation,
        fingerprint=spec.fingerprint,
        encoder=spec.name,
        dim=spec.dim,
        sounds=len(published.sounds),
        vectors=rows,
        content_sha256=published.content_sha256,
        sealed=False,
        sources=tuple(sources),
        files=files,
    )
    if old is not None and _same(old, manifest):
        vectors_path.unlink()
        catalog.drop_generations(kept)
        return old
    if with_index and rows and annoy_available():
        index_path = lib_dir / manifest.index_name
        _write_index(index_path, vectors_path, rows, spec.dim)
        files[index_path.name] = file_entry(index_path)
    write_manifest(lib_dir, manifest)
    catalog.drop_generations(generation)
    _sweep(lib_dir, manifest)
    return manifest


def seal(lib_dir: Path, catalog: Catalog, names: Sequence[str]) -> None:
    """Turn a published library into one that never changes and may lie in a read-only place.

    Args:
        lib_dir: Folder of the library.
        catalog: Its catalogue, which is closed to further builds.
        names: Further files to list in the manifest (previews).
    """
    manifest = read_manifest(lib_dir)
    catalog.seal()
    files = {manifest.vectors_name: manifest.files[manifest.vectors_name]}
    files |= {name: file_entry(lib_dir / name) for name in (CATALOG_NAME, *names)}
    sealed = replace(manifest, sealed=True, files=files)
    write_manifest(lib_dir, sealed)
    _sweep(lib_dir, sealed)


def _present(lib_dir: Path) -> Manifest | None:
    """Return the manifest in force; a damaged one is what a build is there to replace."""
    if not (lib_dir / MANIFEST_NAME).exists():
        return None
    try:
        return read_manifest(lib_dir)
    except LibraryError:
        return None


def _next_generation(lib_dir: Path, kept: int) -> int:
    """Return a number above all that are in use, so that no file is ever written over while a reader maps it."""
    numbers = [kept]
    for path in lib_dir.glob("vectors-*.f16"):
        with suppress(ValueError):
            numbers.append(int(path.stem.removeprefix("vectors-")))
    return max(numbers) + 1


def _same(old: Manifest, new: Manifest) -> bool:
    def gist(manifest: Manifest) -> tuple[object, ...]:
        vectors = manifest.files[manifest.vectors_name]
        return manifest.fingerprint, manifest.content_sha256, vectors, manifest.sources

    has_index = old.index_name in old.files or not annoy_available() or not old.vectors
    return gist(old) == gist(new) and has_index


def _write_vectors(path: Path, catalog: Catalog, generation: int) -> None:
    part = path.with_suffix(".tmp")
    with part.open("wb") as file:
        file.writelines(catalog.vectors(generation))
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _write_index(path: Path, vectors_path: Path, rows: int, dim: int) -> None:
    part = path.with_suffix(".tmp")
    write_annoy(part, np.memmap(vectors_path, np.float16, "r", shape=(rows, dim)))
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    part.replace(path)


def _sweep(lib_dir: Path, manifest: Manifest) -> None:
    """Delete the files of other generations; readers that have them mapped keep them where the system allows it."""
    for pattern in _GENERATION_FILES:
        for path in lib_dir.glob(pattern):
            if path.name not in manifest.files:
                with suppress(PermissionError):  # Windows keeps what is mapped; the next build tries again
                    path.unlink()
