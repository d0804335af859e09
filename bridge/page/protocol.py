"""Define what goes over the WebSocket: JSON both ways, every message of the daemon with the number of the format.

To a page: {"v", "type": "state", "from", "version", "changed": {section: value}, "dropped"} with everything when "from"
is 0, and {"v", "type": "event", "kind": "chosen" | "reply" | "error" | "note" | "bye", ...}.
From a page: {"do": command, "id": number that its answer carries, ...}; sounds are named by slot and id, not by place,
so that a list that changes under the finger can't load another sound. "inputs" has no answer but the section that
follows, and neither have "threshold" and "stability" where they are taken.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bridge.commands import (
    AutoChoose,
    Choose,
    Enable,
    Focus,
    HubCommand,
    KeepSettings,
    Like,
    Lock,
    Refusal,
    Reject,
    SetBus,
    SetStability,
    SetTarget,
    SetThreshold,
    Step,
    Undo,
)
from bridge.osc.server import Asker
from bridge.suggestions import SuggestionList

__all__ = ["FORMAT", "MAX_REQUEST_BYTES", "PageAsker", "Request", "event", "read_request", "to_command"]

FORMAT = 1
MAX_REQUEST_BYTES = 4096
"""Longest message of a page: a sound id may be a long path inside its source."""

_MAX_TEXT = 2048

Fields = dict[str, Any]  # Any: what JSON holds, checked field by field


@dataclass(frozen=True, slots=True)
class PageAsker(Asker):
    """Say which page sent a command; `path` is its name.

    Attributes:
        client: Number of the page.
        request: What its answer carries.
    """

    client: int
    request: int


@dataclass(frozen=True, slots=True)
class Request:
    """Hold one message of a page.

    Attributes:
        do: Name of the command.
        id: What the answer carries.
        fields: The rest.
    """

    do: str
    id: int
    fields: Fields


def event(kind: str, **fields: object) -> Fields:
    """Make a message about something that happened."""
    return {"v": FORMAT, "type": "event", "kind": kind, **fields}


def read_request(text: str) -> Request:
    """Read a message of a page.

    Raises:
        Refusal: 400, it is no object of JSON with a command; 413, it is too long.
    """
    if len(text.encode("utf-8", "replace")) > MAX_REQUEST_BYTES:
        raise Refusal(413, f"a message has at most {MAX_REQUEST_BYTES} bytes")
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        raise Refusal(400, "a message is an object of JSON") from None
    if not isinstance(fields, dict) or not isinstance(fields.get("do"), str):
        raise Refusal(400, 'a message is an object of JSON with "do"')
    number = fields.get("id", 0)
    is_number = isinstance(number, int) and not isinstance(number, bool) and 0 <= number < 2**53
    return Request(fields["do"][:64], number if is_number else 0, fields)


def to_command(request: Request, shown: SuggestionList) -> HubCommand:
    """Find the command behind a message.

    Args:
        request: What a page sent.
        shown: The present list.

    Raises:
        Refusal: 404 for a command that does not exist, 400 for fields that don't fit it, 409 for a sound that is no
            longer offered.
    """
    build = _BUILDERS.get(request.do)
    if build is None:
        raise Refusal(404, f"no command {request.do}; there is {', '.join(_BUILDERS)}")
    return build(request.fields, shown)


def _index(fields: Fields, shown: SuggestionList) -> tuple[int, int]:
    """Return index and list id of the sound that is named by slot and id."""
    slot, sound = _number(fields, "slot"), _text(fields, "sound")
    for index, item in enumerate(shown.items, 1):
        if (item.slot, item.sound.id) == (slot, sound):
            return index, shown.list_id
    raise Refusal(409, "this sound is no longer offered")


def _number(fields: Fields, name: str) -> int:
    value = fields.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= 2**31:
        raise Refusal(400, f"{name} must be a whole number")
    return value


def _text(fields: Fields, name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or len(value) > _MAX_TEXT:
        raise Refusal(400, f"{name} must be a text of at most {_MAX_TEXT} characters")
    return value


def _flag(fields: Fields, name: str = "on") -> bool:
    value = fields.get(name)
    if not isinstance(value, bool):
        raise Refusal(400, f"{name} must be true or false")
    return value


def _share(fields: Fields) -> float:
    value = fields.get("value")
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value <= 1.0:
        raise Refusal(400, "value must be a number in 0..1")
    return float(value)


def _step(fields: Fields) -> Step:
    by = _number(fields, "by")
    if by not in (1, -1):
        raise Refusal(400, f"by {by} must be 1 or -1")
    return Step(by)


_BUILDERS: dict[str, Callable[[Fields, SuggestionList], HubCommand]] = {
    "choose": lambda fields, shown: Choose(*_index(fields, shown)),
    "reject": lambda fields, shown: Reject(*_index(fields, shown)),
    "like": lambda fields, shown: Like(*_index(fields, shown), _flag(fields)),
    "step": lambda fields, _: _step(fields),
    "undo": lambda _fields, _shown: Undo(),
    "lock": lambda fields, _: Lock(_number(fields, "slot"), _flag(fields)),
    "enable": lambda fields, _: Enable(_flag(fields)),
    "auto": lambda fields, _: AutoChoose(_flag(fields)),
    "target": lambda fields, _: SetTarget(_text(fields, "adapter"), _text(fields, "track")),
    "bus": lambda fields, _: SetBus(_text(fields, "input")),
    "focus": lambda fields, _: Focus(_number(fields, "bus")),
    "threshold": lambda fields, _: SetThreshold(None if fields.get("value", 0) is None else _share(fields)),
    "stability": lambda fields, _: SetStability(_share(fields)),
    "keep": lambda _fields, _shown: KeepSettings(),
}
