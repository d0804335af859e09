"""Tests of realtime.sources, its devices and its recordings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from library.audio import write_audio
from library.errors import AudioFileError, DeviceError, InputError
from realtime.capture_jack import assign_sides
from realtime.devices import InputChoice, resolve_device
from realtime.ring import Ring
from realtime.sources import DeviceSource, FileSource, JackSource, list_inputs, parse_input
from realtime.types import AudioSource, ReplaySource
from tests.integration.jack import wait_for
from tests.realtime.signals import tone


def _choice(index: int, name: str, is_default: bool = False) -> InputChoice:
    return InputChoice(name, name, "ALSA", 2, 48_000, index, is_default)


_INPUTS = (_choice(0, "Scarlett 2i2: USB"), _choice(3, "default", is_default=True), _choice(4, "Scarlett 18i8"))


def _wav(tmp_path: Path, seconds: float = 1.0) -> Path:
    path = tmp_path / "tone.wav"
    write_audio(path, tone(330.0, seconds), 16_000, "FLOAT")
    return path


@pytest.mark.parametrize(("name", "index"), [(None, 3), ("2i2", 0), ("scarlett 18I8", 4), ("4", 4), ("Default", 3)])
def test_a_device_is_found_by_number_name_or_part_of_it(name: str | None, index: int) -> None:
    assert resolve_device(name, _INPUTS).index == index


def test_an_unknown_device_names_the_closest_and_the_command_that_lists_all() -> None:
    with pytest.raises(DeviceError, match=r"^Scarlet 18: .*closest is Scarlett 18i8; see `timbrel devices`"):
        resolve_device("Scarlet 18", _INPUTS)


def test_a_part_that_fits_two_devices_is_refused_with_their_numbers() -> None:
    with pytest.raises(DeviceError, match="0 Scarlett 2i2: USB, 4 Scarlett 18i8"):
        resolve_device("scarlett", _INPUTS)


def test_a_machine_without_inputs_is_told_what_else_can_be_heard() -> None:
    with pytest.raises(DeviceError, match="jack:REGEX"):
        resolve_device(None, ())


def test_listing_inputs_works_whatever_the_machine_has() -> None:
    assert all(choice.channels > 0 for choice in list_inputs())


def test_a_device_that_is_not_there_is_refused_before_anything_starts() -> None:
    ring = Ring.create(1.0, 48_000)
    source = DeviceSource("no such device anywhere")
    with pytest.raises(DeviceError, match="timbrel devices"):
        source.start(ring)
    source.stop()
    ring.close()


def test_inputs_are_named_as_the_command_line_says(tmp_path: Path) -> None:
    path = _wav(tmp_path)
    jack = parse_input("jack:ardour:Master/.*")
    assert isinstance(jack, JackSource)
    assert jack.pattern == "ardour:Master/.*"
    once, looped = parse_input(f"file:{path}", speed=0.0), parse_input(f"file:{path},loop")
    assert isinstance(once, FileSource)
    assert isinstance(looped, FileSource)
    assert once.on_demand
    assert not looped.on_demand
    with pytest.raises(DeviceError):
        parse_input("no such device anywhere")


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("file:", InputError, "must name what"),
        ("jack:", InputError, "must name what"),
        ("jack:fs:(", DeviceError, "regular expression"),
        ("file:missing.wav", AudioFileError, "no such file"),
    ],
)
def test_an_input_that_makes_no_sense_is_one_clear_line(text: str, error: type[InputError], message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        parse_input(text)
    assert "\n" not in str(caught.value)


def test_ports_go_to_left_and_right_in_their_order_and_a_single_one_to_both() -> None:
    assert assign_sides(["a", "b", "c", "d"]) == (["a", "c"], ["b", "d"])
    assert assign_sides(["a"]) == (["a"], ["a"])
    assert assign_sides(["a", "b", "c"]) == (["a", "c"], ["b", "c"])
    assert assign_sides([]) == ([], [])


def test_sources_keep_to_their_protocols(tmp_path: Path) -> None:
    replay: ReplaySource = FileSource(_wav(tmp_path))
    sources: list[AudioSource] = [DeviceSource(None), JackSource(".*"), replay]
    assert [isinstance(source, ReplaySource) for source in sources] == [False, False, True]
    assert [source.stats().state for source in sources] == ["starting"] * 3
    for source in sources:
        source.stop()


@pytest.mark.parametrize("speed", [-1.0, float("nan"), 1e9])
def test_a_speed_out_of_range_is_refused(tmp_path: Path, speed: float) -> None:
    with pytest.raises(InputError, match="speed"):
        FileSource(_wav(tmp_path), speed=speed)


def test_a_recording_on_demand_writes_what_is_asked_for_and_no_more(tmp_path: Path) -> None:
    ring = Ring.create(2.0, 48_000)
    source = FileSource(_wav(tmp_path), speed=0.0)
    source.start(ring)
    assert source.pull(5000)
    assert ring.total_frames == 5000
    assert not source.pull(99_999)
    assert ring.total_frames == 16_000
    assert source.stats().state == "ended"
    ring.close()


def test_a_looped_recording_begins_again_without_a_gap(tmp_path: Path) -> None:
    ring = Ring.create(2.0, 48_000)
    source = FileSource(_wav(tmp_path, 0.1), loop=True, speed=0.0)
    source.start(ring)
    assert source.pull(4000)
    got = ring.read(0, 4000)
    assert got is not None
    np.testing.assert_array_equal(got[:, 0], np.resize(tone(330.0, 0.1), 4000))
    assert not ring.has_gap(0, 4000)
    ring.close()


def test_a_recording_plays_to_its_end_by_the_clock(tmp_path: Path) -> None:
    ring = Ring.create(2.0, 48_000)
    source = FileSource(_wav(tmp_path), speed=10.0)
    source.start(ring)
    wait_for(lambda: source.stats().state == "ended", "the end of the recording")
    assert ring.total_frames == 16_000
    assert ring.sample_rate == source.sample_rate == 16_000
    source.stop()
    ring.close()
