"""Read what the settings say of libraries, for the commands that search, build or judge one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.console import complain, say

if TYPE_CHECKING:
    from library.taste import Taste

__all__ = ["ConfigOption", "TasteOption", "excluded", "judge", "opinions_json", "taste_for"]

ConfigOption = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="Settings in TOML; usually your own config file.")
]
TasteOption = Annotated[
    bool | None,
    typer.Option("--taste/--no-taste", help="Let likes, skips and weights of sources count beside the likeness."),
]


def excluded(config: Path | None) -> tuple[str, ...]:
    """Return the patterns of the folders that are left out of libraries."""
    from bridge.config import load_config

    return load_config(config).library.exclude


def taste_for(library: str, config: Path | None, wanted: bool | None) -> Taste | None:
    """Return the taste by which a library is searched; says which weights mean nothing there."""
    from bridge.config import load_config, override
    from bridge.taste import strange_weights, taste_of

    settings = override(load_config(config), {"library.path": library, "library.taste": wanted}).library
    if strange := strange_weights(settings):
        complain(strange)
    return taste_of(settings)


def judge(library: str, sound_ids: list[str], liked: bool | None) -> None:
    """Like, skip or forget sounds, and say so.

    Raises:
        InputError: One of them is no sound of the library.
    """
    from bridge.taste import own_dir
    from library.index import library_path, open_library
    from library.opinions import Opinions

    generation = open_library(library, None).generation
    opinions = Opinions(library_path(library), generation.manifest.sealed, own_dir())
    opinions.write(generation, sound_ids, liked)
    done = "forgotten" if liked is None else "liked" if liked else "skipped"
    now = list(opinions.read().values())
    count = len(set(sound_ids))
    total = f"{now.count(True)} liked and {now.count(False)} skipped in all"
    say(f"{library}: {count} sound{'s' if count > 1 else ''} {done}; {total}")


def opinions_json(library: str, sealed: bool) -> dict[str, list[str]]:
    """Return the ids of the sounds that are liked and skipped, for `timbrel library info`."""
    from bridge.taste import own_dir
    from library.index import library_path
    from library.opinions import Opinions

    found = Opinions(library_path(library), sealed, own_dir()).read()
    return {name: sorted(key for key, liked in found.items() if liked is likes) for name, likes in _NAMES.items()}


_NAMES = {"liked": True, "skipped": False}
