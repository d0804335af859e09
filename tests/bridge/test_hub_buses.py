"""Offer lists for several buses: each its own, one of them in focus."""

from __future__ import annotations

import pytest

from bridge.commands import AutoChoose, Choose, Enable, Focus, Like, ListItems, Lock, Preview, Reject, SetBus, Step
from bridge.effects import Effect, Hear, Judge, LockSlot, Reply, Send, SwitchBus
from bridge.hub import Hub, HubOptions
from bridge.hub_status import TELLING
from bridge.osc.messages import shown
from realtime.types import Analysis
from tests.bridge.heard import heard, suggestion
from tests.bridge.hub_bench import CELLO, FLUTE, PIANO, TWO, VIOLIN, Bench, sent

LONG = "file:" + "x" * 300


class Buses(Bench):
    """Drive a hub of two buses, keys and strings."""

    def __init__(self, *, auto: bool = False, second: str = "strings") -> None:
        super().__init__()
        self.hub = Hub(HubOptions("keys", auto=auto, can_preview=True, others=(second,)))
        self.hub.on_state("listening", "plays")

    def on(self, bus: int, analysis: Analysis, after_s: float = 0.5) -> list[Effect]:
        self.now += after_s
        return self._carry_out(self.hub.on_analysis(analysis, self.now, bus))


def filled() -> Buses:
    """Return a hub whose keys hear a piano, list 1, and whose strings a violin or a cello, list 2."""
    bench = Buses()
    bench.on(0, heard(suggestion(1, PIANO)))
    bench.on(1, heard(suggestion(1, VIOLIN, CELLO)))
    return bench


def test_each_bus_has_its_list_with_its_context_and_a_number_that_no_other_has() -> None:
    bench = Buses()
    assert sent(bench.on(0, heard(suggestion(1, PIANO))), "/timbrel/suggest/begin") == [(1, 1, "keys")]
    assert sent(bench.on(1, TWO), "/timbrel/suggest/begin") == [(2, 3, "strings")]
    assert sent(bench.on(0, heard(suggestion(1, FLUTE))), "/timbrel/suggest/begin") == [(3, 1, "keys")]
    assert sent(bench.on(1, TWO), "/timbrel/suggest/begin") == []


def test_the_hop_of_one_bus_does_not_hold_up_the_list_of_another() -> None:
    bench = Buses()
    bench.on(0, heard(suggestion(1, PIANO)))
    assert sent(bench.on(1, TWO, 0.01), "/timbrel/suggest/begin") == [(2, 3, "strings")]
    assert sent(bench.on(1, heard(suggestion(1, FLUTE)), 0.01), "/timbrel/suggest/begin") == []
    assert sent(bench.on(0, heard(suggestion(1, CELLO)), 0.5), "/timbrel/suggest/begin") == [(3, 1, "keys")]
    assert sent(bench.hub.tick(bench.now), "/timbrel/suggest/begin") == [(4, 1, "strings")]


def test_the_mirror_and_the_current_list_are_of_the_bus_in_focus() -> None:
    bench = Buses()
    bench.on(0, heard(suggestion(1, PIANO)))
    assert sent(bench.on(1, TWO), "/timbrel/suggest/1/name") == []
    assert bench.hub.context == "keys"
    assert sent(bench.do(ListItems(0, 0)), "/timbrel/suggest/begin") == [(1, 1, "keys")]
    bench.do(SetBus("strings"))
    assert sent(bench.do(ListItems(0, 0)), "/timbrel/suggest/begin") == [(2, 3, "strings")]
    assert sent(bench.on(1, heard(suggestion(1, FLUTE))), "/timbrel/suggest/1/name") == [("Flute",)]


@pytest.mark.parametrize("command", [SetBus("strings"), SetBus(" strings "), Focus(1)])
def test_the_focus_moves_with_list_and_whole_mirror_and_nothing_is_opened(command: SetBus | Focus) -> None:
    bench = filled()
    effects = bench.do(command)
    assert effects[0] == Reply("strings is in focus; its list and labels are sent again")
    assert not any(isinstance(effect, SwitchBus) for effect in effects)
    assert sent(effects, "/timbrel/suggest/begin") == [(2, 2, "strings")]
    assert [sent(effects, f"/timbrel/suggest/{n}/name") for n in (1, 2, 3, 8)] == [
        [("Violin",)], [("Cello",)], [("",)], [("",)],
    ]  # fmt: skip
    assert all(effect.topic == "suggest" for effect in effects if isinstance(effect, Send))


def test_a_name_is_known_as_clients_see_it_even_where_it_is_a_file() -> None:
    bench = Buses(second=LONG)
    assert shown(LONG) != LONG
    for name in (LONG, shown(LONG)):
        assert isinstance(bench.do(SetBus(name))[0], Reply)
        assert bench.hub.focus == 1
        bench.do(SetBus("keys"))
    assert bench.refused(SetBus("file:/etc/passwd")) == 400
    assert bench.refused(Focus(2)) == bench.refused(Focus(-1)) == 404


def test_any_other_name_switches_the_bus_in_focus_alone() -> None:
    bench = filled()
    assert bench.do(SetBus("other")) == [SwitchBus("other", 0)]
    bench.do(SetBus("strings"))
    assert bench.do(SetBus("other")) == [SwitchBus("other", 1)]
    effects = bench.hub.set_context("other", bench.now, 1)
    assert sent(effects, "/timbrel/suggest/begin") == [(3, 0, "other")]
    assert [bus.context for bus in bench.hub.buses] == ["keys", "other"]
    assert bench.hub.buses[0].heard == 1


def test_the_own_name_of_a_single_bus_opens_it_again() -> None:
    assert Bench().do(SetBus("bus")) == [SwitchBus("bus")]


