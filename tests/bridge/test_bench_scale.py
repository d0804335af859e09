"""Check that buses are carried on the clock, missed hops are seen, and the search ends where it should."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest

from bridge.bench.carry import MOST_AT_ONCE, Due, most_buses, run_trial
from bridge.bench.scale import PAPER, bench_scale
from bridge.cli.app import run_cli
from bridge.config import Config, override
from bridge.parts import Parts
from tests.bridge.rig import quick_engine


def test_each_bus_is_heard_at_each_hop() -> None:
    taken: list[Due] = []
    trial = run_trial(taken.extend, 3, 1.0, 1.5)
    assert (trial.buses, trial.missed_hops) == (3, 0)
    assert trial.windows == len(taken)
    assert [due.bus for due in taken] == [number % 3 for number in range(len(taken))]
    assert [due.hop for due in taken] == [number // 3 for number in range(len(taken))]
    assert 0.0 <= trial.p50_ms <= trial.p99_ms


def test_work_that_takes_longer_than_a_hop_misses_one_and_ends_the_trial() -> None:
    trial = run_trial(lambda _: time.sleep(0.2), 2, 0.05, 60.0)
    assert trial.missed_hops == 1
    assert trial.p99_ms >= 200.0


def test_windows_that_became_due_together_are_taken_in_one_batch() -> None:
    sizes: list[int] = []

    def work(due: Sequence[Due]) -> None:
        sizes.append(len(due))
        time.sleep(0.5 if len(sizes) == 1 else 0.0)

    run_trial(work, 40, 1.0, 0.6)
    assert max(sizes) == MOST_AT_ONCE


@pytest.mark.parametrize("guess", [1, 30, 100, 5000])
def test_the_search_finds_how_many_are_carried(guess: int) -> None:
    tried: list[int] = []

    def carries(buses: int) -> bool:
        tried.append(buses)
        return buses <= 37

    found = most_buses(carries, guess)
    assert 37 / 1.06 <= found <= 37
    assert found in tried


def test_nothing_is_carried_where_one_bus_is_too_much() -> None:
    assert most_buses(lambda _: False, 8) == 0


@pytest.mark.slow
def test_both_pipelines_are_carried_and_compared() -> None:
    said: list[str] = []
    config = override(Config(), {"device": "cpu"})
    result = bench_scale(Parts(load=quick_engine), config, [0.2], 0.2, said.append)
    assert result.missing == ""
    ours, theirs = result.rows
    assert (theirs.name, theirs.hop_s, ours.hop_s) == (PAPER, 0.2, 0.2)
    assert ours.buses > 0
    assert ours.best.windows > 0
    assert ours.times_paper == (ours.buses / theirs.buses if theirs.buses else None)
    assert said[0] == "loading"


def test_wrong_hops_are_wrong_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["bench", "scale", "--hops", "0.5,often"]) == 2
    assert "--hops 0.5,often: must be seconds in 0.05..10" in capsys.readouterr().err
