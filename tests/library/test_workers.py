from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from library.data.workers import TRIES, run_jobs


def test_every_job_has_its_outcome() -> None:
    found = {row.number: row.result for row in run_jobs(lambda n: n * n, list(range(20)), 3)}
    assert found == {n: n * n for n in range(20)}


def test_an_exception_is_the_outcome_of_its_job_alone() -> None:
    def invert(n: int) -> float:
        return 1 / n

    found = sorted(run_jobs(invert, [1, 0, 2], 1), key=lambda row: row.number)
    assert [row.result for row in found] == [1.0, None, 0.5]
    assert "ZeroDivisionError" in found[1].error


def test_a_process_that_dies_costs_its_job_another_try(tmp_path: Path) -> None:
    def die_once(n: int) -> int:
        mark = tmp_path / str(n)
        if n == 2 and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return n

    assert sorted(row.result or 0 for row in run_jobs(die_once, [0, 1, 2, 3], 2)) == [0, 1, 2, 3]


def test_a_job_that_always_kills_its_process_is_given_up() -> None:
    def die(n: int) -> int:
        if n == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return n

    found = sorted(run_jobs(die, [0, 1, 2], 2), key=lambda row: row.number)
    assert [row.result for row in found] == [0, None, 2]
    assert f"died {TRIES} times" in found[1].error


def test_a_job_that_hangs_is_given_up_and_the_others_are_done() -> None:
    def hang(n: int) -> int:
        if n == 1:
            time.sleep(60)
        return n

    found = sorted(run_jobs(hang, [0, 1, 2], 2, limit_s=0.5), key=lambda row: row.number)
    assert [row.result for row in found] == [0, None, 2]
