"""Turn checked OSC messages into commands with one dictionary look-up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bridge.commands import (
    AutoChoose,
    Choose,
    Command,
    Enable,
    Help,
    ListItems,
    ListTargets,
    Lock,
    Ping,
    Preview,
    Refresh,
    Refusal,
    Register,
    Reject,
    Released,
    Renew,
    SetBus,
    SetTarget,
    Step,
    StopPreview,
    Undo,
    Unregister,
)
from bridge.osc.addresses import IN_PATHS, MIRROR_SIZE, OUT_PATHS, Address
from bridge.osc.guard import Incoming

__all__ = ["never_answered", "to_command"]

_ANSWERS = ("pong", "reply", "error")


def never_answered(address: str) -> bool:
    """Say whether an address is itself an answer or news, so that answering it could make a loop."""
    if address.rsplit("/", 1)[-1] in _ANSWERS:
        return True
    return address in OUT_PATHS and address not in IN_PATHS


def to_command(incoming: Incoming) -> Command:
    """Find the command behind a message.

    Raises:
        Refusal: 404 for an address that does not exist, 400 for arguments that don't fit it.
    """
    row = IN_PATHS.get(incoming.address)
    if row is None:
        raise Refusal(404, "no such address; /timbrel/help lists them all")
    command: Command = _BUILDERS[incoming.address](*_arguments(row, incoming))
    return command


def _arguments(row: Address, incoming: Incoming) -> list[int | float | str]:
    given = len(incoming.args)
    if not row.required <= given <= len(row.types):
        raise Refusal(400, f"takes {row.args or 'no arguments'}, got {given} arguments")
    values: list[int | float | str] = []
    for tag, value in zip(row.types, incoming.args, strict=False):
        if isinstance(value, str) != (tag == "s"):
            raise Refusal(400, f"takes {row.args}, got type {incoming.types}")
        # Control surfaces send every number as a float (AbletonOSC #33).
        if tag == "i" and isinstance(value, float):
            if not value.is_integer() or abs(value) >= 2**31:
                raise Refusal(400, f"takes {row.args}, {value} is no whole number")
            value = int(value)
        values.append(value)
    return values


def _on(value: int) -> bool:
    if value not in (0, 1):
        raise Refusal(400, f"{value} must be 0 or 1")
    return value == 1


def _button(command: Command) -> Callable[..., Command]:
    return lambda pressed=1.0: command if pressed else Released()


# Any: the table of addresses has checked number and types of the arguments before.
_BUILDERS: dict[str, Callable[..., Any]] = {
    "/timbrel/ping": Ping,
    "/timbrel/help": Help,
    "/timbrel/register": Register,
    "/timbrel/renew": Renew,
    "/timbrel/unregister": Unregister,
    "/timbrel/refresh": Refresh,
    "/timbrel/suggest/list": ListItems,
    "/timbrel/suggest/choose": Choose,
    "/timbrel/suggest/preview": Preview,
    "/timbrel/suggest/reject": Reject,
    **{f"/timbrel/choose/{n}": _button(Choose(n)) for n in range(1, MIRROR_SIZE + 1)},
    **{f"/timbrel/preview/{n}": _button(Preview(n)) for n in range(1, MIRROR_SIZE + 1)},
    "/timbrel/preview/stop": _button(StopPreview()),
    "/timbrel/next": _button(Step(1)),
    "/timbrel/prev": _button(Step(-1)),
    "/timbrel/undo": _button(Undo()),
    "/timbrel/lock": lambda slot, on: Lock(slot, _on(on)),
    "/timbrel/enable": lambda on: Enable(_on(on)),
    "/timbrel/auto": lambda on: AutoChoose(_on(on)),
    "/timbrel/target/set": SetTarget,
    "/timbrel/target/list": ListTargets,
    "/timbrel/bus/set": SetBus,
}
