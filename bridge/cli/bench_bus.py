"""Measure the daemon as a whole: `timbrel bench latency`, `scale` and `soak`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bridge.cli.console import err_console, write_json

__all__ = ["latency_command", "scale_command", "soak_command"]

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Device = Annotated[str, typer.Option("--device", help="cpu, cuda or auto.")]
Library = Annotated[str, typer.Option("--library", "-l", metavar="LIB", help="Folder of a library, or gm.")]


def latency_command(
    entries: Annotated[int, typer.Option("--entries", min=4, help="Instruments that enter, four to a round.")] = 24,
    hop: Annotated[float, typer.Option("--hop", min=0.1, max=10.0, help="Seconds between windows.")] = 0.5,
    font: Annotated[
        Path | None, typer.Option("--font", metavar="SF2", help="General MIDI SoundFont; usually TimGM6mb.")
    ] = None,
    library: Library = "gm",
    device: Device = "cpu",
    as_json: Json = False,
) -> None:
    """Measure from the onset of an instrument in a captured bus to its first suggestion; needs JACK, FluidSynth."""
    from dataclasses import asdict

    from bridge.bench.latency import bench_latency

    with err_console().status("starting") as status:
        result = bench_latency(entries, hop, font, library, device, status.update)
    if as_json:
        write_json({**asdict(result), "summary": result.summary()})
        return
    from bridge.cli._bench_bus_view import show_latency

    show_latency(result)


def scale_command(
    hops: Annotated[
        str, typer.Option("--hops", metavar="S,S,...", help="Seconds between windows of a bus.")
    ] = "0.5,0.25",
    seconds: Annotated[
        float, typer.Option("--seconds", min=1.0, max=100.0, help="Length of a trial in real time.")
    ] = 20.0,
    library: Library = "gm",
    device: Device = "cpu",
    as_json: Json = False,
) -> None:
    """Find how many buses one core, or a GPU, carries in real time until a hop is missed, beside the paper's Large."""
    from dataclasses import asdict

    from bridge.bench.scale import bench_scale
    from bridge.config import Config, override
    from bridge.parts import Parts

    config = override(Config(), {"library.path": library, "device": device})
    with err_console().status("loading") as status:
        result = bench_scale(Parts(), config, _hops(hops), seconds, status.update)
    if as_json:
        write_json(asdict(result))
        return
    from bridge.cli._bench_bus_view import show_scale

    show_scale(result)


def soak_command(
    minutes: Annotated[float, typer.Option("--minutes", min=0.1, help="Time to measure.")] = 60.0,
    warm_up: Annotated[float, typer.Option("--warm-up", min=0.0, help="Seconds before, not measured.")] = 60.0,
    load: Annotated[bool, typer.Option("--load", help="Keep every core busy with another program meanwhile.")] = False,
    as_json: Json = False,
) -> int:
    """Run the daemon on a real bus while clients come and go and its library changes; exit code 1 when it grows."""
    from dataclasses import asdict

    from bridge.bench.rig import find_font
    from bridge.bench.soak import bench_soak

    with err_console().status("starting") as status:
        result = bench_soak(minutes, warm_up, load, find_font(), status.update)
    if as_json:
        write_json(asdict(result))
    else:
        from bridge.cli._bench_bus_view import show_soak

        show_soak(result)
    return 1 if result.failures else 0


def _hops(text: str) -> list[float]:
    from library.errors import InputError

    try:
        hops = [float(word) for word in text.split(",")]
    except ValueError:
        hops = []
    if not hops or not all(0.05 <= hop <= 10.0 for hop in hops):
        raise InputError(f"--hops {text}", "must be seconds in 0.05..10", "for example --hops 0.5,0.25")
    return hops
