"""Show the results of `timbrel bench library` and `hostile` as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.table import Table

from bridge.bench.datagrams import KINDS
from bridge.bench.faults import FaultsBench
from bridge.bench.hostile import HostileBench
from bridge.bench.library import LibraryBench
from bridge.cli.console import out_console

__all__ = ["show_faults", "show_hostile", "show_library"]


def show_library(rates: Mapping[str, float], results: Sequence[LibraryBench]) -> None:
    """Show one table a size; one core, 9 vectors and 10 sounds a look-up."""
    console = out_console()
    if rates:
        console.print(
            f"embeds {rates['batch']:.0f} s of audio a second in batches, {rates['one_by_one']:.0f} s one by one"
        )
    for result in results:
        table = Table(
            "search", "build s", "open s", "p50 ms", "p99 ms", "recall@10", "memory MiB",
            title=f"{result.vectors:,} vectors, one core, 9 looked up at once",
        )  # fmt: skip
        for row in result.rows:
            numbers = (f"{row.build_s:.1f}", f"{row.open_s:.3f}", f"{row.p50_ms:.1f}", f"{row.p99_ms:.1f}")
            table.add_row(row.name, *numbers, f"{row.recall:.4f}", f"{row.rss_mib:.0f}")
        console.print(table)
    for text in dict.fromkeys(result.missing for result in results if result.missing):
        console.print(text, markup=False)


def show_hostile(result: HostileBench) -> None:
    """Show what became of hostile datagrams."""
    console = out_console()
    table = Table("datagrams", "messages taken", "refused", title=f"{result.datagrams:,} datagrams to the guard")
    for kind in KINDS:
        table.add_row(kind, f"{result.taken[kind]:,}", f"{result.refused[kind]:,}")
    table.add_row("all", f"{sum(result.taken.values()):,}", f"{sum(result.refused.values()):,}")
    console.print(table)
    lines = (
        f"crashes: {result.crashes}; {result.commands:,} of the messages that were taken mean something",
        f"guard: {result.guard_cpu_s:.1f} CPU s for 100,000, the slowest {result.slowest_ms:.1f} ms, "
        f"memory {result.guard_rss_mib:+.1f} MiB",
        f"server: {result.sent:,} over a socket, {result.server_cpu_s:.1f} CPU s for 100,000, "
        f"memory {result.server_rss_mib:+.1f} MiB; it counted "
        + ", ".join(f"{name} {number:,}" for name, number in result.server.items()),
        f"pings of another sender meanwhile: {result.pongs:,} of {result.pings:,} answered",
        f"flood of {result.flood:,} from one sender: {result.flood_cpu_s:.1f} CPU s for 100,000; "
        f"a ping after it is answered in {result.after_ms:.1f} ms",
        *result.failures,
    )
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)


def show_faults(result: FaultsBench) -> None:
    """Show how the engine came through, a line a fault."""
    lines = (
        f"capture killed {result.kills} times: audio back after {result.back_s:.2f} s (median), "
        f"{result.back_longest_s:.2f} s (longest); {result.flagged} gaps flagged",
        f"every core busy for {result.load_s:.0f} s: {result.load_lost_frames} frames lost, "
        f"{result.load_missed_hops} of {result.load_windows + result.load_missed_hops} hops missed",
        f"stopped for {result.stop_s:.0f} s: fresh audio heard after {result.fresh_s:.2f} s",
        f"failures of the engine: {sum(result.errors.values())}"
        + "".join(f", {kind} {number}" for kind, number in result.errors.items()),
    )
    for line in lines:
        out_console().print(line, markup=False, soft_wrap=True)
