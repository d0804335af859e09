from __future__ import annotations

from bridge.commands import Choose, Step, Undo
from tests.bridge.heard import heard, preset, sample, suggestion
from tests.bridge.hub_bench import CELLO, PIANO, TWO, VIOLIN, Bench, sent


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
