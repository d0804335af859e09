"""List the kinds of files that a library can be made of: a new one is a module and its line here."""

from __future__ import annotations

from pathlib import Path

from library.sources import audiofile, nsynth, preset, sfz, soundfont, zyn
from library.sources.base import HEAD_BYTES, FoundFile, Kind, Reader

__all__ = ["KINDS", "identify", "open_file"]

KINDS: tuple[Kind, ...] = (
    soundfont.KIND,
    audiofile.KIND,
    sfz.KIND,
    zyn.KIND,
    nsynth.KIND,
    preset.KIND,
)
"""The first that claims a file has it."""


def identify(path: Path) -> Kind | None:
    """Tell by content what a file is; by suffix only where the content says nothing, so that damage is reported.

    Raises:
        OSError: The file can't be read.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    suffix = path.suffix.lower()
    named = next((kind for kind in KINDS if suffix in kind.suffixes), None)
    return next((kind for kind in KINDS if kind.claims(path, head)), named)


def open_file(found: FoundFile) -> Reader:
    """Return the reader of a file; it opens the file when it is asked."""
    return next(kind for kind in KINDS if kind.name == found.kind).open(found)
