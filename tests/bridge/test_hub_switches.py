from __future__ import annotations

import pytest

from bridge.commands import (
    AutoChoose,
    Choose,
    Enable,
    Like,
    ListTargets,
    Lock,
    Preview,
    Reject,
    SetBus,
    SetStability,
    SetTarget,
    SetThreshold,
    StopPreview,
)
from bridge.effects import Hear, Hush, Judge, LockSlot, Reply, SwitchBus, Tune
from tests.bridge.heard import heard, suggestion
from tests.bridge.hub_bench import CELLO, FLUTE, PIANO, TWO, VIOLIN, Bench, sent


def test_a_locked_slot_stays_as_it_is_until_unlocked() -> None:
    bench = Bench()
    bench.hear(TWO)
    assert LockSlot(1, True) in bench.do(Lock(1, True))
    bench.hear(heard(suggestion(1, CELLO), suggestion(2, PIANO)))
    assert [item.sound.name for item in bench.hub.shown.items] == ["Violin", "Flute", "Piano"]
    bench.hear(heard(suggestion(2, PIANO)))
    assert [item.sound.name for item in bench.hub.shown.items] == ["Violin", "Flute", "Piano"]
    assert LockSlot(1, False) in bench.do(Lock(1, False))
    bench.hear(heard(suggestion(2, PIANO)))
    assert [item.sound.name for item in bench.hub.shown.items] == ["Piano"]
    assert bench.refused(Lock(7, True)) == 404
    assert bench.refused(Lock(1, False)) == 404


def test_a_lock_keeps_what_shows_not_what_was_heard_since() -> None:
    bench = Bench()
    bench.hear(TWO)
    bench.hear(heard(suggestion(1, CELLO), suggestion(2, PIANO), suggestion(3, CELLO)), after_s=0.01)
    assert [item.sound.name for item in bench.hub.shown.items] == ["Violin", "Flute", "Piano"], "its hop has not come"
    bench.do(Lock(1, True))
    bench.do(Lock(3, True))
    bench.hear(heard(suggestion(1, CELLO), suggestion(2, PIANO)))
    assert [(item.slot, item.sound.name) for item in bench.hub.shown.items] == [
        (1, "Violin"), (1, "Flute"), (2, "Piano"), (3, "Cello"),
    ]  # fmt: skip


def test_a_rejected_sound_is_not_offered_while_its_slot_plays() -> None:
    bench = Bench()
    bench.hear(TWO)
    bench.do(Reject(1, 1))
    bench.hear(TWO)
    assert [(i.slot, i.rank, i.sound.name) for i in bench.hub.shown.items] == [(1, 1, "Flute"), (2, 1, "Piano")]
    bench.hear(heard(suggestion(2, PIANO)))
    bench.hear(TWO)
    assert bench.hub.shown.items[0].sound.name == "Violin"


def test_switched_off_it_shows_nothing_and_on_again_the_list() -> None:
    bench = Bench()
    bench.hear(TWO)
    bench.now += 1
    effects = bench.do(Enable(False))
    assert sent(effects, "/timbrel/suggest/begin") == [(2, 0, "bus")]
    assert sent(effects, "/timbrel/status")[0][0] == "disabled"
    assert sent(bench.hear(TWO), "/timbrel/suggest/begin") == []
    bench.now += 1
    assert sent(bench.do(Enable(True)), "/timbrel/suggest/begin") == [(3, 3, "bus")]


def test_auto_loads_what_is_stable_and_then_rests() -> None:
    bench = Bench(auto=True)
    hops = [sent(bench.hear(heard(suggestion(1, VIOLIN))), "/timbrel/chosen") for _ in range(10)]
    chosen = [number for number, one in enumerate(hops) if one]
    assert chosen == [4]  # two seconds of the same best sound
    assert str(hops[4][0][5]).startswith("auto: ")
    hops = [sent(bench.hear(heard(suggestion(1, FLUTE))), "/timbrel/chosen") for _ in range(20)]
    assert [number for number, one in enumerate(hops) if one] == [10]  # eight seconds after the first


