"""Check what is chosen, waits, and comes back, through a hub with hosts."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.commands import Choose, ListTargets, Refusal, SetTarget, Undo
from bridge.daws import GenericAdapter
from bridge.daws.ardour import ArdourAdapter
from bridge.daws.base import Track
from bridge.daws.zynaddsubfx import ZynAdapter
from bridge.effects import Deliver, Delivered, Effect, Reply, Send
from bridge.hub import Hub, HubOptions
from library.sounds import Sound
from tests.bridge.heard import heard, preset, suggestion

PAD = Sound("Zyn/pad.xiz", "Pad", "patch", "/banks/pad.xiz", None, "", "Zyn", "")
BELL = Sound("Zyn/bell.xiz", "Bell", "patch", "/banks/bell.xiz", None, "", "Zyn", "")
PIANO = preset("Piano", 0)
ZYN = "zynaddsubfx"


class Bench:
    """Drive a hub with a ZynAddSubFX, an Ardour and the generic adapter, by hand."""

    def __init__(self) -> None:
        self.hub = Hub(HubOptions("bus"), [ZynAdapter(scratch=Path("/scratch")), ArdourAdapter(), GenericAdapter()])
        self.now = 1.0
        self.delivered: list[Deliver] = []
        self.answer = Delivered(kept={"part 0": "Old"})
        self.hub.on_state("listening", "")
        self.hub.on_analysis(heard(suggestion(1, PAD, BELL, PIANO)), self.now)

    def effects(self, effects: list[Effect]) -> list[tuple[object, ...]]:
        """Carry effects out; return what /timbrel/chosen said: result and detail."""
        said: list[tuple[object, ...]] = []
        for effect in effects:
            if isinstance(effect, Deliver):
                self.delivered.append(effect)
                said += self.effects(self.hub.delivered(effect, self.answer, self.now))
            elif isinstance(effect, Send) and effect.message.address == "/timbrel/chosen":
                said.append(effect.message.args[4:])
        return said

    def do(self, command: Choose | Undo | SetTarget) -> list[tuple[object, ...]]:
        return self.effects(self.hub.handle(command, self.now))

    def host(self, state: str, name: str = ZYN) -> list[tuple[object, ...]]:
        assert state in ("offline", "probing", "online")
        return self.effects(self.hub.on_host(name, state, "", self.now))  # type: ignore[arg-type]  # checked above


def test_status_and_targets_tell_which_hosts_are_there() -> None:
    bench = Bench()
    assert bench.hub.status[1].endswith("; zynaddsubfx offline, ardour offline")
    bench.host("online")
    bench.hub.targets.on_tracks("ardour", (Track(1, "Keys"),))
    assert bench.hub.status[1].endswith("; zynaddsubfx online, ardour offline")
    bench.do(SetTarget("ardour", "keys"))
    replies = [effect.text for effect in bench.hub.handle(ListTargets(), 1.0) if isinstance(effect, Reply)]
    assert replies[0].startswith("zynaddsubfx (online): ")
    assert replies[1].startswith("ardour (in use, track keys, offline): ")
    assert replies[3:] == ["ardour track 1: Keys"]


def test_a_choice_waits_for_its_host_and_is_reported_twice() -> None:
    bench = Bench()
    assert bench.do(Choose(1)) == [("queued", "zynaddsubfx is offline; Pad is loaded when it comes back")]
    said = bench.do(Choose(2))  # the user's last word counts
    assert said == [
        ("failed", "Bell was chosen instead"),
        ("queued", "zynaddsubfx is offline; Bell is loaded when it comes back"),
    ]
    assert bench.host("probing") == []
    assert bench.host("online") == [("ok", "Bell in part 1")]
    assert bench.host("online") == []


def test_a_choice_waits_for_the_track_that_was_meant_and_for_its_own_target() -> None:
    bench = Bench()
    bench.do(SetTarget(ZYN, "3"))
    bench.do(Choose(1))
    bench.do(SetTarget(ZYN, "5"))
    assert bench.host("online") == [("ok", "Pad in part 3")]
    bench.host("offline")
    bench.do(Choose(2))
    bench.do(SetTarget("generic", ""))
    assert bench.host("online") == [("failed", "generic was chosen as the target meanwhile")]


def test_a_choice_that_waited_a_minute_is_given_up() -> None:
    bench = Bench()
    bench.do(Choose(1))
    bench.now += 59
    assert bench.effects(bench.hub.tick(bench.now)) == []
    bench.now += 2
    assert bench.effects(bench.hub.tick(bench.now)) == [("failed", "zynaddsubfx did not come back")]
    assert bench.host("online") == []


def test_a_program_does_not_wait_for_a_host_that_is_offline() -> None:
    bench = Bench()
    said = bench.do(Choose(3))
    assert said == [("ok", "Piano: program 1 on channel 1, as zynaddsubfx is offline, over OSC")]
    assert bench.delivered[0].delivery.packets


def test_undo_brings_back_what_the_host_told_step_by_step() -> None:
    bench = Bench()
    bench.host("online")
    bench.do(Choose(1))
    bench.answer = Delivered(kept={"part 0": "Pad"})
    bench.do(Choose(2))
    bench.answer = Delivered()
    assert bench.do(Undo()) == [("ok", "undone: Pad back in part 1")]
    assert bench.delivered[-1].delivery.steps[0].payload.endswith(b"/scratch/replaced-1.xiz\0")
    assert bench.do(Undo()) == [("ok", "undone: Old back in part 1")]
    with pytest.raises(Refusal, match="nothing to undo"):
        bench.do(Undo())


def test_undo_goes_to_the_part_that_was_changed_whatever_is_in_use_now() -> None:
    bench = Bench()
    bench.host("online")
    bench.do(SetTarget(ZYN, "3"))
    bench.answer = Delivered(kept={"part 2": "Old"})
    bench.do(Choose(1))
    bench.do(SetTarget(ZYN, "5"))
    assert bench.do(Undo()) == [("ok", "undone: Old back in part 3")]
    bench.do(SetTarget(ZYN, ""))
    bench.do(Choose(2))
    bench.do(SetTarget("generic", "4"))
    assert bench.delivered[-1].delivery.adapter == ZYN
    bench.do(Undo())
    assert bench.delivered[-1].delivery.adapter == ZYN


def test_an_undo_that_failed_can_be_tried_again_and_a_failed_choice_needs_none() -> None:
    bench = Bench()
    bench.host("online")
    bench.do(Choose(1))
    bench.answer = Delivered(result="failed", detail="zynaddsubfx is offline")
    assert bench.do(Choose(2)) == [("failed", "Bell in part 1: zynaddsubfx is offline")]
    assert bench.do(Undo())[0][0] == "failed"
    bench.answer = Delivered()
    assert bench.do(Undo()) == [("ok", "undone: Old back in part 1")]


def test_a_track_is_looked_for_when_the_sound_goes_to_it() -> None:
    bench = Bench()
    bench.do(SetTarget("ardour", "Keys"))  # not there yet: it may come
    bench.host("online", "ardour")
    bench.hub.targets.on_tracks("ardour", (Track(1, "Bass"), Track(2, "Keys")))
    assert bench.do(Choose(3))[0][0] == "ok"
    assert bench.delivered[-1].delivery.midi_to == "Keys/midi_in 1"
    bench.hub.targets.on_tracks("ardour", (Track(1, "Bass"),))
    with pytest.raises(Refusal, match="no track Keys; there is Bass"):
        bench.do(Choose(3))
    with pytest.raises(Refusal, match="no track Flute; there is Bass"):
        bench.do(SetTarget("ardour", "Flute"))
