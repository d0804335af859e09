"""Read the layouts of control surfaces back as their programs do."""

from __future__ import annotations

import json
import re
import zlib
from dataclasses import dataclass
from functools import cache
from typing import Any
from xml.etree import ElementTree as ET

from bridge.osc.addresses import OUT_PATHS
from bridge.osc.encode import Message
from bridge.surfaces import surface_files
from bridge.surfaces.layout import PAGE

__all__ = ["OPENSTAGE", "TOUCHOSC", "layout_of"]

OPENSTAGE, TOUCHOSC = "timbrel-openstagecontrol.json", "timbrel-touchosc.tosc"


@dataclass(frozen=True)
class Shown:
    """One argument of a message that a widget shows, and the types that the layout takes the message for."""

    address: str
    argument: int
    types: str


@dataclass(frozen=True)
class Layout:
    """What a program finds in a layout: frames in page units, messages of each control, what it shows."""

    frames: dict[str, tuple[float, float, float, float]]
    sent: dict[str, list[Message]]
    shown: dict[str, Shown]


# Any: JSON of another program's format.
def openstage_sent(widget: dict[str, Any]) -> list[Message]:
    """Do what the server of Open Stage Control does: preArgs, then the value, typed by letter; null is left out."""
    values = {"toggle": [widget.get("on"), widget.get("off")], "tap": [widget.get("on")], "momentary": [None]}
    out = []
    for value in values[widget["mode"]]:
        args = [arg for arg in [*widget.get("preArgs", []), value] if arg is not None]
        out.append(Message(widget["address"], widget["typeTags"][: len(args)], tuple(args)))
    return out


def openstage_script_sent(script: str) -> list[Message]:
    (call,) = re.findall(r"send\((.*)\)", script)
    address, *args = json.loads(f"[{call}]")
    types = "".join(arg["type"] if isinstance(arg, dict) else "s" for arg in args)
    return [Message(address, types, tuple(arg["value"] if isinstance(arg, dict) else arg for arg in args))]


def read_openstage(content: bytes) -> Layout:
    session = json.loads(content)
    assert (session["type"], session["content"]["type"]) == ("session", "root")
    layout = Layout({}, {}, {})
    for widget in session["content"]["widgets"]:
        name = widget["id"]
        if widget["type"] == "script":
            name = name.removesuffix("-watch")
            layout.sent[name] = openstage_script_sent(widget["onCreate"])
            layout.shown[name] = Shown(widget["address"], 0, OUT_PATHS[widget["address"]].types)
            assert f'set("{name}", 1)' in widget["onValue"]
            continue
        sides = [float(widget[side].removesuffix("%")) / 100 for side in ("left", "top", "width", "height")]
        left, top, width, height = (s * whole for s, whole in zip(sides, (PAGE.width, PAGE.height) * 2, strict=True))
        assert name not in layout.frames
        layout.frames[name] = (left, top, width, height)
        if widget["type"] == "button":
            layout.sent[name] = openstage_sent(widget)
        elif "address" in widget:
            assert widget["bypass"] is True
            at = re.findall(r"value\[(\d+)\]", widget.get("onValue", ""))
            shown_types = {"text": "s", "fader": "f"}[widget["type"]]
            types = OUT_PATHS[widget["address"]].types
            assert bool(at) == (len(types) > 1)
            index = int(at[0]) if at else 0
            layout.shown[name] = Shown(widget["address"], index, types[:index] + shown_types)
    return layout


TAGS = {"INTEGER": "i", "FLOAT": "f", "STRING": "s"}


def touchosc_properties(node: ET.Element) -> dict[str, ET.Element]:
    found = node.findall("properties/property")
    by_key = {p.findtext("key", ""): p.findall("value")[0] for p in found}
    assert list(by_key) == sorted(by_key)
    return by_key


def touchosc_sent(osc: ET.Element, x: float) -> Message:
    types = ""
    args: list[int | float | str] = []
    for partial in osc.findall("arguments/partial"):
        tag = TAGS[partial.findtext("conversion", "")]
        text = partial.findtext("value", "")
        assert partial.findtext("type") == ("VALUE" if text == "x" else "CONSTANT")
        value = x if text == "x" else text
        types += tag
        args.append(str(value) if tag == "s" else int(float(value)) if tag == "i" else float(value))
    return Message(osc.findtext("path/partial/value", ""), types, tuple(args))


def touchosc_script_sent(script: str) -> list[Message]:
    (call,) = re.findall(r"sendOSC\((.*)\)", script)
    address, *args = [json.loads(word.replace("'", '"')) for word in call.split(", ")]
    # Every number in Lua is a float on the wire.
    types = "".join("s" if isinstance(arg, str) else "f" for arg in args)
    return [Message(address, types, tuple(args))]


def read_touchosc(content: bytes) -> Layout:
    root = ET.fromstring(zlib.decompress(content))
    assert (root.tag, root.get("version")) == ("lexml", "3")
    (page,) = root.findall("node")
    assert page.get("type") == "GROUP"
    layout = Layout({}, {}, {})
    for node in page.findall("children/node"):
        properties = touchosc_properties(node)
        name = properties["name"].text or ""
        frame = [float(properties["frame"].findtext(side, "")) for side in "xywh"]
        assert name not in layout.frames
        layout.frames[name] = (frame[0], frame[1], frame[2], frame[3])
        if "script" in properties:
            script = properties["script"].text or ""
            (address,) = re.findall(r"message\[1\] == '([^']+)'", script)
            layout.sent[name] = touchosc_script_sent(script)
            layout.shown[name] = Shown(address, 0, OUT_PATHS[address].types)
        for osc in node.findall("messages/osc"):
            if osc.findtext("send") == "1":
                condition = osc.findtext("triggers/trigger/condition")
                toggles = properties["buttonType"].text != "0"
                assert (properties["interactive"].text, condition) == ("1", "ANY" if toggles else "RISE")
                layout.sent[name] = [touchosc_sent(osc, x) for x in ((1.0, 0.0) if toggles else (1.0,))]
            else:
                assert osc.findtext("receive") == "1"
                partials = osc.findall("arguments/partial")
                values = {p.findtext("value") for p in partials}
                assert values == ({"text"} if node.get("type") == "LABEL" else {"x"})
                types = "".join(TAGS[p.findtext("conversion", "")] for p in partials)
                layout.shown[name] = Shown(osc.findtext("path/partial/value", ""), len(types) - 1, types)
    return layout


@cache
def layout_of(program: str) -> Layout:
    return {OPENSTAGE: read_openstage, TOUCHOSC: read_touchosc}[program](surface_files()[program])
