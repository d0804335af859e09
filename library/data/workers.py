"""Run jobs in processes that may die: a crash costs one job another try, never the others."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from typing import Generic, TypeVar

__all__ = ["Outcome", "run_jobs"]

_Job = TypeVar("_Job")
_Result = TypeVar("_Result")

TRIES = 3
LIMIT_S = 600.0
"""Longest time for one job; rendering an instrument takes seconds, a slow patch a minute."""

_LOOK_S = 1.0


@dataclass(frozen=True, slots=True)
class Outcome(Generic[_Result]):
    """Hold what became of one job: its number and its result, or why there is none."""

    number: int
    result: _Result | None
    error: str = ""


def run_jobs(
    function: Callable[[_Job], _Result], jobs: Sequence[_Job], workers: int, limit_s: float = LIMIT_S
) -> Iterator[Outcome[_Result]]:
    """Call function(job) for each job in that many forked processes; yields outcomes as they come.

    An exception is the job's outcome. A process that dies, or takes longer than limit_s for a job, is replaced and its
    job tried again, up to TRIES times. Where torch has run in the parent, the function has to set one thread first:
    its thread pool does not survive a fork.
    """
    waiting = deque((number, 1) for number in range(len(jobs)))
    busy: dict[Connection, tuple[ForkProcess, int, int, float]] = {}
    idle: list[tuple[Connection, ForkProcess]] = []
    try:
        while waiting or busy:
            while waiting and len(busy) < workers:
                pipe, process = idle.pop() if idle else _start(function)
                number, attempt = waiting.popleft()
                pipe.send(jobs[number])
                busy[pipe] = (process, number, attempt, time.monotonic() + limit_s)
            for process, _, _, until in busy.values():
                if time.monotonic() > until:
                    process.kill()
            for ready in wait(list(busy), timeout=_LOOK_S):
                pipe = next(p for p in busy if p is ready)
                process, number, attempt, _ = busy.pop(pipe)
                try:
                    result, error = pipe.recv()
                except (EOFError, ConnectionResetError):
                    process.join()
                    if attempt < TRIES:
                        waiting.appendleft((number, attempt + 1))
                        continue
                    result, error = None, f"its process died {TRIES} times (exit code {process.exitcode})"
                else:
                    idle.append((pipe, process))
                yield Outcome(number, result, error)
    finally:
        for process in [*(row[0] for row in busy.values()), *(row[1] for row in idle)]:
            process.kill()
            process.join()


def _start(function: Callable[[_Job], _Result]) -> tuple[Connection, ForkProcess]:
    context = get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(function, theirs), daemon=True)
    process.start()
    theirs.close()
    return ours, process


def _serve(function: Callable[[_Job], _Result], pipe: Connection) -> None:
    while True:
        try:
            job = pipe.recv()
        except EOFError:
            return
        answer: tuple[_Result | None, str]
        try:
            answer = (function(job), "")
        except Exception as error:  # noqa: BLE001 - whatever a job raises is its outcome
            answer = (None, f"{type(error).__name__}: {error}")
        pipe.send(answer)
