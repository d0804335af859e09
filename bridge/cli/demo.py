"""Play the bundled song through Timbrel and show what it hears beside what really plays (`timbrel demo`)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli._page import NoPageOption, OpenPageOption, PageOption, page_settings
from bridge.cli.console import out_console, say, write_json

if TYPE_CHECKING:
    from bridge.cli.demo_view import DemoView
    from bridge.config import Config
    from realtime.types import AudioSource

__all__ = ["demo_command"]

POLL_S = 0.05
"""How often the end of the song is looked for."""


def demo_command(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line a window, the count in the last.")] = False,
    speed: Annotated[
        float, typer.Option(metavar="X", help="1 = as the song goes; 0 = as fast as it can, without OSC.")
    ] = 1.0,
    library: Annotated[
        str, typer.Option("--library", "-l", metavar="LIB", help="Folder of a library, or gm for General MIDI.")
    ] = "gm",
    device: Annotated[str, typer.Option(help="Where to compute: cpu, cuda or auto.")] = "auto",
    page: PageOption = None,
    no_page: NoPageOption = False,
    open_page: OpenPageOption = False,
    screenshot: Annotated[
        Path | None, typer.Option(metavar="FILE.svg", help="Save the table at half time and the count as a picture.")
    ] = None,
) -> int:
    """Watch Timbrel name the instruments of a song while it plays: no DAW, no sound card, no download.

    The song goes the way that a DAW's bus goes with `timbrel run`. What it names stands beside what really plays, and
    at the end you see how much of it was right.
    """
    from bridge.cli.demo_view import DemoView, save_picture
    from bridge.cli.table import Board
    from bridge.config import Config, MidiConfig, override
    from library.demo import load_demo_song

    song = load_demo_song()
    base = Config(input=f"file:{song.audio.name}", midi=MidiConfig(port=""))
    shown = page_settings(page, no_page or (as_json and page is None), open_page)
    settings = override(base, {"library.path": library, "library.taste": False, "device": device, **shown})
    if as_json:
        view = DemoView(song, None)
        _play(settings, view, speed, tell=False)
        write_json({"summary": view.tally.as_json()})
    else:
        say(f"The song: {song.score}; {song.sound}.")
        with Board(out_console()) as board:
            view = DemoView(song, board)
            _play(settings, view, speed, tell=True)
        for line in ("", *view.tally.lines()):
            say(line)
    if screenshot is not None:
        save_picture(view, screenshot)
    return 0


def _play(settings: Config, view: DemoView, speed: float, *, tell: bool) -> None:
    """Send the song through the daemon; with speed 0 through the engine alone, which then skips no window."""
    if speed == 0.0:
        from bridge.parts import Parts
        from realtime.engine import analyse_file

        for analysis in analyse_file(Parts().load(settings), view.song.audio):
            view.take(analysis)
        return
    asyncio.run(_run_daemon(settings, view, speed, tell=tell))


async def _run_daemon(settings: Config, view: DemoView, speed: float, *, tell: bool) -> None:
    from bridge.daemon import Daemon
    from bridge.parts import Parts
    from realtime.sources import FileSource

    def open_song(_name: str) -> AudioSource:
        return FileSource(view.song.audio, speed=speed)

    def tell_user(text: str) -> None:
        if tell:
            say(text)

    daemon = Daemon(settings, tell_user, lambda analysis, _bus: view.take(analysis), Parts(open_source=open_song))
    playing = asyncio.ensure_future(daemon.run())
    while not playing.done():
        # The daemon itself goes on when a recording has ended: a DAW may start the next take.
        if daemon.hub.status[0] == "stopped":
            daemon.stop("the song has ended")
        await asyncio.wait({playing}, timeout=POLL_S)
    playing.result()
