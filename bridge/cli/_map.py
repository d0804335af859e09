"""Write the map of a library as a picture and as JSON."""

from __future__ import annotations

import json
from pathlib import Path

from bridge.cli.console import say
from library.errors import InputError
from library.evaluation.plots import plot_map
from library.index import open_library
from library.soundmap import METHODS, map_sounds

__all__ = ["write_map"]


def write_map(library: str, out: Path | None, method: str) -> None:
    """Draw a library and say where the files are.

    Raises:
        InputError: There is no such method, or the library has too few sounds.
        MissingDependencyError: What draws, or lays out, is not installed.
    """
    if method not in METHODS:
        raise InputError(f"--method {method}", "is no way to draw a map", f"use {', '.join(METHODS)}")
    found = map_sounds(open_library(library, None), method)
    stem = out or Path(f"{Path(library).resolve().name}-map")
    picture, columns = (stem.with_name(f"{stem.name}.{kind}") for kind in ("png", "json"))
    plot_map(picture, found.points, found.families, f"{len(found.sounds)} sounds of {library}")
    columns.write_text(json.dumps(found.to_json()))
    say(f"{picture}, {columns}: {len(found.sounds)} sounds laid out by {found.method}")
