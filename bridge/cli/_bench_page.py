"""Offer `timbrel bench page`: what pages cost, and how soon they show what is heard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.console import err_console, out_console, write_json

if TYPE_CHECKING:
    from bridge.bench.page import PageBench
    from bridge.bench.watched import Hearing

__all__ = ["page_command"]

MOST_PAGES = 32
"""As many as the page's server takes."""


def page_command(
    source: Annotated[
        str | None, typer.Option("--input", "-i", metavar="INPUT", help="What to listen to; usually the bundled song.")
    ] = None,
    pages: Annotated[int, typer.Option("--pages", min=1, max=MOST_PAGES, help="Pages that read at a time.")] = 20,
    seconds: Annotated[
        float, typer.Option("--seconds", min=1.0, help="Measured without a page, and as long with them; in two halves.")
    ] = 60.0,
    updates: Annotated[
        int, typer.Option("--updates", min=0, help="Updates to be timed in Chromium; 0 leaves it out.")
    ] = 60,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Run the daemon without a page, with many, with one in Chromium; say what they cost and how late they are."""
    from dataclasses import asdict

    from bridge.bench.page import bench_page
    from bridge.config import Config, override
    from bridge.parts import Parts
    from library.demo import load_demo_song

    where = source or f"file:{load_demo_song().audio},loop"
    config = override(Config(), {"input": where, "library.taste": False, "device": "cpu"})
    with err_console().status("loading") as status:
        result = bench_page(Parts(), config, pages, seconds, updates, status.update)
    if as_json:
        write_json(asdict(result))
    else:
        _show(result)


def _show(result: PageBench) -> None:
    from rich.table import Table

    console, traffic, pixels = out_console(), result.traffic, result.pixels
    table = Table("", "hops", "missed", "p50 ms", "p99 ms", "CPU s a second", title=f"{result.seconds:g} s each")
    table.add_row("no page", *_numbers(result.without))
    table.add_row(f"{traffic.pages} pages", *_numbers(result.with_pages))
    console.print(table)
    shown = (
        f"from Analysis to pixels in Chromium {pixels.browser}: p50 {pixels.p50_ms:.1f} ms, "
        f"p99 {pixels.p99_ms:.1f} ms, n = {pixels.updates} "
        f"(its clock: steps of {pixels.step_ms:.2g} ms, {pixels.apart_ms:.1f} ms from the system's)"
        if pixels is not None
        else f"from Analysis to pixels: left out; {result.pixels_skipped}"
    )
    lines = (
        f"window to Analysis with {traffic.pages} pages: p50 {result.p50_ratio:.2f} times, "
        f"p99 {result.p99_ratio:.2f} times that without",
        f"one page: {traffic.mean_bytes_s / 1e3:.1f} kB/s (the most {traffic.most_bytes_s / 1e3:.1f}), "
        f"{traffic.messages_s:.1f} messages/s; {traffic.dropped} frames dropped for slow ones",
        f"server of {traffic.pages} pages: {result.page_cpu_s:.3f} CPU s a second",
        shown,
    )
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)


def _numbers(hearing: Hearing) -> tuple[str, ...]:
    return (
        str(hearing.hops),
        str(hearing.missed_hops),
        f"{hearing.p50_ms:.1f}",
        f"{hearing.p99_ms:.1f}",
        f"{hearing.cpu_s:.3f}",
    )
