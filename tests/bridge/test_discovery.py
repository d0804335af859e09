"""Check what a surface that looks for OSC services finds."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from zeroconf import IPVersion
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

from bridge.discovery import Discovery, namespace
from bridge.osc.addresses import ADDRESSES

ENDPOINT = ("127.0.0.1", 17399)


def test_the_tree_holds_every_address_with_its_types_and_direction() -> None:
    tree, info = namespace(ENDPOINT)
    assert (info["OSC_IP"], info["OSC_PORT"]) == ENDPOINT
    for row in ADDRESSES:
        for path in row.paths:
            node = tree
            for part in path.strip("/").split("/"):
                node = node["CONTENTS"][part]
            assert node["FULL_PATH"] == path
            assert node["ACCESS"] & (1 if row.direction == "out" else 2)
    choose = tree["CONTENTS"]["timbrel"]["CONTENTS"]["suggest"]["CONTENTS"]["choose"]
    assert (choose["TYPE"], choose["ACCESS"]) == ("ii", 2)


def test_oscquery_answers_over_http_and_both_services_are_announced() -> None:
    async def scenario() -> None:
        discovery = Discovery(ENDPOINT)
        http = await discovery.start()
        base = f"http://127.0.0.1:{http}"
        async with aiohttp.ClientSession() as session:

            async def get(path: str) -> tuple[int, Any]:
                async with session.get(base + path) as answer:
                    return answer.status, await answer.json() if answer.status == 200 else None

            assert (await get("/?HOST_INFO"))[1]["OSC_PORT"] == 17399
            assert (await get("/timbrel/undo"))[1]["FULL_PATH"] == "/timbrel/undo"
            assert (await get("/timbrel/undo?ACCESS"))[1] == {"ACCESS": 2}
            assert (await get("/timbrel/undo?VALUE"))[0] == 204
            assert (await get("/nothing/here"))[0] == 404
        looker = AsyncZeroconf(interfaces=["127.0.0.1"], ip_version=IPVersion.V4Only)
        try:
            for kind, port in (("_osc._udp.local.", 17399), ("_oscjson._tcp.local.", http)):
                info = AsyncServiceInfo(kind, f"Timbrel 17399.{kind}")
                if not await info.async_request(looker.zeroconf, 10_000):
                    pytest.fail(f"{kind} was not found")
                assert info.port == port
        finally:
            await looker.async_close()
            await discovery.close()
            await discovery.close()

    asyncio.run(scenario())