def test_auto_takes_the_most_present_slot_and_never_an_unstable_one() -> None:
    bench = Bench(auto=True)
    loud, soft = suggestion(2, PIANO, presence=0.95), suggestion(1, VIOLIN, presence=0.6)
    hops = [sent(bench.hear(heard(soft, loud)), "/timbrel/chosen") for _ in range(8)]
    assert [one[0][2] for one in hops if one] == ["gm:0:0"]
    bench = Bench(auto=True)
    for hop in range(12):
        assert sent(bench.hear(heard(suggestion(1, (VIOLIN, FLUTE)[hop % 2]))), "/timbrel/chosen") == []


def test_auto_never_changes_what_is_locked() -> None:
    bench = Bench(auto=True)
    bench.hear(TWO)
    bench.do(Lock(1, True))
    assert not any(sent(bench.hear(TWO), "/timbrel/chosen") for _ in range(20))


def test_auto_can_be_switched() -> None:
    bench = Bench()
    assert not any(sent(bench.hear(TWO), "/timbrel/chosen") for _ in range(8))
    bench.do(AutoChoose(True))
    assert sent(bench.hear(TWO), "/timbrel/chosen")
    bench.do(AutoChoose(False))
    assert not any(sent(bench.hear(heard(suggestion(1, FLUTE))), "/timbrel/chosen") for _ in range(40))


def test_targets_are_listed_and_set() -> None:
    bench = Bench()
    (reply,) = bench.do(ListTargets())
    assert isinstance(reply, Reply)
    assert reply.text.startswith("generic (in use, MIDI channel 1)")
    bench.do(SetTarget("generic", "3"))
    bench.hear(TWO)
    assert sent(bench.do(Choose(1)), "/timbrel/midi/program")[0][0] == 3
    assert bench.refused(SetTarget("reaper", "")) == 404
    for track in ("0", "17", "x", "²"):
        assert bench.refused(SetTarget("generic", track)) == 400


@pytest.mark.parametrize(
    "name",
    [
        *("file:/etc/passwd", " FILE:x.wav", "/tmp/x.wav", "song.wav", "~/x", "C:\\x", "", " ", "x" * 200, "a\nb"),
        *("jack:(", "jack:(a+)+$", "jack:(.*)*x", "jack:(a|b){9}", "jack:" + ".*" * 9 + "x", "jack:" + ".?" * 60),
    ],
)
def test_no_name_from_the_network_is_a_file_or_an_endless_pattern(name: str) -> None:
    assert Bench().refused(SetBus(name)) == 400


@pytest.mark.parametrize("name", ["jack:ardour:Master/audio_out.*", "jack:fs:.*", "pulse", "hw:0,0", "Scarlett 2i2"])
def test_a_device_or_jack_pattern_switches_the_bus(name: str) -> None:
    assert Bench().do(SetBus(name)) == [SwitchBus(name)]


def test_another_bus_starts_afresh() -> None:
    bench = Bench()
    bench.hear(TWO)
    effects = bench.hub.set_context("other", bench.now)
    assert sent(effects, "/timbrel/suggest/begin") == [(2, 0, "other")]


def test_preview_says_that_there_is_no_output() -> None:
    bench = Bench()
    bench.hear(TWO)
    assert bench.refused(Preview(1)) == 503
    assert bench.refused(Preview(1, 9)) == 409


def test_preview_plays_an_item_and_stops() -> None:
    bench = Bench(can_preview=True)
    bench.hear(TWO)
    assert bench.do(Preview(2)) == [Hear(FLUTE, 1, 2)]
    assert isinstance(bench.do(StopPreview())[0], Hush)
    assert bench.refused(Preview(4)) == 404


def test_a_like_is_of_the_item_that_was_named_and_can_be_taken_back() -> None:
    bench = Bench()
    bench.hear(TWO)
    assert bench.do(Like(2, 1)) == [Judge(FLUTE, True)]
    assert bench.do(Like(2, 1, on=False)) == [Judge(FLUTE, False)]
    assert bench.refused(Like(9, 1)) == 404
    assert bench.refused(Like(1, 7)) == 409


def test_one_slider_leaves_the_other_as_it_is() -> None:
    bench = Bench()
    assert bench.do(SetThreshold(0.2)) == [Tune(0.2, 0.5)]
    assert bench.do(SetStability(0.9)) == [Tune(0.2, 0.9)]
    assert bench.do(SetThreshold(None)) == [Tune(None, 0.9)]
    assert (bench.hub.threshold, bench.hub.stability) == (None, 0.9)
