"""Show the results of `timbrel bench latency`, `scale` and `soak`."""

from __future__ import annotations

from rich.table import Table

from bridge.bench.latency import STAGGER_S, LatencyBench
from bridge.bench.scale import ScaleBench
from bridge.bench.soak import SoakBench
from bridge.cli.console import out_console

__all__ = ["show_latency", "show_scale", "show_soak"]

_NEWS = {"any": "a new sound", "named": "a new first sound", "right": "one of the right family"}


def show_latency(result: LatencyBench) -> None:
    """Show how long instruments waited."""
    title = f"{len(result.waits)} entries, hop {result.hop_s:g} s, window {result.window_s:g} s, {result.font}"
    table = Table("from onset to list, s", "median", "p90", "longest", "in 5 s", "came", title=title)
    for key, found in result.summary().items():
        times = (found[name] for name in ("median_s", "p90_s", "longest_s"))
        words = [f"over {STAGGER_S:.0f}" if time_s is None else f"{time_s:.2f}" for time_s in times]
        table.add_row(_NEWS[key], *words, f"{found['within_5_s']:.0%}", f"{found['came']:.0%}")
    out_console().print(table)


def show_scale(result: ScaleBench) -> None:
    """Show how many buses were carried."""
    where = "one core" if result.device == "cpu" else f"{result.device}, one core beside it"
    title = f"{where}, window {result.window_s:g} s, trials of {result.seconds:g} s"
    table = Table("pipeline", "hop s", "buses", "p50 ms", "p99 ms", "times the paper's", title=title)
    for row in result.rows:
        times = "" if row.times_paper is None else f"{row.times_paper:.1f}"
        best = row.best
        table.add_row(row.name, f"{row.hop_s:g}", str(row.buses), f"{best.p50_ms:.0f}", f"{best.p99_ms:.0f}", times)
    console = out_console()
    console.print(table)
    if result.missing:
        console.print(result.missing, markup=False)


def show_soak(result: SoakBench) -> None:
    """Show what grew, a line each, and the verdict last."""
    growth = result.growth
    parts = ", ".join(f"{name} {grown:+.1f}" for name, grown in growth.parts_growth_mb.items())
    bus = "no captured bus"
    if result.frames is not None:
        bus = f"{result.lost_frames} of {result.frames:,} frames lost, {result.xruns} xruns of the server"
    lines = (
        f"{result.minutes:.1f} min, {result.bus}{', every core busy' if result.load else ''}; {result.samples} samples",
        ", ".join(f"{name} {count}" for name, count in result.done.items()),
        f"memory {growth.rss_mb[0]:.0f} -> {growth.rss_mb[1]:.0f} MB, {growth.rss_growth_mb:+.1f} MB ({parts})",
        f"at rest: file descriptors {growth.fds[0]}..{growth.fds[1]}, grown by {growth.fds_growth}; "
        f"threads {growth.threads[0]}..{growth.threads[1]}, grown by {growth.threads_growth}",
        f"{bus}; {result.missed_hops} of {result.windows + result.missed_hops} hops missed",
        f"errors: {len(result.errors)}; exit code {result.exit_code}",
        *result.errors,
        f"failed: {'; '.join(result.failures)}" if result.failures else "nothing grew, nothing failed",
    )
    for line in lines:
        out_console().print(line, markup=False, soft_wrap=True)
