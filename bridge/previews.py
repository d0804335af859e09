"""Let the user hear a sound before it is loaded, and tell the clients what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from bridge.commands import Refusal
from bridge.effects import Effect, Hear, Send
from bridge.osc import messages
from realtime.player import Player, PlayerEvent

__all__ = ["Previews"]


class Previews:
    """Play what is asked for on the output that the user named; all of it on the asyncio thread.

    Args:
        output: As `--preview` takes it.
        buses: What is listened to, at least one: nothing may be heard there.
        execute: Carries out what is to be told.

    Raises:
        TimbrelError: The output is none.
    """

    def __init__(self, output: str, buses: Sequence[str], execute: Callable[[list[Effect]], None]) -> None:
        self._execute = execute
        self._loop = asyncio.get_running_loop()
        self._player = Player(output, buses[0], self._hear, beside=buses[1:])
        self._asked: dict[int, Hear] = {}

    def play(self, hear: Hear, path: Path | None) -> None:
        """Play a sound's audio, in the place of what plays.

        Raises:
            Refusal: 404 when it has none.
        """
        if path is None:
            raise Refusal(404, f"{hear.sound.name} has no audio of its own; choose loads it in your DAW")
        number = self._player.play_file(path)
        self._asked = {number: hear}  # what is replaced ends without a word

    def stop(self) -> None:
        """Be silent at once."""
        self._player.stop()

    def set_buses(self, buses: Sequence[str]) -> None:
        """Listen to something else: what plays is stopped."""
        self._player.set_bus(*buses)

    def close(self) -> None:
        """End the player; may block for two seconds."""
        self._player.close()

    def _hear(self, event: PlayerEvent) -> None:
        """Take an event on a thread of the player."""
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._on_event, event)

    def _on_event(self, event: PlayerEvent) -> None:
        hear = self._asked.get(event.number)
        if hear is not None:
            self._tell(hear, event.state, event.detail)

    def _tell(self, hear: Hear, state: str, detail: str) -> None:
        told = messages.previewed(hear.list_id, hear.index, hear.sound.id, state, detail or hear.sound.name)
        self._execute([Send(told, "suggest")])
