"""Check that growth and errors are seen, in made-up samples, in real processes, in a real daemon on a real bus."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from bridge.bench.rig import daemon_child
from bridge.bench.soak import bench_soak, failures_of
from bridge.bench.usage import Sample, Usage, growth_of, sample
from library.errors import TimbrelError
from tests.integration.jack import wait_for

MB = 1_000_000
LEAK = """
import sys
held = []
for line in sys.stdin:
    held.append(open(sys.executable, "rb"))
    print(len(held), flush=True)
"""


def samples(usages: Sequence[Usage], *, is_rest: bool = True) -> list[Sample]:
    return [Sample(float(number), is_rest, {"daemon": usage}) for number, usage in enumerate(usages)]


def test_a_program_that_holds_what_it_held_does_not_grow() -> None:
    growth = growth_of(samples([Usage((800 + number % 3) * MB, 45, 16) for number in range(100)]))
    assert growth.failures() == ()
    assert (growth.fds, growth.threads) == ((45, 45), (16, 16))


def test_memory_that_creeps_up_is_a_failure() -> None:
    growth = growth_of(samples([Usage(800 * MB + number * 150_000, 45, 16) for number in range(100)]))
    assert growth.rss_growth_mb == pytest.approx(13.5)
    assert growth.failures() == ("memory grew by 13.5 MB, more than 10",)


def test_memory_is_judged_by_the_sum_of_all_processes() -> None:
    looks = [
        Sample(float(n), True, {"daemon": Usage(400 * MB, 40, 9), "capture": Usage((90 + 2 * n) * MB, 5, 4)})
        for n in range(20)
    ]
    growth = growth_of(looks)
    assert growth.parts_growth_mb == {"daemon": 0.0, "capture": 36.0}
    assert growth.rss_growth_mb == 36.0


def test_one_descriptor_and_one_thread_too_many_are_failures() -> None:
    growth = growth_of(samples([Usage(800 * MB, 45 + number // 50, 16 + number // 90) for number in range(100)]))
    assert growth.failures() == ("file descriptors at rest grew by 1", "threads at rest grew by 1")


def test_what_is_held_only_while_clients_ask_is_no_leak() -> None:
    rest = samples([Usage(800 * MB, 45, 16)] * 10)
    busy = samples([Usage(800 * MB, 45 + number, 16) for number in range(10)], is_rest=False)
    mixed = [one for pair in zip(rest, busy, strict=True) for one in pair]
    assert growth_of(mixed).failures() == ()


def test_a_run_with_an_error_a_lost_frame_or_a_bad_end_is_no_success() -> None:
    flat = growth_of(samples([Usage(800 * MB, 45, 16)] * 10))
    assert failures_of(flat, (), 0, 0) == ()
    assert failures_of(flat, (), 0, None) == ()
    assert failures_of(flat, ("engine: ValueError: x",), -9, 1024) == (
        "1 errors, the first: engine: ValueError: x",
        "the daemon ended with -9",
        "1024 frames of the bus were lost",
    )


def test_a_real_process_that_leaks_descriptors_is_found_out() -> None:
    with subprocess.Popen([sys.executable, "-c", LEAK], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as leaking:
        assert leaking.stdin is not None
        assert leaking.stdout is not None
        looks = []
        for number in range(20):
            leaking.stdin.write(b"\n")
            leaking.stdin.flush()
            assert int(leaking.stdout.readline()) == number + 1
            looks.append(sample(leaking.pid, float(number), is_rest=True))
        leaking.stdin.close()
    growth = growth_of(looks)
    assert growth.fds_growth == 18
    assert growth.failures() == ("file descriptors at rest grew by 18",)


def test_threads_and_children_of_a_process_are_counted() -> None:
    before = sample(os.getpid(), 0.0, is_rest=True)
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        wait_for(lambda: sample(os.getpid(), 1.0, is_rest=True).whole.threads >= before.whole.threads + 2, "both show")
        child.communicate(b"\n")
    stop.set()
    thread.join()


def test_a_daemon_that_does_not_start_is_told_with_its_own_words(tmp_path: Path) -> None:
    with (
        pytest.raises(TimbrelError, match=r"ended with 2 \(timbrel: .*no-such-song\.ogg"),
        daemon_child(tmp_path, ["--input", f"file:{tmp_path}/no-such-song.ogg"], {}),
    ):
        pass


@pytest.mark.slow
def test_a_real_daemon_is_used_and_looked_at() -> None:
    said: list[str] = []
    result = bench_soak(0.1, 0.0, False, None, said.append)
    assert result.errors == ()
    assert result.exit_code == 0
    assert result.samples >= 2
    assert result.growth.rss_mb[0] > 100
    assert result.growth.fds[0] > 10
    assert result.growth.threads[0] > 3
    assert result.growth.parts_growth_mb.keys() >= {"daemon", "watch"}
    assert result.windows > 0
    assert result.done["clients"] == result.done["visits of the page"] == result.done["changes of the library"] >= 3
    if result.bus.startswith("jack:"):
        assert result.frames is not None
        assert result.frames > 0
        assert result.lost_frames is not None
        assert result.xruns is not None
    assert said[:2] == ["building a library", "starting the daemon"]
