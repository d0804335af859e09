from __future__ import annotations

import pytest

from bridge.commands import (
    Choose,
    ListItems,
    Lock,
    Preview,
    Refusal,
    Reject,
    SetBus,
    Step,
    Undo,
)
from bridge.effects import Send
from bridge.hub import Hub, HubOptions
from tests.bridge.heard import heard, suggestion
from tests.bridge.hub_bench import CELLO, FLUTE, TWO, VIOLIN, Bench, sent


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


def test_the_full_state_can_be_repeated() -> None:
    bench = Bench()
    bench.hear(TWO)
    state = bench.hub.snapshot()
    assert [m.address for m in state["status"]] == ["/timbrel/status"]
    names = [m.args[0] for m in state["suggest"] if m.address.endswith("/name")]
    assert names == ["Violin", "Flute", "Piano", "", "", "", "", ""]
