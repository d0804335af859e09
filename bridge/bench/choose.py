"""Measure how long a choice takes: from the client's message to what the host read back, over real sockets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from bridge.carrier import Carrier
from bridge.commands import HubCommand, SetTarget
from bridge.config import Config
from bridge.daws import DawAdapter, make_adapter
from bridge.effects import Deliver, Effect, Reply, Send
from bridge.hub import Hub, HubOptions
from bridge.osc.server import Asker, OscServer, bind
from library.errors import InputError, TimbrelError
from library.index import Match
from library.sounds import Sound
from realtime.types import Analysis, Suggestion, Timing

__all__ = ["ChooseTimes", "bench_choose"]

ONLINE_S = 15.0
CHOSEN_S = 20.0
_POLL_S = 0.01


@dataclass(frozen=True, slots=True)
class ChooseTimes:
    """Hold what choices took, in ms.

    Attributes:
        adapter: Which host.
        sounds: Names of the two sounds that were chosen in turn.
        result: What /timbrel/chosen said of the last one: ok = read back.
        count: Choices.
        p50_ms: Median from message to /timbrel/chosen.
        p99_ms: 99th percentile.
        ping_p50_ms: Median from /timbrel/ping to its pong in the same run: the way to Timbrel and back alone.
    """

    adapter: str
    sounds: tuple[str, str]
    result: str
    count: int
    p50_ms: float
    p99_ms: float
    ping_p50_ms: float


def bench_choose(adapter: str, sounds: Sequence[Sound], track: str, count: int) -> ChooseTimes:
    """Choose two sounds in turn in a host that runs already.

    Args:
        adapter: NAME[:HOST:PORT] of the host.
        sounds: Those to choose from; the first two that the host loads itself are taken.
        track: Where to; empty = the usual place.
        count: Choices.

    Raises:
        InputError: The adapter has no host, or the host loads none of the sounds.
        TimbrelError: The host does not answer, or a choice failed.
    """
    with TemporaryDirectory() as folder:
        made = make_adapter(adapter, Path(folder))
        if made.reach is None:
            raise InputError(f"--adapter {adapter}", "has no host", "name one, as zynaddsubfx:127.0.0.1:12345")
        return asyncio.run(_bench(made, _loadable(made, sounds), track, count, Path(folder)))


def _loadable(adapter: DawAdapter, sounds: Sequence[Sound]) -> tuple[Sound, Sound]:
    """Return the first two sounds of different names that the host loads."""
    found: dict[str, Sound] = {}
    for sound in sounds:
        delivery = adapter.load(sound, sound.program, None)
        if delivery.steps or (delivery.packets and "program" in adapter.can):
            found.setdefault(sound.name, sound)
        if len(found) == 2:
            first, second = found.values()
            return first, second
    raise InputError(adapter.name, "loads fewer than two sounds of this library", "name a library of what it can load")


async def _bench(
    adapter: DawAdapter, sounds: tuple[Sound, Sound], track: str, count: int, scratch: Path
) -> ChooseTimes:
    hub = Hub(HubOptions("bench"), [adapter])
    suggestion = Suggestion(1, tuple(Match(sound, 0.9) for sound in sounds), 0.9, 1.0)
    hub.on_state("listening", "")
    hub.on_analysis(Analysis(0, 0.0, 5.0, (suggestion,), None, -20.0, Timing()), 1.0)

    def execute(effects: list[Effect], asker: Asker | None) -> None:
        for effect in effects:
            if isinstance(effect, Deliver):
                carrier.deliver(effect, asker)
            elif isinstance(effect, Send | Reply):
                server.publish(effect, asker)

    def on_command(command: HubCommand, asker: Asker) -> None:
        execute(hub.handle(command, time.monotonic()), asker)

    carrier = Carrier(hub, [adapter], scratch, execute, lambda _: None)
    server = OscServer(on_command, hub.snapshot)
    await server.start(bind("127.0.0.1", 17_390))
    carrier.start(Config())
    try:
        await _online(hub, adapter)
        hub.handle(SetTarget(adapter.name, track), time.monotonic())
        return await _measure(server, adapter, sounds, count)
    finally:
        carrier.close()
        server.close()
        await asyncio.sleep(_POLL_S)


async def _online(hub: Hub, adapter: DawAdapter) -> None:
    end = time.monotonic() + ONLINE_S
    while not hub.targets.can_send(adapter):
        if time.monotonic() > end:
            reach = adapter.reach
            where = f"{reach.host}:{reach.port}" if reach else ""
            raise TimbrelError(adapter.name, f"does not answer at {where}", "start it first; see `timbrel doctor`")
        await asyncio.sleep(_POLL_S)


async def _measure(server: OscServer, adapter: DawAdapter, sounds: tuple[Sound, Sound], count: int) -> ChooseTimes:
    loop = asyncio.get_running_loop()
    answers: asyncio.Queue[OscMessage] = asyncio.Queue()

    class Client(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:  # noqa: ARG002
            answers.put_nowait(OscMessage(data))

    transport, _ = await loop.create_datagram_endpoint(Client, remote_addr=server.endpoint)

    async def ask(request: bytes, address: str) -> tuple[float, OscMessage]:
        begun = time.perf_counter()
        transport.sendto(request)
        async with asyncio.timeout(CHOSEN_S):
            while (answer := await answers.get()).address not in (address, "/timbrel/error"):
                pass
        return 1e3 * (time.perf_counter() - begun), answer

    took, pings, result = [], [], ""
    try:
        for number in range(count):
            pings.append((await ask(_message("/timbrel/ping", "bench"), "/timbrel/pong"))[0])
            request = _message("/timbrel/suggest/choose", number % 2 + 1, 0)
            ms, answer = await ask(request, "/timbrel/chosen")
            if answer.address == "/timbrel/error" or answer.params[4] == "failed":
                raise TimbrelError(adapter.name, f"failed: {answer.params[-1]}", "see `timbrel doctor`")
            took.append(ms)
            result = str(answer.params[4])
    except TimeoutError:
        raise TimbrelError(adapter.name, f"reported no choice in {CHOSEN_S:g} s", "see `timbrel doctor`") from None
    finally:
        transport.close()
    names = (sounds[0].name, sounds[1].name)
    p50, p99 = np.percentile(took, [50, 99])
    return ChooseTimes(adapter.name, names, result, count, float(p50), float(p99), float(np.median(pings)))


def _message(address: str, *args: int | str) -> bytes:
    builder = OscMessageBuilder(address=address)
    for arg in args:
        builder.add_arg(arg)
    data: bytes = builder.build().dgram
    return data
