"""Define what the hub asks the daemon to do: values, so that the hub itself touches nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge.osc.clients import Topic
from bridge.osc.encode import Message

if TYPE_CHECKING:
    from bridge.daws.base import Delivery
    from library.sounds import MidiProgram

__all__ = ["Deliver", "Effect", "Loaded", "LockSlot", "Reply", "Send", "SwitchBus"]


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
class Loaded:
    """Remember what was last loaded on a MIDI channel."""

    sound_id: str
    name: str
    program: MidiProgram


@dataclass(frozen=True, slots=True)
class Deliver:
    """Load a sound: write its MIDI, then tell the hub how that went through `Hub.delivered`.

    Attributes:
        delivery: What the adapter made of the sound.
        list_id: List that it was chosen from, 0 for none.
        index: Its index there, 0 for none.
        sound_id: Which sound.
        loaded: What the channel holds afterwards, None when nothing is loaded.
        note: Why it was loaded, for `/timbrel/chosen`: empty, "auto: " or "undone: ".
        undo: It takes a choice back, so it can't be taken back itself.
    """

    delivery: Delivery
    list_id: int
    index: int
    sound_id: str
    loaded: Loaded | None
    note: str = ""
    undo: bool = False


@dataclass(frozen=True, slots=True)
class SwitchBus:
    """Listen to another input."""

    source: str


@dataclass(frozen=True, slots=True)
class LockSlot:
    """Make the engine keep a slot as it is, or let it go."""

    slot: int
    on: bool


Effect = Send | Reply | Deliver | SwitchBus | LockSlot
