"""Write the surface as a session of Open Stage Control (1.25 and newer): JSON, one object a widget."""

from __future__ import annotations

import json

from bridge.surfaces.layout import PAGE, SILENT_S, Heard, Request, Widget, client_name, surface_widgets

__all__ = ["FORMAT_VERSION", "openstage_session"]

FORMAT_VERSION = "1.30.1"
"""Version of Open Stage Control whose format this is; newer ones convert older sessions by it."""

_CLIENT = "Open Stage Control"
_SAME_PORT = 0  # it listens on the port that it sends from

_TEXT = "#e8e8e8"
_ACCENT = "#3fa7d6"
_CHOOSE = "#59cd90"
_QUIET = "#8d99ae"

_CHECK_S = 2

Properties = dict[str, object]


def openstage_session(token: str = "") -> str:
    """Return the session file."""
    widgets = [made for widget in surface_widgets(client_name(_CLIENT, token), _SAME_PORT) for made in _widgets(widget)]
    root: Properties = {
        "type": "root",
        "id": "root",
        "colorText": _TEXT,
        "colorWidget": _ACCENT,
        "address": "auto",
        "bypass": True,
        "widgets": widgets,
        "tabs": [],
    }
    session = {"createdWith": "Timbrel", "version": FORMAT_VERSION, "type": "session", "content": root}
    return json.dumps(session, indent=2, ensure_ascii=True) + "\n"


def _widgets(widget: Widget) -> list[Properties]:
    match widget.kind:
        case "caption":
            return [_base(widget, "text") | {"default": widget.label, "colorText": _QUIET, "bypass": True}]
        case "text":
            return [_base(widget, "text") | {"align": "left", "bypass": True} | _shown(widget.hears)]
        case "bar":
            return [_base(widget, "fader") | _BAR | _shown(widget.hears)]
        case "lamp":
            return [_base(widget, "led") | {"colorWidget": _CHOOSE, "bypass": True}, _watch(widget)]
        case "push" | "toggle":
            return [_base(widget, "button") | _button(widget)]


_BAR: Properties = {
    "design": "compact",
    "horizontal": True,
    "interaction": False,
    "range": {"min": 0, "max": 1},
    "bypass": True,
}


def _base(widget: Widget, kind: str) -> Properties:
    place = widget.place
    return {
        "type": kind,
        "id": widget.name,
        "left": _percent(place.left, PAGE.width),
        "top": _percent(place.top, PAGE.height),
        "width": _percent(place.width, PAGE.width),
        "height": _percent(place.height, PAGE.height),
    }


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.3f}%"


def _shown(heard: Heard | None) -> Properties:
    if heard is None:
        return {}
    shown: Properties = {"address": heard.address}
    if len(heard.types) > 1:
        # A widget that takes one value is given all arguments as an array.
        shown["onValue"] = f'if (Array.isArray(value)) set("this", value[{heard.argument}])'
    return shown


def _button(widget: Widget) -> Properties:
    request = widget.sends
    if request is None:
        return {}
    color = _CHOOSE if widget.name.startswith("choose") else _ACCENT
    out: Properties = {"label": widget.label, "colorWidget": color, "address": request.address}
    if request.args:
        out["preArgs"] = list(request.args)
    out["typeTags"] = request.types
    if not request.follows:
        return out | {"mode": "momentary"}
    out |= {"mode": "toggle" if widget.kind == "toggle" else "tap", "on": 1, "off": 0}
    return out | {"default": 1} if widget.on else out


def _watch(widget: Widget) -> Properties:
    """Light the lamp at every heartbeat; darken it and subscribe (again) when none comes."""
    if widget.sends is None or widget.hears is None:
        return {}
    lamp = json.dumps(widget.name)
    return {
        "type": "script",
        "id": f"{widget.name}-watch",
        "address": widget.hears.address,
        "bypass": True,
        "onCreate": "\n".join(
            (
                f"locals.quiet = {SILENT_S}",
                f"setInterval(() => {{  // every {_CHECK_S} s, as Timbrel's heartbeat",
                f"  locals.quiet += {_CHECK_S}",
                f"  if (locals.quiet < {SILENT_S}) return",
                "  locals.quiet = 0",
                f"  set({lamp}, 0)",
                f"  send({_arguments(widget.sends)})",
                f"}}, {1000 * _CHECK_S})",
            )
        ),
        "onValue": f"locals.quiet = 0\nset({lamp}, 1)",
    }


def _arguments(request: Request) -> str:
    """Write a request as the arguments of `send`; numbers would be sent as floats without their type."""
    typed = [
        value if isinstance(value, str) else {"type": tag, "value": value}
        for tag, value in zip(request.types, request.args, strict=True)
    ]
    return ", ".join(json.dumps(value) for value in (request.address, *typed))
