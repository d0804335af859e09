from __future__ import annotations

import struct
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.daws.base import Before, DawAdapter, Here, Reach, TargetError, Told, Track
from bridge.daws.scsynth import ScsynthAdapter
from bridge.daws.synthdef import player_definitions
from library.sounds import MidiProgram
from tests.bridge.heard import preset, sample
from tests.bridge.osc_peer import packet

KICK, SNARE = sample("Kick"), sample("Snare")
QUERY_7 = b"/b_query\0\0\0\0,i\0\0\0\0\0\x07"
EMPTY_7 = b"/b_info\0,iiif\0\0\0\0\0\0\x07\0\0\0\0\0\0\0\0\0\0\0\0"
NODE_7 = struct.pack(">i", 2_147_000_007)
PLAY_7 = (
    b"#bundle\0\0\0\0\0\0\0\0\x01"
    b"\0\0\0\x10/n_free\0,i\0\0" + NODE_7 + b"\0\0\0\x34/s_new\0\0,siiisi\0timbrel-play-{}\0"
    b"" + NODE_7 + b"\0\0\0\0\0\0\0\0buf\0\0\0\0\x07"
    b"\0\0\0\x10/sync\0\0\0,i\0\0\0\0\0\x07"
)


def adapter() -> DawAdapter:
    return ScsynthAdapter()


def test_it_listens_where_sclang_boots_its_server_and_elsewhere_when_told() -> None:
    assert adapter().reach == Reach("osc", 57110)
    assert ScsynthAdapter(Reach("osc", 57200)).reach == Reach("osc", 57200)


def test_it_asks_for_version_and_status() -> None:
    assert adapter().probe() == (b"/version\0\0\0\0,\0\0\0", b"/status\0,\0\0\0")


def test_it_understands_what_scsynth_answers() -> None:
    read = adapter().read
    status = packet("/status.reply", "iiiiiffdd", 1, 0, 0, 2, 2, 0.1, 0.2, 48000.0, 48000.1)
    assert read(status) == (Here(),)
    assert read(b"/version.reply\0\0,siisss\0scsynth\0\0\0\0\x03\0\0\0\x0d.0\0\0\0\0\0\0na\0\0") == (Here("3.13.0"),)
    assert read(b"/done\0\0\0,s\0\0/d_recv\0") == (Told("defined", ""),)
    assert read(b"/done\0\0\0,si\0/b_allocRead\0\0\0\0\0\0\0\x07") == (Told("loaded 7", ""),)
    assert read(b"/done\0\0\0,si\0/b_free\0\0\0\0\x07") == (Told("freed 7", ""),)
    assert read(EMPTY_7) == (Told("buffer 7", "0"), Told("channels 7", "00"))
    assert read(packet("/b_info", "iiif", 7, 441, 6, 44100.0)) == (Told("buffer 7", "441"), Told("channels 7", "02"))
    assert read(b"/synced\0,i\0\0\0\0\0\x07") == (Told("played", ""),)


def test_it_understands_what_scsynth_refuses() -> None:
    read = adapter().read
    gone = "File '/x' could not be opened: System error : No such file or directory.\n"
    (told,) = read(packet("/fail", "ssi", "/b_allocRead", gone, 7))
    assert told == Told("loaded 7", gone.strip(), ok=False)
    assert read(packet("/fail", "ss", "/s_new", "SynthDef not found")) == (
        Told("played", "SynthDef not found", ok=False),
    )
    # The node of a sample that has ended, and the version of an old scsynth.
    assert read(packet("/fail", "ss", "/n_free", "Node 2147000007 not found")) == ()
    assert read(packet("/fail", "ss", "/version", "Command not found")) == ()


@given(st.binary(max_size=200))
def test_reading_anything_never_raises(payload: bytes) -> None:
    assert isinstance(adapter().read(payload), tuple)


@given(
    st.sampled_from(["/status.reply", "/version.reply", "/b_info", "/synced", "/done", "/fail", "/n_go"]),
    st.lists(
        st.integers(-5, 5) | st.floats(width=32, allow_nan=False) | st.text("/b_alocReds ", max_size=14), max_size=6
    ),
)
def test_reading_answers_with_other_arguments_never_raises(address: str, args: list[int | float | str]) -> None:
    types = "".join("i" if isinstance(arg, int) else "f" if isinstance(arg, float) else "s" for arg in args)
    assert isinstance(adapter().read(packet(address, types, *args)), tuple)


def test_a_sample_is_read_into_a_buffer_and_played_by_as_many_channels_as_it_has() -> None:
    plan = adapter().load(KICK, None, Track(7, "buffer 7"))
    assert (plan.method, plan.target, plan.detail) == ("file", "buffer 7", "Kick played from buffer 7")
    before, define, read, ask, play = plan.steps
    assert (before.payload, before.answer, before.keep) == (QUERY_7, "buffer 7", True)
    assert define.payload[:20] == b"/d_recv\0,b\0\0" + struct.pack(">i", len(player_definitions())) + b"SCgf"
    assert define.answer == "defined"
    assert read.payload == b"/b_allocRead\0\0\0\0,isii\0\0\0\0\0\0\x07/x/Kick.wav\0\0\0\0\0\0\0\0\0"
    assert read.answer == "loaded 7"
    assert (ask.payload, ask.answer, ask.not_value) == (QUERY_7, "channels 7", "00")
    assert (play.payload, play.answer, play.fill) == (PLAY_7, "played", "channels 7")
    assert all(len(step.payload) <= 1024 and len(step.payload) % 4 == 0 for step in plan.steps)


