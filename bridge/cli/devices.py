"""List the inputs that a bus can be captured from (`timbrel devices`)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.console import out_console, write_json

if TYPE_CHECKING:
    from rich.table import Table

    from realtime.devices import InputChoice

__all__ = ["devices_command", "routing_advice"]


def devices_command(
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON line an input.")] = False,
) -> int:
    """Show what Timbrel can listen to, and how to route a DAW to it."""
    from realtime.devices import find_inputs

    found = find_inputs()
    if as_json:
        for choice in found.choices:
            write_json(
                {
                    "input": choice.argument,
                    "name": choice.name,
                    "system": choice.host,
                    "channels": choice.channels,
                    "rate_hz": choice.sample_rate,
                    "default": choice.is_default,
                }
            )
        return 0
    console = out_console()
    if found.choices:
        console.print(_table(found.choices))
    else:
        console.print("No sound card and no audio server offers an input here.")
    console.print()
    for line in routing_advice(has_jack=found.jack_ports is not None):
        console.print(line, markup=False)
    return 0


def routing_advice(*, has_jack: bool) -> tuple[str, ...]:
    """Say how a DAW gets to Timbrel on this system."""
    session = os.environ.get("XDG_RUNTIME_DIR")
    lines = ["How to route a DAW:"]
    if has_jack:
        lines += [
            "  JACK is running. Name the ports of the bus by a pattern; they are connected for you:",
            "    timbrel run --input 'jack:ardour:Master/audio_out.*'",
        ]
    elif session and Path(session, "pipewire-0").exists():
        lines += [
            "  PipeWire is running. Start the DAW and Timbrel with pw-jack, then name the ports of the bus:",
            "    pw-jack timbrel run --input 'jack:REAPER:out.*'",
        ]
    else:
        lines += [
            "  No JACK server is running. Start one (`jackd -d alsa`, or PipeWire with pw-jack), then for example:",
            "    timbrel run --input 'jack:ardour:Master/audio_out.*'",
        ]
    lines += [
        "  PulseAudio: let the DAW play into a null sink, then",
        "    PULSE_SOURCE=SINK.monitor timbrel run --input pulse",
        "  No sound system: `timbrel listen FILE` hears a bounce, `timbrel demo` the bundled song.",
    ]
    return tuple(lines)


def _table(inputs: tuple[InputChoice, ...]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    table.add_column("--input")
    table.add_column("system")
    table.add_column("channels", justify="right")
    table.add_column("rate", justify="right")
    for choice in inputs:
        default = " (default)" if choice.is_default else ""
        table.add_row(
            Text(choice.argument), Text(choice.host + default), str(choice.channels), f"{choice.sample_rate} Hz"
        )
    return table
