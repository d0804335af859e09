"""Describe the control surface once: what is where, what it sends, what it shows. Every format is made from this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bridge.osc.addresses import IN_PATHS, MIRROR_SIZE, OUT_PATHS
from bridge.osc.door import TOKEN_MARK

__all__ = ["PAGE", "SILENT_S", "Heard", "Kind", "Place", "Request", "Widget", "client_name", "surface_widgets"]

Kind = Literal["caption", "text", "bar", "lamp", "push", "toggle"]
"""caption: fixed text · text: shows text · bar: shows 0..1 · lamp: lit while Timbrel is heard, asks to be subscribed
while it is not · push: sends once when pressed · toggle: sends 1 and 0 in turn."""

SILENT_S = 6
"""Seconds without a heartbeat after which Timbrel counts as gone: three of them in a row are missing."""

TTL_S = 3600
"""How long a surface subscribes for; the longest that Timbrel grants. When it ends, the lamp subscribes again."""

CAPABILITIES = ":suggest:status:"
"""What a surface wants to be told: no surface can do anything with MIDI."""


@dataclass(frozen=True, slots=True)
class Place:
    """Say where something is, in units of the page, from its top left corner."""

    left: int
    top: int
    width: int
    height: int


PAGE = Place(0, 0, 1024, 768)
"""The page: a tablet held across; every program scales it to its screen."""

_EDGE = 8
_GAP = 8
_INNER = PAGE.width - 2 * _EDGE


@dataclass(frozen=True, slots=True)
class Request:
    """Say what a widget sends.

    Attributes:
        address: Address that Timbrel accepts.
        args: Arguments that are always the same; they come first.
        follows: Whether the widget's own value, 1 or 0, comes after them.
    """

    address: str
    args: tuple[int | str, ...] = ()
    follows: bool = False

    def __post_init__(self) -> None:
        row = IN_PATHS.get(self.address)
        count = len(self.args) + self.follows
        if row is None or not row.required <= count <= len(row.types):
            raise ValueError(f"{self.address} with {count} arguments is not in the table of addresses")

    @property
    def types(self) -> str:
        """OSC type tags of what is sent, without the comma."""
        return IN_PATHS[self.address].types[: len(self.args) + self.follows]


@dataclass(frozen=True, slots=True)
class Heard:
    """Say what a widget shows: one argument of a message that Timbrel sends.

    Attributes:
        address: Address of the message.
        argument: Which of its arguments, from 0.
    """

    address: str
    argument: int = 0

    def __post_init__(self) -> None:
        row = OUT_PATHS.get(self.address)
        if row is None or not 0 <= self.argument < len(row.types):
            raise ValueError(f"argument {self.argument} of {self.address} is not in the table of addresses")

    @property
    def types(self) -> str:
        """OSC type tags of the whole message, without the comma."""
        return OUT_PATHS[self.address].types


@dataclass(frozen=True, slots=True)
class Widget:
    """Describe one widget.

    Attributes:
        name: Unique name.
        kind: What it is.
        place: Where it is.
        label: What is written on it.
        sends: What it sends, None for one that only shows.
        hears: What it shows, None for one that only sends.
        on: Whether a toggle is on at first.
    """

    name: str
    kind: Kind
    place: Place
    label: str = ""
    sends: Request | None = None
    hears: Heard | None = None
    on: bool = False


def client_name(name: str, token: str) -> str:
    """Return what a surface calls itself: with a token, as one on another machine has to."""
    return f"{name}{TOKEN_MARK}{token}" if token else name


def surface_widgets(client: str, port: int) -> tuple[Widget, ...]:
    """Lay out the surface.

    Args:
        client: What the surface calls itself when it subscribes.
        port: UDP port that it listens on, 0 for a program that listens where it sends from.
    """
    subscribe = Request("/timbrel/register", (client, TTL_S, port, CAPABILITIES))
    return (*_head(subscribe), *_rows(), *_locks(488), *_controls(548, subscribe), *_foot(630))


def _head(subscribe: Request) -> list[Widget]:
    top, height, beat = 8, 44, 72
    text = Place(176, top, _INNER + _EDGE - 176 - _GAP - beat, height)
    lamp = Place(PAGE.width - _EDGE - beat, top, beat, height)
    return [
        Widget("state", "text", Place(_EDGE, top, 160, height), hears=Heard("/timbrel/status", 0)),
        Widget("status", "text", text, hears=Heard("/timbrel/status", 1)),
        Widget("alive", "lamp", lamp, sends=subscribe, hears=Heard("/timbrel/heartbeat")),
    ]


def _rows() -> list[Widget]:
    out: list[Widget] = []
    for n in range(1, MIRROR_SIZE + 1):
        top, height = 8 + n * 52, 44
        out += [
            Widget(f"name-{n}", "text", Place(_EDGE, top, 532, height), hears=Heard(f"/timbrel/suggest/{n}/name")),
            Widget(f"score-{n}", "bar", Place(548, top, 184, height), hears=Heard(f"/timbrel/suggest/{n}/score")),
            _push(f"preview-{n}", Place(740, top, 134, height), "Preview", f"/timbrel/preview/{n}"),
            _push(f"choose-{n}", Place(882, top, 134, height), "Choose", f"/timbrel/choose/{n}"),
        ]
    return out


def _locks(top: int) -> list[Widget]:
    height, first, step = 44, 176, 105
    out = [Widget("lock", "caption", Place(_EDGE, top, 160, height), "Lock slot")]
    for slot in range(1, MIRROR_SIZE + 1):
        place = Place(first + (slot - 1) * step, top, step - _GAP, height)
        out.append(Widget(f"lock-{slot}", "toggle", place, str(slot), Request("/timbrel/lock", (slot,), follows=True)))
    return out


def _controls(top: int, subscribe: Request) -> list[Widget]:
    step, height = 145, 66
    places = [Place(_EDGE + n * step, top, step - _GAP, height) for n in range(7)]
    return [
        _push("prev", places[0], "Previous", "/timbrel/prev"),
        _push("next", places[1], "Next", "/timbrel/next"),
        _push("undo", places[2], "Undo", "/timbrel/undo"),
        _push("stop", places[3], "Stop preview", "/timbrel/preview/stop"),
        Widget("auto", "toggle", places[4], "Auto", Request("/timbrel/auto", follows=True)),
        Widget("enable", "toggle", places[5], "Suggest", Request("/timbrel/enable", follows=True), on=True),
        Widget("connect", "push", places[6], "Connect", subscribe),
    ]


def _foot(top: int) -> list[Widget]:
    """Say what became of the last choice, the last preview, and why the last request was refused."""
    height, step = 36, 44
    out: list[Widget] = []
    rows = (
        ("chosen", "Choice", Heard("/timbrel/chosen", 4), Heard("/timbrel/chosen", 5)),
        ("previewed", "Preview", Heard("/timbrel/previewed", 3), Heard("/timbrel/previewed", 4)),
        ("refused", "Refused", Heard("/timbrel/error", 0), Heard("/timbrel/error", 2)),
    )
    for n, (name, label, short, long) in enumerate(rows):
        y = top + n * step
        out += [
            Widget(name, "caption", Place(_EDGE, y, 160, height), label),
            Widget(f"{name}-short", "text", Place(176, y, 200, height), hears=short),
            Widget(f"{name}-long", "text", Place(384, y, _INNER + _EDGE - 384, height), hears=long),
        ]
    return out


def _push(name: str, place: Place, label: str, address: str) -> Widget:
    return Widget(name, "push", place, label, Request(address, follows=True))
