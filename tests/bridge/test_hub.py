from __future__ import annotations

import pytest

from bridge.commands import (
    AutoChoose,
    Choose,
    Enable,
    HubCommand,
    ListItems,
    ListTargets,
    Lock,
    Preview,
    Refusal,
    Reject,
    SetBus,
    SetTarget,
    Step,
    StopPreview,
    Undo,
)
from bridge.effects import Deliver, Delivered, Effect, Hear, Hush, LockSlot, Reply, Send, SwitchBus
from bridge.hub import Hub, HubOptions
from realtime.types import Analysis
from tests.bridge.heard import heard, preset, sample, suggestion

VIOLIN, FLUTE, CELLO, PIANO = preset("Violin", 40), preset("Flute", 73), preset("Cello", 42), preset("Piano", 0)
TWO = heard(suggestion(1, VIOLIN, FLUTE), suggestion(2, PIANO))


class Bench:
    """Drive a hub with a clock by hand, carrying out deliveries like the daemon does."""

    def __init__(self, *, auto: bool = False, channel: int = 0, can_preview: bool = False) -> None:
        self.hub = Hub(HubOptions("bus", channel, auto, can_preview=can_preview))
        self.now = 0.0
        self.port: str | None = None
        self.error: str | None = None
        self.packets: list[bytes] = []
        self.hub.on_state("listening", "")

    def hear(self, analysis: Analysis, after_s: float = 0.5) -> list[Effect]:
        self.now += after_s
        return self._carry_out(self.hub.on_analysis(analysis, self.now))

    def do(self, command: HubCommand) -> list[Effect]:
        return self._carry_out(self.hub.handle(command, self.now))

    def refused(self, command: HubCommand) -> int:
        with pytest.raises(Refusal) as refusal:
            self.hub.handle(command, self.now)
        return refusal.value.code

    def _carry_out(self, effects: list[Effect]) -> list[Effect]:
        out: list[Effect] = []
        for effect in effects:
            out.append(effect)
            if isinstance(effect, Deliver):
                self.packets += effect.delivery.packets if self.port else ()
                out += self.hub.delivered(effect, Delivered(self.port, self.error), self.now)
        return out


def sent(effects: list[Effect], address: str) -> list[tuple[object, ...]]:
    return [e.message.args for e in effects if isinstance(e, Send) and e.message.address == address]


def test_a_list_is_sent_as_begin_items_end_with_programs() -> None:
    effects = Bench().hear(TWO)
    addresses = [e.message.address for e in effects if isinstance(e, Send) and "/suggest/" in e.message.address]
    assert addresses[0] == "/timbrel/suggest/begin"
    assert sent(effects, "/timbrel/suggest/begin") == [(1, 3, "bus")]
    items = sent(effects, "/timbrel/suggest/item")
    # list, index, slot, rank: slot by slot, best first.
    assert [item[:4] for item in items] == [(1, 1, 1, 1), (1, 2, 1, 2), (1, 3, 2, 1)]
    assert items[0][4:7] == ("gm:0:40", "Violin", "gm")
    assert sent(effects, "/timbrel/suggest/program")[0] == (1, 1, -1, 0, -1, 40)
    assert sent(effects, "/timbrel/suggest/end") == [(1,)]


def test_the_flat_mirror_shows_the_first_items_and_clears_what_went() -> None:
    bench = Bench()
    effects = bench.hear(TWO)
    assert sent(effects, "/timbrel/suggest/3/name") == [("Piano",)]
    assert sent(effects, "/timbrel/suggest/4/name") == []
    effects = bench.hear(heard(suggestion(1, VIOLIN, FLUTE)))
    assert sent(effects, "/timbrel/suggest/3/name") == [("",)]
    assert sent(effects, "/timbrel/suggest/1/name") == []


def test_an_unchanged_list_is_not_sent_again() -> None:
    bench = Bench()
    bench.hear(TWO)
    assert sent(bench.hear(TWO), "/timbrel/suggest/begin") == []


