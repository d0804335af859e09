"""Know the adapters, which one is in use, whether their hosts are there, and which track the user means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bridge.commands import Refusal
from bridge.daws.base import DawAdapter, HostState, TargetError, Track

__all__ = ["TargetInfo", "Targets"]


@dataclass(frozen=True, slots=True)
class TargetInfo:
    """Describe one adapter as it is now.

    Attributes:
        name: As in `--adapter NAME`.
        doc: One line for people.
        state: Of its host; empty where it has none.
        version: Of its host, where it tells it.
        is_current: Sounds are loaded there.
        track: What the user wants, in the user's words; empty for the usual one.
        tracks: What its host listed.
    """

    name: str
    doc: str
    state: HostState | Literal[""]
    version: str
    is_current: bool
    track: str
    tracks: tuple[Track, ...]


class Targets:
    """Hold the adapters, and what their hosts last told.

    Args:
        adapters: Ways to load a sound; the first is used until another is chosen.
    """

    def __init__(self, adapters: Sequence[DawAdapter]) -> None:
        self._adapters = {adapter.name: adapter for adapter in adapters}
        self.current = adapters[0]
        self._wanted = dict.fromkeys(self._adapters, "")
        self._states: dict[str, tuple[HostState, str]] = {a.name: ("offline", "") for a in adapters if a.reach}
        self._tracks: dict[str, tuple[Track, ...]] = {}

    def adapter(self, name: str) -> DawAdapter:
        """Return an adapter by its name.

        Raises:
            Refusal: 404 when there is none.
        """
        found = self._adapters.get(name)
        if found is None:
            raise Refusal(404, f"no adapter {name}; there is {', '.join(self._adapters)}")
        return found

    def on_state(self, name: str, state: HostState, version: str) -> None:
        """Take in that a host came, went, or is looked for."""
        self._states[name] = (state, version)

    def on_tracks(self, name: str, tracks: tuple[Track, ...]) -> None:
        """Take in the tracks of a host; none while it is offline."""
        self._tracks[name] = tracks

    def can_send(self, adapter: DawAdapter) -> bool:
        """Tell whether its host takes messages now: it answers, or it is one that never does."""
        state = self._states.get(adapter.name, ("online", ""))[0]
        return state == "online" or (state == "probing" and not adapter.probe())

    def wanted(self, adapter: DawAdapter) -> str:
        """Return the track that the user wants now, in the user's words; empty for the usual one."""
        return self._wanted[adapter.name]

    def track(self, adapter: DawAdapter, wanted: str) -> Track | None:
        """Return a track as the host numbers it now; None for the usual one.

        Raises:
            Refusal: 404 when it is not there.
        """
        try:
            return adapter.track(wanted, self._tracks.get(adapter.name, ()))
        except TargetError as error:
            raise Refusal(404, str(error)) from None

    def set(self, name: str, text: str) -> str:
        """Use an adapter, and the track of that name or number; return what is said about it.

        A track that a host lists by name may be named before the host is there.

        Raises:
            Refusal: 404 for an adapter that is not there, 400 for a track that can't be.
        """
        adapter = self.adapter(name)
        if "tracks" not in adapter.can or self._tracks.get(name):
            try:
                adapter.track(text, self._tracks.get(name, ()))
            except TargetError as error:
                raise Refusal(400, str(error)) from None
        self.current = adapter
        self._wanted[name] = text
        return ", ".join(part for part in (name, text and f"track {text}", self.state_text(name)) if part)

    def state_text(self, name: str) -> str:
        """Return "online 3.0.6" or the like; empty for an adapter without a host."""
        return " ".join(part for part in self._states.get(name, ()) if part)

    def status_text(self) -> str:
        """Return the states of all hosts, as "zynaddsubfx online 3.0.6, ardour offline"; empty without hosts."""
        return ", ".join(f"{name} {self.state_text(name)}" for name in self._states)

    def overview(self) -> tuple[TargetInfo, ...]:
        """Return every adapter as it is now."""
        return tuple(
            TargetInfo(
                name, adapter.doc, *self._states.get(name, ("", "")), adapter is self.current, self._wanted[name],
                self._tracks.get(name, ()),
            )
            for name, adapter in self._adapters.items()
        )  # fmt: skip

    def describe(self, channel: int) -> list[str]:
        """Describe every adapter in one line, the one in use marked, and the tracks of that one.

        Args:
            channel: The user's MIDI channel, 0..15.
        """
        lines = []
        for adapter in self._adapters.values():
            notes = [self.state_text(adapter.name)]
            if adapter is self.current:
                wanted = self._wanted[adapter.name]
                where = f"track {wanted}" if wanted and adapter.reach else f"MIDI channel {channel + 1}"
                notes = ["in use", where, *notes]
            noted = ", ".join(note for note in notes if note)
            lines.append(f"{adapter.name}{f' ({noted})' if noted else ''}: {adapter.doc}")
        tracks = self._tracks.get(self.current.name, ())
        return lines + [f"{self.current.name} track {track.index}: {track.name}" for track in tracks]
