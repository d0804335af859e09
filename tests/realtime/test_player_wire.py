"""Tests of what the player and its child process say to each other."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from library.errors import CaptureError
from realtime.player_wire import MAX_BODY_BYTES, Frame, Kind, pack, pack_rate, read_frame, unpack_rate


def test_a_frame_is_these_bytes() -> None:
    data = bytes.fromhex("5470 03 00 07000000 00000000")
    assert pack(Frame(Kind.STOP, 7)) == data
    samples = np.array([[0.5, -1.0]], "<f4").tobytes()
    assert pack(Frame(Kind.PLAY, 1, samples)) == bytes.fromhex("5470 02 00 01000000 08000000 0000003f 000080bf")
    assert unpack_rate(pack_rate(48_000, "Lautsprecher ü")) == (48_000, "Lautsprecher ü")


@given(st.lists(st.tuples(st.sampled_from(Kind), st.integers(0, 2**32 - 1), st.binary(max_size=60))), st.integers(1, 9))
def test_frames_come_back_from_a_stream_in_pieces(sent: list[tuple[Kind, int, bytes]], piece: int) -> None:
    frames = [Frame(*one) for one in sent]
    stream = io.BytesIO(b"".join(pack(frame) for frame in frames))

    def read(count: int) -> bytes:
        return stream.read(min(count, piece))

    got = []
    while frame := read_frame(read):
        got.append(frame)
    assert got == frames


@given(st.binary(max_size=40))
def test_what_is_no_frame_is_refused_or_ends(data: bytes) -> None:
    try:
        frame = read_frame(io.BytesIO(data).read)
    except CaptureError:
        return
    assert frame is None or data.startswith(pack(frame)[:3])


@pytest.mark.parametrize("head", ["5471 02 00 01000000 00000000", "5470 63 00 01000000 00000000"])
def test_nonsense_is_not_taken_for_a_frame(head: str) -> None:
    with pytest.raises(CaptureError):
        read_frame(io.BytesIO(bytes.fromhex(head)).read)


def test_a_body_over_the_limit_is_neither_sent_nor_waited_for() -> None:
    with pytest.raises(ValueError, match="at most"):
        pack(Frame(Kind.PLAY, 1, bytes(MAX_BODY_BYTES + 1)))
    head = pack(Frame(Kind.PLAY, 1))[:8] + (MAX_BODY_BYTES + 1).to_bytes(4, "little")
    with pytest.raises(CaptureError):
        read_frame(io.BytesIO(head).read)
