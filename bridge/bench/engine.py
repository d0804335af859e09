"""Measure one bus from the window to the datagram, beside the paper's networks in the same run."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
import psutil

from bridge.bench.roofline import Roofline, roofline
from bridge.bench.sink import sockets
from bridge.bench.usage import page_faults
from bridge.config import Config
from bridge.effects import Send
from bridge.hub import Hub, HubOptions
from bridge.osc.encode import to_datagram
from bridge.parts import Parts
from library.audio import SAMPLE_RATE_HZ, read_frames
from library.cores import one_core
from library.encoders.spec import stream_of
from library.errors import InputError
from library.evaluation.paper_pipeline import PaperPipeline, PaperSize
from library.index import library_path
from library.manifest import read_manifest
from realtime.types import Window
from realtime.windows import file_windows

__all__ = ["EngineBench", "Row", "bench_engine"]

_MIB = 2**20

ROOFLINE_WINDOWS = 60

TURNS, PAPER_WINDOWS = 10, 5
"""How often all take their turn, and windows that the paper's pipelines are given in one."""


@dataclass(frozen=True, slots=True)
class Row:
    """Hold the times of one pipeline.

    Attributes:
        name: What was measured.
        windows: How many windows.
        p50_ms: Median time from the window to its result.
        p99_ms: 99th percentile.
        max_ms: The longest.
        cpu_share: Share of one core at the hop that was asked for.
        to_ours: Median, as a multiple of ours.
    """

    name: str
    windows: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    cpu_share: float
    to_ours: float


@dataclass(frozen=True, slots=True)
class EngineBench:
    """Hold a whole run.

    Attributes:
        rows: Ours first.
        stages_ms: Median of each stage of ours, from cutting the window from the bus to sending the datagrams.
        roofline: Work of our network a hop, and how fast this core could do it.
        rss_mib: Resident memory after our windows, before the paper's networks are loaded.
        pages_a_hop: Pages of memory that a hop takes from the system (minor page faults), median.
        machine: Cores and torch threads.
    """

    rows: tuple[Row, ...]
    stages_ms: dict[str, float]
    roofline: Roofline
    rss_mib: float
    pages_a_hop: float
    machine: str


def bench_engine(
    parts: Parts, config: Config, audio: Path | None, windows: int, hop_s: float, progress: Callable[[str], None]
) -> EngineBench:
    """Send windows of a recording through engine, hub and a UDP socket, in turn with the paper's pipelines.

    A machine that others use as well is now faster, now slower: what takes turns is compared fairly.

    Args:
        parts: Makes the engine.
        config: Of the daemon.
        audio: The recording, again and again; None = the bundled song.
        windows: How many.
        hop_s: Time between two.
        progress: Told what is done.

    Raises:
        AudioFileError: The recording can't be decoded.
        InputError: It is too short.
    """
    from library.demo import load_demo_song
    from library.encoders.runtime import TorchEncoder

    frames, rate = read_frames(audio or load_demo_song().audio)
    progress("timbrel: loading")
    engine = parts.load(config)
    engine.warm_up()
    begun = time.perf_counter()
    found = list(file_windows(frames, rate, engine.encoder.spec.window_s, hop_s))
    cut_ms = (time.perf_counter() - begun) / len(found) * 1e3
    if len(found) < ROOFLINE_WINDOWS:
        at_least = f"must have at least {ROOFLINE_WINDOWS} windows"
        raise InputError(str(audio), f"{at_least}, has {len(found)}", "give a longer recording")
    cut = [found[i % len(found)] for i in range(windows)]
    hub = Hub(HubOptions("bench", list_interval_s=0.0))
    sent_ms, pages = list[float](), list[int]()
    with sockets() as (to, by):

        def ours(number: int) -> None:
            before = page_faults()
            analysis = engine.analyse(cut[number])
            begun = time.perf_counter()
            for effect in hub.on_analysis(analysis, time.monotonic()):
                if isinstance(effect, Send):
                    by.sendto(to_datagram(effect.message), to)
            sent_ms.append((time.perf_counter() - begun) * 1e3)
            pages.append(page_faults() - before)

        ours(0)  # imports python-osc, as the daemon has done before it hears anything
        mine = _Meter("timbrel", ours, 1)
        turns = [turn.tolist() for turn in np.array_split(np.arange(windows), TURNS)]
        with one_core():  # as the daemon's worker is all the time
            mine.run(turns[0])
        rss = psutil.Process(os.getpid()).memory_info().rss / _MIB
        progress("the paper's pipelines: loading")
        theirs = _papers(cut, read_manifest(library_path(config.library.path)).vectors)
        for number, turn in enumerate(turns):
            progress(f"measuring, {number + 1} of {len(turns)}")
            if number:
                with one_core():
                    mine.run(turn)
            for meter in theirs:
                meter.run(turn[:: max(1, len(turn) // PAPER_WINDOWS)])
    measured = {name: stage.p50_ms for name, stage in engine.telemetry.snapshot().stages.items()}
    stages = {**measured, "window_ms": cut_ms, "send_ms": float(np.median(sent_ms))}
    encoder = engine.encoder
    counted = encoder.torch_stream() if isinstance(encoder, TorchEncoder) else stream_of(encoder)
    work = roofline(stream_of(encoder), counted, cut[:ROOFLINE_WINDOWS])
    first = mine.row(hop_s, None)
    rows = [first, *(meter.row(hop_s, first) for meter in theirs)]
    machine = (
        f"{os.cpu_count()} cores, window {engine.encoder.spec.window_s:g} s at {SAMPLE_RATE_HZ} Hz, hop {hop_s:g} s"
    )
    return EngineBench(tuple(rows), stages, work, rss, float(np.median(pages)), machine)


def _papers(cut: Sequence[Window], vectors: int) -> list[_Meter]:
    """Load the paper's networks, each to be measured with one thread and with all, in a library of so many vectors."""
    import torch

    meters: list[_Meter] = []
    for size in get_args(PaperSize):
        pipeline = PaperPipeline(size, vectors)

        def name(number: int, pipeline: PaperPipeline = pipeline) -> None:
            pipeline.name(np.asarray(cut[number].audio))

        name(0)
        meters += [
            _Meter(f"paper's {size}, {threads} thread{'' if threads == 1 else 's'}", name, threads)
            for threads in (1, torch.get_num_threads())
        ]
    return meters


class _Meter:
    """Time windows of one pipeline, some at a time."""

    def __init__(self, name: str, step: Callable[[int], None], threads: int) -> None:
        self._name, self._step, self._threads = name, step, threads
        self._times_ms: list[float] = []
        self._cpu_s = 0.0

    def run(self, numbers: Sequence[int]) -> None:
        """Time the windows of these numbers."""
        import torch

        before = torch.get_num_threads()
        torch.set_num_threads(self._threads)
        cpu_s = time.process_time()
        for number in numbers:
            begun = time.perf_counter()
            self._step(number)
            self._times_ms.append((time.perf_counter() - begun) * 1e3)
        self._cpu_s += time.process_time() - cpu_s
        torch.set_num_threads(before)

    def row(self, hop_s: float, ours: Row | None) -> Row:
        """Return what was measured, beside ours."""
        times = self._times_ms
        p50, p99 = (float(value) for value in np.percentile(times, [50, 99]))
        share = self._cpu_s / len(times) / hop_s
        return Row(self._name, len(times), p50, p99, max(times), share, 1.0 if ours is None else p50 / ours.p50_ms)
