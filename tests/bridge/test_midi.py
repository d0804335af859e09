from __future__ import annotations

import pytest

from bridge.daws import GenericAdapter, make_adapter, program_packets
from bridge.midi import open_midi
from library.errors import DeviceError, InputError
from library.sounds import MidiProgram
from tests.bridge.heard import preset, sample


@pytest.mark.parametrize(
    ("program", "packets"),
    [
        (MidiProgram(0, None, None, 0), [b"\xc0\x00"]),
        (MidiProgram(2, None, None, 5), [b"\xc2\x05"]),
        (MidiProgram(15, 127, None, 127), [b"\xbf\x00\x7f", b"\xcf\x7f"]),
        (MidiProgram(9, 1, 2, 3), [b"\xb9\x00\x01", b"\xb9\x20\x02", b"\xc9\x03"]),
        (MidiProgram(0, None, 2, 3), [b"\xb0\x20\x02", b"\xc0\x03"]),
    ],
)
def test_a_program_becomes_bank_msb_bank_lsb_and_program_change(program: MidiProgram, packets: list[bytes]) -> None:
    assert list(program_packets(program)) == packets


@pytest.mark.parametrize("numbers", [(16, 0, 0, 0), (-1, 0, 0, 0), (0, 128, 0, 0), (0, 0, 128, 0), (0, 0, 0, 128)])
def test_a_number_out_of_range_is_an_error(numbers: tuple[int, int, int, int]) -> None:
    with pytest.raises(InputError, match=r"must be in 0\.\."):
        MidiProgram(*numbers)


def test_without_a_midi_system_there_is_one_clear_line(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "no-such-server")
    with pytest.raises(DeviceError) as error:
        open_midi("timbrel", "jack")
    assert "\n" not in str(error.value)
    assert "no MIDI system runs (tried jack)" in str(error.value)
    assert capfd.readouterr().err == ""


def test_the_generic_adapter_degrades_to_text() -> None:
    adapter = GenericAdapter()
    violin = preset("Violin", 40)
    with_program = adapter.load(violin, MidiProgram(0, 0, None, 40), None)
    assert with_program.method == "program"
    assert [m.address for m in with_program.messages] == ["/timbrel/midi/program"] + ["/timbrel/midi/raw"] * 2
    without = adapter.load(sample("kick"), None, None)
    assert (without.method, without.messages, without.packets) == ("text", (), ())


def test_an_adapter_is_made_by_name() -> None:
    assert make_adapter("generic").name == "generic"
    with pytest.raises(InputError, match="is none of generic, ableton, ardour, bitwig"):
        make_adapter("cubase:127.0.0.1:8000")
    with pytest.raises(InputError, match="takes no address"):
        make_adapter("generic:127.0.0.1:8000")
