"""Check that threads which ask at the same time get each its own answer, from few passes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import pytest

from library.encoders.together import Together


def _all_ask(ask: Callable[[int], int], count: int) -> dict[int, int | str]:
    """Let threads ask for 0, 1 ...; return what each got, an error as its text."""
    got: dict[int, int | str] = {}

    def one(number: int) -> None:
        try:
            got[number] = ask(number)
        except ValueError as error:
            got[number] = str(error)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    return got


class _Slow:
    """Answer with the double; the first pass ends when as many wait as should."""

    def __init__(self, waiting: int) -> None:
        self.passes: list[list[int]] = []
        self.together: Together[int, int] | None = None
        self._waiting, self._inside = waiting, threading.Lock()

    def __call__(self, numbers: Sequence[int]) -> list[int]:
        assert self._inside.acquire(blocking=False), "one thread at a time"
        self.passes.append(list(numbers))
        assert self.together is not None
        pause = threading.Event()
        while len(self.passes) == 1 and len(self.together._waiting) < self._waiting:
            pause.wait(0.001)
        self._inside.release()
        return [2 * number for number in numbers]


def test_who_comes_while_another_is_answered_is_answered_with_all_who_came() -> None:
    slow = _Slow(waiting=9)
    together = slow.together = Together[int, int](slow, 64)
    assert _all_ask(together.ask, 10) == {number: 2 * number for number in range(10)}
    assert [len(some) for some in slow.passes] == [1, 9]


def test_more_than_fit_are_answered_in_turns() -> None:
    slow = _Slow(waiting=9)
    together = slow.together = Together[int, int](slow, 4)
    assert _all_ask(together.ask, 10) == {number: 2 * number for number in range(10)}
    assert [len(some) for some in slow.passes] == [1, 4, 4, 1]


def test_what_goes_wrong_is_told_to_those_it_was_done_for_and_the_next_are_answered() -> None:
    def answers(numbers: Sequence[int]) -> list[int]:
        if 3 in numbers:
            raise ValueError("three")
        return [2 * number for number in numbers]

    together = Together[int, int](answers, 1)
    expected: dict[int, int | str] = {number: 2 * number for number in range(6)}
    assert _all_ask(together.ask, 6) == expected | {3: "three"}
    assert together.ask(7) == 14


def test_too_few_answers_are_an_error() -> None:
    with pytest.raises(ValueError, match="shorter"):
        Together[int, int](lambda _: [], 4).ask(1)
