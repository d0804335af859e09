"""Say in one word and one sentence how one bus is, and how several are together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.offer import Offer
from bridge.suggestions import SuggestionList

__all__ = ["TELLING", "BusInfo", "Told", "info_of", "together"]

TELLING = ("degraded", "no-device", "disabled", "listening", "silent", "loading", "stopped")
"""Which state stands for several buses, the first that one of them has: what needs a hand, then what still works."""

_NEEDS_A_HAND = ("degraded", "no-device")
"""States in which the sentence says what to do."""


class Told:
    """Remember what the terminal was told since a state changed: each sentence that says what to do, once."""

    def __init__(self) -> None:
        self._sentences: set[str] = set()

    def is_news(self, sentence: str, state: str, before: str) -> bool:
        """Take in a sentence, the state that it came with, and the one before; tell whether it has to be told."""
        if state != before:
            self._sentences.clear()
        elif sentence in self._sentences or state not in _NEEDS_A_HAND:
            return False
        self._sentences.add(sentence)
        return True


@dataclass(frozen=True, slots=True)
class BusInfo:
    """Say how one bus is.

    Attributes:
        context: What is listened to, in the user's words.
        state: In one word.
        text: A sentence for people.
        heard: Instruments that are heard.
        shown: Its list.
    """

    context: str
    state: str
    text: str
    heard: int
    shown: SuggestionList


def info_of(bus: Offer, *, enabled: bool) -> BusInfo:
    """Return how one bus is; `enabled` says whether anything is suggested."""
    return BusInfo(bus.context, *_words(bus, enabled=enabled), len(bus.heard), bus.shown)


def _words(bus: Offer, *, enabled: bool) -> tuple[str, str]:
    state, text = bus.engine
    if not enabled and state in ("listening", "silent"):
        return "disabled", "suggestions are off; /timbrel/enable 1 turns them on"
    if state == "listening" and bus.heard:
        return state, f"hears {_instruments(len(bus.heard))} on {bus.context}"
    return state, text


def together(buses: Sequence[Offer], *, enabled: bool) -> tuple[str, str]:
    """Return the state of all buses, and a sentence: that of the bus where it is one, or where all say the same.

    Otherwise the sentence names each bus: those that need a hand first, then what is heard where, then the others.
    """
    words = [_words(bus, enabled=enabled) for bus in buses]
    state = min((state for state, _ in words), key=_rank)
    if len(set(words)) == 1:
        return state, words[0][1]
    urgent: list[str] = []
    others: list[str] = []
    heard: list[Offer] = []
    is_off = ""
    for bus, (own, text) in zip(buses, words, strict=True):
        if own == "listening":
            heard.append(bus)
        elif own == "disabled":
            is_off = text
        else:
            (urgent if own in _NEEDS_A_HAND else others).append(f"{bus.context}: {text}")
    return state, "; ".join(part for part in (*urgent, _hears(heard), is_off, *others) if part)


def _hears(buses: Sequence[Offer]) -> str:
    """Return how many instruments are heard on each bus: "hears 3 instruments on X, 2 on Y"."""
    if not buses:
        return ""
    first, *others = buses
    rest = [f"{len(bus.heard) or 'none'} on {bus.context}" for bus in others]
    return "hears " + ", ".join([f"{_instruments(len(first.heard))} on {first.context}", *rest])


def _instruments(count: int) -> str:
    return f"{count or 'no'} instrument{'' if count == 1 else 's'}"


def _rank(state: str) -> int:
    return TELLING.index(state) if state in TELLING else len(TELLING)
