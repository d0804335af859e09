"""Talk to the page of a daemon that listens to several buses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bridge.config import load_config
from tests.bridge.page_peer import Json, PagePeer, talk
from tests.bridge.rig import Rig

TWO = ("keys", "silence")


@pytest.fixture(autouse=True)
def _runtime_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


def hears(*heard: int) -> Any:  # Any: what `section` takes
    return lambda buses: [bus["heard"] for bus in buses["list"]] == list(heard)


def spans(peer: PagePeer) -> list[Json]:
    return [value for name, value in peer.sections.items() if name.startswith("span:")]


def test_the_buses_are_told_with_what_each_hears_and_the_focus_moves_by_number() -> None:
    async def what(peer: PagePeer, rig: Rig) -> None:
        buses = await peer.section("buses", hears(1, 0))
        assert (buses["focus"], [bus["input"] for bus in buses["list"]]) == (0, ["keys", "silence"])
        assert await peer.lanes()
        await peer.section("buses", lambda buses: buses["list"][1]["state"] == "silent")
        assert await peer.section("status", lambda status: status["state"] == "listening")  # that of the bus in focus
        answer = await peer.answer("focus", bus=1)
        assert (answer["kind"], answer["text"][:19]) == ("reply", "silence is in focus")
        assert peer.sections["buses"]["focus"] == 1
        assert peer.sections["bus"] == {"input": "silence"}
        assert peer.sections["lanes"]["lanes"] == []
        assert peer.sections["status"]["state"] == "silent"
        assert peer.sections["picture"] is None
        assert peer.sections["pulse"]["slots"] == {}
        assert (await peer.answer("focus", bus=2))["code"] == 404
        assert (await peer.answer("focus", bus="keys"))["code"] == 400

    talk(what, input=TWO)


def test_pulse_and_picture_come_back_with_the_focus() -> None:
    async def what(peer: PagePeer, rig: Rig) -> None:
        await peer.section("buses", hears(1, 0))
        assert await peer.section("picture", bool)
        await peer.answer("focus", bus=1)
        await peer.section("picture", lambda picture: picture is None)
        await peer.answer("focus", bus=0)
        assert await peer.section("picture", bool)
        assert list(peer.sections["pulse"]["slots"]) == ["1"]

    talk(what, input=TWO)


def test_what_was_heard_when_says_on_which_bus_under_numbers_of_its_own() -> None:
    async def what(peer: PagePeer, rig: Rig) -> None:
        await peer.section("buses", hears(1, 1))
        await peer.until(lambda: len(spans(peer)) >= 2)
        assert {span["bus"] for span in spans(peer)} == {0, 1}
        assert len({span["id"] for span in spans(peer)}) == len(spans(peer))

    talk(what, input=("keys", "strings"))


def test_a_single_bus_is_told_as_ever() -> None:
    async def what(peer: PagePeer, rig: Rig) -> None:
        await peer.lanes()
        assert "buses" not in peer.sections
        assert all("bus" not in span for span in spans(peer))

    talk(what)


def test_several_inputs_are_kept_as_a_list(tmp_path: Path) -> None:
    kept = tmp_path / "config.toml"
    kept.write_text('# mine\ninput = ["keys", "strings"]  # two\n')

    async def what(peer: PagePeer, rig: Rig) -> None:
        await peer.section("buses", hears(1, 1))
        await peer.answer("bus", input="silence")
        await peer.section("buses", lambda buses: buses["list"][0]["input"] == "silence")
        assert (await peer.answer("keep"))["text"].startswith(f"kept in {kept}: input")

    talk(what, input=("keys", "strings"), config_file=kept)
    assert load_config(kept).inputs == ("silence", "strings")
    assert kept.read_text().startswith("# mine\n")