def test_small_changes_of_numbers_keep_the_list_and_large_ones_send_it_under_its_number() -> None:
    bench = Bench()
    bench.hear(heard(suggestion(1, VIOLIN, presence=0.9)))
    assert sent(bench.hear(heard(suggestion(1, VIOLIN, presence=0.88))), "/timbrel/suggest/begin") == []
    again = bench.hear(heard(suggestion(1, VIOLIN, presence=0.6)))
    assert sent(again, "/timbrel/suggest/begin") == [(1, 1, "bus")]


def test_a_list_is_sent_at_most_once_a_hop_and_the_newest_comes_in_the_end() -> None:
    bench = Bench()
    bench.hear(heard(suggestion(1, VIOLIN)))
    assert sent(bench.hear(heard(suggestion(1, FLUTE)), 0.05), "/timbrel/suggest/begin") == []
    assert sent(bench.hear(heard(suggestion(1, CELLO)), 0.05), "/timbrel/suggest/begin") == []
    later = bench.hub.tick(bench.now + 0.5)
    assert [item[5] for item in sent(later, "/timbrel/suggest/item")] == ["Cello"]
    assert sent(later, "/timbrel/suggest/begin")[0][0] == 2


def test_silence_brings_no_list_and_leaves_the_last_one() -> None:
    bench = Bench()
    assert sent(bench.hear(heard(skipped="silent")), "/timbrel/suggest/begin") == []
    bench.hear(TWO)
    assert sent(bench.hear(heard(skipped="silent")), "/timbrel/suggest/begin") == []
    assert sent(bench.do(Choose(1, 1)), "/timbrel/chosen")


def test_music_without_a_known_instrument_clears_the_list() -> None:
    bench = Bench()
    bench.hear(TWO)
    assert sent(bench.hear(heard()), "/timbrel/suggest/begin") == [(2, 0, "bus")]


def test_choosing_sends_the_program_over_osc_and_midi_and_says_so() -> None:
    bench = Bench(channel=4)
    bench.port = "timbrel:out"
    bench.hear(TWO)
    effects = bench.do(Choose(2, 1))
    assert sent(effects, "/timbrel/midi/program") == [(5, 0, -1, 73)]
    assert sent(effects, "/timbrel/midi/raw") == [(b"\0\xb4\0\0",), (b"\0\xc4\x49\0",)]
    assert bench.packets == [b"\xb4\0\0", b"\xc4\x49"]
    ((list_id, index, sound_id, adapter, result, detail),) = sent(effects, "/timbrel/chosen")
    assert (list_id, index, sound_id, adapter, result) == (1, 2, "gm:0:73", "generic", "ok")
    assert "MIDI port timbrel:out" in str(detail)


def test_bank_select_goes_before_the_program_and_a_sound_keeps_its_own_channel() -> None:
    bench = Bench()
    bench.port = "p"
    bench.hear(heard(suggestion(1, preset("Kit", 8, channel=9, bank=120))))
    bench.do(Choose(1))
    assert bench.packets == [b"\xb9\0\x78", b"\xc9\x08"]


def test_a_sound_without_a_program_is_text_only() -> None:
    bench = Bench()
    bench.hear(heard(suggestion(1, sample("kick"))))
    effects = bench.do(Choose(1))
    assert sent(effects, "/timbrel/midi/program") == []
    ((*_, result, detail),) = sent(effects, "/timbrel/chosen")
    assert result == "failed"
    assert "text only" in str(detail)


def test_a_broken_midi_port_is_said() -> None:
    bench = Bench()
    bench.port, bench.error = "p", "it is gone"
    bench.hear(TWO)
    ((*_, result, detail),) = sent(bench.do(Choose(1)), "/timbrel/chosen")
    assert result == "failed"
    assert "it is gone" in str(detail)


