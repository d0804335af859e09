"""Check what floods cost, that they reach nobody else, and that a busy surface is no flood."""

from __future__ import annotations

import struct

from bridge.osc.addresses import ADDRESSES
from bridge.osc.limits import (
    LONG_ANSWER,
    MAX_SENDERS,
    RESERVE_RATE,
    SENDER_BURST,
    SENDER_RATE,
    UNKNOWN_BURST,
    RateLimit,
)
from tests.bridge.osc_line import HERE, OTHER, OWN, Line
from tests.bridge.osc_peer import packet

FADER = packet("/timbrel/enable", "i", 1)


def bundle(*elements: bytes) -> bytes:
    return b"#bundle\0" + struct.pack(">Q", 1) + b"".join(struct.pack(">i", len(one)) + one for one in elements)


def test_a_ping_of_another_sender_is_answered_all_through_a_flood() -> None:
    line = Line()
    for _ in range(20):
        for _ in range(1000):
            line.raw(FADER)
        assert line.ping(OTHER)
    assert len(line.commands) == SENDER_BURST
    assert line.server.counts.limited == 20_000 - SENDER_BURST
    assert line.errors(OTHER) == []


def test_a_flood_is_told_to_slow_down_once_a_second() -> None:
    line = Line()
    for step in range(100):
        line.now = 1000.0 + step / 10  # ten seconds in all
        for _ in range(1000):
            line.raw(FADER)
    assert len(line.commands) <= SENDER_BURST + 10 * SENDER_RATE
    assert set(line.errors(HERE)) == {429}
    assert 9 <= len(line.errors(HERE)) <= 11


def test_faders_at_100_messages_a_second_and_eight_at_once_pass() -> None:
    for rate in (100, 480):
        line = Line()
        for message in range(60 * rate):  # a minute
            line.now = 1000.0 + message / rate
            line.raw(FADER)
        assert len(line.commands) == 60 * rate
        assert line.server.counts.limited == 0


def test_a_bundle_costs_what_is_in_it() -> None:
    line = Line()
    for _ in range(1000):
        line.raw(bundle(*[FADER] * 64))
    assert len(line.commands) < SENDER_BURST + 64


def test_what_is_refused_costs_as_much() -> None:
    line = Line()
    for _ in range(5000):
        line.raw(packet("/*a*a", "i", 1))
    assert line.server.counts.refused == SENDER_BURST


def test_requests_with_long_answers_cost_more() -> None:
    line = Line()
    for _ in range(1000):
        line.say("/timbrel/help")
    assert line.count("/timbrel/help", HERE) <= len(ADDRESSES) * (1 + SENDER_BURST // LONG_ANSWER)
    line = Line()
    for _ in range(20):
        line.raw(bundle(*[packet("/timbrel/help", "")] * 64))
    assert line.count("/timbrel/help", HERE) <= len(ADDRESSES) * (1 + SENDER_BURST // LONG_ANSWER)


def test_a_flood_from_ever_new_ports_is_bounded_and_subscribers_do_not_notice() -> None:
    line = Line()
    assert line.register("desk", OTHER)
    for port in range(10_000, 40_000):
        line.raw(FADER, ("127.0.0.1", port))
    assert len(line.commands) <= UNKNOWN_BURST + RESERVE_RATE
    assert line.errors(HERE) == []
    assert line.ping(OTHER)
    line.now += 1.0
    assert line.ping(HERE)


def test_a_quiet_sender_is_answered_while_many_flood() -> None:
    line = Line()
    for _ in range(20):
        for message in range(4000):
            line.raw(FADER, ("127.0.0.1", 6000 + message % 16))
        assert line.ping(OTHER)
        line.now += 0.1
    assert line.server.counts.limited > 60_000


def test_a_flood_of_answers_or_noise_is_not_answered() -> None:
    line = Line()
    for _ in range(2000):
        line.say("/timbrel/error", "sis", "/x", 404, "y")
        line.raw(b"\xff" * 64)
    assert line.sent == []
    assert line.server.counts.limited > 0


def test_a_datagram_that_claims_to_come_from_timbrel_itself_is_dropped() -> None:
    line = Line()
    for data in (packet("/timbrel/ping", "s", "x"), packet("/timbrel/help", ""), bundle(FADER, FADER), b"\xff"):
        line.raw(data, OWN)
    assert (line.sent, line.commands, line.server.counts.received) == ([], [], 0)


def test_a_debt_is_bounded_and_so_are_the_senders() -> None:
    limit = RateLimit(rate=10, burst=100)
    limit.spend("a", 0.0, 1e9)
    assert not limit.has("a", 10.0)
    assert limit.has("a", 10.2)
    for other in range(10 * MAX_SENDERS):
        limit.allow(other, 20.0)
    assert len(limit) == MAX_SENDERS