def test_a_list_of_a_bus_out_of_focus_can_be_chosen_heard_liked_and_rejected_by_its_number() -> None:
    bench = filled()
    assert [one[:3] for one in sent(bench.do(Choose(2, 2)), "/timbrel/chosen")] == [(2, 2, "gm:0:42")]
    assert bench.do(Preview(1, 2)) == [Hear(VIOLIN, 2, 1)]
    assert bench.do(Like(2, 2)) == [Judge(CELLO, True)]
    assert bench.refused(Choose(2, 1)) == 404
    bench.now += 0.5
    effects = bench.do(Reject(1, 2))
    assert sent(effects, "/timbrel/suggest/begin") == [(3, 1, "strings")]
    assert sent(effects, "/timbrel/suggest/1/name") == []
    assert bench.refused(Choose(1, 2)) == 409
    assert [one[:3] for one in sent(bench.do(Choose(1)), "/timbrel/chosen")] == [(1, 1, "gm:0:0")]


def test_steps_go_on_from_the_last_choice_of_the_bus_in_focus() -> None:
    bench = filled()
    bench.do(Choose(1, 2))
    assert sent(bench.do(Step(1)), "/timbrel/chosen")[0][:2] == (1, 1)
    bench.do(Focus(1))
    assert sent(bench.do(Step(1)), "/timbrel/chosen")[0][:2] == (2, 2)


def test_a_lock_goes_to_the_engine_of_the_bus_in_focus() -> None:
    bench = filled()
    assert LockSlot(1, True, 0) in bench.do(Lock(1, True))
    bench.do(Focus(1))
    assert bench.hub.locked == frozenset()
    assert LockSlot(1, True, 1) in bench.do(Lock(1, True))
    assert LockSlot(1, False, 1) in bench.do(Lock(1, False))
    bench.do(Focus(0))
    assert bench.hub.locked == {1}


def test_only_the_bus_in_focus_loads_by_itself_and_anew_when_the_focus_comes() -> None:
    bench = Buses(auto=True)
    for _ in range(8):
        assert sent(bench.on(1, heard(suggestion(1, VIOLIN))), "/timbrel/chosen") == []
    bench.do(Focus(1))
    assert sent(bench.on(1, heard(suggestion(1, VIOLIN))), "/timbrel/chosen") == []
    chosen = [one for _ in range(5) for one in sent(bench.on(1, heard(suggestion(1, VIOLIN))), "/timbrel/chosen")]
    assert [one[2] for one in chosen] == ["gm:0:40"]
    bench.do(AutoChoose(False))


def test_the_full_state_holds_all_lists_and_ends_with_the_one_in_focus() -> None:
    bench = filled()
    for focus, contexts in ((0, ["strings", "keys"]), (1, ["keys", "strings"])):
        bench.do(Focus(focus))
        state = bench.hub.snapshot()["suggest"]
        assert [one.args[2] for one in state if one.address == "/timbrel/suggest/begin"] == contexts
        assert [one.args[0] for one in state if one.address == "/timbrel/suggest/1/name"] == [
            "Violin" if focus else "Piano"
        ]


def test_off_empties_all_lists() -> None:
    bench = filled()
    bench.now += 0.5
    effects = bench.do(Enable(False))
    assert [one[1:] for one in sent(effects, "/timbrel/suggest/begin")] == [(0, "keys"), (0, "strings")]
    assert bench.hub.status == ("disabled", "suggestions are off; /timbrel/enable 1 turns them on")


def test_the_status_says_what_is_heard_where() -> None:
    bench = Buses()
    assert bench.hub.status == ("listening", "plays")
    bench.on(0, heard(suggestion(1, PIANO)))
    assert bench.hub.status == ("listening", "hears 1 instrument on keys, none on strings")
    bench.on(1, TWO)
    assert bench.hub.status == ("listening", "hears 1 instrument on keys, 2 on strings")
    bench.on(0, heard())
    assert bench.hub.status == ("listening", "hears no instruments on keys, 2 on strings")


def test_the_status_names_the_bus_that_needs_a_hand_and_the_others_go_on() -> None:
    bench = filled()
    bench.hub.on_state("no-device", "waiting for JACK", 1)
    assert bench.hub.status == ("no-device", "strings: waiting for JACK; hears 1 instrument on keys")
    bench.hub.on_state("degraded", "RuntimeError: full", 0)
    assert bench.hub.status == ("degraded", "keys: RuntimeError: full; strings: waiting for JACK")
    bench.hub.on_state("listening", "plays", 0)
    bench.hub.on_state("silent", "the bus is silent (-90 dBFS)", 1)
    assert bench.hub.status == ("listening", "hears 1 instrument on keys; strings: the bus is silent (-90 dBFS)")
    assert [bus.state for bus in bench.hub.buses] == ["listening", "silent"]
    bench.hub.on_state("stopped", "the recording has ended", 1)
    assert bench.hub.status == ("listening", "hears 1 instrument on keys; strings: the recording has ended")
    bench.do(Enable(False))
    assert bench.hub.status[0] == "disabled"
    bench.hub.on_state("stopped", "stopped by SIGTERM")
    assert bench.hub.status == ("stopped", "stopped by SIGTERM")


def test_it_is_ready_when_one_bus_is() -> None:
    hub = Hub(HubOptions("keys", others=("strings",)))
    hub.on_state("loading", "warming up", 0)
    assert hub.status == ("loading", "keys: warming up; strings: loading the encoder and the library")
    bench = Buses()
    bench.hub = hub
    assert bench.refused(ListItems(0, 0)) == 503
    hub.on_state("silent", "", 1)
    assert bench.do(ListItems(0, 0))
    assert TELLING.index(hub.status[0]) == TELLING.index("silent")
