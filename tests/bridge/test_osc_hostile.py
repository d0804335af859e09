"""Check that no mutation of a datagram gets past the guard as something unsafe, and that a server outlives them all."""

from __future__ import annotations

import json
import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.bench.datagrams import KINDS, Mutator, valid_datagrams
from bridge.osc.guard import FROM_CLIENTS, FROM_HOSTS, Limits, read_datagram
from tests.bridge.osc_line import HERE, OTHER, OWN, Line
from tests.bridge.shell import Shell

PLAIN = re.compile(r"(/[A-Za-z0-9_.:+~-]+)+")


def test_every_valid_datagram_is_read_and_every_kind_of_mutation_is_made() -> None:
    assert all(not read_datagram(data)[1] for data in valid_datagrams())
    mutate = Mutator(3)
    assert {mutate().kind for _ in range(500)} == set(KINDS)


def test_the_same_seed_makes_the_same_datagrams() -> None:
    first, second, other = Mutator(5), Mutator(5), Mutator(6)
    assert [first().data for _ in range(50)] == [second().data for _ in range(50)]
    assert [first().data for _ in range(50)] != [other().data for _ in range(50)]


@pytest.mark.parametrize("limits", [FROM_CLIENTS, FROM_HOSTS], ids=["clients", "hosts"])
@settings(max_examples=200)
@given(st.integers(0, 2**32))
def test_what_is_taken_is_safe_whatever_was_sent(limits: Limits, seed: int) -> None:
    mutate = Mutator(seed)
    for _ in range(20):
        taken, refused = read_datagram(mutate().data, limits)
        assert len(taken) + len(refused) <= limits.messages + 1
        for one in taken:
            assert PLAIN.fullmatch(one.address)
            assert len(one.address) <= 128
            assert len(one.args) == len(one.types) <= limits.args
            assert all(math.isfinite(value) for value in one.args if isinstance(value, float))
            assert all(
                len(value.encode("utf-8")) <= limits.message_bytes for value in one.args if isinstance(value, str)
            )
        for no in refused:
            assert no.path.isprintable()
            assert no.path.isascii()


@settings(max_examples=100)
@given(st.integers(0, 2**32))
def test_a_server_answers_a_ping_after_anything(seed: int) -> None:
    line, mutate = Line(), Mutator(seed)
    for _ in range(30):
        one = mutate()
        line.raw(one.data)
        line.raw(one.data, OWN)
        line.now += 0.2
        assert line.ping(OTHER)
    assert all(endpoint != OWN for _, _, endpoint in line.sent)


def test_a_bundle_of_the_far_future_is_not_waited_for() -> None:
    line = Line()
    ping = b"/timbrel/ping\0\0\0,s\0\0now\0"
    line.raw(b"#bundle\0" + b"\xff" * 8 + len(ping).to_bytes(4, "big") + ping)
    assert line.count("/timbrel/pong", HERE) == 1


@pytest.mark.slow
def test_the_bench_shows_that_guard_and_server_stand(shell: Shell) -> None:
    ended = shell("bench", "hostile", "--count", "2000", "--json")
    found = json.loads(ended.out)
    assert (ended.code, found["crashes"], found["stands"]) == (0, 0, True), found["failures"]
    assert found["pings"] == found["pongs"] > 0
    assert found["server"]["received"] > found["sent"]
