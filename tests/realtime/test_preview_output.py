"""Tests of where previews may be played."""

from __future__ import annotations

import pytest

from library.errors import DeviceError
from realtime.preview_output import Graph, Output, Port, device_refusal, jack_refusal, parse_output, pick_device


@pytest.mark.parametrize(
    ("text", "output"),
    [
        ("default", Output("device", "")),
        (" Scarlett 2i2 ", Output("device", "Scarlett 2i2")),
        ("HDA Intel PCH: ALC257 (hw:0,0)", Output("device", "HDA Intel PCH: ALC257 (hw:0,0)")),
        ("jack:system:playback_[12]", Output("jack", "system:playback_[12]")),
    ],
)
def test_an_output_is_read(text: str, output: Output) -> None:
    assert parse_output(text) == output


@pytest.mark.parametrize("text", ["", " ", "jack:", "jack:(", "file:x.wav", "a\0b"])
def test_an_output_that_makes_no_sense_is_one_clear_line(text: str) -> None:
    with pytest.raises(DeviceError, match=r"must (name|be)") as caught:
        parse_output(text)
    assert "\n" not in str(caught.value)


def test_a_device_is_found_by_its_number_its_name_or_a_part_of_it() -> None:
    names = {0: "HDA Intel: ALC (hw:0,0)", 2: "Scarlett 2i2", 5: "Scarlett 18i20"}
    assert pick_device("", names, 2) == 2
    assert pick_device("", names, -1) == 0
    assert pick_device("5", names, 0) == 5
    assert pick_device("scarlett 2I2", names, 0) == 2
    assert pick_device("alc", names, 2) == 0
    with pytest.raises(DeviceError, match="fits 2 Scarlett 2i2, 5 Scarlett 18i20"):
        pick_device("scarlett", names, 0)
    with pytest.raises(DeviceError, match="the closest is Scarlett 2i2"):
        pick_device("Scarlet 2i2x", names, 0)
    with pytest.raises(DeviceError, match="no audio output was found"):
        pick_device("", {}, -1)


@pytest.mark.parametrize(
    ("output", "bus", "environment", "refused"),
    [
        ("Speakers (Realtek)", "Speakers (Realtek) [Loopback]", {}, True),
        ("Headphones", "Speakers (Realtek) [Loopback]", {}, False),
        ("Built-in Audio", "Monitor of Built-in Audio", {}, True),
        ("alsa_output.pci", "alsa_output.pci.monitor", {}, True),
        ("BlackHole 2ch", "BlackHole 2ch", {}, True),
        ("CABLE Input", "CABLE Output", {}, True),
        ("CABLE-A Input", "CABLE-B Output", {}, False),
        ("Scarlett 2i2", "Scarlett 2i2", {}, False),  # one interface: its inputs are not its outputs
        ("pulse", "pulse", {"PULSE_SOURCE": "daw.monitor"}, True),
        ("default", "pulse", {"PULSE_SOURCE": "daw.monitor", "PULSE_SINK": "daw"}, True),
        ("pulse", "pulse", {"PULSE_SOURCE": "daw.monitor", "PULSE_SINK": "phones"}, False),
        ("pulse", "pulse", {"PULSE_SOURCE": "mic"}, False),
        ("pulse", "pulse", {}, False),
        ("BlackHole 2ch", "file:song.wav", {}, False),
        ("BlackHole 2ch", "jack:ardour:.*", {}, False),
    ],
)
def test_a_device_that_is_heard_on_the_bus_is_refused(
    output: str, bus: str, environment: dict[str, str], refused: bool
) -> None:
    why = device_refusal(output, bus, environment)
    assert (why is not None) == refused
    assert why is None or "\n" not in why


_OWN = ("timbrel_preview:out_left", "timbrel_preview:out_right")
_PORTS = (
    Port("system:capture_1", False, is_physical=True),
    Port("system:playback_1", True, is_physical=True),
    Port("system:playback_2", True, is_physical=True),
    Port("ardour:Master/audio_out 1", False),
    Port("ardour:Synth/audio_in 1", True),
    Port("ardour:Synth/audio_out 1", False),
    Port("reverb:in", True),
    Port("reverb:out", False),
    Port("speakers:in_1", True),
    Port("speakers:out_1", False),
    Port("Sink:playback_FL", True, is_physical=True),
    Port("Sink:monitor_FL", False),
    Port("timbrel_in:in_left", True),
    Port("PortAudio-01:in_0", True),
    Port(_OWN[0], False),
    Port(_OWN[1], False),
)
_WIRES = {
    "ardour:Master/audio_out 1": ("system:playback_1", "timbrel_in:in_left"),
    "reverb:out": ("ardour:Synth/audio_in 1", "reverb:in"),
    "speakers:out_1": ("system:playback_1",),
}
_ARDOUR = "jack:ardour:Master/audio_out.*"


@pytest.mark.parametrize(
    ("pattern", "bus", "ends_in"),
    [
        ("system:playback_.*", _ARDOUR, None),
        ("system:playback_.*", "jack:system:capture_.*", None),
        ("system:playback_.*", "", None),
        ("speakers:in_1", _ARDOUR, None),
        ("ardour:Synth/audio_in 1", _ARDOUR, "ardour:Master/audio_out 1"),
        ("ardour:Synth/audio_in 1", "jack:reverb:.*", "ardour:Master/audio_out 1"),  # connected to the capture by hand
        ("ardour:Synth/audio_in 1", "file:song.wav", None),
        ("reverb:in", _ARDOUR, "ardour:Master/audio_out 1"),
        ("timbrel_in:.*", _ARDOUR, "timbrel_in:in_left"),
        ("Sink:playback_FL", "jack:Sink:monitor_.*", "Sink:monitor_FL"),
        ("Sink:playback_FL", _ARDOUR, None),
        ("speakers:in_1", "Speakers", "speakers:out_1"),  # PortAudio names a JACK client by its name
        ("PortAudio-01:in_0", "ardour", "PortAudio-01:in_0"),
        (".*", _ARDOUR, "ardour:Master/audio_out 1"),
        ("system:playback_.*", "jack:.*", "timbrel_preview:out_left"),
        ("system:playback_.*", "jack:(", None),
    ],
)
def test_jack_inputs_that_are_heard_on_the_bus_are_refused(pattern: str, bus: str, ends_in: str | None) -> None:
    graph = Graph(_PORTS, _WIRES)
    why = jack_refusal(graph.inputs(pattern), graph, bus, _OWN)
    if ends_in is None:
        assert why is None
    else:
        assert why is not None
        assert ends_in in why
        assert "\n" not in why


def test_what_feeds_the_capture_by_hand_belongs_to_the_bus() -> None:
    wires = {**_WIRES, "speakers:out_1": ("timbrel_in:in_left",)}
    graph = Graph(_PORTS, wires)
    assert jack_refusal(graph.inputs("speakers:in_1"), graph, _ARDOUR, _OWN) is not None
