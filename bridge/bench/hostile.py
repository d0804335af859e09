"""Feed hostile datagrams to the guard and to a running OSC server, and show that both stand."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import psutil

from bridge.bench.datagrams import KINDS, OWN_ADDRESS, Mutator
from bridge.bench.hostile_server import make_server
from bridge.commands import Refusal
from bridge.osc.clients import Endpoint
from bridge.osc.dispatch import to_command
from bridge.osc.encode import Message, to_datagram
from bridge.osc.guard import read_datagram
from library.errors import TimbrelError

__all__ = ["HostileBench", "bench_hostile"]

SHARE_SENT = 20
"""One in so many goes over a real socket as well."""

SENDERS = 30
PACE = 1200.0
"""Subscribed sockets that send them, and datagrams a second of all: a datagram costs nine messages on average, and each
sender may send 500 a second; faster, most would be dropped unread."""

BATCH = 64
BATCH_BYTES = 64 << 10
"""Datagrams, and bytes, between two pings; more would overflow the socket's buffer, which nobody can prevent."""

FLOOD = 20_000
"""Datagrams that one stranger sends at the end, as fast as it can."""

WARM_UP = 0.1
"""Share of the datagrams after which memory is measured first."""

_OWN: Endpoint = ("127.0.0.1", 17_370)

_LONGEST = 65_507
"""What UDP carries."""

PONG_S = 5.0
AGAIN_S = 0.005
"""Time to the next ping after the flood."""

_MIB = 2**20
_STEP = 10_000


@dataclass(slots=True)
class HostileBench:
    """Hold what became of the datagrams.

    Attributes:
        datagrams: Fed to the guard.
        taken: Messages that were found safe, by kind of datagram.
        refused: Messages that were refused, by kind.
        commands: Of those taken, the ones that mean something.
        crashes: Exceptions, processes that died, answers to Timbrel's own address.
        failures: The first of them.
        guard_cpu_s: CPU seconds of guard and dispatch for 100,000 datagrams.
        slowest_ms: CPU time of the slowest datagram.
        guard_rss_mib: Growth of memory after the first tenth.
        sent: Datagrams over the socket.
        server: What the server counted.
        server_cpu_s: Its CPU seconds for 100,000 of them, answers included.
        server_rss_mib: Growth of its memory after the first tenth.
        pings: Pings of another sender meanwhile.
        pongs: Of them, those answered.
        flood: Datagrams of a stranger at the end.
        flood_cpu_s: What they cost the server, for 100,000.
        after_ms: From the end of the flood, asked again every 5 ms, to the pong of a ping.
    """

    datagrams: int
    taken: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    refused: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    commands: int = 0
    crashes: int = 0
    failures: list[str] = field(default_factory=list)
    guard_cpu_s: float = 0.0
    slowest_ms: float = 0.0
    guard_rss_mib: float = 0.0
    sent: int = 0
    server: dict[str, int] = field(default_factory=dict)
    server_cpu_s: float = 0.0
    server_rss_mib: float = 0.0
    pings: int = 0
    pongs: int = 0
    flood: int = FLOOD
    flood_cpu_s: float = 0.0
    after_ms: float = 0.0

    @property
    def stands(self) -> bool:
        """Whether nothing failed and every ping was answered."""
        return self.crashes == 0 and self.pongs == self.pings and self.after_ms > 0.0

    def fail(self, what: object) -> None:
        """Count one failure."""
        self.crashes += 1
        self.failures = [*self.failures, repr(what)][:3]


def bench_hostile(count: int, seed: int, progress: Callable[[str], None]) -> HostileBench:
    """Feed `count` datagrams to the guard, and every twentieth to a server over a socket.

    Args:
        count: How many.
        seed: Where the mutations begin.
        progress: Called with what is being done.

    Raises:
        TimbrelError: The server did not start.
    """
    result = HostileBench(count)
    _feed_guard(result, Mutator(seed), progress)
    command = [sys.executable, "-c", "from bridge.bench.hostile_server import main; main()"]
    pipe, quiet = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=quiet, text=True) as process:
        try:
            _feed_server(result, Mutator(seed + 1), process, progress)
        finally:
            process.kill()
    return result


def _feed_guard(result: HostileBench, mutate: Mutator, progress: Callable[[str], None]) -> None:
    mine = psutil.Process()
    answers = _Unanswered()
    server, _ = make_server()
    server.clients.own = frozenset({_OWN})
    server.connection_made(answers)
    busy = slowest = 0
    before = 0
    for number in range(result.datagrams):
        if number == round(result.datagrams * WARM_UP):
            before = mine.memory_info().rss
        if number % _STEP == 0:
            progress(f"guard: {number:,} of {result.datagrams:,}")
        one = mutate()
        begun = time.thread_time_ns()
        try:
            if one.kind == OWN_ADDRESS:
                server.datagram_received(one.data, _OWN)
                continue
            taken, refused = read_datagram(one.data)
            for incoming in taken:
                with suppress(Refusal):
                    to_command(incoming)
                    result.commands += 1
        except Exception as error:  # noqa: BLE001 what the bench looks for
            result.fail((one.kind, error, one.data[:64]))
            continue
        finally:
            took = time.thread_time_ns() - begun
            busy += took
            slowest = max(slowest, took)
        result.taken[one.kind] += len(taken)
        result.refused[one.kind] += len(refused)
    for _ in range(answers.count + server.counts.received):
        result.fail("an answer to Timbrel's own address")
    result.guard_rss_mib = (mine.memory_info().rss - before) / _MIB
    result.guard_cpu_s = busy / 1e9 / result.datagrams * 100_000
    result.slowest_ms = slowest / 1e6


