"""Answer threads that ask at the same time together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

__all__ = ["Together"]

_Question = TypeVar("_Question")
_Answer = TypeVar("_Answer")


@dataclass(slots=True, eq=False)
class _Asked(Generic[_Question, _Answer]):
    question: _Question
    answer: list[_Answer] = field(default_factory=list)
    error: Exception | None = None

    @property
    def is_done(self) -> bool:
        return bool(self.answer) or self.error is not None


class Together(Generic[_Question, _Answer]):
    """Let many threads ask what is best answered for several at once.

    Nobody waits for others to come: whoever finds the one who answers idle is answered, and with it all who came while
    the last answer was worked out.

    Args:
        answers: Gives the answers to some questions, in their order; one thread at a time is in it.
        most: Questions that it takes at once.
    """

    def __init__(self, answers: Callable[[Sequence[_Question]], Sequence[_Answer]], most: int) -> None:
        self._answers, self._most = answers, most
        self._turn, self._lock = threading.Lock(), threading.Lock()
        self._waiting: list[_Asked[_Question, _Answer]] = []

    def ask(self, question: _Question) -> _Answer:
        """Return the answer; what goes wrong is raised in all threads that it was worked out for."""
        mine: _Asked[_Question, _Answer] = _Asked(question)
        with self._lock:
            self._waiting.append(mine)
        with self._turn:
            while not mine.is_done:
                self._answer_some()
        if mine.error is not None:
            raise mine.error
        return mine.answer[0]

    def _answer_some(self) -> None:
        with self._lock:
            some, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
        try:
            for asked, answer in zip(some, self._answers([asked.question for asked in some]), strict=True):
                asked.answer.append(answer)
        except Exception as error:  # noqa: BLE001  raised again where it was asked
            for asked in some:
                asked.error = error
