"""Publish what changed since a whole generation, without writing that one again."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np

from library.catalog import SOUND_COLUMNS, Catalog
from library.manifest import Base, Manifest, file_entry, write_manifest
from library.publish import next_generation, present_manifest, sweep
from library.table import SPAN, sound_line, write_table

__all__ = ["follow", "publish_delta", "unfollow"]

# Of the connection that watches alone: gone with it.
_FOLLOW = """
CREATE TEMP TABLE IF NOT EXISTS followed (generation INTEGER PRIMARY KEY);
CREATE TEMP TABLE IF NOT EXISTS changed (generation INTEGER, id TEXT, PRIMARY KEY (generation, id));
CREATE TEMP TRIGGER IF NOT EXISTS draft_came AFTER INSERT ON main.drafts BEGIN
    INSERT OR IGNORE INTO changed SELECT generation, NEW.id FROM followed; END;
CREATE TEMP TRIGGER IF NOT EXISTS draft_went AFTER DELETE ON main.drafts BEGIN
    INSERT OR IGNORE INTO changed SELECT generation, OLD.id FROM followed; END;
"""


def follow(catalog: Catalog, generation: int) -> None:
    """Note from now on, for this connection, which drafts come and go since a generation was frozen."""
    catalog.connection.executescript(_FOLLOW)
    with catalog.connection as db:
        db.execute("INSERT INTO followed VALUES (?)", (generation,))


def unfollow(catalog: Catalog, generation: int) -> None:
    """Forget what changed since a generation."""
    with catalog.connection as db:
        db.execute("DELETE FROM followed WHERE generation = ?", (generation,))
        db.execute("DELETE FROM changed WHERE generation = ?", (generation,))


def publish_delta(lib_dir: Path, catalog: Catalog, base: Manifest, keep: int = 0) -> tuple[Manifest, int]:
    """Write the sounds that came, and the list of those that left, as a new generation over a base.

    The cost follows the size of the change, not that of the library.

    Args:
        lib_dir: Folder of the library.
        catalog: Its catalogue, which follows the base (see `follow`).
        base: Manifest of the base: a generation that is whole.
        keep: A generation that is being written meanwhile, and must stay.

    Returns:
        The manifest in force, and the vectors that came and left: what searching by the delta costs.
    """
    lines, vectors, gone = _changes(catalog, base.generation)
    present = present_manifest(lib_dir)
    if not lines and not gone:
        if present != base:
            write_manifest(lib_dir, base)
            sweep(lib_dir, base, keep)
        return base, 0
    generation = next_generation(lib_dir, max(present.generation if present else 0, base.generation, keep))
    place = lib_dir / f"delta-{generation}"
    write_table(place.with_suffix(".jsonl"), place.with_suffix(".spans"), lines)
    place.with_suffix(".f16").write_bytes(b"".join(vectors))
    np.array(gone, np.int64).tofile(place.with_suffix(".gone"))
    fresh = {f"{place.name}{end}": file_entry(place.with_suffix(end)) for end in (".jsonl", ".spans", ".f16", ".gone")}
    left = int(np.fromfile(lib_dir / f"{base.table_name}.spans", SPAN)["row_count"][gone].sum())
    came = fresh[f"{place.name}.f16"].bytes // (2 * base.dim)
    parts = (base.content_sha256, *(entry.sha256 for entry in fresh.values()))
    manifest = replace(
        base,
        generation=generation,
        sounds=base.sounds - len(gone) + len(lines),
        vectors=base.vectors - left + came,
        content_sha256=sha256("".join(parts).encode()).hexdigest(),
        files={**base.files, **fresh},
        base=Base(base.generation, base.sounds, base.vectors),
    )
    write_manifest(lib_dir, manifest)
    sweep(lib_dir, manifest, keep)
    return manifest, came + left


def _changes(catalog: Catalog, generation: int) -> tuple[list[bytes], list[bytes], list[int]]:
    """Return what changed since a generation: lines of a table, their vectors, and the positions that are gone."""
    order = "ORDER BY sources.position, drafts.id"
    columns = ", ".join(f"drafts.{column}" for column in SOUND_COLUMNS.split(", "))
    query = (
        f"SELECT drafts.vectors, {columns}, sum(row_count) OVER ({order}) - row_count, row_count"  # noqa: S608
        " FROM changed JOIN drafts USING (id) JOIN sources ON drafts.source = sources.name"
        f" WHERE changed.generation = ? {order}"
    )
    rows = catalog.connection.execute(query, (generation,)).fetchall()
    gone = catalog.connection.execute(
        "SELECT position FROM sounds JOIN changed USING (generation, id) WHERE generation = ? ORDER BY position",
        (generation,),
    )
    return [sound_line(row[1:]) for row in rows], [row[0] for row in rows], [row[0] for row in gone]
