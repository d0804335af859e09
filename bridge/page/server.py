"""Own the page's TCP socket: files and previews over HTTP, state and commands over one WebSocket a page."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from importlib import resources
from typing import TYPE_CHECKING

from bridge.commands import Refusal
from bridge.page.protocol import MAX_REQUEST_BYTES
from bridge.page.security import TOKEN_HEADER, WS_PROTOCOL, headers, new_token, refusal, token_fits
from library.errors import NetworkError

if TYPE_CHECKING:
    from aiohttp import web

    from bridge.page.clients import Client
    from bridge.page.report import Report

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

__all__ = ["CLOSE_S", "MOST_PAGES", "PORTS_TRIED", "REPORT_PATH", "PageServer", "answer", "bind"]

PORTS_TRIED = 10
"""The asked port and the nine above it."""

MOST_PAGES = 32
"""Pages at a time; more are refused."""

HEARTBEAT_S = 20.0
CLOSE_S = 0.5
"""Longest wait for pages to say good-bye, and for requests to end."""

REPORT_PATH = "/report/"
"""Where an evaluation lies beside the page."""

_TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
}
_TOKEN_MARK = 'name="timbrel-token" content=""'  # noqa: S105 - where the token goes

Fetch = Callable[[str], Awaitable[bytes]]


class PageServer:
    """Serve on the loopback; everything on the asyncio thread.

    Args:
        join: Returns a client for a page that connected.
        leave: Forgets it.
        receive: Takes a message of a page: its client, where it comes from, the text.
        preview: Makes the audio of a sound by its id; may raise Refusal.
        library_map: Makes the map of the library; may raise Refusal.
    """

    def __init__(
        self,
        join: Callable[[], Client],
        leave: Callable[[Client], None],
        receive: Callable[[Client, tuple[str, int], str], None],
        preview: Fetch,
        library_map: Callable[[], Awaitable[bytes]],
    ) -> None:
        self.port = 0
        self.token = new_token()
        self.report: Report | None = None
        """What is shown beside the page; set it before the start."""
        self._join, self._leave, self._receive = join, leave, receive
        self._preview, self._library_map = preview, library_map
        self._runner: web.AppRunner | None = None
        self._sockets: set[web.WebSocketResponse] = set()
        self._files: dict[str, bytes] = {}

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://127.0.0.1:{self.port}/"

    async def start(self, port: int) -> None:
        """Listen on a port or, if it is taken, on the first free one of the next nine; 0 = any.

        Raises:
            NetworkError: None of them can be bound.
        """
        from aiohttp import web

        sock = bind(port)
        self.port = int(sock.getsockname()[1])
        self._files = _read_files(self.token)

        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._guard(request, handler)

        app = web.Application(middlewares=[guard], client_max_size=MAX_REQUEST_BYTES)
        app.router.add_get("/", self._index)
        app.router.add_get("/static/{name}", self._static)
        app.router.add_get("/ws", self._socket)
        app.router.add_get("/preview/{id:.+}", self._hear)
        app.router.add_get("/map.json", self._map)
        if self.report is not None:
            app.router.add_get(REPORT_PATH, self.report.index)
            app.router.add_get(f"{REPORT_PATH}{{name:.+}}", self.report.file)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=CLOSE_S)
        await self._runner.setup()
        await web.SockSite(self._runner, sock).start()

    async def close(self) -> None:
        """Close every page and the port; may be called twice."""
        runner, self._runner = self._runner, None
        if runner is None:
            return
        closing = [asyncio.ensure_future(ws.close(code=1001, message=b"Timbrel ends")) for ws in self._sockets]
        if closing:
            await asyncio.wait(closing, timeout=CLOSE_S)
        for one in closing:
            one.cancel()
        await runner.cleanup()

    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse what does not come from our own page, and put the headers on every answer."""
        from aiohttp import web

        is_socket = request.path == "/ws"
        is_document = request.path in ("/", REPORT_PATH)
        wrong = refusal(request.headers, self.port, is_document=is_document, is_socket=is_socket)
        if wrong is None and not self._is_open_to_all(request) and not self._knows_token(request, is_socket):
            wrong = "the token of this run is missing: load the page again"
        if wrong is not None:
            return web.Response(status=403, text=wrong, headers=headers(self.port))
        is_report = request.path.startswith(REPORT_PATH)
        return await answer(request, handler, headers(self.port, is_report=is_report))

    def _is_open_to_all(self, request: web.Request) -> bool:
        """Tell whether it needs no token: what a link or a page asks for, where no header of ours goes along."""
        return request.path == "/" or request.path.startswith(("/static/", REPORT_PATH))

    def _knows_token(self, request: web.Request, is_socket: bool) -> bool:
        if not is_socket:
            return token_fits(self.token, request.headers.get(TOKEN_HEADER, ""))
        offered = [one.strip() for one in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
        return WS_PROTOCOL in offered and any(token_fits(self.token, one) for one in offered)

    async def _index(self, request: web.Request) -> web.Response:  # noqa: ARG002 - aiohttp gives it
        return self._file("index.html")

    async def _static(self, request: web.Request) -> web.Response:
        return self._file(request.match_info["name"])

    def _file(self, name: str) -> web.Response:
        """Answer with one of the files that were read at the start: a name from the network is no path."""
        from aiohttp import web

        body = self._files.get(name)
        if body is None:
            raise Refusal(404, "there is no such file")
        kind = _TYPES[name[name.rindex(".") :]]
        return web.Response(body=body, content_type=kind, charset="utf-8")

    async def _hear(self, request: web.Request) -> web.Response:
        from aiohttp import web

        return web.Response(body=await self._preview(request.match_info["id"]), content_type="audio/wav")

    async def _map(self, request: web.Request) -> web.Response:  # noqa: ARG002 - aiohttp gives it
        from aiohttp import web

        return web.Response(body=await self._library_map(), content_type="application/json")

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        """Serve one page: its messages are taken here, what is new for it is sent by a task of its own."""
        from aiohttp import WSMsgType, web

        if len(self._sockets) >= MOST_PAGES:
            raise Refusal(503, f"{MOST_PAGES} pages are open, no more are taken")
        page = web.WebSocketResponse(
            protocols=(WS_PROTOCOL,),
            max_msg_size=MAX_REQUEST_BYTES,
            heartbeat=HEARTBEAT_S,
            timeout=CLOSE_S,
            compress=False,
        )
        await page.prepare(request)
        peer = request.transport.get_extra_info("peername") if request.transport is not None else None
        endpoint = (str(peer[0]), int(peer[1])) if peer else ("", 0)
        client = self._join()
        self._sockets.add(page)
        sending = asyncio.ensure_future(client.serve(page.send_str))
        try:
            async for message in page:
                if message.type is WSMsgType.TEXT:
                    self._receive(client, endpoint, message.data)
        finally:
            sending.cancel()
            with suppress(asyncio.CancelledError, ConnectionError):
                await sending
            self._sockets.discard(page)
            self._leave(client)
        return page


async def answer(request: web.Request, handler: Handler, sent: Mapping[str, str]) -> web.StreamResponse:
    """Let a handler answer; a refusal is an answer too, and each has the headers that are to be sent."""
    from aiohttp import web

    try:
        made = await handler(request)
    except web.HTTPException as error:
        made = web.Response(status=error.status, text=error.reason)
    except Refusal as refused:
        made = web.Response(status=refused.code, text=refused.reason)
    if not made.prepared:
        made.headers.update(sent)
    return made


def _read_files(token: str) -> dict[str, bytes]:
    """Read the files of the page; the page itself gets the token of this run."""
    folder = resources.files("bridge.page") / "static"
    files = {one.name: one.read_bytes() for one in folder.iterdir() if one.name[one.name.rfind(".") :] in _TYPES}
    page = files["index.html"].decode("utf-8")
    files["index.html"] = page.replace(_TOKEN_MARK, _TOKEN_MARK.replace('""', f'"{token}"')).encode("utf-8")
    return files


def bind(port: int) -> socket.socket:
    """Bind a TCP socket of the loopback.

    Raises:
        NetworkError: The port and the nine above it are taken, or can't be bound.
    """
    last = min(port + PORTS_TRIED, 65536) - 1 if port else 0
    for candidate in range(port, last + 1):
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if os.name == "posix":  # a port in TIME_WAIT after a restart; elsewhere the flag means to share it
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", candidate))
        except OSError as error:
            sock.close()
            if error.errno == errno.EADDRINUSE:
                continue
            raise NetworkError(
                f"127.0.0.1:{port}", f"can't be bound ({os.strerror(error.errno or 0)})", "give another --page PORT"
            ) from error
        sock.setblocking(False)
        return sock
    raise NetworkError(f"127.0.0.1:{port}", f"every port up to {last} is taken", "give another --page PORT")
