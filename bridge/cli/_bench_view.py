"""Show the results of `timbrel bench library` as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.table import Table

from bridge.bench.library import LibraryBench
from bridge.cli.console import out_console

__all__ = ["show_library"]


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
