"""Check that columns of a moving window are kept, replaced and dropped as they should be."""

from __future__ import annotations

import pytest
import torch

from library.encoders.columns import Columns

WIDTH = 3


def columns(first: int, last: int, version: int = 0) -> torch.Tensor:
    """Return columns [n, 2, WIDTH] that say their number and which version of it they are."""
    numbers = torch.arange(first, last, dtype=torch.float32)
    return (100.0 * version + numbers)[:, None, None].expand(-1, 2, WIDTH).contiguous()


@pytest.mark.parametrize("step", [1, 3, 7])
def test_a_moving_window_holds_what_settled_and_the_newest_of_the_rest(step: int) -> None:
    kept, length, unsettled = Columns(), 10, 2
    settled = 0
    for turn in range(40):
        left = turn * step
        window = kept.put(columns(settled, left + length, turn), left, left + length - unsettled)
        settled = left + length - unsettled
        assert (window[:, 0, 0] % 100).tolist() == [number % 100 for number in range(left, left + length)]
        assert window[-1, 0, 0] // 100 == turn + (left + length - 1) // 100, "what may change is given anew"


def test_a_window_beyond_all_that_was_kept_drops_the_new_before_it() -> None:
    kept = Columns()
    kept.put(columns(0, 10), 0, 6)
    window = kept.put(columns(6, 20), 9, 16)
    assert window[:, 0, 0].tolist() == list(range(9, 20))


def test_cleared_columns_begin_again_at_nought() -> None:
    kept = Columns()
    kept.put(columns(0, 10), 0, 8)
    kept.clear()
    assert kept.put(columns(0, 4, 5), 0, 2)[:, 0, 0].tolist() == [500, 501, 502, 503]


def test_columns_of_another_width_find_room() -> None:
    kept = Columns()
    kept.put(columns(0, 4), 0, 4)
    kept.clear()
    assert kept.put(torch.ones(6, 2, 9), 0, 6).shape == (6, 2, 9)


def test_memory_is_used_again() -> None:
    kept = Columns()
    kept.put(columns(0, 10), 0, 8)
    places = {
        kept.put(columns(8 + turn, 11 + turn), turn + 1, 9 + turn).untyped_storage().data_ptr() for turn in range(50)
    }
    assert len(places) == 1
