"""Tests of waiting no longer than for a time."""

from __future__ import annotations

import threading

import pytest

from realtime.within import within


def test_a_result_comes_back_and_what_is_raised_as_well() -> None:
    def fail() -> None:
        raise TimeoutError("of its own")

    assert within(5.0, lambda: 7, print) == 7
    with pytest.raises(TimeoutError, match="of its own"):
        within(5.0, fail, print)


def test_what_takes_too_long_is_left_and_undone_when_it_ends() -> None:
    go_on = threading.Event()
    undone = threading.Event()
    looks: list[int] = []
    results: list[str] = []

    def undo(result: str) -> None:
        results.append(result)
        undone.set()

    def work() -> str:
        go_on.wait(30)
        return "late"

    with pytest.raises(TimeoutError):
        within(0.5, work, undo, lambda: looks.append(1))
    assert looks
    assert not results
    go_on.set()
    assert undone.wait(30)
    assert results == ["late"]
