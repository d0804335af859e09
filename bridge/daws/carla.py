"""Speak to Carla over OSC on TCP: SF2 and SFZ files become plugins, MIDI programs are chosen from a plugin's list.

Messages as in CarlaEngineOscHandlers.cpp: `/register s` and `/unregister s` with a url, `/ctrl/add_plugin iiisssii`
(request, binary, type, file, name, label, unique id, options), `/ctrl/replace_plugin ii`, `/ctrl/rename_plugin iis`,
`/ctrl/remove_plugin ii`, `/Carla/N/set_midi_program i`. Carla connects back to the port of the url that was registered,
and puts the url's path before all that it sends there. It has one such client at a time; requests are answered to it
alone. `/ctrl/runtime` comes over UDP alone, so that an unknown request, which Carla answers, shows that it is there.
"""

from __future__ import annotations

import itertools
from pathlib import PurePath

from bridge.daws.base import (
    Before,
    Capability,
    Delivery,
    Here,
    HostEvent,
    Method,
    Reach,
    Step,
    Told,
    Track,
    Tracks,
    named_track,
)
from bridge.daws.carla_rack import SF2, SFZ, Plugin, Rack
from bridge.daws.otherwise import otherwise
from bridge.daws.wire import host_messages, osc
from library.sounds import MidiProgram, Sound

__all__ = ["CarlaAdapter"]

_PATH = "/timbrel"
"""Path of the url that is registered: Carla lets go of a client only for a url with the same path."""

_FILES = {".sf2": SF2, ".sf3": SF2, ".sfz": SFZ}
_BINARY = 2
"""Any binary type but none: Carla takes its own for these files."""

_USUAL_OPTIONS = 0x10000
_LOAD_S = 14.0
"""Carla loads in the thread that answers; after three probes without an answer it would count as gone."""

_REQUESTS = 999
_NAME_CHARS = 32
_DRUM_BANK = 128
_PROBE = 0
_INDEX = "program index"
_ADDED, _PLUGIN, _FILE, _KIND, _PROGRAM = "added", "plugin", "file", "kind", "program"


