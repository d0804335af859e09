"""Hold the offers of all buses, and say which of them is in focus."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bridge.commands import Refusal
from bridge.offer import ListNumbers, Offer
from bridge.osc import messages
from bridge.osc.encode import Message
from bridge.suggestions import mirror_messages

__all__ = ["Offers"]


class Offers:
    """Keep one offer for each bus; a bus is named by its number, from 0.

    Args:
        contexts: What each listens to, in the user's words; at least one.
        interval_s: Shortest time between two lists of a bus.
    """

    def __init__(self, contexts: Sequence[str], interval_s: float) -> None:
        numbers = ListNumbers()
        self._buses = [Offer(context, interval_s, numbers) for context in contexts]
        self.focus = 0
        """Number of the bus in focus, the first at the start."""

    def __iter__(self) -> Iterator[Offer]:
        return iter(self._buses)

    def __getitem__(self, number: int) -> Offer:
        return self._buses[number]

    def __len__(self) -> int:
        return len(self._buses)

    @property
    def focused(self) -> Offer:
        """The offer of the bus in focus."""
        return self._buses[self.focus]

    def of(self, list_id: int) -> Offer:
        """Return the offer that a list is of; 0 = that of the bus in focus.

        Raises:
            Refusal: 409, no bus has this list now.
        """
        if list_id == 0:
            return self.focused
        for bus in self._buses:
            if bus.shown.list_id == list_id:
                return bus
        raise Refusal(409, f"list {list_id} is stale, the current one is {self.focused.shown.list_id}")

    def named(self, name: str) -> int | None:
        """Return which bus listens to this, as it is told in the context of a list; None for none, or for the only one.

        Args:
            name: The name of an input; that of a single bus opens it again.
        """
        if len(self._buses) == 1:
            return None
        names = [bus.context for bus in self._buses]
        told = [messages.shown(known) for known in names]
        return next((known.index(name) for known in (names, told) if name in known), None)

    def move(self, number: int) -> None:
        """Move the focus.

        Raises:
            Refusal: 404, there is no such bus.
        """
        if not 0 <= number < len(self._buses):
            raise Refusal(404, f"there is no bus {number}; they count from 0 to {len(self._buses) - 1}")
        self.focus = number

    def renew(self, bus: Offer, now: float, *, enabled: bool, force: bool = False) -> list[Message]:
        """Return what is to be sent of a bus whose list has changed and whose hop has come; see `Offer.renew`.

        The flat mirror comes with it where the bus is in focus, as far as it changed.
        """
        before = bus.shown.items
        if not bus.renew(now, enabled=enabled, force=force):
            return []
        mirror = mirror_messages(bus.shown.items, before) if bus is self.focused else []
        return [*bus.messages(), *mirror]

    def whole(self) -> list[Message]:
        """Return the lists of all buses, that of the bus in focus last, and the flat mirror of it."""
        lists = [bus.messages() for bus in self._buses if bus is not self.focused]
        return [message for one in (*lists, self.whole_focus()) for message in one]

    def whole_focus(self) -> list[Message]:
        """Return the list and the flat mirror of the bus in focus."""
        return [*self.focused.messages(), *mirror_messages(self.focused.shown.items)]