def test_a_stale_list_and_a_wrong_index_are_refused() -> None:
    bench = Bench()
    assert bench.refused(Choose(1)) == 404
    bench.hear(TWO)
    bench.hear(heard(suggestion(1, FLUTE)))
    assert bench.refused(Choose(1, 1)) == 409
    assert bench.refused(Choose(1, 3)) == 409
    assert bench.refused(Choose(2, 2)) == 404
    assert bench.refused(Choose(0, 2)) == 400
    assert sent(bench.do(Choose(1, 2)), "/timbrel/chosen")


def test_before_the_weights_are_loaded_only_the_connection_works() -> None:
    hub = Hub(HubOptions("bus"))
    for command in (Choose(1), Preview(1), Reject(1), ListItems(0, 0), Undo(), Lock(1, True), SetBus("x"), Step(1)):
        with pytest.raises(Refusal) as refusal:
            hub.handle(command, 0.0)
        assert refusal.value.code == 503


def test_undo_sends_the_program_that_was_there_before() -> None:
    bench = Bench()
    bench.port = "p"
    bench.hear(TWO)
    bench.do(Choose(1))
    bench.do(Choose(3))
    effects = bench.do(Undo())
    assert bench.packets[-1] == b"\xc0\x28"
    ((_, _, sound_id, _, result, detail),) = sent(effects, "/timbrel/chosen")
    assert (sound_id, result) == ("gm:0:40", "ok")
    assert str(detail).startswith("undone: ")
    count = len(bench.packets)
    ((*_, result, detail),) = sent(bench.do(Undo()), "/timbrel/chosen")
    assert result == "failed"
    assert "nothing is known" in str(detail)
    assert len(bench.packets) == count
    assert bench.refused(Undo()) == 404


def test_next_and_prev_go_through_the_list_and_round() -> None:
    bench = Bench()
    bench.hear(TWO)
    chosen = [sent(bench.do(Step(by)), "/timbrel/chosen")[0][1] for by in (1, 1, 1, 1, -1, -1)]
    assert chosen == [1, 2, 3, 1, 3, 2]


def test_prev_at_the_start_takes_the_last() -> None:
    bench = Bench()
    bench.hear(TWO)
    assert sent(bench.do(Step(-1)), "/timbrel/chosen")[0][1] == 3


def test_next_goes_on_from_the_same_sound_in_a_new_list() -> None:
    bench = Bench()
    bench.hear(TWO)
    bench.do(Choose(3))
    bench.hear(heard(suggestion(1, VIOLIN), suggestion(2, PIANO), suggestion(3, CELLO)))
    assert sent(bench.do(Step(1)), "/timbrel/chosen")[0][2] == "gm:0:42"


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


def test_a_part_of_the_list_can_be_asked_for() -> None:
    bench = Bench()
    bench.hear(TWO)
    effects = bench.do(ListItems(1, 1))
    assert sent(effects, "/timbrel/suggest/begin") == [(1, 1, "2-2 of 3, bus")]
    assert [item[1] for item in sent(effects, "/timbrel/suggest/item")] == [2]
    assert all(isinstance(e, Send) and e.topic is None and e.to_asker for e in effects)
    assert len(sent(bench.do(ListItems(0, 0)), "/timbrel/suggest/item")) == 3
    assert sent(bench.do(ListItems(10, 5)), "/timbrel/suggest/item") == []
    assert bench.refused(ListItems(-1, 0)) == 400


def test_nothing_is_sent_when_the_status_stays() -> None:
    bench = Bench()
    assert sent(bench.hub.on_state("silent", "x"), "/timbrel/status") == [("silent", "x")]
    assert bench.hub.on_state("silent", "x") == []


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


def test_the_full_state_can_be_repeated() -> None:
    bench = Bench()
    bench.hear(TWO)
    state = bench.hub.snapshot()
    assert [m.address for m in state["status"]] == ["/timbrel/status"]
    names = [m.args[0] for m in state["suggest"] if m.address.endswith("/name")]
    assert names == ["Violin", "Flute", "Piano", "", "", "", "", ""]
