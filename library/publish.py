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
from library.cells import CELL_VECTORS, write_cells
from library.encoders.spec import EncoderSpec
from library.errors import LibraryError
from library.manifest import (
    CATALOG_NAME,
    MANIFEST_NAME,
    FileEntry,
    Manifest,
    SourceEntry,
    file_entry,
    read_manifest,
    write_manifest,
)
from library.table import SPAN, write_table

__all__ = ["next_generation", "present_manifest", "publish", "seal", "sweep", "write_base", "write_indexes"]

_GENERATION_FILES = ("vectors-*", "index-*", "sounds-*", "cells-*", "delta-*", "*.tmp")


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
    old = present_manifest(lib_dir)
    kept = old.base_generation if old else 0
    generation = next_generation(lib_dir, old.generation if old else 0)
    catalog.freeze(generation, [kept])
    manifest = write_base(lib_dir, catalog, spec, sources, generation)
    if old is not None and catalog.frozen(kept) == old.sounds and _same(lib_dir, old, manifest, with_index):
        catalog.drop_generations([kept])
        sweep(lib_dir, old)
        return old
    if with_index:
        manifest = write_indexes(lib_dir, manifest)
    write_manifest(lib_dir, manifest)
    catalog.drop_generations([generation])
    sweep(lib_dir, manifest)
    return manifest


def write_base(
    lib_dir: Path, catalog: Catalog, spec: EncoderSpec, sources: Sequence[SourceEntry], generation: int
) -> Manifest:
    """Write the vectors and sounds of a generation just frozen; returns its manifest, which is not in force yet."""
    vectors_path = lib_dir / f"vectors-{generation}.f16"
    table = (lib_dir / f"sounds-{generation}.jsonl", lib_dir / f"sounds-{generation}.spans")
    _write_vectors(vectors_path, catalog, generation)
    write_table(*table, catalog.lines(generation))
    files = {path.name: _stored(path) for path in (vectors_path, *table)}
    spans = np.fromfile(table[1], SPAN)
    return Manifest(
        generation=generation,
        fingerprint=spec.fingerprint,
        encoder=spec.name,
        dim=spec.dim,
        sounds=len(spans),
        vectors=int(spans["row_count"].sum()),
        content_sha256=files[table[0].name].sha256,
        sealed=False,
        sources=tuple(sources),
        files=files,
    )


def write_indexes(lib_dir: Path, manifest: Manifest) -> Manifest:
    """Write what finds candidates in a generation that is whole: Annoy, and cells for very many vectors."""
    rows = manifest.vectors
    if not rows:
        return manifest
    vectors = np.memmap(lib_dir / manifest.vectors_name, np.float16, "r", shape=(rows, manifest.dim))
    names: list[str] = []
    if annoy_available():
        part = lib_dir / f"{manifest.index_name}.tmp"
        write_annoy(part, vectors)
        part.replace(lib_dir / manifest.index_name)
        names.append(manifest.index_name)
    if rows >= CELL_VECTORS:
        names += write_cells(lib_dir, manifest.generation, vectors)
    return replace(manifest, files={**manifest.files, **{name: _stored(lib_dir / name) for name in names}})


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
    sweep(lib_dir, sealed)


def present_manifest(lib_dir: Path) -> Manifest | None:
    """Return the manifest in force; a damaged one is what a build is there to replace."""
    if not (lib_dir / MANIFEST_NAME).exists():
        return None
    try:
        return read_manifest(lib_dir)
    except LibraryError:
        return None


def next_generation(lib_dir: Path, kept: int) -> int:
    """Return a number above all that are in use, so that no file is ever written over while a reader maps it."""
    numbers = [kept]
    for path in lib_dir.glob("vectors-*.f16"):
        with suppress(ValueError):
            numbers.append(int(path.stem.removeprefix("vectors-")))
    return max(numbers) + 1


def _same(lib_dir: Path, old: Manifest, new: Manifest, with_index: bool) -> bool:
    """Say whether a generation holds what the old one does, and the old one's files are still what they were."""

    def gist(manifest: Manifest) -> tuple[object, ...]:
        vectors = manifest.files[manifest.vectors_name]
        return manifest.fingerprint, manifest.content_sha256, vectors, manifest.sources

    if old.base is not None or f"{old.table_name}.spans" not in old.files or gist(old) != gist(new):
        return False
    has_index = old.index_name in old.files or not annoy_available() or not old.vectors or not with_index
    try:
        return has_index and all(file_entry(lib_dir / name) == entry for name, entry in old.files.items())
    except OSError:
        return False


def _stored(path: Path) -> FileEntry:
    """Make sure that a file is on the disk before a manifest names it."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
    return file_entry(path)


def _write_vectors(path: Path, catalog: Catalog, generation: int) -> None:
    with path.open("wb") as file:
        file.writelines(catalog.vectors(generation))


def sweep(lib_dir: Path, manifest: Manifest, keep: int = 0) -> None:
    """Delete the files of other generations; readers that have them mapped keep them where the system allows it.

    Args:
        lib_dir: Folder of the library.
        manifest: What is in force.
        keep: Another generation whose files stay: one that is being written.
    """
    for pattern in _GENERATION_FILES:
        for path in lib_dir.glob(pattern):
            if path.name not in manifest.files and f"-{keep}." not in path.name:
                with suppress(PermissionError):  # Windows keeps what is mapped; the next build tries again
                    path.unlink()