def test_the_definition_that_is_played_is_one_that_was_sent_and_the_message_stays_aligned() -> None:
    define, play = adapter().load(KICK, None, None).steps[1::3]
    for channels in (1, 2):
        told = adapter().read(packet("/b_info", "iiif", 1000, 9, channels, 44100.0))[1]
        assert isinstance(told, Told)
        filled = play.payload.replace(b"{}", told.value.encode())
        assert len(filled) == len(play.payload)
        name = f"timbrel-play-0{channels}".encode()
        assert name in filled
        assert bytes([len(name)]) + name in define.payload


def test_the_definitions_are_those_of_the_documented_format() -> None:
    mono = (
        b"\x0ftimbrel-play-01"
        b"\0\0\0\x03" + struct.pack(">3f", 0, 1, 2) + b"\0\0\0\x01\0\0\0\0"  # constants, one parameter that is 0
        b"\0\0\0\x01\x03buf\0\0\0\0\0\0\0\x04"  # its name; four units
        b"\x07Control\x01\0\0\0\0\0\0\0\x01\0\0\x01"
        b"\x0cBufRateScale\x01\0\0\0\x01\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\x01"
        b"\x07PlayBuf\x02\0\0\0\x06\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\0"
        b"\xff\xff\xff\xff\0\0\0\x01\xff\xff\xff\xff\0\0\0\0\xff\xff\xff\xff\0\0\0\0\xff\xff\xff\xff\0\0\0\x02\x02"
        b"\x03Out\x02\0\0\0\x03\0\0\0\0\0\0\xff\xff\xff\xff\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\x02\0\0\0\0\0\0"
    )
    assert player_definitions().startswith(b"SCgf\0\0\0\x02\0\x02" + mono)


def test_without_a_track_the_buffer_is_one_that_sclang_rarely_gives_away() -> None:
    assert adapter().load(KICK, None, adapter().track("", ())).target == "buffer 1000"
    assert adapter().track("0", ()) == Track(0, "buffer 0")
    for wrong in ("1024", "-1", "drums"):
        with pytest.raises(TargetError, match="must be a buffer 0-1023"):
            adapter().track(wrong, ())


def test_a_sound_that_is_no_audio_file_is_a_program_change_or_text() -> None:
    violin = preset("Violin", 40, channel=0)
    assert violin.program is not None
    assert adapter().load(violin, violin.program, None).method == "program"
    font = replace(violin, kind="soundfont", path="/x/font.sf2")
    assert adapter().load(font, font.program, None).method == "program"
    assert adapter().load(replace(font, program=None), None, None).method == "text"


@pytest.mark.parametrize(
    ("path", "reason"), [("/x/" + "y" * 1000 + ".wav", "bytes"), ("/x/\0.wav", "NUL"), ("/x/\udcff.wav", "UTF-8")]
)
def test_a_path_that_cannot_be_sent_falls_back_and_says_why(path: str, reason: str) -> None:
    plan = adapter().load(replace(KICK, path=path), None, None)
    assert (plan.method, plan.steps) == ("text", ())
    assert reason in plan.detail
    plan = adapter().load(replace(KICK, path=path), MidiProgram(0, None, None, 5), None)
    assert plan.packets == (b"\xc0\x05",)
    assert reason in plan.detail


def test_undo_empties_a_buffer_that_held_nothing() -> None:
    undo = adapter().restore(Before(SNARE, None, {"buffer 7": "0"}), None)
    assert undo is not None
    (free,) = undo.steps
    assert free.payload == (
        b"#bundle\0\0\0\0\0\0\0\0\x01\0\0\0\x10/n_free\0,i\0\0" + NODE_7 + b"\0\0\0\x10/b_free\0,i\0\0\0\0\0\x07"
    )
    assert (free.answer, undo.target) == ("freed 7", "buffer 7")


def test_undo_reads_the_sample_before_into_its_own_buffer_whatever_the_track_is_now() -> None:
    undo = adapter().restore(Before(SNARE, None, {"buffer 7": "441"}), Track(9, "buffer 9"))
    assert undo is not None
    assert undo.target == "buffer 7"
    assert undo.steps == adapter().load(SNARE, None, Track(7, "buffer 7")).steps[1:]


def test_what_scsynth_held_before_without_us_cannot_come_back() -> None:
    assert adapter().restore(Before(None, None, {"buffer 7": "441"}), None) is None
    assert adapter().restore(Before(preset("Violin", 40), None, {"buffer 7": "441"}), None) is None
