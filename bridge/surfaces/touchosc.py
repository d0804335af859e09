"""Write the surface as a document of TouchOSC: a tree of nodes in XML, packed as a zlib stream."""

from __future__ import annotations

import struct
import uuid
import zlib

from bridge.surfaces.layout import PAGE, SILENT_S, Heard, Place, Request, Widget, client_name, surface_widgets

__all__ = ["RECEIVE_PORT", "touchosc_document"]

RECEIVE_PORT = 17381
"""UDP port that the layout tells Timbrel to send to; none of the ports that Timbrel itself may take."""

_CLIENT = "TouchOSC"
_CONNECTIONS = "11111"  # all five of format 3: the user configures one of them

_BACK = (0.09, 0.1, 0.12)
_FIELD = (0.16, 0.18, 0.21)
_ACCENT = (0.25, 0.65, 0.84)
_CHOOSE = (0.35, 0.8, 0.56)
_WHITE = (1.0, 1.0, 1.0)

_MOMENTARY, _TOGGLE_PRESS = 0, 2
_NORTH, _EAST = 0, 1
_LEFT, _CENTRE = 1, 2
_RECTANGLE = 1

_CONVERSIONS = {"i": "INTEGER", "f": "FLOAT", "s": "STRING"}
_STORED_MOST = 65535
"""Most bytes of a stored block of DEFLATE (RFC 1951)."""

_ID_SPACE = uuid.UUID("6a1d2a1e-51d1-5c0e-9a57-3c6f0b7d2e11")

Colour = tuple[float, float, float]


def touchosc_document(token: str = "") -> bytes:
    """Return the `.tosc` file."""
    nodes = [node for widget in surface_widgets(client_name(_CLIENT, token), RECEIVE_PORT) for node in _nodes(widget)]
    page = _node("GROUP", "timbrel", PAGE, _BACK, [], [_value("touch", "false")], "", "".join(nodes))
    return _pack(f"<?xml version='1.0' encoding='UTF-8'?><lexml version='3'>{page}</lexml>".encode())


def _pack(data: bytes) -> bytes:
    """Pack as a zlib stream (RFC 1950) of stored blocks: compressors of different versions give different bytes."""
    chunks = [data[at : at + _STORED_MOST] for at in range(0, len(data), _STORED_MOST)]
    out = [b"\x78\x9c"]
    for n, chunk in enumerate(chunks, 1):
        out += [struct.pack("<BHH", n == len(chunks), len(chunk), 0xFFFF - len(chunk)), chunk]
    return b"".join(out) + struct.pack(">I", zlib.adler32(data))


def _nodes(widget: Widget) -> list[str]:
    match widget.kind:
        case "caption":
            return [_label(widget.name, widget.place, widget.label, _BACK)]
        case "text":
            return [_label(widget.name, widget.place, "", _FIELD, _shown(widget.hears, "text"))]
        case "bar":
            values = [_value("touch", "false"), _value("x", "0")]
            return [_node("FADER", widget.name, widget.place, _ACCENT, _BAR, values, _shown(widget.hears, "x"))]
        case "lamp":
            return [_button(widget, _CHOOSE, script=_watch(widget))]
        case "push" | "toggle":
            colour = _CHOOSE if widget.name.startswith("choose") else _ACCENT
            # A button has no text of its own; what can't be touched lets the finger through.
            return [_button(widget, colour), _label(f"{widget.name}-label", widget.place, widget.label, None)]


_BAR = [
    ("b", "bar", "1"),
    ("i", "barDisplay", "0"),
    ("b", "cursor", "0"),
    ("i", "cursorDisplay", "0"),
    ("b", "grid", "0"),
    ("i", "gridSteps", "10"),
    ("i", "orientation", str(_EAST)),
    ("i", "response", "0"),
    ("i", "responseFactor", "100"),
]

_Property = tuple[str, str, str]


def _button(widget: Widget, colour: Colour, script: str = "") -> str:
    own: list[_Property] = [
        ("i", "buttonType", str(_TOGGLE_PRESS if widget.kind == "toggle" else _MOMENTARY)),
        ("b", "press", "1"),
        ("b", "release", "1"),
        ("b", "valuePosition", "0"),
    ]
    if script:
        own.append(("s", "script", script))
    else:
        own.append(("b", "interactive", "1"))
    values = [_value("touch", "false"), _value("x", str(int(widget.on)))]
    sent = "" if script or widget.sends is None else _sent(widget.sends, rise=widget.kind == "push")
    return _node("BUTTON", widget.name, widget.place, colour, own, values, sent)


def _label(name: str, place: Place, text: str, colour: Colour | None, messages: str = "") -> str:
    own: list[_Property] = [
        ("i", "font", "0"),
        ("i", "textAlignH", str(_LEFT if messages else _CENTRE)),
        ("i", "textAlignV", "2"),
        ("b", "textClip", "1"),
        ("c", "textColor", _colour(_WHITE)),
        ("i", "textLength", "0"),
        ("i", "textSize", "18"),
    ]
    if colour is None:
        own += [("b", "background", "0"), ("b", "outline", "0")]
    values = [_value("text", text), _value("touch", "false")]
    return _node("LABEL", name, place, colour or _BACK, own, values, messages)


