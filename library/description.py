"""Describe a library: what `timbrel library info` says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from library.catalog import read_errors, read_notes
from library.errors import LibraryError
from library.generation import Generation
from library.manifest import CATALOG_NAME, MANIFEST_NAME, rebuild_command
from library.sounds import Sound
from library.stamp import catalog_problem

__all__ = ["describe"]


def describe(
    lib_dir: Path, generation: Generation, sounds: Sequence[Sound], search: str
) -> dict[str, Any]:  # Any: what JSON can hold
    """Return what is in a library, where it comes from, and what could not be read.

    Raises:
        LibraryError: The catalogue is damaged.
    """
    manifest = generation.manifest
    if not manifest.sealed and (problem := catalog_problem(lib_dir)):
        raise LibraryError(lib_dir / CATALOG_NAME, problem, f"run `{rebuild_command(lib_dir, manifest)}`")
    errors = read_errors(lib_dir, immutable=manifest.sealed)
    return {
        "path": str(lib_dir),
        "sounds": manifest.sounds,
        "vectors": manifest.vectors,
        "dim": manifest.dim,
        "encoder": manifest.fingerprint,
        "encoder_name": manifest.encoder,
        "generation": manifest.generation,
        "search": search,
        "kinds": dict(sorted(Counter(sound.kind for sound in sounds).items())),
        "families": dict(sorted(Counter(sound.family or "unknown" for sound in sounds).items())),
        "built": None if manifest.sealed else round((lib_dir / MANIFEST_NAME).stat().st_mtime),
        "sources": [{"name": s.name, "path": s.path, "kind": s.kind} for s in manifest.sources],
        "sounds_by_source": dict(Counter(sound.source for sound in sounds)),
        "away": [] if manifest.sealed else [s.name for s in manifest.sources if not Path(s.path).exists()],
        "errors": [{"path": e.path, "error": e.error} for e in errors],
        "errors_by_kind": dict(Counter(e.kind for e in errors).most_common()),
        "notes": [{"path": n.path, "note": n.error} for n in read_notes(lib_dir, immutable=manifest.sealed)],
    }
