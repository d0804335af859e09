"""Hear which instruments play in files (`timbrel listen`)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli._taste import ConfigOption, TasteOption, taste_for
from bridge.cli.console import out_console, write_json
from bridge.cli.files import for_each_file

if TYPE_CHECKING:
    from rich.console import Console

    from realtime.types import Analysis

__all__ = ["listen_command"]


def listen_command(
    files: Annotated[
        list[Path], typer.Argument(help="Audio files: WAV, AIFF, FLAC, Ogg, Opus, MP3.", show_default=False)
    ],
    library: Annotated[
        str, typer.Option("--library", "-l", metavar="LIB", help="Folder of a library, or gm for General MIDI.")
    ] = "gm",
    top: Annotated[int, typer.Option(metavar="K", help="How many sounds to offer for each instrument.")] = 5,
    hop: Annotated[float, typer.Option(metavar="S", help="Seconds between two looks.")] = 0.5,
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON line a window.")] = False,
    raw: Annotated[bool, typer.Option("--raw", help="Each window by itself, without following instruments.")] = False,
    all_slots: Annotated[
        bool, typer.Option("--all-slots", help="Show every slot, those that probably hold no instrument too.")
    ] = False,
    taste: TasteOption = None,
    config: ConfigOption = None,
    device: Annotated[str, typer.Option(help="Where to compute: cpu, cuda or auto.")] = "auto",
) -> int:
    """Name the instruments that play in each file, and the closest sounds of a library.

    It hears the files as `timbrel run` hears a DAW: five seconds at a time, every half second.
    """
    from library.encoders import load_encoder
    from library.index import open_library
    from realtime.engine import Engine, EngineConfig, analyse_file

    setup = EngineConfig(hop_s=hop, top_k=top, tracked=not raw, all_slots=all_slots)
    order = taste_for(library, config, taste)
    encoder = load_encoder(device=device)
    engine = Engine(encoder, open_library(library, encoder.spec.fingerprint, order, encoder.spec.cohort), setup)
    console = out_console()

    def listen_one(path: Path) -> None:
        shown: list[Analysis] = []
        for analysis in analyse_file(engine, path):
            if as_json:
                from bridge.cli.heard import analysis_json

                write_json(analysis_json(str(path), analysis))
            elif _is_news(shown, analysis):
                shown.append(analysis)
        if not as_json:
            _show(console, path, shown)

    return for_each_file(files, listen_one)


def _is_news(shown: list[Analysis], analysis: Analysis) -> bool:
    """Tell whether a window names other sounds than the last one shown; equal rows are not repeated."""
    return not shown or _names(shown[-1]) != _names(analysis) or shown[-1].skipped != analysis.skipped


def _names(analysis: Analysis) -> list[str]:
    return [s.matches[0].sound.id for s in analysis.suggestions if s.matches]


def _show(console: Console, path: Path, shown: list[Analysis]) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from bridge.cli.table import SKIPPED_TEXT, presence_bar, program_text

    table = Table(title=Text(str(path)), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    table.add_column("from", justify="right", style="dim", no_wrap=True)
    table.add_column("heard", style="bold cyan")
    table.add_column("program", justify="right")
    table.add_column("match", justify="right")
    table.add_column("presence", no_wrap=True)
    table.add_column("or", style="dim")
    for analysis in shown:
        start = f"{analysis.start_s:.1f} s"
        if not analysis.suggestions:
            table.add_row(start, Text(SKIPPED_TEXT.get(analysis.skipped or "", "nothing recognised"), style="dim"))
        for s in analysis.suggestions:
            best, others = s.matches[:1], s.matches[1:3]
            table.add_row(
                start,
                Text(best[0].sound.name if best else "?"),
                program_text(best[0].sound.program) if best else "-",
                f"{best[0].score:.2f}" if best else "",
                presence_bar(s.presence),
                Text(", ".join(m.sound.name for m in others)),
            )
            start = ""
    console.print(table)