def _node(
    kind: str,
    name: str,
    place: Place,
    colour: Colour,
    own: list[_Property],
    values: list[str],
    messages: str,
    children: str = "",
) -> str:
    frame = f"<x>{place.left}</x><y>{place.top}</y><w>{place.width}</w><h>{place.height}</h>"
    shared: list[_Property] = [
        ("b", "background", "1"),
        ("c", "color", _colour(colour)),
        ("f", "cornerRadius", "4"),
        ("r", "frame", frame),
        ("b", "grabFocus", "0"),
        ("b", "interactive", "0"),
        ("b", "locked", "0"),
        ("s", "name", name),
        ("i", "orientation", str(_NORTH)),
        ("b", "outline", "1"),
        ("i", "outlineStyle", "1"),
        ("i", "pointerPriority", "0"),
        ("i", "shape", str(_RECTANGLE)),
        ("b", "visible", "1"),
    ]
    by_key = {key: _property(tag, key, value) for tag, key, value in (*shared, *own)}
    properties = "".join(by_key[key] for key in sorted(by_key))
    parts = [f"<properties>{properties}</properties>", f"<values>{''.join(values)}</values>"]
    parts += [f"<messages>{messages}</messages>"] if messages else []
    parts += [f"<children>{children}</children>"] if children else []
    return f"<node ID='{uuid.uuid5(_ID_SPACE, name)}' type='{kind}'>{''.join(parts)}</node>"


def _property(tag: str, key: str, value: str) -> str:
    content = _text(value) if tag == "s" else value
    return f"<property type='{tag}'><key>{_text(key)}</key><value>{content}</value></property>"


def _value(key: str, default: str) -> str:
    return (
        f"<value><key>{_text(key)}</key><locked>0</locked><lockedDefaultCurrent>0</lockedDefaultCurrent>"
        f"<default>{_text(default)}</default><defaultPull>0</defaultPull></value>"
    )


def _shown(heard: Heard | None, key: str) -> str:
    """Receive a message; every argument up to the one to be shown is written to the same value, the last one stays."""
    if heard is None:
        return ""
    tags = heard.types[: heard.argument + 1]
    return _message(heard.address, [_partial("VALUE", _CONVERSIONS[tag], key) for tag in tags], sends=False)


def _sent(request: Request, *, rise: bool) -> str:
    tags = request.types
    arguments = [
        _partial("CONSTANT", _CONVERSIONS[tag], str(value)) for tag, value in zip(tags, request.args, strict=False)
    ]
    if request.follows:
        arguments.append(_partial("VALUE", _CONVERSIONS[tags[-1]], "x"))
    condition = "RISE" if rise else "ANY"
    return _message(request.address, arguments, sends=True, condition=condition)


def _message(address: str, arguments: list[str], *, sends: bool, condition: str = "") -> str:
    trigger = f"<trigger><var>{_text('x')}</var><condition>{condition}</condition></trigger>"
    return (
        f"<osc><enabled>1</enabled><send>{int(sends)}</send><receive>{int(not sends)}</receive><feedback>0</feedback>"
        f"<connections>{_CONNECTIONS}</connections>{f'<triggers>{trigger}</triggers>' if sends else ''}"
        f"<path>{_partial('CONSTANT', 'STRING', address)}</path>"
        f"<arguments>{''.join(arguments)}</arguments></osc>"
    )


def _partial(kind: str, conversion: str, value: str) -> str:
    return (
        f"<partial><type>{kind}</type><conversion>{conversion}</conversion><value>{_text(value)}</value>"
        "<scaleMin>0</scaleMin><scaleMax>1</scaleMax></partial>"
    )


def _watch(widget: Widget) -> str:
    """Light the lamp at every heartbeat; darken it and subscribe (again) when none comes (Lua)."""
    if widget.sends is None or widget.hears is None:
        return ""
    words = (widget.sends.address, *widget.sends.args)
    arguments = ", ".join(f"'{word}'" if isinstance(word, str) else str(word) for word in words)
    wait_ms = 1000 * SILENT_S
    return f"""local seen = nil
local asked = nil

function onReceiveOSC(message, connections)
  if message[1] == '{widget.hears.address}' then
    seen = getMillis()
    self.values.x = 1
  end
  return false
end

function update()
  local now = getMillis()
  if seen and now - seen < {wait_ms} then return end
  if asked and now - asked < {wait_ms} then return end
  asked = now
  self.values.x = 0
  sendOSC({arguments})
end
"""


def _colour(colour: Colour) -> str:
    red, green, blue = colour
    return f"<r>{red}</r><g>{green}</g><b>{blue}</b><a>1</a>"


def _text(text: str) -> str:
    return f"<![CDATA[{text}]]>"
