"""Write the surface as a patch for Pure Data (vanilla, 0.51 or later).

The patch hears Timbrel on the port that it sends from, so that it needs none of its own. It tells messages apart by
their address as one symbol: `list tosymbol` of a datagram ends at its first NUL.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from bridge.surfaces.layout import PAGE, SILENT_S, Heard, Request, Widget, surface_widgets

__all__ = ["pd_patch"]

TIMBREL = ("127.0.0.1", 17370)

_TEXT_SIZE, _CHARACTER_PX = 12, 8
_BUTTON_PX = 24
_COLUMNS, _COLUMN_PX, _LINE_PX = 3, 340, 26
"""Raster of the objects that are not seen: they lie below the page."""

_LABEL = f"{_BUTTON_PX + 6} {_BUTTON_PX // 2} 0 {_TEXT_SIZE}"
_COLOURS = "#fcfcfc #000000 #000000"
_SPECIAL = re.compile(r"([\\;,$ ])")

_Pair = tuple[int, int]


def pd_patch(host: str = TIMBREL[0], port: int = TIMBREL[1]) -> str:
    """Return the patch as text.

    What it shows is sent to `timbrel-NAME` as well, and its buttons can be pressed there, by the names of the layout:
    `[r timbrel-name-1]`, `[s timbrel-choose-1]`.

    Args:
        host: IPv4 address at which Timbrel listens.
        port: UDP port at which it does.
    """
    patch = _Patch()
    widgets = surface_widgets("pd", 0)
    register = _subscription(widgets)
    out = patch.box("obj", "netsend -u -b")
    packed, cut = patch.box("obj", "list prepend send"), patch.box("obj", "list trim")
    patch.join((packed, 0), (cut, 0))
    patch.join((cut, 0), (out, 0))
    subscribe, silence = _subscriber(patch, register, f"connect {host} {port}", out, packed)
    shown = _receiver(patch, out, [widget.hears for widget in widgets if widget.hears])
    for widget in widgets:
        seen = _seen(patch, widget)
        if widget.hears:
            patch.join((shown[widget.hears.address], widget.hears.argument), (seen, 0))
        if widget.kind == "lamp":
            patch.join((seen, 0), (silence, 0))
        elif widget.sends == register:
            patch.join((seen, 0), (subscribe, 0))
        elif widget.sends:
            patch.join((seen, 0), (_request(patch, widget.sends, packed, widget.kind == "toggle"), 0))
    return patch.text()


class _Patch:
    """Collect objects and the cords between them."""

    def __init__(self) -> None:
        self._objects: list[str] = []
        self._cords: list[str] = []
        self._hidden = 0

    def box(self, kind: str, text: str, at: _Pair | None = None) -> int:
        """Add an object, below the page where no place is given; return its number."""
        if at is None:
            line, column = divmod(self._hidden, _COLUMNS)
            at = (20 + column * _COLUMN_PX, PAGE.height + 60 + line * _LINE_PX)
            self._hidden += 1
        self._objects.append(f"#X {kind} {at[0]} {at[1]} {text};")
        return len(self._objects) - 1

    def join(self, outlet: _Pair, inlet: _Pair) -> None:
        """Lay a cord; each end is the number of an object and of its outlet or inlet."""
        self._cords.append(f"#X connect {outlet[0]} {outlet[1]} {inlet[0]} {inlet[1]};")

    def text(self) -> str:
        """Return the patch as Pd stores it."""
        canvas = f"#N canvas 0 50 {PAGE.width + 20} {PAGE.height + 20} {_TEXT_SIZE};"
        return "\n".join((canvas, *self._objects, *self._cords, ""))


def _subscription(widgets: Iterable[Widget]) -> Request:
    """Return what the lamp sends while it is dark."""
    return next(widget.sends for widget in widgets if widget.kind == "lamp" and widget.sends)


def _subscriber(patch: _Patch, request: Request, connect: str, out: int, packed: int) -> _Pair:
    """Make what subscribes at the start and after each silence.

    A send that fails closes `netsend`, so that it is opened first where it is closed.

    Returns:
        The objects whose bang subscribes at once, and begins to wait for a silence anew.
    """
    again, start = patch.box("obj", "t b b"), patch.box("obj", "loadbang")
    silence, is_open = patch.box("obj", f"delay {SILENT_S * 1000}"), patch.box("obj", "f 0")
    which, opened = patch.box("obj", "sel 0 1"), patch.box("obj", "sel 1")
    patch.join((start, 0), (again, 0))
    patch.join((silence, 0), (again, 0))
    patch.join((again, 1), (silence, 0))
    patch.join((again, 0), (is_open, 0))
    patch.join((is_open, 0), (which, 0))
    way = patch.box("msg", connect)
    patch.join((which, 0), (way, 0))
    patch.join((way, 0), (out, 0))
    patch.join((out, 0), (is_open, 1))
    patch.join((out, 0), (opened, 0))
    register = _request(patch, request, packed, takes_value=False)
    patch.join((which, 1), (register, 0))
    patch.join((opened, 0), (register, 0))
    return again, silence


def _receiver(patch: _Patch, out: int, heard: list[Heard]) -> dict[str, int]:
    """Make what tells addresses apart; return, for each address, the object that gives out its arguments."""
    types = {one.address: one.types for one in heard}
    both, parse, address = patch.box("obj", "t l l"), patch.box("obj", "oscparse"), patch.box("obj", "list tosymbol")
    select = patch.box("obj", f"sel {' '.join(types)}")
    patch.join((out, 1), (both, 0))
    patch.join((both, 1), (parse, 0))
    patch.join((both, 0), (address, 0))
    patch.join((address, 0), (select, 0))
    depths = {path: path.count("/") for path in types}
    splits = {depth: patch.box("obj", f"list split {depth}") for depth in sorted(set(depths.values()))}
    for split in splits.values():
        patch.join((parse, 0), (split, 0))
    shown: dict[str, int] = {}
    for place, (path, tags) in enumerate(types.items()):
        # The arguments wait in the right inlet; the address, which comes after them, gives them out.
        kept = patch.box("obj", "list append")
        patch.join((splits[depths[path]], 1), (kept, 1))
        patch.join((select, place), (kept, 0))
        shown[path] = patch.box("obj", f"unpack {' '.join('s' if tag == 's' else '0' for tag in tags)}")
        patch.join((kept, 0), (shown[path], 0))
    return shown


def _request(patch: _Patch, request: Request, packed: int, takes_value: bool) -> int:
    """Make what sends a request, with its own value or with 1; return what sets it off."""
    value = ("$1" if takes_value else "1",) if request.follows else ()
    words = (*(_escaped(str(arg)) for arg in request.args), *value)
    message = patch.box("msg", f"list {' '.join(words)}".replace("$", r"\$"))
    coded = patch.box("obj", f"oscformat -f {request.types} {request.address}")
    patch.join((message, 0), (coded, 0))
    patch.join((coded, 0), (packed, 0))
    return message


def _seen(patch: _Patch, widget: Widget) -> int:
    """Make what is seen of a widget."""
    at = (widget.place.left, widget.place.top)
    name, label = f"timbrel-{widget.name}", _escaped(widget.label.replace(" ", "_")) or "empty"
    match widget.kind:
        case "caption":
            return patch.box("text", _escaped(widget.label).replace(r"\ ", " "), at)
        case "text":
            return patch.box("symbolatom", f"{widget.place.width // _CHARACTER_PX} 0 0 0 - - {name} {_TEXT_SIZE}", at)
        case "bar":
            return patch.box("floatatom", f"{widget.place.width // _CHARACTER_PX} 0 0 0 - - {name} {_TEXT_SIZE}", at)
        case "push" | "lamp":
            sends, takes = ("empty", name) if widget.kind == "push" else (name, "empty")
            return patch.box("obj", f"bng {_BUTTON_PX} 250 50 0 {sends} {takes} {label} {_LABEL} {_COLOURS}", at)
        case "toggle":
            toggle = patch.box("obj", f"tgl {_BUTTON_PX} 0 empty {name} {label} {_LABEL} {_COLOURS} 0 1", at)
            if widget.on:
                start, on = patch.box("obj", "loadbang"), patch.box("msg", "set 1")
                patch.join((start, 0), (on, 0))
                patch.join((on, 0), (toggle, 0))
            return toggle


def _escaped(text: str) -> str:
    """Mark what Pd's files give a meaning to."""
    return _SPECIAL.sub(r"\\\1", text)
