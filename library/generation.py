"""Open one generation of a library: a base of vectors and sounds, and what changed since it was written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from library.catalog import read_published
from library.errors import LibraryError
from library.integrity import READ_WHOLE_BYTES
from library.manifest import CATALOG_NAME, Manifest, rebuild_command
from library.sounds import Sound
from library.table import SoundTable, read_table

__all__ = ["Generation", "open_generation"]


@dataclass(frozen=True, slots=True)
class Generation:
    """Hold what a reader maps of a library; stays whole when the library goes on, or is deleted.

    A position names a sound: those of the base come first, then those of the delta.

    Attributes:
        manifest: What it was opened by.
        base: Sounds of the base, those that left included.
        vectors: [N, D] of the base, unit norm; may be a memory map.
        gone: [S] bool, which sounds of the base left or came again changed.
        delta: Sounds that came since.
        delta_vectors: [M, D] of the delta, in memory.
    """

    manifest: Manifest
    base: SoundTable
    vectors: NDArray[np.float16]
    gone: NDArray[np.bool_]
    delta: SoundTable
    delta_vectors: NDArray[np.float16]

    def sound(self, position: int) -> Sound:
        """Return a sound by its position."""
        return self.base[position] if position < len(self.base) else self.delta[position - len(self.base)]

    def preview(self, position: int) -> str:
        """Return the name of a sound's preview inside the library, or ""."""
        return "" if position >= len(self.base) else self.base.preview(position)

    def positions(self) -> NDArray[np.int64]:
        """Return the positions of all sounds that are in force."""
        new = np.arange(len(self.base), len(self.base) + len(self.delta))
        return np.concatenate([np.flatnonzero(~self.gone), new]).astype(np.int64)

    def find(self, sound_id: str) -> int | None:
        """Return the position of a sound by its id."""
        new = self.delta.find(sound_id)
        if new is not None:
            return len(self.base) + new
        old = self.base.find(sound_id)
        return None if old is None or self.gone[old] else old

    def vectors_of(self, position: int) -> NDArray[np.float32]:
        """Return the vectors[n, D] of a sound."""
        new = position - len(self.base)
        table, vectors = (self.base, self.vectors) if new < 0 else (self.delta, self.delta_vectors)
        place = position if new < 0 else new
        first = int(table.first_row[place])
        return vectors[first : first + int(table.row_count[place])].astype(np.float32)


def open_generation(lib_dir: Path, manifest: Manifest) -> Generation:
    """Map the files of a generation whose sizes were checked.

    Raises:
        LibraryError: The catalogue is damaged, or the files don't fit each other.
    """
    if f"{manifest.table_name}.jsonl" in manifest.files:
        base = read_table(lib_dir / f"{manifest.table_name}.jsonl", lib_dir / f"{manifest.table_name}.spans")
    else:  # format 1, and libraries that are sealed
        published = read_published(lib_dir, manifest.generation, immutable=manifest.sealed)
        if published.content_sha256 != manifest.content_sha256:
            step = f"run `{rebuild_command(lib_dir, manifest)}`"
            raise LibraryError(lib_dir / CATALOG_NAME, "its sounds are not what the manifest says", step)
        base = published.table
    shape = (manifest.base_vectors, manifest.dim)
    vectors = np.zeros(shape, np.float16)
    if manifest.base_vectors:
        path = lib_dir / manifest.vectors_name
        if path.stat().st_size <= READ_WHOLE_BYTES:
            vectors = np.fromfile(path, np.float16).reshape(shape)
        else:  # a view as a plain array: slices of a memmap object cost five times as long
            vectors = np.asarray(np.memmap(path, np.float16, "r", shape=shape))
    gone = np.zeros(len(base), np.bool_)
    if manifest.base is None:
        empty = np.zeros((0, manifest.dim), np.float16)
        found = Generation(manifest, base, vectors, gone, SoundTable.of_lines(()), empty)
    else:
        name = manifest.delta_name
        delta = read_table(lib_dir / f"{name}.jsonl", lib_dir / f"{name}.spans")
        left = np.fromfile(lib_dir / f"{name}.gone", np.int64)
        if len(left) and not 0 <= left.min() <= left.max() < len(base):
            raise LibraryError(lib_dir / f"{name}.gone", "names sounds that are not there", "build the library again")
        gone[left] = True
        new = np.fromfile(lib_dir / f"{name}.f16", np.float16).reshape(-1, manifest.dim)
        found = Generation(manifest, base, vectors, gone, delta, new)
    _check(lib_dir, found)
    return found


def _check(lib_dir: Path, found: Generation) -> None:
    """Check that the sounds fill the vectors without a gap; a search would else name wrong sounds."""
    manifest = found.manifest
    sounds = len(found.base) - int(found.gone.sum()) + len(found.delta)
    filled = int(found.base.row_count[~found.gone].sum() + found.delta.row_count.sum())
    gapless = _fills(found.base, len(found.vectors)) and _fills(found.delta, len(found.delta_vectors))
    if sounds != manifest.sounds or filled != manifest.vectors or not gapless:
        raise LibraryError(
            lib_dir,
            f"the catalogue holds {sounds} sounds with {filled} vectors, "
            f"the manifest says {manifest.sounds} with {manifest.vectors}",
            f"run `{rebuild_command(lib_dir, manifest)}`",
        )


def _fills(table: SoundTable, rows: int) -> bool:
    ends = np.cumsum(table.row_count)
    whole = (int(ends[-1]) if len(ends) else 0) == rows and not (table.row_count > rows).any()  # sums can wrap
    return whole and not (table.row_count < 0).any() and np.array_equal(ends - table.row_count, table.first_row)
