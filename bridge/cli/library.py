"""Build, describe, search and check libraries of sounds from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bridge.cli._build import run_build
from bridge.cli._taste import ConfigOption, TasteOption, excluded, judge, opinions_json, taste_for
from bridge.cli.console import say

__all__ = ["library_app"]

library_app = typer.Typer(
    no_args_is_help=True,
    help="Your own sounds as a library that Timbrel can suggest from.",
)

DEBIAN_FONTS = [Path("/usr/share/sounds/sf2") / name for name in ("FluidR3_GM.sf2", "MuseScore_General_Full.sf2")]
"""Where Debian's package fluid-soundfont-gm puts the SoundFont that the built-in library is made from."""

Lib = Annotated[str, typer.Option("--library", "-l", metavar="LIB", help="Folder of the library, or gm.")]
LibArgument = Annotated[str, typer.Argument(metavar="LIB", help="Folder of the library, or gm for the built-in one.")]
Device = Annotated[str, typer.Option(help="Where the encoder runs: cpu, cuda or auto.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")]
Sources = Annotated[
    list[Path],
    typer.Argument(
        metavar="SRC...",
        help="Folders with audio, SoundFonts, SFZ, .xiz, NSynth, presets with previews; or single files.",
    ),
]
Parent = Annotated[int | None, typer.Option(hidden=True, help="Process that is played with; the build ends with it.")]
Sounds = Annotated[list[str], typer.Argument(metavar="SOUND_ID...", help="Sounds by their ids, as search shows them.")]


@library_app.command()
def build(
    sources: Sources,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="LIB", help="Folder of the library, made if new.")],
    device: Device = "auto",
    config: ConfigOption = None,
    as_json: Json = False,
) -> None:
    """Listen to all sounds in SRC and write them to the library LIB.

    Stopped or killed, it goes on where it was when the same command is run again. Run again later, it only listens to
    what is new or changed, and forgets what is gone. Folders that the config file excludes are left out.
    """
    run_build(sources, out, device, config, as_json=as_json)


@library_app.command()
def add(
    sources: Sources,
    library: Lib,
    device: Device = "auto",
    config: ConfigOption = None,
    as_json: Json = False,
    parent: Parent = None,
) -> None:
    """Add sources to a library; what is in it stays."""
    run_build([*_sources(library), *sources], _own(library), device, config, as_json=as_json, parent=parent)


@library_app.command()
def rescan(
    library: LibArgument,
    device: Device = "auto",
    config: ConfigOption = None,
    as_json: Json = False,
    parent: Parent = None,
) -> None:
    """Bring a library up to date with its sources: the same build again, without naming them."""
    run_build(_sources(library), _own(library), device, config, as_json=as_json, parent=parent)


@library_app.command()
def remove(
    names: Annotated[list[str], typer.Argument(metavar="SOURCE...", help="Sources by name or path; see info.")],
    library: Lib,
    device: Device = "auto",
    config: ConfigOption = None,
) -> None:
    """Remove sources from a library; their files stay where they are."""
    from library.errors import InputError
    from library.manifest import read_manifest

    sources = read_manifest(_own(library)).sources
    for name in names:
        if not any(name in (source.name, source.path) for source in sources):
            raise InputError(name, f"is not a source of {library}", f"see `timbrel library info {library}`")
    kept = [Path(s.path) for s in sources if s.name not in names and s.path not in names]
    if not kept:
        raise InputError(library, "would be empty", "delete the folder instead")
    run_build(kept, _own(library), device, config)


@library_app.command()
def info(library: LibArgument = "gm", as_json: Json = False) -> None:
    """Show what a library holds and what could not be read."""
    import json

    from library.index import open_library

    index = open_library(library, None)
    found = index.info() | opinions_json(library, index.generation.manifest.sealed)
    if as_json:
        say(json.dumps(found))
        return
    from bridge.cli._library_view import show_info

    show_info(found)