class CarlaAdapter:
    """Load SF2 and SFZ files as plugins, and choose their MIDI programs.

    A file replaces a plugin that is itself a player of such files; other plugins have a state that could not be brought
    back, so that a new plugin is added beside them.

    Args:
        reach: Where it listens, and the local port that it connects back to.
    """

    name = "carla"
    doc = "Carla plays SF2 and SFZ files; its track is the name of a plugin, else one of its own"
    can: frozenset[Capability] = frozenset({"file", "program", "tracks", "events"})
    connect = (
        "Carla: Settings > Configure Carla > OSC: Enable OSC; Enable TCP port: Use specific port: 22752",
        "it takes one client: close Carla-Control",
        "timbrel run --adapter carla --library a library that was built from SF2 or SFZ files",
    )

    def __init__(self, reach: Reach | None = None) -> None:
        self.reach = reach or Reach("osc-tcp", 22752, reply_port=22762, probe_s=5.0)
        self._rack = Rack()
        self._silent = 0
        self._own = ""
        self._numbers = itertools.cycle(range(_PROBE + 1, _PROBE + 1 + _REQUESTS))
        self._wanted: dict[int, tuple[int, tuple[int, int]]] = {}  # by request: plugin, (bank, program)

    def probe(self) -> tuple[bytes, ...]:
        """Send a request that Carla answers; before it, register where the last one was not answered."""
        ask = osc("/ctrl/timbrel", "i", _PROBE)
        register = self._silent > 0 or not self._rack.known
        self._silent += 1
        if not register:
            return (ask,)
        self._rack = Rack()
        url = f"osc.tcp://127.0.0.1:{self.reach.reply_port}{_PATH}"  # of its host Carla makes no use
        return osc("/unregister", "s", url), osc("/register", "s", url), ask

    def read(self, payload: bytes) -> tuple[HostEvent, ...]:
        """Understand plugins, their programs, and answers to requests."""
        events: list[HostEvent] = []
        for one in host_messages(payload):
            path, _, what = one.address.rpartition("/")
            if path != _PATH or what in ("exit", "exit-error"):
                continue  # it ends, or another client has it: nothing of ours would be answered
            self._silent = 0
            events.append(Here())
            self._rack.take(what, one)
            if what == "resp" and one.types == "is":
                events += self._answered(int(one.args[0]), str(one.args[1]))
            if what in ("cb", "resp") and (tracks := self._rack.tracks) is not None:
                events.append(Tracks(tracks))
        return tuple(events)

    def track(self, text: str, tracks: tuple[Track, ...]) -> Track | None:
        """Find a plugin by its name or number."""
        return named_track(text, tracks)

    def load(self, sound: Sound, program: MidiProgram | None, track: Track | None) -> Delivery:
        """Plan to choose a program of a plugin that has it, else to load the sound's file."""
        if self._rack.tracks is None:
            return otherwise(self.name, sound, program, "Carla has not told its plugins yet")
        number = track.index if track else self._rack.number(self._own)
        plugin = None if number is None else self._rack.at(number)
        if track is not None and (plugin is None or plugin.name != track.name):
            return otherwise(self.name, sound, program, f"Carla has no plugin {track.name} any more")
        kind = _FILES.get(PurePath(sound.path).suffix.lower())
        chosen = None if program is None else (_bank(program), program.program)
        if (
            plugin is not None
            and number is not None
            and chosen in plugin.programs
            and (kind is None or plugin.path == sound.path)
        ):
            return self._select(sound, number, plugin, plugin.programs[chosen])
        if kind is None:
            return otherwise(self.name, sound, program)
        try:
            return self._load(sound, kind, chosen, track, plugin)
        except ValueError as error:
            return otherwise(self.name, sound, program, f"its path can't be sent: {error}")

    def restore(self, before: Before, track: Track | None) -> Delivery | None:
        """Remove the plugin that was added, or bring back the file and program that one had."""
        name = before.kept.get(_ADDED) or before.kept.get(_PLUGIN)
        if name is None:
            return None if before.sound is None else self.load(before.sound, before.program, track)
        number = self._rack.number(name)
        if number is None:
            return None
        target, program = f"plugin {name}", before.kept.get(_PROGRAM, "")
        if _ADDED in before.kept:
            steps: tuple[Step, ...] = (self._request("remove_plugin", "i", number),)
            return Delivery(self.name, "file", (), (), f"{target} is removed", steps, target)
        steps = self._put(number, int(before.kept[_KIND]), before.kept[_FILE], name) if _FILE in before.kept else ()
        if program:
            steps = (*steps, Step(osc(_program_of(number), "i", int(program))))
            self._note(number, int(program))
        method: Method = "file" if _FILE in before.kept else "program"
        return Delivery(self.name, method, (), (), f"{target} has back what it had", steps, target)

    def _select(self, sound: Sound, number: int, plugin: Plugin, index: int) -> Delivery:
        keeps = {} if plugin.program is None else {_PLUGIN: plugin.name, _PROGRAM: str(plugin.program)}
        plugin.program = index
        steps = (Step(osc(_program_of(number), "i", index)),)
        target = f"plugin {plugin.name}"
        return Delivery(self.name, "program", (), (), f"{sound.name} in {target}", steps, target, keeps)

    def _load(
        self, sound: Sound, kind: int, chosen: tuple[int, int] | None, track: Track | None, plugin: Plugin | None
    ) -> Delivery:
        old = plugin if plugin is not None and plugin.plays_files else None
        name = old.name if old is not None else self._free_name(sound.name)
        number = self._rack.number(name) if old is not None else None
        at = len(self._rack) if number is None else number
        steps = self._put(at, kind, sound.path, name, is_new=number is None)
        if kind == SF2 and chosen is not None:
            steps = (*steps, *self._program_after(steps, at, chosen))
        if track is None:
            self._own = name
        target, keeps = f"plugin {name}", {_ADDED: name}
        detail = f"{sound.name} in {target}"
        if old is not None:
            program = "" if old.program is None else str(old.program)
            told = {_PLUGIN: name, _FILE: old.path, _KIND: str(old.kind), _PROGRAM: program}
            keeps = told if old.path else {}
        elif plugin is not None:
            detail = f"{detail}, added: {plugin.name} is no player of such files"
        return Delivery(self.name, "file", (), (), detail, steps, target, keeps)

    def _put(self, number: int, kind: int, path: str, name: str, *, is_new: bool = False) -> tuple[Step, ...]:
        """Load a file in the place of a plugin, or behind the last; the name is given when it is free again."""
        label = PurePath(path).stem or self.name
        arguments = (_BINARY, kind, path, "timbrel", label, 0, _USUAL_OPTIONS)
        replace = () if is_new else (self._request("replace_plugin", "i", number),)
        add = self._request("add_plugin", "iisssii", *arguments, wait_s=_LOAD_S)
        return (*replace, add, self._request("rename_plugin", "is", number, name))

    def _program_after(self, steps: tuple[Step, ...], number: int, chosen: tuple[int, int]) -> tuple[Step, ...]:
        """Choose a program of a file that is not loaded yet: its number in the list is told while it loads."""
        request = int(steps[-1].answer.removeprefix(_answer_key("")))
        self._wanted[request] = (number, chosen)
        return (Step(osc(_program_of(number), "i", 0)[:-4] + b"{}", fill=_INDEX),)

    def _request(self, method: str, types: str, *arguments: int | str, wait_s: float = 2.0) -> Step:
        number = next(self._numbers)
        self._wanted.pop(number, None)
        payload = osc(f"/ctrl/{method}", f"i{types}", number, *arguments)
        return Step(payload, _answer_key(str(number)), wait_s=wait_s)

    def _answered(self, request: int, error: str) -> tuple[HostEvent, ...]:
        key = _answer_key(str(request))
        number, chosen = self._wanted.pop(request, (None, None))
        if request == _PROBE:
            return ()
        if error or number is None or chosen is None:
            return (Told(key, error, ok=not error),)
        plugin = self._rack.at(number)
        index = None if plugin is None else plugin.programs.get(chosen)
        if plugin is None or index is None:
            bank, program = chosen
            return (Told(key, f"the file is loaded, but it has no program {program + 1} in bank {bank}", ok=False),)
        plugin.program = index
        return Told(_INDEX, index.to_bytes(4, "big").decode("utf-8", "surrogateescape")), Told(key, "")

    def _note(self, number: int, program: int) -> None:
        plugin = self._rack.at(number)
        if plugin is not None:
            plugin.program = program

    def _free_name(self, text: str) -> str:
        """Return a name that no plugin has; Carla would change a colon, a slash, and a name that is taken."""
        wanted = "".join(char for char in text if char.isprintable()).replace(":", ".").replace("/", ".")
        wanted = wanted[:_NAME_CHARS].strip() or "Timbrel"
        names = (wanted, *(f"{wanted} {count}" for count in range(2, len(self._rack) + 3)))
        return next(name for name in names if self._rack.number(name) is None)


def _program_of(number: int) -> str:
    return f"/Carla/{number}/set_midi_program"


def _answer_key(request: str) -> str:
    return f"request {request}"


def _bank(program: MidiProgram) -> int:
    """Return the bank that FluidSynth counts: of a drum channel 128."""
    is_drums = program.channel == 9 and program.bank_msb is None
    return _DRUM_BANK if is_drums else program.bank_msb or 0
