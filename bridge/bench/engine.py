"""Measure one bus from the window to the datagram, beside the paper's networks in the same run."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import psutil

from bridge.bench.roofline import Roofline, roofline
from bridge.config import Config
from bridge.effects import Send
from bridge.hub import Hub, HubOptions
from bridge.osc.encode import to_datagram
from bridge.parts import Parts
from library.audio import SAMPLE_RATE_HZ, read_frames
from library.encoders.spec import stream_of
from library.evaluation.paper_pipeline import PaperPipeline
from library.index import library_path
from library.manifest import read_manifest
from realtime.windows import file_windows

__all__ = ["EngineBench", "Row", "bench_engine"]

_MIB = 2**20

ROOFLINE_WINDOWS = 60


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
        machine: Cores and torch threads.
    """

    rows: tuple[Row, ...]
    stages_ms: dict[str, float]
    roofline: Roofline
    rss_mib: float
    machine: str


def bench_engine(
    parts: Parts, config: Config, windows: int, hop_s: float, progress: Callable[[str], None]
) -> EngineBench:
    """Send windows of the bundled song through engine, hub and a UDP socket; then through the paper's pipelines."""
    import torch

    from library.demo import load_demo_song
    from library.encoders.runtime import TorchEncoder

    progress("timbrel: loading")
    engine = parts.load(config)
    engine.warm_up()
    frames, rate = read_frames(load_demo_song().audio)
    begun = time.perf_counter()
    found = list(file_windows(frames, rate, engine.encoder.spec.window_s, hop_s))
    cut_ms = (time.perf_counter() - begun) / len(found) * 1e3
    cut = [found[i % len(found)] for i in range(windows)]
    hub = Hub(HubOptions("bench", list_interval_s=0.0))
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("127.0.0.1", 0))
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def ours(number: int) -> None:
        analysis = engine.analyse(cut[number])
        begun = time.perf_counter()
        for effect in hub.on_analysis(analysis, time.monotonic()):
            if isinstance(effect, Send):
                sender.sendto(to_datagram(effect.message), receiver.getsockname())
        sent_ms.append((time.perf_counter() - begun) * 1e3)

    sent_ms: list[float] = []
    try:
        progress("timbrel: measuring")
        ours(0)  # imports python-osc, as the daemon has done before it hears anything
        mine = _measure("timbrel", ours, windows, hop_s, None)
    finally:
        receiver.close()
        sender.close()
    rss = psutil.Process(os.getpid()).memory_info().rss / _MIB
    measured = {name: stage.p50_ms for name, stage in engine.telemetry.snapshot().stages.items()}
    stages = {**measured, "window_ms": cut_ms, "send_ms": float(np.median(sent_ms))}
    encoder = engine.encoder
    counted = encoder.torch_stream() if isinstance(encoder, TorchEncoder) else stream_of(encoder)
    work = roofline(stream_of(encoder), counted, cut[:ROOFLINE_WINDOWS])
    rows, vectors = [mine], read_manifest(library_path(config.library.path)).vectors
    for which in ("small", "large"):
        progress(f"paper's {which}: measuring")
        pipeline = PaperPipeline("small" if which == "small" else "large", vectors)
        some = max(10, windows // 4)

        def theirs(number: int, pipeline: PaperPipeline = pipeline) -> None:
            pipeline.name(np.asarray(cut[number].audio))

        theirs(0)
        for threads in (1, torch.get_num_threads()):
            before = torch.get_num_threads()
            torch.set_num_threads(threads)
            try:
                label = f"paper's {which}, {threads} thread{'' if threads == 1 else 's'}"
                rows.append(_measure(label, theirs, some, hop_s, mine))
            finally:
                torch.set_num_threads(before)
    machine = (
        f"{os.cpu_count()} cores, window {engine.encoder.spec.window_s:g} s at {SAMPLE_RATE_HZ} Hz, hop {hop_s:g} s"
    )
    return EngineBench(tuple(rows), stages, work, rss, machine)


def _measure(name: str, step: Callable[[int], None], windows: int, hop_s: float, ours: Row | None) -> Row:
    times = []
    cpu = time.process_time()
    for number in range(windows):
        begun = time.perf_counter()
        step(number)
        times.append((time.perf_counter() - begun) * 1e3)
    cpu_s = (time.process_time() - cpu) / windows
    p50, p99 = (float(value) for value in np.percentile(times, [50, 99]))
    return Row(name, windows, p50, p99, max(times), cpu_s / hop_s, 1.0 if ours is None else p50 / ours.p50_ms)
