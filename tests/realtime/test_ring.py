"""Tests of realtime.ring."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from library.errors import CaptureError, InputError
from realtime.ring import GAP_LOG, GUARD_FRAMES, Ring
from realtime.supervisor import capture_environment
from tests.integration.jack import wait_for

_RACER = """
import sys, numpy as np
from realtime.ring import Ring
ring = Ring.attach(sys.argv[1])
ring.begin(48000)
block = np.empty((1024, 2), np.float32)
count = np.arange(1024, dtype=np.int64)
position = 0
while True:
    block[:] = ((position + count) % 65536)[:, None]
    ring.write(block)
    position += 1024
"""


def test_what_is_written_in_odd_blocks_is_read_back_across_the_wrap() -> None:
    ring = Ring.create(0.01, 1000, 1)
    frames = np.arange(3 * (GUARD_FRAMES + 10), dtype=np.float32)[:, None]
    for start in range(0, len(frames), 777):
        ring.write(frames[start : start + 777])
    got = ring.read(len(frames) - 10, 10)
    assert got is not None
    np.testing.assert_array_equal(got, frames[-10:])
    ring.close()


def test_frames_that_are_overwritten_or_not_written_yet_are_not_given_out() -> None:
    ring = Ring.create(1.0, 100, 2)
    ring.write(np.ones((150, 2), np.float32))
    assert ring.read(100, 51) is None
    assert ring.read(-1, 10) is None
    assert ring.read(49, 10) is None, "the writer may be tearing frames that far back"
    assert ring.read(50, 100) is not None
    ring.close()


def test_a_mono_block_fills_both_channels() -> None:
    ring = Ring.create(1.0, 100, 2)
    ring.write(np.full((5, 1), 0.5, np.float32))
    got = ring.read(0, 5)
    assert got is not None
    assert (got == 0.5).all()
    ring.close()


def test_a_block_longer_than_the_guard_is_written_in_pieces() -> None:
    ring = Ring.create(3.0, GUARD_FRAMES, 1)
    frames = np.arange(2 * GUARD_FRAMES + 5, dtype=np.float32)[:, None]
    ring.write(frames)
    got = ring.read(0, len(frames))
    assert got is not None
    np.testing.assert_array_equal(got, frames)
    ring.close()


def test_a_gap_is_seen_only_by_stretches_that_contain_it() -> None:
    ring = Ring.create(1.0, 1000, 1)
    ring.write(np.zeros((100, 1), np.float32))
    ring.mark_gap(7)
    ring.write(np.zeros((100, 1), np.float32))
    assert ring.has_gap(50, 100)
    assert not ring.has_gap(0, 100)
    assert not ring.has_gap(100, 100), "the stretch that begins after the gap is whole"
    assert ring.lost_frames == 7
    ring.close()


def test_a_stretch_older_than_the_gap_log_is_not_called_whole() -> None:
    ring = Ring.create(10.0, 1000, 1)
    for _ in range(GAP_LOG + 1):
        ring.write(np.zeros((10, 1), np.float32))
        ring.mark_gap()
    assert ring.has_gap(5, 10)
    ring.close()


def test_resuming_marks_a_gap_and_a_new_rate_begins_an_epoch() -> None:
    ring = Ring.create(1.0, 48_000, 1)
    ring.begin(48_000)
    assert not ring.has_gap(0, 10)
    ring.write(np.zeros((100, 1), np.float32))
    ring.begin(44_100)
    assert (ring.sample_rate, ring.epoch_frame) == (44_100, 100)
    ring.write(np.zeros((100, 1), np.float32))
    assert ring.has_gap(50, 100)
    ring.close()


def test_counters_stay_readable_after_close_and_closing_twice_is_fine() -> None:
    ring = Ring.create(1.0, 1000, 1)
    ring.write(np.zeros((100, 1), np.float32))
    ring.close()
    ring.close()
    assert ring.total_frames == 100
    assert ring.read(0, 100) is None
    with pytest.raises(CaptureError, match="no ring"):
        Ring.attach(ring.name)


@pytest.mark.parametrize(("seconds", "rate", "channels"), [(0, 1, 1), (1, 0, 1), (1, 1, 0), (1, 1, 3)])
def test_a_ring_that_makes_no_sense_is_refused(seconds: float, rate: int, channels: int) -> None:
    with pytest.raises(InputError, match="needs a length"):
        Ring.create(seconds, rate, channels)


def test_the_end_of_an_attached_process_leaves_the_ring_in_place() -> None:
    ring = Ring.create(1.0, 1000, 1)
    code = "import sys; from realtime.ring import Ring; Ring.attach(sys.argv[1]).begin(1000)"
    done = subprocess.run(
        [sys.executable, "-c", code, ring.name],
        capture_output=True,
        timeout=60,
        check=True,
        env=capture_environment(),
    )
    assert done.stderr == b""
    again = Ring.attach(ring.name)
    assert again.sample_rate == 1000
    again.close()
    ring.close()


def test_no_window_is_torn_while_another_process_writes_as_fast_as_it_can() -> None:
    ring = Ring.create(0.5, 48_000, 2)
    racer = subprocess.Popen([sys.executable, "-c", _RACER, ring.name], env=capture_environment())
    try:
        wait_for(lambda: ring.total_frames > 4 * ring.readable_frames, "the writer runs", 60.0)
        whole = torn = lost = 0
        while whole < 3000 and lost < 100_000:
            # From the oldest frames that may be read: where a copy is most likely to be overtaken.
            frames = ring.readable_frames - 4096
            start = ring.total_frames - ring.readable_frames + 4096 * (whole % 2)
            got = ring.read(start, frames)
            if got is None:
                lost += 1
                continue
            whole += 1
            expected = ((start + np.arange(frames)) % 65536).astype(np.float32)
            torn += not (np.array_equal(got[:, 0], expected) and np.array_equal(got[:, 1], expected))
    finally:
        racer.kill()
        racer.wait(10)
        ring.close()
    assert torn == 0
    assert whole >= 1000
