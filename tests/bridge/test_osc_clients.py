from __future__ import annotations

import pytest

from bridge.commands import Refusal, Register
from bridge.osc.clients import MAX_CLIENTS, MAX_TTL_S, Clients, parse_endpoint
from bridge.osc.limits import MAX_SENDERS, RateLimit
from library.errors import InputError

HERE = ("127.0.0.1", 5000)


def ask(ttl_s: int = 10, port: int = 0, capabilities: str = ":suggest:status:") -> Register:
    return Register("desk", ttl_s, port, capabilities)


def test_a_client_is_forgotten_when_its_time_is_over() -> None:
    clients = Clients()
    clients.register(ask(10), HERE, 0.0)
    assert clients.expire(9.9) == []
    assert [gone.endpoint for gone in clients.expire(10.0)] == [HERE]
    assert list(clients.wanting("suggest")) == []


def test_renewing_starts_the_time_again() -> None:
    clients = Clients()
    client = clients.register(ask(10), HERE, 0.0)
    clients.renew(client.id, 9.0)
    assert clients.expire(18.9) == []
    with pytest.raises(Refusal, match="404"):
        clients.renew(client.id, 19.0)


def test_port_0_means_where_the_request_came_from() -> None:
    clients = Clients()
    assert clients.register(ask(port=0), HERE, 0.0).endpoint == HERE
    assert clients.register(ask(port=6000), HERE, 0.0).endpoint == ("127.0.0.1", 6000)


def test_registering_again_keeps_the_id_and_takes_the_new_wishes() -> None:
    clients = Clients()
    first = clients.register(ask(capabilities=":suggest:"), HERE, 0.0)
    second = clients.register(ask(capabilities=":status:"), HERE, 1.0)
    assert (first.id, len(clients)) == (second.id, 1)
    assert not second.wants("suggest")


@pytest.mark.parametrize(
    ("asked", "granted", "topics"),
    [
        (":suggest:status:", ":suggest:status:", {"suggest", "midi", "status"}),
        ("", ":suggest:status:midi:", {"suggest", "midi", "status"}),
        (":midi:", ":midi:", {"midi"}),
        (":status:nonsense:", ":status:", {"status"}),
        (":nonsense:", "", set()),
    ],
)
def test_capabilities_say_what_comes(asked: str, granted: str, topics: set[str]) -> None:
    client = Clients().register(ask(capabilities=asked), HERE, 0.0)
    assert client.capabilities == granted
    assert set(client.topics) == topics


@pytest.mark.parametrize(("ttl_s", "port"), [(0, 0), (-5, 0), (10, -1), (10, 65536)])
def test_wrong_wishes_are_refused(ttl_s: int, port: int) -> None:
    with pytest.raises(Refusal, match="400"):
        Clients().register(ask(ttl_s, port), HERE, 0.0)


def test_a_very_long_time_is_shortened_and_said() -> None:
    assert Clients().register(ask(2**31 - 1), HERE, 0.0).ttl_s == MAX_TTL_S


def test_the_own_address_is_no_destination() -> None:
    clients = Clients()
    clients.own = frozenset({("127.0.0.1", 17370)})
    with pytest.raises(Refusal, match="own address"):
        clients.register(ask(port=17370), HERE, 0.0)


def test_the_number_of_clients_is_bounded_and_old_ones_stay() -> None:
    clients = Clients()
    for port in range(MAX_CLIENTS):
        clients.register(ask(port=7000 + port), HERE, 0.0)
    with pytest.raises(Refusal, match="503"):
        clients.register(ask(port=9999), HERE, 0.0)
    clients.register(ask(port=7000), HERE, 0.0)
    clients.register(ask(port=9999), HERE, 11.0)


def test_a_permanent_client_gets_everything_and_stays() -> None:
    clients = Clients([HERE])
    assert clients.expire(1e9) == []
    (client,) = clients.wanting("midi")
    with pytest.raises(Refusal, match="400"):
        clients.unregister(client.id, 0.0)
    with pytest.raises(Refusal, match="409"):
        clients.register(ask(), HERE, 0.0)
    assert len(clients) == 1


def test_an_endpoint_is_a_literal_ipv4_address_and_a_port() -> None:
    assert parse_endpoint("127.0.0.1:9000") == ("127.0.0.1", 9000)


@pytest.mark.parametrize(
    "text", ["localhost:9000", "9000", ":9000", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:0", "::1:9"]
)
def test_another_endpoint_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(InputError) as error:
        parse_endpoint(text)
    assert "127.0.0.1:9000" in str(error.value)


def test_a_rate_limit_lets_a_burst_through_and_then_the_rate() -> None:
    limit = RateLimit(rate=2, burst=3)
    assert [limit.allow("a", 0.0) for _ in range(5)] == [True, True, True, False, False]
    assert limit.allow("b", 0.0)
    assert [limit.allow("a", 1.0) for _ in range(3)] == [True, True, False]


def test_a_rate_limit_remembers_a_bounded_number_of_senders() -> None:
    limit = RateLimit(rate=1, burst=1)
    assert limit.allow(0, 0.0)
    assert not limit.allow(0, 0.0)
    for other in range(1, MAX_SENDERS + 1):
        limit.allow(other, 0.0)
    assert limit.allow(0, 0.0)
