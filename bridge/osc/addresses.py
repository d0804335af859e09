"""List every OSC address of api 1: the one table behind dispatch, `/timbrel/help` and the documentation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

__all__ = ["ADDRESSES", "API", "IN_PATHS", "MIRROR_SIZE", "OUT_PATHS", "Address"]

API = 1
"""Version of this table; raised when an address or its types change in a way that old clients notice."""

MIRROR_SIZE = 8
"""Labels and buttons of the flat mirror: what the smallest control surfaces show in one row."""

_SPAN = f"1..{MIRROR_SIZE}"


@dataclass(frozen=True)
class Address:
    """Describe one OSC address.

    Attributes:
        path: The address; `1..8` in it stands for eight addresses.
        direction: "in" = a client sends it to Timbrel, "out" = Timbrel sends it.
        args: Arguments as type:name, separated by spaces; in [brackets] = may be left out.
        doc: One sentence for people.
    """

    path: str
    direction: Literal["in", "out"]
    args: str
    doc: str

    @cached_property
    def types(self) -> str:
        """OSC type tags of all arguments, without the comma."""
        return "".join(word.lstrip("[")[0] for word in self.args.split())

    @cached_property
    def required(self) -> int:
        """Number of arguments that can't be left out."""
        return sum(not word.startswith("[") for word in self.args.split())

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """The plain addresses that this row stands for."""
        if _SPAN not in self.path:
            return (self.path,)
        return tuple(self.path.replace(_SPAN, str(n)) for n in range(1, MIRROR_SIZE + 1))


ADDRESSES: tuple[Address, ...] = (
    Address("/timbrel/ping", "in", "s:token", "Ask whether Timbrel is there; the token comes back in the pong."),
    Address("/timbrel/help", "in", "", "Ask for this table."),
    Address(
        "/timbrel/register",
        "in",
        "s:name i:ttl_s i:port s:capabilities",
        "Subscribe for ttl_s seconds; port 0 = the port this is sent from; "
        "capabilities from :suggest:status:midi:, empty = all.",
    ),
    Address("/timbrel/renew", "in", "s:client_id", "Start the time to live of a subscription again."),
    Address("/timbrel/unregister", "in", "s:client_id", "End a subscription."),
    Address("/timbrel/refresh", "in", "", "Ask for the full state: status, list, labels."),
    Address(
        "/timbrel/suggest/list",
        "in",
        "i:offset i:count",
        "Ask for count items after the first offset ones; count 0 = all.",
    ),
    Address(
        "/timbrel/suggest/choose",
        "in",
        "i:index i:list_id",
        "Load item index (from 1) of the list; list_id 0 = the current one.",
    ),
    Address("/timbrel/suggest/preview", "in", "i:index i:list_id", "Hear item index of the list."),
    Address("/timbrel/suggest/reject", "in", "i:index i:list_id", "Offer item index no more while its slot plays."),
    Address(
        f"/timbrel/choose/{_SPAN}", "in", "[f:pressed]", "Load the item on this label; 0 = button release, ignored."
    ),
    Address(
        f"/timbrel/preview/{_SPAN}", "in", "[f:pressed]", "Hear the item on this label; 0 = button release, ignored."
    ),
    Address("/timbrel/preview/stop", "in", "[f:pressed]", "Stop the preview; 0 = button release, ignored."),
    Address("/timbrel/next", "in", "[f:pressed]", "Load the item after the last one; 0 = button release, ignored."),
    Address("/timbrel/prev", "in", "[f:pressed]", "Load the item before the last one; 0 = button release, ignored."),
    Address("/timbrel/undo", "in", "[f:pressed]", "Load what was there before; 0 = button release, ignored."),
    Address("/timbrel/lock", "in", "i:slot i:on", "1 = keep this slot as it is, 0 = let it follow the music again."),
    Address("/timbrel/enable", "in", "i:on", "0 = stop suggesting, 1 = suggest."),
    Address("/timbrel/auto", "in", "i:on", "1 = load the best stable suggestion by itself, 0 = only on choose."),
    Address("/timbrel/target/set", "in", "s:adapter s:track", "Choose how, and on which track or channel, to load."),
    Address("/timbrel/target/list", "in", "", "Ask which targets there are."),
    Address(
        "/timbrel/bus/set",
        "in",
        "s:input",
        "Move the focus to one of several buses, by the context of its list; any other name: listen to that input on "
        "this bus, a device name or jack:REGEX, never a file.",
    ),
    Address(
        "/timbrel/pong", "out", "s:token s:program s:version i:api i:pid", "Answer to ping; program is always timbrel."
    ),
    Address("/timbrel/help", "out", "i:n i:total s:address s:types s:doc", "One row of this table."),
    Address(
        "/timbrel/registered", "out", "s:client_id i:ttl_s s:capabilities", "Subscription granted; the state follows."
    ),
    Address("/timbrel/suggest/begin", "out", "i:list_id i:count s:context", "Count items of a list follow."),
    Address(
        "/timbrel/suggest/item",
        "out",
        "i:list_id i:index i:slot i:rank s:sound_id s:name s:kind f:score f:presence",
        "One sound: rank 1 is the best of its slot.",
    ),
    Address(
        "/timbrel/suggest/program",
        "out",
        "i:list_id i:index i:ch i:msb i:lsb i:program",
        "The MIDI program of an item: ch 1-16, the others 0-127, -1 = none.",
    ),
    Address("/timbrel/suggest/end", "out", "i:list_id", "The list is complete."),
    Address(f"/timbrel/suggest/{_SPAN}/name", "out", "s:name", "Label of an item; empty clears it."),
    Address(f"/timbrel/suggest/{_SPAN}/score", "out", "f:score", "Cosine similarity of an item; 0 when cleared."),
    Address(
        "/timbrel/midi/program",
        "out",
        "i:ch i:msb i:lsb i:program",
        "Load this program now: ch 1-16, the others 0-127, -1 = leave as it is.",
    ),
    Address("/timbrel/midi/raw", "out", "m:message", "The same as MIDI: CC 0, CC 32, program change, one each."),
    Address(
        "/timbrel/chosen",
        "out",
        "i:list_id i:index s:sound_id s:adapter s:result s:detail",
        "What was done: result is ok, queued or failed.",
    ),
    Address(
        "/timbrel/previewed",
        "out",
        "i:list_id i:index s:sound_id s:state s:detail",
        "What became of a preview: state is playing, ended or failed.",
    ),
    Address("/timbrel/status", "out", "s:state s:text", "What Timbrel is doing."),
    Address("/timbrel/heartbeat", "out", "i:seq i:uptime_s", "Every two seconds while Timbrel runs."),
    Address("/timbrel/bye", "out", "s:reason", "Timbrel ends."),
    Address("/timbrel/reply", "out", "s:path s:msg", "A request was done."),
    Address("/timbrel/error", "out", "s:path i:code s:msg", "A request was refused: 400 403 404 409 413 429 503."),
)

IN_PATHS: dict[str, Address] = {path: row for row in ADDRESSES if row.direction == "in" for path in row.paths}
"""Every plain address that Timbrel accepts."""

OUT_PATHS: dict[str, Address] = {path: row for row in ADDRESSES if row.direction == "out" for path in row.paths}
"""Every plain address that Timbrel sends."""
