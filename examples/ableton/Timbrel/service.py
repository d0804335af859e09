"""Answer the questions of AbletonOSC that Timbrel asks, and requests to load. Python 3.7 and later."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .loading import Loader, Pending, Refused

if TYPE_CHECKING:
    from .server import Arg, Message

API = 1
MOST_TICKS = 50
"""Ticks of 100 ms that Live has to show what was loaded."""

REMEMBERED = 64
FAULTS = (RuntimeError, TypeError, AttributeError, ValueError, LookupError)
"""What Live's API raises for objects that are gone and arguments that it does not take; Live must go on."""


class Service:
    """Turn messages into calls.

    Args:
        loader: Loads.
        application: Live's application object.
        show: Shows a text in Live's status bar.
    """

    def __init__(self, loader: Loader, application: Any, show: Callable[[str], None]) -> None:
        self._loader, self._application, self._show = loader, application, show
        self._waiting: list[tuple[int, Any, Pending, int]] = []  # number, sender, what is awaited, ticks left
        self._before: dict[int, str] = {}

    def handle(self, address: str, args: tuple[Arg, ...], sender: Any) -> list[Message]:
        """Return what is answered at once; what Live has to finish first is answered by finish."""
        try:
            return self._answer(address, args, sender)
        except Refused as reason:
            number = int(args[0]) if args and isinstance(args[0], (int, float)) else 0
            return [("/timbrel/live/loaded", (number, 0, str(reason)))]
        except FAULTS as error:
            if address in ("/timbrel/live/load", "/timbrel/live/restore") and args and not isinstance(args[0], str):
                return [("/timbrel/live/loaded", (int(args[0]), 0, f"Live says: {error}"))]
            return [("/live/error", (f"{address}: {error}",))]

    def _answer(self, address: str, args: tuple[Arg, ...], sender: Any) -> list[Message]:
        song = self._loader.song
        if address == "/timbrel/live/hello":
            return [(address, (API, self._version()))]
        if address == "/live/application/get/version":
            # Live 9 and later.
            return [(address, (self._application.get_major_version(), self._application.get_minor_version()))]
        if address == "/live/song/get/track_names":
            return [(address, tuple(track.name for track in song.tracks))]
        if address == "/live/song/get/num_tracks":
            return [(address, (len(song.tracks),))]
        if address == "/live/song/get/tempo":
            return [(address, (float(song.tempo),))]
        if address == "/live/view/get/selected_track":
            return [(address, (list(song.tracks).index(song.view.selected_track),))]
        if address == "/live/api/show_message":
            self._show(str(args[0]))
            return []
        if address == "/timbrel/live/load":
            number, track, path, name = args
            self._begin(int(number), sender, self._loader.load(str(track), str(path)))
            self._show(f"Timbrel: {name}")
            return []
        if address == "/timbrel/live/restore":
            number, token = args
            self._begin(int(number), sender, self._loader.restore(str(token)))
            return []
        if address == "/timbrel/live/before":
            return [(address, (int(args[0]), self._before.get(int(args[0]), "")))]
        return [("/live/error", (f"Unknown OSC address: {address}",))]

    def finish(self) -> list[tuple[Any, Message]]:
        """Return answers, with whom they are for, to what Live has finished, or did not in time; call it every tick."""
        answers: list[tuple[Any, Message]] = []
        waiting, self._waiting = self._waiting, []
        for number, sender, pending, left in waiting:
            try:
                done, reason = pending.is_done(), "Live did not show what was loaded"
            except FAULTS as error:
                done, reason, left = False, f"Live says: {error}", 0
            if done:
                self._before[number] = pending.before
                answers.append((sender, ("/timbrel/live/loaded", (number, 1, pending.detail))))
            elif left <= 0:
                answers.append((sender, ("/timbrel/live/loaded", (number, 0, reason))))
            else:
                self._waiting.append((number, sender, pending, left - 1))
        return answers

    def _begin(self, number: int, sender: Any, pending: Pending) -> None:
        self._before.pop(number, None)
        while len(self._before) >= REMEMBERED:
            self._before.pop(next(iter(self._before)))
        self._waiting.append((number, sender, pending, MOST_TICKS))

    def _version(self) -> str:
        return f"{self._application.get_major_version()}.{self._application.get_minor_version()}"
