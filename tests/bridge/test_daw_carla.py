"""Check what Carla is sent and what it is heard to say, byte by byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.daws.base import Before, Delivery, Here, Reach, TargetError, Told, Track, Tracks
from bridge.daws.carla import CarlaAdapter
from bridge.daws.wire import osc
from library.sounds import MidiProgram, Sound
from tests.bridge.carla_peer import LV2, SF2, RackPlugin

MELODIC = tuple((0, program, f"Preset {program}") for program in range(128))
GM = (*MELODIC, (128, 0, "Standard"), (128, 25, "808"))
FONT, BRASS, DRUM_SFZ = "/fonts/gm.sf2", "/fonts/brass.sf2", "/sfz/kit.sfz"
DISK = {FONT: GM, BRASS: ((0, 56, "Trumpet"),), DRUM_SFZ: ()}


def preset(name: str, path: str, program: int, channel: int = 0, bank: int | None = 0) -> Sound:
    return Sound(f"{path}:{program}", name, "soundfont", path, MidiProgram(channel, bank, None, program), "", "f", "")


CELLO = preset("Cello", FONT, 42)
KIT = preset("Kit", FONT, 25, channel=9, bank=None)
TRUMPET = preset("Trumpet", BRASS, 56)
SFZ_KIT = Sound("kit.sfz", "Kit", "sfz", DRUM_SFZ, None, "", "s", "")
FLUTE = Sound("gm:0:73", "Flute", "gm", "", MidiProgram(0, 0, None, 73), "", "gm", "")


def sent(delivery: Delivery | None) -> list[bytes]:
    assert delivery is not None
    return [step.payload for step in delivery.steps]


def tell(adapter: CarlaAdapter, *plugins: RackPlugin) -> list[object]:
    """Let it hear what Carla says to a client that registers."""
    events: list[object] = list(adapter.read(osc("/timbrel/cb", "iiiiifs", 29, len(plugins), 0, 0, 0, 0.0, "JACK")))
    for number, one in enumerate(plugins):
        texts = (one.name, one.path, "", one.name, one.label, "", "")
        events += adapter.read(osc("/timbrel/info", "iiiihiisssssss", number, one.kind, 0, 0, 0, 0, 0, *texts))
        events += adapter.read(osc("/timbrel/count", "iiiiii", number, 0, len(one.programs), 0, -1, one.program))
        for index, (bank, program, name) in enumerate(one.programs):
            events += adapter.read(osc("/timbrel/mprog", "iiiis", number, index, bank, program, name))
        events += adapter.read(osc("/timbrel/cb", "iiiiifs", 1, number, one.kind, 0, 0, 0.0, one.name))
    return events


def font(name: str, path: str = FONT) -> RackPlugin:
    return RackPlugin(name, SF2, path, "gm", DISK[path], 0)


def heard(*plugins: RackPlugin) -> CarlaAdapter:
    adapter = CarlaAdapter()
    tell(adapter, *plugins)
    return adapter


def test_it_listens_on_22752_and_is_registered_with_until_it_answers() -> None:
    adapter = CarlaAdapter()
    assert adapter.reach == Reach("osc-tcp", 22752, 22762, probe_s=5.0)
    url = b"osc.tcp://127.0.0.1:22762/timbrel\0\0\0"
    ask = b"/ctrl/timbrel\0\0\0,i\0\0\0\0\0\0"
    everything = (b"/unregister\0,s\0\0" + url, b"/register\0\0\0,s\0\0" + url, ask)
    assert adapter.probe() == everything
    tell(adapter)
    assert adapter.probe() == (ask,)
    assert adapter.probe() == everything


def test_a_file_without_a_track_becomes_a_plugin_with_the_sounds_name() -> None:
    delivery = heard().load(CELLO, CELLO.program, None)
    assert sent(delivery) == [
        b"/ctrl/add_plugin\0\0\0\0,iiisssii\0\0\0"
        b"\0\0\0\x01\0\0\0\x02\0\0\0\x0a/fonts/gm.sf2\0\0\0timbrel\0gm\0\0\0\0\0\0\0\x01\0\0",
        b"/ctrl/rename_plugin\0,iis\0\0\0\0\0\0\0\x02\0\0\0\0Cello\0\0\0",
        b"/Carla/0/set_midi_program\0\0\0,i\0\0{}",
    ]
    assert (delivery.method, delivery.target, delivery.keeps) == ("file", "plugin Cello", {"added": "Cello"})


def test_a_file_replaces_a_player_of_files_and_keeps_its_name() -> None:
    delivery = heard(font("Strings"), font("Brass", BRASS)).load(CELLO, CELLO.program, Track(1, "Brass"))
    replace, add, rename, _ = sent(delivery)
    assert replace == b"/ctrl/replace_plugin\0\0\0\0,ii\0\0\0\0\x01\0\0\0\x01"
    assert b"/fonts/gm.sf2\0" in add
    assert rename == b"/ctrl/rename_plugin\0,iis\0\0\0\0\0\0\0\x03\0\0\0\x01Brass\0\0\0"
    assert delivery.keeps == {"plugin": "Brass", "file": BRASS, "kind": "10", "program": "0"}


def test_an_sfz_file_is_of_type_11_and_has_no_program() -> None:
    add, _ = sent(heard().load(SFZ_KIT, None, None))
    assert add == (
        b"/ctrl/add_plugin\0\0\0\0,iiisssii\0\0\0\0\0\0\x01\0\0\0\x02\0\0\0\x0b"
        b"/sfz/kit.sfz\0\0\0\0timbrel\0kit\0\0\0\0\0\0\x01\0\0"
    )


def test_a_plugin_with_a_state_of_its_own_is_not_replaced() -> None:
    adapter = heard(RackPlugin("Vital", LV2, "", "http://vital"))
    delivery = adapter.load(CELLO, CELLO.program, Track(0, "Vital"))
    assert sent(delivery)[0].startswith(b"/ctrl/add_plugin\0")
    assert delivery.detail == "Cello in plugin Cello, added: Vital is no player of such files"


def test_a_program_that_a_plugin_has_is_chosen_by_its_number_in_the_list() -> None:
    adapter = heard(font("Strings"))
    strings = Track(0, "Strings")
    cello = adapter.load(CELLO, CELLO.program, strings)
    assert sent(cello) == [b"/Carla/0/set_midi_program\0\0\0,i\0\0\0\0\0\x2a"]
    kit = adapter.load(KIT, KIT.program, strings)
    assert sent(kit) == [b"/Carla/0/set_midi_program\0\0\0,i\0\0\0\0\0\x81"]
    assert (cello.keeps["program"], kit.keeps["program"]) == ("0", "42")
    assert sent(adapter.load(FLUTE, FLUTE.program, strings)) == [b"/Carla/0/set_midi_program\0\0\0,i\0\0\0\0\0\x49"]


def test_undo_of_a_program_goes_by_what_carla_told_or_was_sent() -> None:
    adapter = heard(font("Strings"))
    delivery = adapter.load(CELLO, CELLO.program, Track(0, "Strings"))
    undo = adapter.restore(Before(kept=delivery.keeps), None)
    assert sent(undo) == [b"/Carla/0/set_midi_program\0\0\0,i\0\0\0\0\0\0"]
    adapter.read(osc("/timbrel/cb", "iiiiifs", 11, 0, 7, 0, 0, 0.0, ""))  # the user turns the knob
    assert adapter.load(CELLO, CELLO.program, Track(0, "Strings")).keeps["program"] == "7"


def test_undo_of_an_added_plugin_removes_it_where_it_is_now() -> None:
    adapter = heard(font("Strings"), font("Cello"))
    adapter.read(osc("/timbrel/cb", "iiiiifs", 2, 0, 0, 0, 0, 0.0, ""))
    undo = adapter.restore(Before(kept={"added": "Cello"}), None)
    assert sent(undo) == [b"/ctrl/remove_plugin\0,ii\0\0\0\0\x01\0\0\0\0"]
    assert adapter.restore(Before(kept={"added": "Gone"}), None) is None
    assert adapter.restore(Before(), None) is None


def test_other_sounds_and_unknown_racks_fall_back() -> None:
    assert CarlaAdapter().load(CELLO, CELLO.program, None).method == "program"
    assert "has not told its plugins yet" in CarlaAdapter().load(SFZ_KIT, None, None).detail
    assert heard().load(FLUTE, FLUTE.program, None).packets == (b"\xb0\x00\x00", b"\xc0\x49")
    gone = heard(font("Strings")).load(CELLO, CELLO.program, Track(0, "Brass"))
    assert (gone.method, gone.steps) == ("program", ())
    assert "no plugin Brass any more" in gone.detail


@pytest.mark.parametrize("path", ["/f/" + "x" * 1024 + ".sf2", "/f/\udcff.sf2", "/f/a\0b.sf2"])
def test_a_path_that_cannot_be_sent_falls_back(path: str) -> None:
    delivery = heard().load(preset("Long", path, 1), MidiProgram(0, None, None, 1), None)
    assert (delivery.method, delivery.packets) == ("program", (b"\xc0\x01",))
    assert "can't be sent" in delivery.detail


def test_names_are_such_that_carla_leaves_them_as_they_are() -> None:
    adapter = heard(font("A.B"))
    one = Sound("x", "A:B", "sfz", DRUM_SFZ, None, "", "s", "")
    assert adapter.load(one, None, None).target == "plugin A.B 2"
    assert adapter.load(Sound("x", "\n", "sfz", DRUM_SFZ, None, "", "s", ""), None, None).target == "plugin Timbrel"


def test_tracks_come_when_all_plugins_are_told_and_follow_the_rack() -> None:
    adapter = CarlaAdapter()
    events = tell(adapter, font("Strings"), font("Brass", BRASS))
    both = (Track(0, "Strings"), Track(1, "Brass"))
    assert [event for event in events if isinstance(event, Tracks)] == [Tracks(both)]
    renamed = adapter.read(osc("/timbrel/cb", "iiiiifs", 3, 0, 0, 0, 0, 0.0, "Celli"))
    assert renamed == (Here(), Tracks((Track(0, "Celli"), Track(1, "Brass"))))
    assert adapter.track("brass", both) == Track(1, "Brass")
    with pytest.raises(TargetError, match="no track Bass; there is Strings, Brass"):
        adapter.track("Bass", both)


def test_carla_that_belongs_to_another_client_is_not_here() -> None:
    adapter = CarlaAdapter()
    assert adapter.read(osc("/timbrel/exit-error", "s", "OSC already registered to another client")) == ()
    assert adapter.read(osc("/ctrl/info", "i", 1)) == ()


def test_answers_tell_what_went_wrong() -> None:
    answer = heard().read(osc("/timbrel/resp", "is", 5, "Failed to load file"))
    assert Told("request 5", "Failed to load file", ok=False) in answer


@given(st.binary(max_size=200))
def test_any_bytes_are_read(data: bytes) -> None:
    heard().read(data)


@given(
    st.sampled_from(["info", "count", "mprog", "cb", "resp", "exit-error", "other"]),
    st.lists(st.one_of(st.integers(-(2**31), 2**31 - 1), st.text("ab", max_size=3)), max_size=15),
)
def test_any_arguments_are_read(what: str, values: list[int | str]) -> None:
    adapter = heard(font("Strings"))
    types = "".join("s" if isinstance(value, str) else "i" for value in values)
    adapter.read(osc(f"/timbrel/{what}", types, *values))
    adapter.load(CELLO, CELLO.program, Track(0, "Strings"))
