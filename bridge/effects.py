"""Define what the hub asks the daemon to do: values, so that the hub itself touches nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from bridge.osc.clients import Topic
from bridge.osc.encode import Message

if TYPE_CHECKING:
    from bridge.daws.base import Before, Delivery
    from library.sounds import MidiProgram, Sound

__all__ = [
    "Deliver",
    "Delivered",
    "Effect",
    "Hear",
    "Hush",
    "Judge",
    "Keep",
    "LockSlot",
    "Reply",
    "Send",
    "SwitchBus",
    "Tune",
]


@dataclass(frozen=True, slots=True)
class Send:
    """Send a message over OSC.

    Attributes:
        message: What to send.
        topic: Who gets it besides the asker; None = nobody.
        to_asker: Whoever asked gets it too, subscribed or not.
    """

    message: Message
    topic: Topic | None
    to_asker: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """Tell the asker that the request was done."""

    text: str


@dataclass(frozen=True, slots=True)
class Deliver:
    """Load a sound: write its MIDI, send its steps, then tell the hub how that went through `Hub.delivered`.

    Attributes:
        delivery: What the adapter made of the sound.
        list_id: List that it was chosen from, 0 for none.
        index: Its index there, 0 for none.
        sound: Which sound, None when what comes back was no sound of a library.
        program: Its MIDI program with the channel filled in.
        note: Why it was loaded, for `/timbrel/chosen`: empty, "auto: " or "undone: ".
        undone: What comes back, when it takes a choice back; it can't be taken back itself.
        track: Which track the user meant, in the user's words: undo goes there too.
    """

    delivery: Delivery
    list_id: int
    index: int
    sound: Sound | None
    program: MidiProgram | None
    note: str = ""
    undone: Before | None = None
    track: str = ""


@dataclass(frozen=True, slots=True)
class Delivered:
    """Say how a delivery went.

    Attributes:
        port: Name of the MIDI port that took its packets, None without one.
        midi_error: Why the port did not take them, or None.
        result: What became of its steps: ok = the host confirmed them, queued = sent, but nothing comes back.
        detail: Why they failed.
        kept: What the host told about its state before, by Step.answer.
    """

    port: str | None = None
    midi_error: str | None = None
    result: Literal["ok", "queued", "failed"] = "ok"
    detail: str = ""
    kept: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Hear:
    """Play a sound's own audio on the preview output."""

    sound: Sound
    list_id: int
    index: int


@dataclass(frozen=True, slots=True)
class Hush:
    """Stop the preview."""


@dataclass(frozen=True, slots=True)
class SwitchBus:
    """Listen to another input on a bus, by its number."""

    source: str
    bus: int = 0


@dataclass(frozen=True, slots=True)
class LockSlot:
    """Make the engine of a bus keep a slot as it is, or let it go."""

    slot: int
    on: bool
    bus: int = 0


@dataclass(frozen=True, slots=True)
class Judge:
    """Keep that the producer likes a sound, or has no opinion of it."""

    sound: Sound
    liked: bool


@dataclass(frozen=True, slots=True)
class Tune:
    """Make all engines hear more or less; see `Engine.tune`."""

    threshold: float | None
    stability: float


@dataclass(frozen=True, slots=True)
class Keep:
    """Write what is set now into the config file."""


Effect = Send | Reply | Deliver | Hear | Hush | SwitchBus | LockSlot | Judge | Tune | Keep
