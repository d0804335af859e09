from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pythonosc.osc_message import OscMessage

from bridge.osc import messages
from bridge.osc.addresses import ADDRESSES
from bridge.osc.encode import MAX_MESSAGE_BYTES, message, shorten, shorten_id, to_datagram
from library.sounds import MidiProgram
from tests.bridge.osc_peer import text


def test_each_family_of_messages_has_its_literal_bytes() -> None:
    assert to_datagram(messages.pong("t", "0.1.0", 7)) == (
        text("/timbrel/pong") + text(",sssii") + text("t") + text("timbrel") + text("0.1.0") + b"\0\0\0\1\0\0\0\7"
    )
    assert to_datagram(messages.list_begin(2, 1, "bus")) == (
        text("/timbrel/suggest/begin") + text(",iis") + b"\0\0\0\2\0\0\0\1" + text("bus")
    )
    assert to_datagram(messages.list_item(2, 1, 3, 1, "gm:0:40", "Violin", "gm", 0.5, 1.0)) == (
        text("/timbrel/suggest/item")
        + text(",iiiisssff")
        + b"\0\0\0\2\0\0\0\1\0\0\0\3\0\0\0\1"
        + text("gm:0:40")
        + text("Violin")
        + text("gm")
        + b"\x3f\0\0\0\x3f\x80\0\0"
    )
    assert to_datagram(messages.list_end(2)) == text("/timbrel/suggest/end") + text(",i") + b"\0\0\0\2"
    assert to_datagram(messages.status("silent", "x")) == (
        text("/timbrel/status") + text(",ss") + text("silent") + text("x")
    )
    assert to_datagram(messages.heartbeat(1, 2)) == text("/timbrel/heartbeat") + text(",ii") + b"\0\0\0\1\0\0\0\2"
    assert to_datagram(messages.bye("why")) == text("/timbrel/bye") + text(",s") + text("why")
    assert to_datagram(messages.error("/x", 404, "no")) == (
        text("/timbrel/error") + text(",sis") + text("/x") + b"\0\0\1\x94" + text("no")
    )
    assert to_datagram(messages.reply("/x", "ok")) == text("/timbrel/reply") + text(",ss") + text("/x") + text("ok")
    assert to_datagram(messages.chosen(1, 2, "id", "generic", "ok", "d")) == (
        text("/timbrel/chosen")
        + text(",iissss")
        + b"\0\0\0\1\0\0\0\2"
        + text("id")
        + text("generic")
        + text("ok")
        + text("d")
    )
    assert to_datagram(messages.mirror(8, "Flute", 0.5)[0]) == (
        text("/timbrel/suggest/8/name") + text(",s") + text("Flute")
    )
    assert to_datagram(messages.mirror(1, "", 0.0)[1]) == text("/timbrel/suggest/1/score") + text(",f") + b"\0" * 4


def test_programs_count_channels_from_one_and_mark_what_is_open() -> None:
    head = text("/timbrel/suggest/program") + text(",iiiiii") + b"\0\0\0\1\0\0\0\2"
    open_program = messages.list_program(1, 2, MidiProgram(None, None, None, 5))
    assert to_datagram(open_program) == head + b"\xff\xff\xff\xff" * 3 + b"\0\0\0\5"
    full = messages.midi_program(MidiProgram(2, 121, 3, 5))
    assert to_datagram(full) == (text("/timbrel/midi/program") + text(",iiii") + b"\0\0\0\3\0\0\0\x79\0\0\0\3\0\0\0\5")


def test_raw_midi_is_port_status_and_two_bytes() -> None:
    (one,) = messages.midi_raw([b"\xc2\x05"])
    assert to_datagram(one) == text("/timbrel/midi/raw") + text(",m") + b"\x00\xc2\x05\x00"


def test_help_has_a_row_for_every_address() -> None:
    rows = messages.help_rows()
    assert [row.args[:3] for row in rows] == [(n, len(ADDRESSES), a.path) for n, a in enumerate(ADDRESSES, 1)]
    assert all(row.args[3] == a.types for row, a in zip(rows, ADDRESSES, strict=True))
    # Nothing of the documentation is cut off on its way.
    assert all(OscMessage(to_datagram(row)).params[4].endswith(a.doc) for row, a in zip(rows, ADDRESSES, strict=True))


ANY_TEXT = st.text(st.characters(), max_size=2000)


@settings(max_examples=150)
@given(ANY_TEXT, ANY_TEXT, ANY_TEXT)
def test_no_text_makes_a_message_longer_than_1024_bytes_or_unreadable(a: str, b: str, c: str) -> None:
    for out in (
        messages.list_item(1, 1, 1, 1, a, b, c, float("nan"), 1e300 * 1e300),
        messages.chosen(2**40, 1, a, b, "failed", c),
        messages.list_begin(1, 1, a),
        messages.status("listening", a),
        messages.error("/x", 400, a),
        messages.registered(a[:8], 1, ":suggest:"),
        *messages.mirror(1, a, 0.5),
    ):
        datagram = to_datagram(out)
        assert len(datagram) <= MAX_MESSAGE_BYTES
        assert OscMessage(datagram).address == out.address


def test_a_text_is_cut_at_a_character_and_says_so() -> None:
    assert shorten("short") == "short"
    assert shorten("é" * 10, 10) == "ééé…"
    assert len(shorten("🎹" * 100, 41).encode()) <= 41


def test_long_ids_stay_different() -> None:
    a, b = "x/" * 400 + "a", "x/" * 400 + "b"
    assert shorten_id(a) != shorten_id(b)
    assert shorten_id("folder/kick.wav") == "folder/kick.wav"
    assert len(shorten_id(a).encode()) <= 400


def test_a_name_with_a_line_break_or_nul_stays_one_line() -> None:
    out = OscMessage(to_datagram(messages.mirror(1, "a\nb\0c", 0.0)[0]))
    assert out.params == ["a b c"]


def test_an_address_that_is_not_listed_or_wrongly_filled_is_an_error() -> None:
    with pytest.raises(KeyError):
        message("/timbrel/nothing")
    with pytest.raises(ValueError, match="takes 1 arguments"):
        message("/timbrel/bye")
