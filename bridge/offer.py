"""Hold what one bus is offered: what is heard there, what the user keeps and rejects of it, and the list of it."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

from bridge.commands import Refusal
from bridge.osc.encode import Message
from bridge.suggestions import Item, SuggestionList, compose, drifted, item_messages, moved, same_sounds
from realtime.types import Analysis, Suggestion

__all__ = ["ListNumbers", "Offer"]

_INT_MAX = 2**31 - 1


class ListNumbers:
    """Count lists over all buses, from 1, so that a number names one list of one bus."""

    def __init__(self) -> None:
        self._count = count()

    def next(self) -> int:
        """Return a number that no list has had; after 2 ** 31 - 1 of them they come again."""
        return next(self._count) % _INT_MAX + 1


class Offer:
    """Keep the list of one bus, with the user's locks and rejections; times are monotonic, in seconds.

    Args:
        context: What is listened to, in the user's words.
        interval_s: Shortest time between two lists.
        numbers: Counts the lists of all buses.
    """

    def __init__(self, context: str, interval_s: float, numbers: ListNumbers) -> None:
        self.context = context
        self.shown = SuggestionList()
        self.position = 0
        """Index of the item that next and prev start from, 0 = none."""
        self.engine = ("loading", "loading the encoder and the library")
        """What the engine of this bus says about itself: a word and a sentence."""
        self.locked: dict[int, Suggestion] = {}
        self.heard: tuple[Suggestion, ...] = ()
        self._offered: tuple[Suggestion, ...] = ()  # what was heard when the list was made
        self._rejected: set[tuple[int, str]] = set()
        self._interval_s, self._numbers = interval_s, numbers
        self._published_at = float("-inf")

    def hear(self, analysis: Analysis) -> None:
        """Take in what the engine heard in one hop."""
        # A window that told nothing (silence between two takes) leaves the list: the user may still want to choose.
        if analysis.skipped is None or analysis.suggestions:
            self.heard = analysis.suggestions
            slots = {s.slot for s in analysis.suggestions} | self.locked.keys()
            self._rejected = {pair for pair in self._rejected if pair[0] in slots}

    def change(self, context: str) -> None:
        """Forget what was heard, because another input is listened to now."""
        self.context = context
        self.heard = self._offered = ()
        self.locked.clear()
        self._rejected.clear()

    def item(self, index: int) -> Item:
        """Return an item of the list by its index, from 1.

        Raises:
            Refusal: 400 or 404, there is no such item.
        """
        if index < 1:
            raise Refusal(400, f"index {index} must be at least 1")
        if index > len(self.shown.items):
            raise Refusal(404, f"the list has {len(self.shown.items)} items, there is no item {index}")
        return self.shown.items[index - 1]

    def stepped(self, by: int) -> int:
        """Return the index that lies `by` places (1 or -1) from the position, round and round; 1 in an empty list."""
        count = len(self.shown.items)
        start = self.position if self.position or by > 0 else 1
        return (start - 1 + by) % count + 1 if count else 1

    def reject(self, item: Item) -> None:
        """Offer an item no more while its slot plays."""
        self._rejected.add((item.slot, item.sound.id))

    def lock(self, slot: int) -> None:
        """Keep a slot as it shows; what was heard since the list was made counts where that has no such slot.

        Raises:
            Refusal: 404, it is not heard.
        """
        heard = self.locked.get(slot) or next((s for s in (*self._offered, *self.heard) if s.slot == slot), None)
        if heard is None:
            raise Refusal(404, f"slot {slot} is not heard now")
        self.locked[slot] = heard

    def unlock(self, slot: int) -> None:
        """Let a slot follow the music again.

        Raises:
            Refusal: 404, it is not locked.
        """
        if self.locked.pop(slot, None) is None:
            raise Refusal(404, f"slot {slot} is not locked")

    def renew(self, now: float, *, enabled: bool, force: bool = False) -> bool:
        """Take over what is heard as the list, when its hop has come; say whether that changed it visibly.

        Args:
            now: The time.
            enabled: Otherwise the list is empty.
            force: Whether or not the hop has come.
        """
        if now - self._published_at < self._interval_s and not force:
            return False
        items, self._offered = compose(self.heard, self.locked, self._rejected) if enabled else (), self.heard
        before = self.shown
        if same_sounds(items, before.items):
            if not drifted(items, before.items):
                return False
            self.shown = replace(before, items=items)  # the same list with new numbers keeps its id
        else:
            self.shown = SuggestionList(self._numbers.next(), items)
            self.position = moved(items, before.items, self.position)
        self._published_at = now
        return True

    def messages(self, offset: int = 0, most: int = 0) -> list[Message]:
        """Build the messages of the list, or of a stretch of it; see `item_messages`."""
        return item_messages(self.shown, self.context, offset, most)
