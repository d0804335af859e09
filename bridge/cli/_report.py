"""Serve the page of an evaluation until Ctrl-C (`timbrel eval --show`)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.cli.console import say

if TYPE_CHECKING:
    from bridge.page.report import Report

__all__ = ["show_report"]


def show_report(folder: Path, port: int | None, open_page: bool) -> None:
    """Serve what `timbrel eval --report` wrote, on this machine alone, until a signal comes.

    Args:
        folder: What it wrote.
        port: Where; None = the usual port of the page.
        open_page: Open the browser.

    Raises:
        InputError: There is no report in it.
        ConfigError: The port is none.
        NetworkError: The port can't be bound.
        MissingDependencyError: aiohttp is not installed.
    """
    from bridge.config import Config, override
    from bridge.page.opening import import_aiohttp
    from bridge.page.report import Report

    port = override(Config(), {"page.port": port}).page.port
    report = Report(folder.expanduser())
    import_aiohttp()
    asyncio.run(_serve(report, port, open_page))


async def _serve(report: Report, port: int, open_page: bool) -> None:
    from bridge.page.opening import open_browser
    from bridge.page.report import ReportServer
    from bridge.signals import watch_signals
    from bridge.threads import in_thread

    stop = asyncio.Event()
    watch_signals(lambda _reason: stop.set())
    server = ReportServer(report)
    await server.start(port)
    say(f"evaluation at {server.url}; Ctrl-C ends it")
    if open_page:
        await in_thread("browser", lambda: open_browser(server.url))
    await stop.wait()
    await server.close()
