"""Listen to a DAW's bus and offer sounds over OSC and MIDI (`timbrel run`)."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from bridge.cli._page import NoPageOption, OpenPageOption, PageOption, ReportOption, page_settings
from bridge.cli._taste import TasteOption
from bridge.cli.console import complain, out_console
from bridge.cli.heard_buses import HeardBuses
from bridge.cli.table import Board

if TYPE_CHECKING:
    from bridge.config import Config
    from realtime.types import Analysis

__all__ = ["run_command"]

_LISTEN = typer.Option(
    "--input",
    "-i",
    metavar="INPUT",
    help="What to listen to: a device name, jack:REGEX or file:PATH[,loop]. Can be repeated: each is a bus of its own.",
)


def run_command(
    source: Annotated[list[str] | None, _LISTEN] = None,
    library: Annotated[
        str | None, typer.Option("--library", "-l", metavar="LIB", help="Folder of a library; gm = General MIDI.")
    ] = None,
    osc: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Where to listen for OSC; usually 127.0.0.1:17370.")
    ] = None,
    lan: Annotated[
        bool | None,
        typer.Option("--lan/--no-lan", help="Let other machines register for OSC: those of --allow, with a token."),
    ] = None,
    allow: Annotated[
        list[str] | None,
        typer.Option(metavar="ADDRESS", help="A machine that --lan lets in, as 192.168.1.20. Can be repeated."),
    ] = None,
    send: Annotated[
        list[str] | None,
        typer.Option(metavar="HOST:PORT", help="Send everything there, without being asked. Can be repeated."),
    ] = None,
    adapter: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[:HOST:PORT]",
            help="DAW or synth to load sounds in; `timbrel doctor` lists them. Can be repeated.",
        ),
    ] = None,
    midi: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Virtual MIDI port to make, or one to open; usually timbrel; '' = none."),
    ] = None,
    preview: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Output to hear suggestions on: a device, jack:REGEX or default."),
    ] = None,
    discover: Annotated[
        bool | None, typer.Option("--discover/--no-discover", help="Let surfaces find Timbrel: zeroconf, OSCQuery.")
    ] = None,
    auto: Annotated[
        bool | None, typer.Option("--auto/--no-auto", help="Load stable suggestions without being asked.")
    ] = None,
    page: PageOption = None,
    no_page: NoPageOption = False,
    open_page: OpenPageOption = False,
    report: ReportOption = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Keep the library current: new sounds are suggested within seconds.")
    ] = False,
    taste: TasteOption = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Settings in TOML; options given here come first.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="Where to compute: cpu, cuda or auto.")] = None,
) -> NoReturn:
    """Listen to a bus of your DAW, show what plays, and offer the closest sounds until Ctrl-C.

    Control surfaces and scripts talk to it over OSC; sounds are loaded by MIDI program changes.

    With several --input each bus has its own list; labels and buttons follow the one in focus (/timbrel/bus/set).
    """
    from bridge.config import load_config, override
    from bridge.lan import prepare_lan
    from bridge.osc.clients import parse_endpoint
    from bridge.taste import strange_weights

    host, port = parse_endpoint(osc) if osc is not None else (None, None)
    settings = override(
        load_config(config),
        {
            "input": tuple(source) if source else None,
            "library.path": library,
            "library.taste": taste,
            "device": device,
            "adapter": tuple(adapter) if adapter else None,
            "osc.host": host,
            "osc.port": port,
            "osc.lan": lan,
            "osc.allow": tuple(allow) if allow else None,
            "osc.send": tuple(send) if send else None,
            "osc.discover": discover,
            "preview.output": preview,
            "midi.port": midi,
            "suggest.auto": auto,
            **page_settings(page, no_page, open_page),
            "page.report": str(report) if report is not None else None,
        },
    )
    settings = prepare_lan(settings, bool(allow))
    if strange := strange_weights(settings.library):
        complain(strange)
    _serve(settings, watch, config)


def _serve(settings: Config, watch: bool, config: Path | None) -> NoReturn:
    """Run the daemon with its view until it is stopped."""
    from bridge.config import config_path
    from bridge.daemon import Daemon
    from bridge.page.library_desk import LibraryDesk
    from bridge.parts import Parts
    from bridge.watching import watch_beside

    console = out_console()
    with Board(console) as board:
        view = HeardBuses(board)

        def show(analysis: Analysis, bus: int) -> None:
            with suppress(SystemExit):  # rich ends the program when the reader of a pipe has left; OSC goes on
                view.show(analysis, bus, [one.context for one in daemon.hub.buses])

        def say(text: str) -> None:
            with suppress(SystemExit):
                console.print(text, markup=False, soft_wrap=True)

        with watch_beside(settings.library.path, settings.device, config) if watch else nullcontext() as watching:
            parts = Parts(desk=lambda settings: LibraryDesk(settings, config, watching))
            daemon = Daemon(settings, say, show, parts, config_file=config or config_path())
            asyncio.run(daemon.run())
    _leave()


def _leave() -> NoReturn:
    """End the process at once: everything of ours is closed by now.

    The interpreter's own end takes 1.5 s to unload torch, more than 3 s on a busy machine, and it would wait for a
    thread that is still inside a native library.
    """
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    os._exit(0)
