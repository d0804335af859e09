from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.daws.base import Before, DawAdapter, Here, Reach, TargetError, Told
from bridge.daws.hydrogen import HydrogenAdapter
from library.sounds import MidiProgram, Sound
from tests.bridge.heard import preset, sample
from tests.bridge.osc_peer import packet

ROCK = Sound("GMRockKit", "Rock Kit", "drumkit", "/kits/GMRockKit", None, "drums", "kits", "")
LOAD_ROCK = b"/Hydrogen/LOAD_DRUMKIT\0\0,s\0\0/kits/GMRockKit\0"


def adapter() -> DawAdapter:
    return HydrogenAdapter()


def test_it_listens_where_hydrogen_does_and_elsewhere_when_told() -> None:
    assert adapter().reach == Reach("osc", 9000)
    assert HydrogenAdapter(Reach("osc", 9050)).reach == Reach("osc", 9050)


def test_it_asks_nothing_as_hydrogen_answers_nothing() -> None:
    assert adapter().probe() == ()


def test_what_is_pushed_shows_that_hydrogen_is_there_and_the_end_of_it_that_a_kit_was_loaded() -> None:
    assert adapter().read(b"/Hydrogen/MASTER_VOLUME_ABSOLUTE\0\0\0\0,f\0\0\x3f\0\0\0") == (Here(),)
    assert adapter().read(b"/Hydrogen/MUTE_TOGGLE\0\0\0,f\0\0\0\0\0\0") == (Here(), Told("state", ""))
    assert adapter().read(packet("/timbrel/ping", "s", "x")) == ()


@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda rest: b"/Hydrogen/MUTE_TOGGLE\0\0\0," + rest))
def test_reading_anything_never_raises(payload: bytes) -> None:
    assert isinstance(adapter().read(payload), tuple)


@pytest.mark.parametrize("path", ["/kits/GMRockKit", "/kits/GMRockKit/drumkit.xml"])
def test_a_kit_is_loaded_by_its_folder_and_twice_so_that_a_welcome_is_not_taken_for_it(path: str) -> None:
    plan = adapter().load(replace(ROCK, path=path), None, None)
    assert (plan.method, plan.target, plan.detail) == ("file", "drumkit", "drum kit Rock Kit loaded")
    assert [(step.payload, step.answer) for step in plan.steps] == [(LOAD_ROCK, "state")] * 2


def test_kits_of_other_programs_are_a_program_change_or_text() -> None:
    kit = Sound("f:128:8", "Room", "drumkit", "/x/font.sf2", MidiProgram(9, None, None, 8), "drums", "f", "")
    assert adapter().load(kit, kit.program, None).packets == (b"\xc9\x08",)
    assert adapter().load(kit, None, None).method == "text"
    for sound in (sample("Kick"), preset("Violin", 40), replace(ROCK, path="")):
        assert adapter().load(sound, None, None).method == "text"


def test_a_packed_kit_has_to_be_imported_first_and_that_is_said() -> None:
    plan = adapter().load(replace(ROCK, path="/kits/Rock.h2drumkit"), None, None)
    assert (plan.method, plan.steps) == ("text", ())
    assert "Drumkits > Import" in plan.detail


@pytest.mark.parametrize(("path", "reason"), [("/" + "y" * 1100, "bytes"), ("/x\0y", "NUL"), ("/\udcff", "UTF-8")])
def test_a_path_that_cannot_be_sent_falls_back_and_says_why(path: str, reason: str) -> None:
    plan = adapter().load(replace(ROCK, path=path), None, None)
    assert (plan.method, plan.steps) == ("text", ())
    assert reason in plan.detail


def test_it_takes_no_track() -> None:
    assert adapter().track("", ()) is None
    with pytest.raises(TargetError, match="must be empty"):
        adapter().track("2", ())


def test_undo_loads_the_kit_that_was_chosen_before_and_nothing_where_that_is_not_known() -> None:
    undo = adapter().restore(Before(ROCK), None)
    assert undo is not None
    assert undo.steps == adapter().load(ROCK, None, None).steps
    assert adapter().restore(Before(), None) is None
    assert adapter().restore(Before(preset("Violin", 40)), None) is None
