from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.osc.guard import Incoming, Refused, read_datagram
from tests.bridge.osc_peer import packet, text

PING = text("/timbrel/ping") + text(",s") + text("abc")
IMMEDIATE = struct.pack(">Q", 1)


def bundle(*elements: bytes, timetag: bytes = IMMEDIATE) -> bytes:
    return b"#bundle\0" + timetag + b"".join(struct.pack(">i", len(one)) + one for one in elements)


def test_a_literal_message_is_read() -> None:
    data = b"/timbrel/suggest/choose\0,ii\0\0\0\0\x03\0\0\0\x07"
    assert read_datagram(data) == ((Incoming("/timbrel/suggest/choose", "ii", (3, 7)),), ())


def test_a_message_without_type_tags_is_read() -> None:
    assert read_datagram(b"/timbrel/next\0\0\0") == ((Incoming("/timbrel/next", "", ()),), ())


def test_messages_of_nested_bundles_are_read_in_their_order() -> None:
    first, second, third = (packet("/timbrel/ping", "s", token) for token in "abc")
    taken, refused = read_datagram(bundle(first, bundle(second), third))
    assert [one.args[0] for one in taken] == ["a", "b", "c"]
    assert refused == ()


def test_a_bundle_of_the_far_future_is_read_now() -> None:
    taken, _ = read_datagram(bundle(PING, timetag=b"\xff" * 8))
    assert [one.address for one in taken] == ["/timbrel/ping"]


@pytest.mark.parametrize("size", [-4, -1, 0, 2, 3, 8, 0x7FFFFFFF, -0x80000000])
def test_a_bundle_with_a_wrong_element_size_is_noise(size: int) -> None:
    taken, refused = read_datagram(b"#bundle\0" + IMMEDIATE + struct.pack(">i", size) + b"/a\0\0")
    assert taken == ()
    assert [one.code for one in refused] == [None]


def test_bundles_nested_too_deep_are_noise() -> None:
    data = PING
    for _ in range(5):
        data = bundle(data)
    taken, refused = read_datagram(data)
    assert taken == ()
    assert [one.code for one in refused] == [None]


def test_a_bundle_of_too_many_messages_is_cut() -> None:
    taken, refused = read_datagram(bundle(*[packet("/timbrel/next", "")] * 100))
    assert len(taken) == 64
    assert refused[-1].code == 413


@pytest.mark.parametrize("address", ["/" + "*a" * 14, "/timbrel/*", "/a?", "/[a-z]", "/{a,b}", "//a", "/a/", "/a b"])
def test_a_pattern_is_refused_without_being_matched(address: str) -> None:
    taken, refused = read_datagram(packet(address, ""))
    assert taken == ()
    assert refused[0].code == 400


@pytest.mark.parametrize("tag", [b",T", b",F", b",N", b",I", b",b", b",m", b",h", b",d", b",c", b",S", b",t", b",[i]"])
def test_a_message_with_another_type_is_discarded(tag: bytes) -> None:
    data = text("/timbrel/enable") + text(tag.decode()) + b"\0\0\0\1" * 2
    taken, refused = read_datagram(data)
    assert taken == ()
    assert [one.code for one in refused] == [400]


def test_more_than_1024_bytes_are_too_long_for_a_message_but_not_for_a_bundle() -> None:
    exact = packet("/timbrel/ping", "s", "x" * (1024 - 16 - 4 - 1))
    assert len(exact) == 1024
    assert len(read_datagram(exact)[0]) == 1
    longer = packet("/timbrel/ping", "s", "x" * 1020)
    assert read_datagram(longer) == ((), (Refused("/timbrel/ping", 413, "1044 bytes, a message holds at most 1024"),))
    assert len(read_datagram(bundle(exact, exact))[0]) == 2


def test_a_datagram_over_8192_bytes_is_too_long() -> None:
    taken, refused = read_datagram(bundle(*[PING] * 400))
    assert taken == ()
    assert [one.code for one in refused] == [413]


@pytest.mark.parametrize(
    "data",
    [
        text("/timbrel/enable") + text(",i"),  # argument missing
        text("/timbrel/enable") + text(",i") + b"\0" * 8,  # bytes left over
        text("/timbrel/ping") + text(",s") + b"abcd",  # string without an end
        text("/timbrel/ping") + text(",s") + "é".encode("latin-1") + b"\0\0\0",  # not UTF-8
        text("/timbrel/enable") + text("i") + b"\0\0\0\1",  # no comma
        text("/timbrel/choose/1") + text(",f") + struct.pack(">f", float("nan")),
        text("/timbrel/choose/1") + text(",f") + struct.pack(">f", float("inf")),
        text("/timbrel/ping") + text("," + "i" * 17) + b"\0" * 68,
    ],
)
def test_a_broken_message_is_refused(data: bytes) -> None:
    taken, refused = read_datagram(data)
    assert taken == ()
    assert refused[0].code == 400


@pytest.mark.parametrize("data", [b"", b"\0", b"abcd", b"/abc", b"/ab", b"#bundle\0", b"#bundle\0" + b"\0" * 5])
def test_noise_is_never_answered(data: bytes) -> None:
    taken, refused = read_datagram(data)
    assert taken == ()
    assert all(one.code is None for one in refused)


@settings(max_examples=400)
@given(st.binary(max_size=300))
def test_any_bytes_are_harmless(data: bytes) -> None:
    read_datagram(data)
    read_datagram(b"#bundle\0" + data)
    read_datagram(text("/timbrel/ping") + data)


@settings(max_examples=400)
@given(st.sampled_from([PING, bundle(PING, bundle(PING))]), st.data())
def test_any_changed_bytes_are_harmless(good: bytes, data: st.DataObject) -> None:
    broken = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    taken, _ = read_datagram(bytes(broken))
    assert all(isinstance(one, Incoming) for one in taken)