@library_app.command()
def search(
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="Audio of one instrument.")] = None,
    library: Lib = "gm",
    top: Annotated[int, typer.Option(min=1, max=1000, help="How many sounds to show.")] = 10,
    mix: Annotated[bool, typer.Option("--mix", help="FILE is a mixture: a list for each instrument in it.")] = False,
    like: Annotated[str, typer.Option(metavar="SOUND_ID", help="Look for sounds like one of the library.")] = "",
    unlike: Annotated[
        list[str] | None, typer.Option("--not", metavar="SOUND_ID", help="Move away from it. Can be repeated.")
    ] = None,
    family: Annotated[str, typer.Option(help="Only this family: bass, brass, keyboard ...")] = "",
    kind: Annotated[str, typer.Option(help="Only this kind: sample, soundfont, gm ...")] = "",
    name: Annotated[str, typer.Option(metavar="TEXT", help="Only names with this text, in any case.")] = "",
    play: Annotated[bool, typer.Option("--play", help="Play the best one.")] = False,
    taste: TasteOption = None,
    as_json: Json = False,
    device: Device = "auto",
    config: ConfigOption = None,
) -> None:
    """Find the sounds of a library that are closest to an audio file or to another sound, or by name.

    The choices (--family, --kind, --name) are exact: the search goes on until it has found enough. --not takes half of
    a sound's direction out of what is looked for, and never lists that sound. The score is a cosine; what your likes,
    skips and weights add to it in the order stands behind it.
    """
    from bridge.cli._search import Wanted, search_library
    from library.search import Choice

    order = taste_for(library, config, taste)
    wanted = Wanted(file, like, tuple(unlike or ()), mix, Choice(family, kind, name), top, order)
    search_library(library, wanted, device, play=play, as_json=as_json)


@library_app.command("like")
def like_command(library: LibArgument, sounds: Sounds) -> None:
    """Like sounds: they come before those that are hardly nearer, here and in live suggestions.

    A running `timbrel run` follows within a second or two. An opinion is about what a file holds: it goes where the
    file is moved.
    """
    judge(library, sounds, liked=True)


@library_app.command()
def skip(library: LibArgument, sounds: Sounds) -> None:
    """Skip sounds: they come up only where little else is near."""
    judge(library, sounds, liked=False)


@library_app.command()
def forget(library: LibArgument, sounds: Sounds) -> None:
    """Have no opinion of sounds any more."""
    judge(library, sounds, liked=None)


@library_app.command()
def watch(
    library: LibArgument,
    device: Device = "auto",
    config: ConfigOption = None,
    parent: Annotated[
        int | None, typer.Option(hidden=True, help="End when this process is no longer the parent.")
    ] = None,
) -> None:
    """Keep a library current with its sources until Ctrl-C.

    Looks each second (less often where the folders are large) for files that are new, changed or gone. A running
    `timbrel run` with this library suggests them within seconds. A source whose drive is away keeps its sounds.
    """
    from bridge.cli._watch import watch_library

    watch_library(_own(library), device, parent, excluded(config))


@library_app.command()
def verify(library: LibArgument = "gm") -> None:
    """Check that every file and vector of a library is what it was when it was built."""
    from library.index import library_path
    from library.verify import verify_library

    problems = verify_library(library_path(library))
    for problem in problems:
        say(problem, stderr=True)
    if problems:
        say(f"{library}: {len(problems)} problems; build the library again", stderr=True)
        raise typer.Exit(1)
    say(f"{library}: every file and vector is as the manifest says")


@library_app.command("map")
def draw_map(
    library: LibArgument = "gm",
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="NAME", help="Writes NAME.png and NAME.json; default: LIB-map."),
    ] = None,
    method: Annotated[
        str, typer.Option(help="pca, umap (pip install 'timbrel[map]'), or auto: umap if it is there.")
    ] = "auto",
) -> None:
    """Draw a library as a map: sounds that are alike lie together, families in colours."""
    from bridge.cli._map import write_map

    write_map(library, out, method)


@library_app.command("make-gm")
def make_gm(
    soundfont: Annotated[
        list[Path] | None,
        typer.Option(
            help="General MIDI SoundFonts, each program of each; previews are of the first. "
            "Default: FluidR3 GM and MuseScore General (Debian: fluid-soundfont-gm, "
            "musescore-general-soundfont-lossless)."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="LIB", help="Where to; default: the built-in library.")] = None,
    device: Device = "auto",
) -> None:
    """Make the built-in General MIDI library again, for new encoder weights."""
    from bridge.cli._library_view import build_progress
    from library.encoders import load_encoder
    from library.gm.make import make_gm_library
    from library.index import BUILT_IN, library_path

    target = out or library_path(BUILT_IN)
    with build_progress() as progress:
        manifest = make_gm_library(soundfont or DEBIAN_FONTS, target, load_encoder(device=device), progress)
    say(f"{target}: {manifest.sounds} sounds, {manifest.vectors} vectors")


def _own(library: str) -> Path:
    """Refuse to change the built-in library."""
    from library.errors import InputError
    from library.index import BUILT_IN, library_path

    if library == BUILT_IN:
        raise InputError(BUILT_IN, "is built in and never changes", "build a library of your own with --out LIB")
    return library_path(library)


def _sources(library: str) -> list[Path]:
    """Return what a library was built from."""
    from library.manifest import read_manifest

    return [Path(source.path) for source in read_manifest(_own(library)).sources]
