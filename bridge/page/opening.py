"""Do what comes before and after a page is served: find aiohttp, open the browser."""

from __future__ import annotations

from contextlib import suppress

from library.errors import MissingDependencyError

__all__ = ["import_aiohttp", "open_browser"]


def import_aiohttp() -> None:
    """Import aiohttp, which takes 0.3 s.

    Raises:
        MissingDependencyError: It is not installed.
    """
    try:
        import aiohttp.web  # noqa: F401 - only so that it is there
    except ImportError as error:
        raise MissingDependencyError("aiohttp", "is needed for the page", "install it, or give --no-page") from error


def open_browser(url: str) -> None:
    """Open an address in the browser; where there is none, nothing happens."""
    import webbrowser

    with suppress(webbrowser.Error):
        webbrowser.open(url)
