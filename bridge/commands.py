"""Define what a client can ask for, whichever way it asks."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "AutoChoose",
    "Choose",
    "ClientCommand",
    "Command",
    "Enable",
    "Focus",
    "Help",
    "HubCommand",
    "KeepSettings",
    "Like",
    "ListItems",
    "ListTargets",
    "Lock",
    "Ping",
    "Preview",
    "Refresh",
    "Refusal",
    "Register",
    "Reject",
    "Released",
    "Renew",
    "SetBus",
    "SetStability",
    "SetTarget",
    "SetThreshold",
    "Step",
    "StopPreview",
    "Undo",
    "Unregister",
]


class Refusal(Exception):  # noqa: N818 - an answer to one client, not an error of the program
    """Refuse one request.

    Args:
        code: 400 wrong request, 403 not let in, 404 not there, 409 stale list, 413 too long, 429 too many,
            503 not now.
        reason: One sentence for the client.
    """

    def __init__(self, code: int, reason: str) -> None:
        self.code = code
        self.reason = reason
        super().__init__(f"{code} {reason}")


@dataclass(frozen=True, slots=True)
class Ping:
    """Ask whether Timbrel is there."""

    token: str


@dataclass(frozen=True, slots=True)
class Help:
    """Ask for the table of addresses."""


@dataclass(frozen=True, slots=True)
class Register:
    """Subscribe for `ttl_s` seconds; port 0 = where the request came from."""

    name: str
    ttl_s: int
    port: int
    capabilities: str


@dataclass(frozen=True, slots=True)
class Renew:
    """Start the time to live of a subscription again."""

    client_id: str


@dataclass(frozen=True, slots=True)
class Unregister:
    """End a subscription."""

    client_id: str


@dataclass(frozen=True, slots=True)
class Refresh:
    """Ask for the full state."""


@dataclass(frozen=True, slots=True)
class ListItems:
    """Ask for `count` items after the first `offset` ones; count 0 = all."""

    offset: int
    count: int


@dataclass(frozen=True, slots=True)
class Choose:
    """Load an item: index from 1; list_id 0 = the current list."""

    index: int
    list_id: int = 0


@dataclass(frozen=True, slots=True)
class Preview:
    """Hear an item."""

    index: int
    list_id: int = 0


@dataclass(frozen=True, slots=True)
class StopPreview:
    """Be silent."""


@dataclass(frozen=True, slots=True)
class Reject:
    """Offer an item no more while its slot plays."""

    index: int
    list_id: int = 0


@dataclass(frozen=True, slots=True)
class Like:
    """Like the sound of an item from now on, or have no opinion of it."""

    index: int
    list_id: int = 0
    on: bool = True


@dataclass(frozen=True, slots=True)
class Step:
    """Load the item `by` places (1 or -1) from the last one."""

    by: int


@dataclass(frozen=True, slots=True)
class Undo:
    """Load what was there before the last choice."""


@dataclass(frozen=True, slots=True)
class Lock:
    """Keep a slot as it is, or let it follow the music again."""

    slot: int
    on: bool


@dataclass(frozen=True, slots=True)
class Enable:
    """Suggest, or stop suggesting."""

    on: bool


@dataclass(frozen=True, slots=True)
class AutoChoose:
    """Load stable suggestions by itself, or only on choose."""

    on: bool


@dataclass(frozen=True, slots=True)
class SetTarget:
    """Choose how, and on which track or channel, sounds are loaded."""

    adapter: str
    track: str


@dataclass(frozen=True, slots=True)
class ListTargets:
    """Ask which targets there are."""


@dataclass(frozen=True, slots=True)
class SetBus:
    """Move the focus to the bus of that name where it is one of several; else listen to another input on this bus."""

    source: str


@dataclass(frozen=True, slots=True)
class Focus:
    """Move the focus to a bus by its number, from 0."""

    bus: int


@dataclass(frozen=True, slots=True)
class SetThreshold:
    """Set the presence, 0..1, from which an instrument counts; None = the encoder's calibrated one."""

    value: float | None


@dataclass(frozen=True, slots=True)
class SetStability:
    """Set how surely and for how long an instrument must be heard, 0..1."""

    value: float


@dataclass(frozen=True, slots=True)
class KeepSettings:
    """Write what is set now into the config file."""


@dataclass(frozen=True, slots=True)
class Released:
    """A button was let go: nothing to do."""


ClientCommand = Ping | Help | Register | Renew | Unregister | Refresh | Released
"""Commands about the connection itself; the OSC server answers them."""

HubCommand = (
    ListItems
    | Choose
    | Preview
    | StopPreview
    | Reject
    | Like
    | Step
    | Undo
    | Lock
    | Enable
    | AutoChoose
    | SetTarget
    | ListTargets
    | SetBus
    | Focus
    | SetThreshold
    | SetStability
    | KeepSettings
)
"""Commands about what is heard and loaded; the hub answers them."""

Command = ClientCommand | HubCommand
