"""Offer the options of the page, the same for `timbrel run` and `timbrel demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["NoPageOption", "OpenPageOption", "PageOption", "ReportOption", "page_settings"]

PageOption = Annotated[
    int | None,
    typer.Option(
        "--page", metavar="PORT", help="Where to serve the page on 127.0.0.1; usually 17380, or the next that is free."
    ),
]
NoPageOption = Annotated[bool, typer.Option("--no-page", help="Serve no page.")]
OpenPageOption = Annotated[bool, typer.Option("--open", help="Open the page in the browser.")]
ReportOption = Annotated[
    Path | None,
    typer.Option("--report", metavar="DIR", help="Show an evaluation beside the page: what `eval --report` wrote."),
]


def page_settings(port: int | None, no_page: bool, open_page: bool) -> dict[str, object]:
    """Return the settings that the options ask for, by dotted name; None = not given."""
    asked = port is not None or open_page
    return {
        "page.enabled": False if no_page else True if asked else None,
        "page.port": port,
        "page.open": open_page or None,
    }