def _feed_server(
    result: HostileBench, mutate: Mutator, process: subprocess.Popen[str], progress: Callable[[str], None]
) -> None:
    where = _told(process)
    if "port" not in where:
        raise TimbrelError("the OSC server of the bench", "did not start", "look at what it wrote")
    looked = psutil.Process(process.pid)
    senders = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(SENDERS + 1)]
    asker = _Asker(("127.0.0.1", where["port"]))
    try:
        for number, sock in enumerate(senders):
            sock.connect(asker.target)
            if number < SENDERS:
                sock.send(to_datagram(Message("/timbrel/register", "siis", (f"bench {number}", 3600, 0, ":status:"))))
        _send_share(result, mutate, senders[:-1], asker, looked, progress)
        progress(f"flood of {FLOOD:,} datagrams from one sender")
        cpu_s = _cpu_s(looked)
        data = to_datagram(Message("/timbrel/next", "", ()))
        for _ in range(FLOOD):
            with suppress(OSError):
                senders[-1].send(data)
        begun = time.perf_counter()
        # The system drops the first ones while the socket's buffer is still full of the flood.
        if any(asker.ask(AGAIN_S) for _ in range(round(PONG_S / AGAIN_S))):
            result.after_ms = 1e3 * (time.perf_counter() - begun)
        result.flood_cpu_s = (_cpu_s(looked) - cpu_s) / FLOOD * 100_000
    except (psutil.Error, OSError) as error:
        result.fail(error)
    finally:
        asker.close()
        for sock in senders:
            sock.close()
    found = _told(process, end=True)
    for failure in found.get("failures", ["the server died"]):
        result.fail(failure)
    result.server = found.get("counts", {})


def _send_share(
    result: HostileBench,
    mutate: Mutator,
    senders: list[socket.socket],
    asker: _Asker,
    looked: psutil.Process,
    progress: Callable[[str], None],
) -> None:
    count = max(BATCH, result.datagrams // SHARE_SENT)
    cpu_s = _cpu_s(looked)
    before = waiting = waiting_bytes = 0
    begun = time.monotonic()
    for number in range(count):
        if waiting >= BATCH or waiting_bytes >= BATCH_BYTES:
            waiting = waiting_bytes = 0
            progress(f"server: {number:,} of {count:,}")
            result.pings += 1
            result.pongs += asker.ask()
            time.sleep(max(0.0, begun + number / PACE - time.monotonic()))
        if before == 0 and number >= count * WARM_UP:
            before = looked.memory_info().rss
        data = mutate().data
        with suppress(ConnectionError):  # a server that died shows at the next ping
            waiting, waiting_bytes = waiting + 1, waiting_bytes + len(data)
            senders[number % SENDERS].send(data[:_LONGEST])
            result.sent += 1
    result.pings += 1
    result.pongs += asker.ask()
    result.server_cpu_s = (_cpu_s(looked) - cpu_s) / count * 100_000
    result.server_rss_mib = (looked.memory_info().rss - before) / _MIB


class _Unanswered(asyncio.DatagramTransport):
    """Count what is sent where nothing may be."""

    count = 0

    def sendto(self, data: object, addr: object = None) -> None:  # noqa: ARG002
        self.count += 1


class _Asker:
    """Ping from a socket of its own."""

    def __init__(self, target: Endpoint) -> None:
        self.target = target
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._number = 0

    def ask(self, wait_s: float = PONG_S) -> bool:
        """Ping, and tell whether the pong came."""
        self._number += 1
        self._sock.sendto(to_datagram(Message("/timbrel/ping", "s", (str(self._number),))), self.target)
        end = time.monotonic() + wait_s
        while (left := end - time.monotonic()) > 0:
            self._sock.settimeout(left)
            try:
                data = self._sock.recv(65_536)
            except OSError:
                continue
            if any(one.args[0] == str(self._number) for one in read_datagram(data)[0] if "pong" in one.address):
                return True
        return False

    def close(self) -> None:
        self._sock.close()


def _told(process: subprocess.Popen[str], *, end: bool = False) -> dict[str, Any]:  # Any: what JSON can hold
    """Return what the server prints at its start, or at its end."""
    if end and process.stdin is not None:
        with suppress(OSError):
            process.stdin.close()
    line = process.stdout.readline() if process.stdout is not None else ""
    found: dict[str, Any] = json.loads(line) if line else {}
    return found


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
