"""List the inputs that a bus can be captured from (`timbrel devices`)."""

from __future__ import annotations

import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bridge.cli.console import out_console, write_json
from bridge.cli.jackports import jack_output_ports
from bridge.cli.quiet import quiet_native
from library.errors import MissingDependencyError

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["InputDevice", "devices_command", "input_devices"]


@dataclass(frozen=True, slots=True)
class InputDevice:
    """Describe something that `timbrel run --input` can listen to.

    Attributes:
        input: What to write after --input.
        system: The audio system it belongs to.
        channels: Channels it offers.
        rate_hz: Its own sample rate, None where the server sets it.
    """

    input: str
    system: str
    channels: int
    rate_hz: int | None


def devices_command(
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON line an input.")] = False,
) -> int:
    """Show what Timbrel can listen to, and how to route a DAW to it."""
    missing = ""
    try:
        inputs = input_devices()
    except MissingDependencyError as error:
        inputs, missing = (), str(error)
    ports = jack_output_ports()
    if as_json:
        for device in inputs:
            write_json(asdict(device))
        for port in ports or ():
            write_json(asdict(InputDevice(f"jack:{re.escape(port)}", "JACK port", 1, None)))
        return 0
    console = out_console()
    if inputs:
        console.print(_device_table(inputs))
    else:
        console.print(missing or "No sound card or audio server offers an input here.", markup=False)
    if ports:
        console.print("\nJACK ports that play something (--input 'jack:REGEX' takes all that match):")
        for port in ports:
            console.print(f"  {port}", markup=False)
    console.print()
    for line in routing_advice(has_jack=ports is not None):
        console.print(line, markup=False)
    return 0


def input_devices() -> tuple[InputDevice, ...]:
    """Ask PortAudio for its inputs.

    Raises:
        MissingDependencyError: PortAudio is not installed.
    """
    with quiet_native():
        try:
            import sounddevice
        except (ImportError, OSError) as error:
            raise MissingDependencyError(
                "PortAudio", "is needed to listen to a sound card", "apt-get install libportaudio2"
            ) from error
        systems: Any = sounddevice.query_hostapis()  # Any: sounddevice has no types
        found: Any = sounddevice.query_devices()
    return tuple(
        InputDevice(
            str(d["name"]),
            str(systems[d["hostapi"]]["name"]),
            int(d["max_input_channels"]),
            int(d["default_samplerate"]),
        )
        for d in found
        if d["max_input_channels"] > 0
    )


def routing_advice(*, has_jack: bool) -> tuple[str, ...]:
    """Say how a DAW gets to Timbrel on this system."""
    session = os.environ.get("XDG_RUNTIME_DIR")
    lines = ["How to route a DAW:"]
    if has_jack:
        lines += [
            "  JACK is running. Name the ports of the bus to listen to; they are connected for you:",
            "    timbrel run --input 'jack:ardour:Master/audio_out.*'",
        ]
    elif session and Path(session, "pipewire-0").exists():
        lines += [
            "  PipeWire is running. Start the DAW and Timbrel with pw-jack, then name the ports of the bus:",
            "    pw-jack timbrel run --input 'jack:REAPER:out.*'",
        ]
    else:
        lines += [
            "  No JACK server is running here. Start one (`jackd -d alsa`, or PipeWire with pw-jack), then:",
            "    timbrel run --input 'jack:ardour:Master/audio_out.*'",
        ]
    lines += [
        "  PulseAudio: give the DAW a null sink, then `timbrel run --input pulse` with PULSE_SOURCE=NAME.monitor.",
        "  No sound system at all: `timbrel listen FILE` hears a bounce, `timbrel demo` the bundled song.",
    ]
    return tuple(lines)


def _device_table(inputs: tuple[InputDevice, ...]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    table.add_column("--input")
    table.add_column("system")
    table.add_column("channels", justify="right")
    table.add_column("rate", justify="right")
    for d in inputs:
        table.add_row(Text(d.input), Text(d.system), str(d.channels), f"{d.rate_hz} Hz" if d.rate_hz else "")
    return table
