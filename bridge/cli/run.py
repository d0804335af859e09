"""Listen to a DAW's bus and offer sounds over OSC and MIDI (`timbrel run`)."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.console import complain, out_console
from bridge.cli.table import Board, heard_table, plain_line

if TYPE_CHECKING:
    from bridge.config import Config
    from realtime.types import Analysis

__all__ = ["run_command"]

_LISTEN = typer.Option(
    "--input", "-i", metavar="INPUT", help="What to listen to: a device name, jack:REGEX or file:PATH[,loop]."
)


def run_command(
    source: Annotated[str | None, _LISTEN] = None,
    library: Annotated[
        str | None, typer.Option("--library", "-l", metavar="LIB", help="Folder of a library; gm = General MIDI.")
    ] = None,
    osc: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Where to listen for OSC; usually 127.0.0.1:17370.")
    ] = None,
    send: Annotated[
        list[str] | None,
        typer.Option(metavar="HOST:PORT", help="Send everything there, without being asked. Can be repeated."),
    ] = None,
    adapter: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME[:HOST:PORT]", help="How to load sounds: generic. Can be repeated."),
    ] = None,
    midi: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Virtual MIDI port to make, or one to open; usually timbrel; '' = none."),
    ] = None,
    auto: Annotated[
        bool | None, typer.Option("--auto/--no-auto", help="Load stable suggestions without being asked.")
    ] = None,
    page: Annotated[int | None, typer.Option(metavar="PORT", help="Show a live page there.")] = None,
    no_page: Annotated[bool, typer.Option("--no-page", help="Show no live page.")] = False,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Settings in TOML; options given here come first.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="Where to compute: cpu, cuda or auto.")] = None,
) -> int:
    """Listen to a bus of your DAW, show what plays, and offer the closest sounds until Ctrl-C.

    Control surfaces and scripts talk to it over OSC; sounds are loaded by MIDI program changes.
    """
    from bridge.config import load_config, override
    from bridge.osc.clients import parse_endpoint

    host, port = parse_endpoint(osc) if osc is not None else (None, None)
    settings = override(
        load_config(config),
        {
            "input": source,
            "library": library,
            "device": device,
            "adapter": tuple(adapter) if adapter else None,
            "osc.host": host,
            "osc.port": port,
            "osc.send": tuple(send) if send else None,
            "midi.port": midi,
            "suggest.auto": auto,
        },
    )
    if page is not None and not no_page:
        complain(f"--page {page}: there is no live page yet; the table here and OSC show the same")
    return _serve(settings)


def _serve(settings: Config) -> int:
    """Run the daemon with its view; leaves the process at once where a thread can't be ended."""
    from bridge.daemon import Daemon

    console = out_console()
    with Board(console) as board:

        def show(analysis: Analysis) -> None:
            board.show(heard_table(analysis), plain_line(analysis))

        def say(text: str) -> None:
            console.print(text, markup=False, soft_wrap=True)
            console.file.flush()

        daemon = Daemon(settings, say, show)
        asyncio.run(daemon.run())
    if not daemon.is_clean:
        # A thread is still inside torch or PortAudio; the interpreter's own end would wait for it or crash it.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
    return 0
