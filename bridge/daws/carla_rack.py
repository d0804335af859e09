"""Remember what Carla told of its plugins: names, files, MIDI programs.

Messages as in CarlaEngineOscSend.cpp, below the path that was registered: `info`, `count`, `mprog`, `cb` (an opcode of
EngineCallbackOpcode, a plugin, three ints, a float, a text), `resp` (the number of a request, empty text or an error).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bridge.daws.base import Track
from bridge.osc.guard import Incoming

__all__ = ["SF2", "SFZ", "Plugin", "Rack"]

SF2, SFZ = 10, 11
"""Types of plugins, as in CarlaBackend.h."""

_SFIZZ = "http://sfztools.github.io/sfizz"
_ADDED, _REMOVED, _RENAMED = 1, 2, 3
_MIDI_PROGRAM, _STARTED, _STOPPED = 11, 29, 30
_CALLBACK, _COUNT, _PROGRAM, _INFO_TEXTS = 5, 6, 4, 5
"""How many integers, of `info` how many texts, there are; `info` grew with versions."""

_MOST = 999
"""Highest plugin number that Carla reads in an address."""


@dataclass
class Plugin:
    """Hold what was told of a plugin.

    Attributes:
        name: Name in the rack; Carla keeps names apart.
        kind: Its type.
        path: File that it plays, empty where it plays none that is told.
        label: What it calls itself; for LV2 its URI.
        programs: MIDI program (bank, program) -> number in its list.
        program: Number of the one in use, None where that is not known.
    """

    name: str
    kind: int
    path: str
    label: str
    programs: dict[tuple[int, int], int] = field(default_factory=dict)
    program: int | None = None

    @property
    def plays_files(self) -> bool:
        """Whether it is one of Carla's own players of SF2 and SFZ, which keep nothing that could get lost."""
        return self.kind in (SF2, SFZ) or self.label == _SFIZZ


class Rack:
    """Take in messages; answer which plugins there are."""

    def __init__(self) -> None:
        self._plugins: dict[int, Plugin] = {}
        self._expected = 0
        self.known = False

    def take(self, what: str, one: Incoming) -> None:
        """Take a message in.

        Args:
            what: Last part of its address.
            one: The message.
        """
        numbers = [int(arg) for arg, tag in zip(one.args, one.types, strict=True) if tag in "ih"]
        texts = [str(arg) for arg, tag in zip(one.args, one.types, strict=True) if tag == "s"]
        if not numbers or (what != "cb" and not 0 <= numbers[0] <= _MOST):
            return
        plugin = self._plugins.get(numbers[0])
        if what == "cb" and len(numbers) == _CALLBACK and texts:
            self._happened(numbers[0], numbers[1], numbers[2], texts[0])
        elif what == "info" and len(numbers) > 1 and len(texts) >= _INFO_TEXTS:
            name, path, label = texts[0], texts[1], texts[4]
            if plugin is None or (plugin.kind, plugin.path) != (numbers[1], path):
                plugin = Plugin(name, numbers[1], path, label)
            plugin.name, plugin.label = name, label
            self._plugins[numbers[0]] = plugin
        elif what == "count" and len(numbers) == _COUNT and plugin is not None:
            plugin.program = numbers[5] if numbers[5] >= 0 else None
        elif what == "mprog" and len(numbers) == _PROGRAM and plugin is not None:
            plugin.programs[numbers[2], numbers[3]] = numbers[1]

    @property
    def tracks(self) -> tuple[Track, ...] | None:
        """All plugins; None until all of them are told."""
        if not self.known or len(self._plugins) < self._expected:
            return None
        return tuple(Track(number, plugin.name) for number, plugin in sorted(self._plugins.items()))

    def __len__(self) -> int:
        return len(self._plugins)

    def get(self, number: int, name: str) -> Plugin | None:
        """Return a plugin if it has that name still."""
        plugin = self._plugins.get(number)
        return plugin if plugin is not None and plugin.name == name else None

    def at(self, number: int) -> Plugin | None:
        """Return the plugin of that number."""
        return self._plugins.get(number)

    def number(self, name: str) -> int | None:
        """Return the number of the plugin of that name."""
        return next((number for number, plugin in self._plugins.items() if plugin.name == name), None)

    def _happened(self, opcode: int, number: int, value: int, text: str) -> None:
        plugin = self._plugins.get(number)
        if opcode in (_STARTED, _STOPPED):
            self._plugins = {}
            self._expected = number if opcode == _STARTED else 0
            self.known = True
        elif opcode == _ADDED:
            self._expected = max(self._expected, number + 1)
        elif opcode == _REMOVED and plugin is not None:
            # Those behind it move up.
            kept = [one for at, one in sorted(self._plugins.items()) if at != number]
            self._plugins = dict(enumerate(kept))
            self._expected = len(kept)
        elif opcode == _RENAMED and plugin is not None:
            plugin.name = text
        elif opcode == _MIDI_PROGRAM and plugin is not None:
            plugin.program = value if value >= 0 else None
