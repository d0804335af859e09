"""Serve OSC for `timbrel bench hostile`, in a process of its own, so that its memory and its end are its own."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import asdict
from typing import Any

from bridge.commands import HubCommand
from bridge.effects import Effect, Reply, Send
from bridge.hub import Hub, HubOptions
from bridge.osc.server import Asker, OscServer, bind
from library.index import Match
from library.sounds import MidiProgram, Sound
from realtime.types import Analysis, Suggestion, Timing

__all__ = ["main", "make_server"]

PORT = 17_390
TICK_S = 0.1


def make_server() -> tuple[OscServer, Hub]:
    """Make a server before a hub that hears one instrument, as a daemon has them."""
    hub = Hub(HubOptions("bench"))
    sounds = [
        Sound(f"bench:{n}", f"sound {n}", "gm", "", MidiProgram(None, 0, 0, n), "", "bench", "") for n in range(5)
    ]
    suggestion = Suggestion(1, tuple(Match(sound, 0.9) for sound in sounds), 0.9, 1.0)
    hub.on_state("listening", "")
    hub.on_analysis(Analysis(0, 0.0, 5.0, (suggestion,), None, -20.0, Timing()), 1.0)

    def execute(effects: list[Effect], asker: Asker) -> None:
        for effect in effects:
            if isinstance(effect, Send | Reply):
                server.publish(effect, asker)

    def on_command(command: HubCommand, asker: Asker) -> None:
        execute(hub.handle(command, time.monotonic()), asker)

    server = OscServer(on_command, hub.snapshot)
    return server, hub


def main() -> None:
    """Print the port, serve until standard input ends, then print what was counted."""
    asyncio.run(_serve())


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    failures: list[str] = []

    def note(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:  # Any: what asyncio tells
        failures.append(repr(context.get("exception") or context.get("message")))

    loop.set_exception_handler(note)
    server, hub = make_server()
    await server.start(bind("127.0.0.1", PORT))
    ended = loop.run_in_executor(None, sys.stdin.read)
    sys.stdout.write(json.dumps({"port": server.endpoint[1]}) + "\n")
    sys.stdout.flush()
    while not ended.done():
        now = time.monotonic()
        hub.tick(now)
        server.expire(now)
        await asyncio.wait([ended], timeout=TICK_S)
    sys.stdout.write(json.dumps({"counts": asdict(server.counts), "failures": failures[:3]}) + "\n")
    server.close()
