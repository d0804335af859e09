from __future__ import annotations

import pytest

from bridge.commands import Choose, Refusal, Released, Step, Undo
from bridge.osc.addresses import ADDRESSES, IN_PATHS, OUT_PATHS
from bridge.osc.dispatch import never_answered, to_command
from bridge.osc.guard import Incoming

EXAMPLE: dict[str, int | float | str] = {"i": 1, "f": 1.0, "s": "x"}


def incoming(address: str, types: str = "", *args: int | float | str) -> Incoming:
    return Incoming(address, types, args)


@pytest.mark.parametrize("path", sorted(IN_PATHS))
def test_every_listed_address_leads_to_a_command(path: str) -> None:
    types = IN_PATHS[path].types
    to_command(incoming(path, types, *(EXAMPLE[tag] for tag in types)))


def test_every_address_is_listed_once_a_direction() -> None:
    assert len({(row.direction, row.path) for row in ADDRESSES}) == len(ADDRESSES)
    assert all(path.startswith("/timbrel/") for path in (*IN_PATHS, *OUT_PATHS))


def test_the_types_of_the_contract_are_kept() -> None:
    assert IN_PATHS["/timbrel/register"].types == "siis"
    assert IN_PATHS["/timbrel/suggest/choose"].types == "ii"
    assert OUT_PATHS["/timbrel/pong"].types == "sssii"
    assert OUT_PATHS["/timbrel/suggest/item"].types == "iiiisssff"
    assert OUT_PATHS["/timbrel/suggest/program"].types == "iiiiii"
    assert OUT_PATHS["/timbrel/chosen"].types == "iissss"
    assert OUT_PATHS["/timbrel/suggest/8/name"].types == "s"
    assert OUT_PATHS["/timbrel/midi/raw"].types == "m"


def test_an_unknown_address_is_not_found() -> None:
    with pytest.raises(Refusal) as refusal:
        to_command(incoming("/timbrel/nothing"))
    assert refusal.value.code == 404


@pytest.mark.parametrize(
    ("path", "types", "args"),
    [
        ("/timbrel/ping", "", ()),
        ("/timbrel/ping", "i", (1,)),
        ("/timbrel/help", "i", (1,)),
        ("/timbrel/suggest/choose", "i", (1,)),
        ("/timbrel/suggest/choose", "is", (1, "0")),
        ("/timbrel/suggest/choose", "if", (1, 0.5)),
        ("/timbrel/suggest/choose", "ff", (1e30, 0.0)),
        ("/timbrel/enable", "i", (2,)),
        ("/timbrel/lock", "ii", (1, -1)),
        ("/timbrel/next", "s", ("x",)),
        ("/timbrel/choose/1", "ff", (1.0, 1.0)),
    ],
)
def test_wrong_arguments_are_refused(path: str, types: str, args: tuple[int | float | str, ...]) -> None:
    with pytest.raises(Refusal) as refusal:
        to_command(incoming(path, types, *args))
    assert refusal.value.code == 400


def test_a_whole_float_stands_for_an_int() -> None:
    assert to_command(incoming("/timbrel/suggest/choose", "ff", 3.0, 7.0)) == Choose(3, 7)


def test_a_button_counts_when_pressed_with_any_number_or_none() -> None:
    assert to_command(incoming("/timbrel/choose/4")) == Choose(4)
    assert to_command(incoming("/timbrel/choose/4", "f", 0.7)) == Choose(4)
    assert to_command(incoming("/timbrel/next", "i", 1)) == Step(1)
    assert to_command(incoming("/timbrel/prev", "f", 1.0)) == Step(-1)
    assert to_command(incoming("/timbrel/undo")) == Undo()


@pytest.mark.parametrize("path", ["/timbrel/choose/1", "/timbrel/next", "/timbrel/prev", "/timbrel/undo"])
def test_a_released_button_does_nothing(path: str) -> None:
    assert to_command(incoming(path, "f", 0.0)) == Released()
    assert to_command(incoming(path, "i", 0)) == Released()


@pytest.mark.parametrize(
    "path", ["/timbrel/reply", "/timbrel/error", "/timbrel/pong", "/timbrel/status", "/live/error", "/reply"]
)
def test_answers_and_news_are_never_answered(path: str) -> None:
    assert never_answered(path)


def test_requests_are_answered() -> None:
    assert not any(never_answered(path) for path in IN_PATHS)
    assert not never_answered("/timbrel/nothing")
