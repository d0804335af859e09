"""Let surfaces find Timbrel by themselves: zeroconf `_osc._udp` and OSCQuery `_oscjson._tcp`, only when asked for.

OSCQuery as proposed by Vidvox (github.com/Vidvox/OSCQueryProposal): the address table as a tree of JSON over HTTP.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from bridge.osc.addresses import ADDRESSES, Address
from library.errors import MissingDependencyError

if TYPE_CHECKING:
    from aiohttp import web

    from bridge.osc.clients import Endpoint

__all__ = ["Discovery", "namespace"]

_ACCESS = {"out": 1, "in": 2}
"""OSCQuery: 1 = a value that can be read (here: that Timbrel sends), 2 = one that can be written."""

_NAME = "Timbrel"


def namespace(endpoint: Endpoint) -> tuple[dict[str, Any], dict[str, Any]]:  # Any: what JSON can hold
    """Return the tree of addresses, and what HOST_INFO answers."""
    root: dict[str, Any] = {"FULL_PATH": "/", "ACCESS": 0, "DESCRIPTION": _NAME, "CONTENTS": {}}
    for row in ADDRESSES:
        for path in row.paths:
            _add(root, path, row)
    host, port = endpoint
    info = {
        "NAME": _NAME,
        "OSC_IP": host,
        "OSC_PORT": port,
        "OSC_TRANSPORT": "UDP",
        "EXTENSIONS": {"ACCESS": True, "DESCRIPTION": True, "TYPE": True, "VALUE": False, "LISTEN": False},
    }
    return root, info


def _add(root: dict[str, Any], path: str, row: Address) -> None:
    node, full = root, ""
    for part in path.strip("/").split("/"):
        full += f"/{part}"
        node = node.setdefault("CONTENTS", {}).setdefault(part, {"FULL_PATH": full, "ACCESS": 0})
    node["ACCESS"] |= _ACCESS[row.direction]
    node["DESCRIPTION"] = row.doc
    node["TYPE"] = row.types


class Discovery:
    """Announce the daemon, and answer OSCQuery, on the interface that OSC listens on.

    Args:
        endpoint: Where OSC is listened for.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._tree, self._info = namespace(endpoint)
        self._runner: web.AppRunner | None = None
        self._zeroconf: Any = None  # Any: zeroconf is optional

    async def start(self) -> int:
        """Open the HTTP port and announce both services; return the port.

        Raises:
            MissingDependencyError: zeroconf is not installed.
            OSError: The port can't be opened, or the network does not let services be announced.
        """
        try:
            from zeroconf import IPVersion
            from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf
        except ImportError as error:
            raise MissingDependencyError(
                "zeroconf", "is needed for --discover", "pip install 'timbrel[discover]', or leave --discover out"
            ) from error
        host, port = self._endpoint
        http = await self._serve(host)
        self._zeroconf = AsyncZeroconf(interfaces=[host], ip_version=IPVersion.V4Only)
        for kind, number in (("_osc._udp.local.", port), ("_oscjson._tcp.local.", http)):
            service = AsyncServiceInfo(
                kind, f"{_NAME} {port}.{kind}", addresses=[socket.inet_aton(host)], port=number,
                server=f"timbrel-{port}.local.",
            )  # fmt: skip
            await self._zeroconf.async_register_service(service, allow_name_change=True)
        return http

    async def close(self) -> None:
        """Take the announcements back and close the port; may be called twice."""
        zeroconf, self._zeroconf = self._zeroconf, None
        if zeroconf is not None:
            await zeroconf.async_unregister_all_services()
            await zeroconf.async_close()
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def _serve(self, host: str) -> int:
        from aiohttp import web

        app = web.Application()
        app.router.add_get("/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, 0)
        await site.start()
        return int(self._runner.addresses[0][1])

    async def _answer(self, request: web.Request) -> web.Response:
        """Answer a path with its part of the tree, or with one attribute of it; HOST_INFO anywhere."""
        from aiohttp import web

        wanted = request.query_string
        if wanted.split("=")[0] == "HOST_INFO":
            return web.json_response(self._info)
        node: dict[str, Any] | None = self._tree
        for part in [part for part in request.path.split("/") if part]:
            node = node.get("CONTENTS", {}).get(part) if node is not None else None
        if node is None:
            return web.Response(status=404, text="no such address")
        if not wanted:
            return web.json_response(node)
        return web.json_response({wanted: node[wanted]}) if wanted in node else web.Response(status=204)
