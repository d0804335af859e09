"""Say what a DAW adapter is: pure, values in, messages out. Whoever carries the bytes is in bridge.hosts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from bridge.osc.encode import Message
from library.sounds import MidiProgram, Sound

__all__ = [
    "Before",
    "Capability",
    "Chose",
    "DawAdapter",
    "Delivery",
    "Here",
    "HostEvent",
    "HostState",
    "Method",
    "Reach",
    "ShowsList",
    "Step",
    "TargetError",
    "Told",
    "Track",
    "Tracks",
    "named_track",
    "numbered_track",
]

Method = Literal["file", "preset", "program", "text"]
"""How a sound is loaded, best first: its file, a preset by name, a MIDI program change, or only its name is shown."""

Capability = Literal["text", "program", "file", "preset", "transport", "tracks", "events"]
"""What a host can do: show text, take program changes, load files and presets, tell and roll its transport, list its
tracks, send the user's actions back."""

Wire = Literal["osc", "osc-tcp", "lines", "http"]
"""How bytes travel: OSC datagrams, OSC over TCP with lengths before (OSC 1.0), lines of text over TCP, HTTP GET."""


HostState = Literal["offline", "probing", "online"]
"""Whether a host answers: it does not, it has been asked for the first time, it does."""


class TargetError(ValueError):
    """Say in one sentence why there is no such track."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Say where a host listens.

    Attributes:
        wire: How bytes travel.
        port: Its usual port.
        reply_port: Local port that it answers to, 0 = the one that asked.
        host: IPv4 address.
        probe_s: Time between two probes in seconds; a host that leaves three of them unanswered is offline.
    """

    wire: Wire
    port: int
    reply_port: int = 0
    host: str = "127.0.0.1"
    probe_s: float = 2.0


@dataclass(frozen=True, slots=True)
class Track:
    """Name what a sound is loaded on: a track, strip, part or MIDI channel.

    Attributes:
        index: Number as the host counts, as of the last list.
        name: Name for people; where the host has names, it is what stays when the index moves.
    """

    index: int
    name: str


@dataclass(frozen=True, slots=True)
class Here:
    """The host answered a probe; with its version where it tells it."""

    version: str = ""


