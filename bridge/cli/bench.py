"""Measure what Timbrel costs and what tracking adds: `timbrel bench engine`, `song`, `hostile` ..."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bridge.cli._bench_page import page_command
from bridge.cli.bench_bus import latency_command, scale_command, soak_command
from bridge.cli.console import err_console, out_console, write_json

__all__ = ["bench_app"]

bench_app = typer.Typer(
    help="Measure what Timbrel costs, beside the paper's networks in the same run.", no_args_is_help=True
)


bench_app.command("page")(page_command)
bench_app.command("latency")(latency_command)
bench_app.command("scale")(scale_command)
bench_app.command("soak")(soak_command)


@bench_app.callback()
def _bench() -> None:
    """Measure what Timbrel costs, beside the paper's networks in the same run."""


@bench_app.command("engine")
def engine_command(
    windows: Annotated[int, typer.Option("--windows", min=10, help="Windows to measure.")] = 200,
    hop: Annotated[
        float, typer.Option("--hop", min=0.05, help="Seconds between windows, for the share of a core.")
    ] = 0.5,
    audio: Annotated[
        Path | None, typer.Option("--audio", metavar="FILE", help="Recording to listen to; usually the bundled song.")
    ] = None,
    library: Annotated[str, typer.Option("--library", "-l", metavar="LIB", help="Folder of a library, or gm.")] = "gm",
    device: Annotated[str, typer.Option("--device", help="cpu, cuda or auto.")] = "cpu",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Time one bus from the window to the suggestion datagram."""
    from dataclasses import asdict

    from rich.table import Table

    from bridge.bench.engine import bench_engine
    from bridge.config import Config, override
    from bridge.parts import Parts

    config = override(Config(), {"library.path": library, "library.taste": False, "device": device})
    with err_console().status("loading") as status:
        result = bench_engine(Parts(), config, audio, windows, hop, status.update)
    if as_json:
        write_json(asdict(result))
        return
    table = Table(
        "pipeline", "windows", "p50 ms", "p99 ms", "max ms", "of one core", "times ours", title=result.machine
    )
    for row in result.rows:
        table.add_row(
            row.name,
            str(row.windows),
            f"{row.p50_ms:.1f}",
            f"{row.p99_ms:.1f}",
            f"{row.max_ms:.1f}",
            f"{row.cpu_share:.1%}",
            f"{row.to_ours:.1f}",
        )
    console = out_console()
    console.print(table)
    console.print(
        "stages, p50 ms: " + ", ".join(f"{k.removesuffix('_ms')} {v:.1f}" for k, v in result.stages_ms.items())
    )
    work = result.roofline
    console.print(
        f"encoder, each hop: {work.flop / 1e6:.0f} MFLOP, at {work.flop_per_s / 1e9:.0f} GFLOP/s of one core "
        f"{work.arithmetic_ms:.1f} ms; {work.moved_bytes / 1e6:.0f} MB read and written, at "
        f"{work.bytes_per_s / 1e9:.0f} GB/s {work.traffic_ms:.1f} ms; measured {work.measured_ms:.1f} ms; "
        f"{work.tensors:.0f} tensors of {work.allocated_bytes / 1e6:.1f} MB in all come and go"
    )
    console.print(
        f"resident memory of the engine: {result.rss_mib:.0f} MiB; pages that a hop takes from the system: "
        f"{result.pages_a_hop:.0f}"
    )


@bench_app.command("start")
def start_command(
    source: Annotated[
        str | None, typer.Option("--input", "-i", metavar="INPUT", help="What to listen to; usually the bundled song.")
    ] = None,
    library: Annotated[str, typer.Option("--library", "-l", metavar="LIB", help="Folder of a library, or gm.")] = "gm",
    times: Annotated[int, typer.Option("--times", min=1, help="Starts to measure.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Time the daemon from its start to OSC, to listening, and to the first list."""
    from dataclasses import asdict
    from statistics import median

    from rich.table import Table

    from bridge.bench.start import bench_start
    from library.demo import load_demo_song

    where = source or f"file:{load_demo_song().audio},loop"
    with err_console().status("starting"):
        rows = [asdict(bench_start(where, library)) for _ in range(times)]
    if as_json:
        write_json({"input": where, "starts": rows})
        return
    table = Table("from the start, s", "median", "longest", title=f"{times} starts, {where}")
    for key, name in (("osc_s", "OSC answers"), ("listening_s", "listens"), ("list_s", "first list")):
        found = [row[key] for row in rows]
        table.add_row(name, f"{median(found):.1f}", f"{max(found):.1f}")
    out_console().print(table)


@bench_app.command("song")
def song_command(
    data: Annotated[Path, typer.Option("--data", help="Folder that `timbrel data render` filled.")],
    songs: Annotated[int, typer.Option("--songs", min=5, help="Songs of four instruments and 20 s.")] = 60,
    device: Annotated[str, typer.Option("--device", help="cpu, cuda or auto.")] = "cpu",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compare windows by themselves with what is followed over a song of unseen instruments."""
    from dataclasses import asdict

    from bridge.bench.song import bench_song
    from library.encoders import load_encoder

    with err_console().status("loading") as status:
        result = bench_song(data, load_encoder(device=device), songs, status.update)
    if as_json:
        write_json(asdict(result))
        return
    out_console().print(
        f"F1 macro of a window by itself {result.window_f1:.3f}, followed for 20 s {result.tracked_f1:.3f}; "
        f"the set stays from hop to hop in {result.steady:.0%}; {result.named:.1f} names where four play"
    )


@bench_app.command("library")
def library_command(
    sizes: Annotated[
        str, typer.Option("--sizes", metavar="N,N,...", help="Numbers of vectors; add 1000000 for about ten minutes.")
    ] = "10000,100000",
    embed: Annotated[bool, typer.Option("--embed/--no-embed", help="Measure the encoder too.")] = True,
    device: Annotated[str, typer.Option("--device", help="cpu, cuda or auto.")] = "cpu",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure how libraries of several sizes are built, opened and searched, beside exact search and hnswlib."""
    from dataclasses import asdict

    import torch

    from bridge.bench.library import bench_embedding, bench_size
    from library.encoders import load_encoder
    from library.errors import InputError

    counts = [int(text) if text.strip().isdecimal() else 0 for text in sizes.split(",")]
    if min(counts) < 100:
        raise InputError(f"--sizes {sizes}", "must be numbers from 100 up", "for example --sizes 10000,100000")
    torch.set_num_threads(1)
    with err_console().status("loading") as status:
        rates = bench_embedding(load_encoder(device=device)) if embed else {}
        results = [bench_size(count, status.update) for count in counts]
    if as_json:
        write_json({"embedding_s_per_s": rates, "sizes": [asdict(result) for result in results]})
        return
    from bridge.cli._bench_view import show_library

    show_library(rates, results)


@bench_app.command("choose")
def choose_command(
    adapter: Annotated[
        str,
        typer.Option("--adapter", metavar="NAME[:HOST:PORT]", help="A host that runs already."),
    ],
    library: Annotated[
        str, typer.Option("--library", "-l", metavar="LIB", help="Where two sounds that the host can load come from.")
    ] = "gm",
    track: Annotated[str, typer.Option("--track", help="Track, part or channel; usually the first.")] = "",
    count: Annotated[int, typer.Option("--count", min=4, help="Choices.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure from a client's choice to what the host read back, beside a ping in the same run."""
    from dataclasses import asdict

    from bridge.bench.choose import bench_choose
    from library.index import open_library

    result = bench_choose(adapter, open_library(library, None).sounds, track, count)
    if as_json:
        write_json(asdict(result))
        return
    out_console().print(
        f"{result.adapter}: {result.count} choices of {' and '.join(result.sounds)} in turn ({result.result}): "
        f"p50 {result.p50_ms:.1f} ms, p99 {result.p99_ms:.1f} ms; a ping takes {result.ping_p50_ms:.1f} ms",
        markup=False,
    )


@bench_app.command("hostile")
def hostile_command(
    count: Annotated[int, typer.Option("--count", min=1000, help="Datagrams; a million takes some minutes.")] = 100_000,
    seed: Annotated[int, typer.Option("--seed", help="Where the mutations begin.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> int:
    """Feed mutated datagrams to the OSC guard and to a running server; exit code 1 when either does not stand."""
    from dataclasses import asdict

    from bridge.bench.hostile import bench_hostile

    with err_console().status("feeding") as status:
        result = bench_hostile(count, seed, status.update)
    if as_json:
        write_json({**asdict(result), "stands": result.stands})
    else:
        from bridge.cli._bench_view import show_hostile

        show_hostile(result)
    return 0 if result.stands else 1


@bench_app.command("faults")
def faults_command(
    source: Annotated[str, typer.Option("--input", "-i", metavar="INPUT", help="A captured bus, as jack:REGEX.")],
    kills: Annotated[int, typer.Option("--kills", min=0, help="Times that the capture process is killed.")] = 50,
    load_s: Annotated[float, typer.Option("--load", min=0, help="Seconds with every core busy.")] = 60.0,
    stop_s: Annotated[float, typer.Option("--stop", min=0, help="Seconds for which the process is stopped.")] = 60.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Kill the capture, load every core, stop the process as a suspend does; say how it hears on."""
    from dataclasses import asdict

    from bridge.bench.faults import bench_faults
    from bridge.config import Config, override
    from bridge.parts import Parts

    with err_console().status("loading") as status:
        result = bench_faults(Parts(), override(Config(), {"input": source}), kills, load_s, stop_s, status.update)
    if as_json:
        write_json(asdict(result))
        return
    from bridge.cli._bench_view import show_faults

    show_faults(result)
