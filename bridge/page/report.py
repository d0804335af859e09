"""Show the folder that `timbrel eval --report` wrote: by itself, or beside the live page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bridge.commands import Refusal
from bridge.page.security import headers, refusal
from bridge.page.server import CLOSE_S, answer, bind
from bridge.threads import in_thread
from library.errors import InputError

if TYPE_CHECKING:
    from aiohttp import web

    from bridge.page.server import Handler

__all__ = ["Report", "ReportServer"]

INDEX = "index.html"
MOST_FILES = 4096
_TYPES = {".css": "text/css", ".js": "text/javascript", ".png": "image/png", ".ogg": "audio/ogg"}
_FOLDERS = ("", "sounds")


class Report:
    """Serve the files of one report and no others: a name from the network is looked up, never opened.

    The list of files is made anew when the page itself is asked for, so that a report that is written again shows.

    Args:
        folder: What `timbrel eval --report` was given.

    Raises:
        InputError: There is no report in it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = _list(folder)
        if not (folder / INDEX).is_file():
            raise InputError(folder, "holds no report", "make one with `timbrel eval --data DATA --report DIR`")

    async def index(self, request: web.Request) -> web.StreamResponse:  # noqa: ARG002 - aiohttp gives it
        """Answer with the page."""
        from aiohttp import web

        self._files = await in_thread("report", lambda: _list(self._folder))
        if not (self._folder / INDEX).is_file():
            raise Refusal(404, "the report is gone: make it again with `timbrel eval --report DIR`")
        return web.FileResponse(self._folder / INDEX, headers={"Content-Type": "text/html; charset=utf-8"})

    async def file(self, request: web.Request) -> web.StreamResponse:
        """Answer with a picture, a sound or what belongs to the page."""
        from aiohttp import web

        path = self._files.get(request.match_info["name"])
        if path is None:
            raise Refusal(404, "the report has no such file")
        return web.FileResponse(path, headers={"Content-Type": _TYPES[path.suffix]})


class ReportServer:
    """Serve one report on the loopback, until it is closed.

    Args:
        report: What is served.
    """

    def __init__(self, report: Report) -> None:
        self.port = 0
        self._report = report
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}/"

    async def start(self, port: int) -> None:
        """Listen on a port or, if it is taken, on the first free one of the next nine; 0 = any.

        Raises:
            NetworkError: None of them can be bound.
        """
        from aiohttp import web

        sock = bind(port)
        self.port = int(sock.getsockname()[1])

        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._guard(request, handler)

        app = web.Application(middlewares=[guard])
        app.router.add_get("/", self._report.index)
        app.router.add_get("/{name:.+}", self._report.file)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=CLOSE_S)
        await self._runner.setup()
        await web.SockSite(self._runner, sock).start()

    async def close(self) -> None:
        """Close the port; may be called twice."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        from aiohttp import web

        wrong = refusal(request.headers, self.port, is_document=request.path == "/", is_socket=False)
        if wrong is not None:
            return web.Response(status=403, text=wrong, headers=headers(self.port))
        return await answer(request, handler, headers(self.port, is_report=True))


def _list(folder: Path) -> dict[str, Path]:
    """Return the files of a report by their names on the page; links and what else lies there are left out."""
    files: dict[str, Path] = {}
    for inside in _FOLDERS:
        place = folder / inside
        if not place.is_dir() or (inside and place.is_symlink()):
            continue
        for path in sorted(place.iterdir()):
            if path.suffix in _TYPES and path.is_file() and not path.is_symlink() and len(files) < MOST_FILES:
                files[f"{inside}/{path.name}" if inside else path.name] = path
    return files