@dataclass(frozen=True, slots=True)
class Tracks:
    """The host listed its tracks."""

    tracks: tuple[Track, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """The host answered a question or a request.

    Attributes:
        key: What the answer is about, as in Step.answer.
        value: What it says.
        ok: Whether the host did what it was asked for.
    """

    key: str
    value: str
    ok: bool = True


@dataclass(frozen=True, slots=True)
class Chose:
    """The user chose item `index` (from 1) of a list in the host's own window."""

    index: int
    list_id: int


HostEvent = Here | Tracks | Told | Chose


@dataclass(frozen=True, slots=True)
class Step:
    """Send something to a host, and wait for what comes back before the next step.

    Attributes:
        payload: Bytes of one datagram, frame, line (without its end) or path, as the wire wants it.
        answer: Key of the Told that ends the wait; empty = nothing comes back.
        value: What the answer has to say; None = anything.
        not_value: What it must not say; None = nothing.
        keep: What is told is what the target held before: Before.kept has it when the choice is undone.
        unless: Key of a Told; the step is left out when an earlier step of the same delivery brought one.
        fill: Key of a Told whose value stands for `{}` in payload and value.
        wait_s: Longest wait in seconds.
        patience: Times that a question is asked until its answer is right: the host needs a while to do what it was
            told before.
        letter: Lines for a script inside the host: they are left in a file before the payload, which makes the script
            read them, is sent; its answer comes in another file.
        silence: Why the script does not answer, for people.
    """

    payload: bytes
    answer: str = ""
    value: str | None = None
    not_value: str | None = None
    keep: bool = False
    unless: str = ""
    fill: str = ""
    wait_s: float = 2.0
    patience: int = 1
    letter: tuple[str, ...] = ()
    silence: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """Hold what has to be sent so that a sound is loaded.

    Attributes:
        adapter: Name of the adapter that made it.
        method: The best way that the host and the sound have in common.
        messages: OSC messages for the clients.
        packets: MIDI messages for the virtual port, in the order in which they must arrive.
        detail: What is done, for people.
        steps: What the host itself is sent, in order.
        target: Which track, part or channel it changes: key of what is remembered for undo.
        keeps: What else belongs into Before.kept when this is undone.
        midi_to: JACK name, without its client, of the MIDI input that the packets are for; empty = wherever the MIDI
            port is connected to.
        instead: What the host itself is sent where the MIDI port can't be led to `midi_to`.
    """

    adapter: str
    method: Method
    messages: tuple[Message, ...]
    packets: tuple[bytes, ...]
    detail: str
    steps: tuple[Step, ...] = ()
    target: str = ""
    keeps: Mapping[str, str] = field(default_factory=dict)
    midi_to: str = ""
    instead: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Before:
    """Remember what a target held before a choice.

    Attributes:
        sound: The sound that was chosen there before, None for none.
        program: Its program with the channel filled in.
        kept: What the host told, by Step.answer.
    """

    sound: Sound | None = None
    program: MidiProgram | None = None
    kept: Mapping[str, str] = field(default_factory=dict)


class DawAdapter(Protocol):
    """Turn a sound into what one kind of host understands, and what it answers into events."""

    @property
    def name(self) -> str:
        """Name as in `--adapter NAME`."""
        ...

    @property
    def doc(self) -> str:
        """One line for `/timbrel/target/list`."""
        ...

    @property
    def can(self) -> frozenset[Capability]:
        """What the host can do."""
        ...

    @property
    def reach(self) -> Reach | None:
        """Where the host listens; None for an adapter that speaks to OSC clients and the MIDI port alone."""
        ...

    @property
    def connect(self) -> tuple[str, ...]:
        """The steps that connect the host, for `timbrel doctor`; exact menu names."""
        ...

    def probe(self) -> tuple[bytes, ...]:
        """Return what is sent now and then to see whether the host is there, and to learn its tracks."""
        ...

    def read(self, payload: bytes) -> tuple[HostEvent, ...]:
        """Understand what came from the host; nothing for what means nothing here. Never raises."""
        ...

    def track(self, text: str, tracks: tuple[Track, ...]) -> Track | None:
        """Find the track that a user names, None for the usual one (empty text).

        Raises:
            TargetError: There is none of that name or number.
        """
        ...

    def load(self, sound: Sound, program: MidiProgram | None, track: Track | None) -> Delivery:
        """Plan how to load a sound.

        Args:
            sound: What was chosen.
            program: Its MIDI program with the channel filled in, None where it has none.
            track: Where to, None for the usual place.
        """
        ...

    def restore(self, before: Before, track: Track | None) -> Delivery | None:
        """Plan how to bring back what was there before a choice; None where that is not known."""
        ...


@runtime_checkable
class ShowsList(Protocol):
    """Show the list of suggestions in a window of the host; what the user does there comes back as Chose."""

    def show(self, names: Sequence[str], list_id: int) -> bytes:
        """Return what brings a list there, as the wire wants it; the first name is item 1."""
        ...


def numbered_track(text: str, most: int, what: str, first: int = 1) -> Track | None:
    """Read a number from `first` to `most`; None for empty text.

    Raises:
        TargetError: It is something else.
    """
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and first <= int(text) <= most):
        raise TargetError(f"track {text} must be a {what} {first}-{most}, or empty")
    return Track(int(text), f"{what} {int(text)}")


def named_track(text: str, tracks: tuple[Track, ...]) -> Track | None:
    """Find a track by its name, any case, else by its number; None for empty text.

    Raises:
        TargetError: There is none, or several of that name.
    """
    if not text:
        return None
    same = [track for track in tracks if track.name.casefold() == text.casefold()]
    if len(same) > 1:
        raise TargetError(f"{len(same)} tracks are named {text}; give them names of their own")
    if not same and text.isascii() and text.isdigit():
        same = [track for track in tracks if track.index == int(text)]
    if not same:
        known = ", ".join(track.name for track in tracks[:12]) or "none is known yet"
        raise TargetError(f"no track {text}; there is {known}")
    return same[0]
