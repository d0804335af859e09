"""Find the producer's taste: opinions of their own, and what the settings say of libraries."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bridge.config import LibraryConfig

if TYPE_CHECKING:
    from library.taste import Taste

__all__ = ["own_dir", "strange_weights", "taste_of"]


def own_dir() -> Path:
    """Return the folder of the user's own data (`~/.local/share/timbrel` on Linux)."""
    import platformdirs

    return Path(platformdirs.user_data_dir("timbrel"))


def taste_of(settings: LibraryConfig) -> Taste | None:
    """Return what orders sounds beside the cosine; None where it is switched off."""
    from library.taste import Taste

    return Taste(own_dir(), settings.weights) if settings.taste else None


def strange_weights(settings: LibraryConfig) -> str:
    """Name the weights that no source of the library has, in one line; "" where there are none."""
    from library.errors import LibraryError
    from library.index import library_path
    from library.manifest import read_manifest

    if not settings.taste or not settings.weights:
        return ""
    try:
        sources = [source.name for source in read_manifest(library_path(settings.path)).sources]
    except LibraryError:  # told where the library is opened
        return ""
    strange = sorted(settings.weights.keys() - set(sources))
    there = f"no source of {settings.path} is called so; its sources are {', '.join(sources)}"
    return f"[library.weights] {', '.join(strange)}: {there}" if strange else ""
