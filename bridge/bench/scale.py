"""Find how many buses one core, or one GPU, carries in real time until a hop is missed."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bridge.bench.carry import MOST_AT_ONCE, Due, Trial, most_buses, run_trial
from bridge.bench.sink import sockets
from bridge.config import Config, override
from bridge.effects import Send
from bridge.hub import Hub, HubOptions
from bridge.osc.clients import Endpoint
from bridge.osc.encode import to_datagram
from bridge.parts import Parts
from library.audio import read_frames, resample
from library.encoders.spec import EncoderSpec, MixtureEmbedding
from library.errors import MissingDependencyError
from library.index import library_path
from library.manifest import read_manifest
from realtime.engine import Engine, EngineConfig
from realtime.types import Window
from realtime.windows import file_windows

__all__ = ["PAPER", "ScaleBench", "ScaleRow", "bench_scale"]

BUS_RATE_HZ = 48_000
APART_S = 1.7
"""How far into the song each bus is after the one before."""

ROUNDS = 3
"""Times that the song is played: enough for the longest trial from any place."""

PROBES = 6
PAPER = "paper's large"


@dataclass(frozen=True, slots=True)
class ScaleRow:
    """Hold what one pipeline carries at one hop.

    Attributes:
        name: Pipeline.
        hop_s: Time between two windows of a bus.
        buses: Most that missed no hop; 0 = not even one.
        best: The trial with them; the one that failed where there is none.
        times_paper: Buses, as a multiple of the paper's at this hop; None where the paper's carries none.
    """

    name: str
    hop_s: float
    buses: int
    best: Trial
    times_paper: float | None


@dataclass(frozen=True, slots=True)
class ScaleBench:
    """Hold a whole run.

    Attributes:
        rows: Ours and the paper's for each hop.
        device: What the encoder ran on.
        seconds: Length of a trial.
        window_s: Length of a window.
        missing: Why the paper's network was not measured, "" when it was.
    """

    rows: tuple[ScaleRow, ...]
    device: str
    seconds: float
    window_s: float
    missing: str


def bench_scale(
    parts: Parts, config: Config, hops_s: Sequence[float], seconds: float, progress: Callable[[str], None]
) -> ScaleBench:
    """Carry more and more buses, on one core where the encoder runs on the CPU, until one misses a hop.

    A window is cut, mixed down and resampled from 48 kHz, heard, looked up, tracked and sent, as the daemon does: what
    windows of a bus share is resampled and, on a CPU, heard once. A GPU takes those that are due together in one batch,
    each of them whole. Buses are due evenly over the hop; the first window of each is heard before the clock runs.

    Args:
        parts: Loads the encoder and the library.
        config: Which of them.
        hops_s: Times between two windows of a bus.
        seconds: Length of a trial.
        progress: Told what is tried.
    """
    with _one_core():
        progress("loading")
        main = parts.load(override(config, {"library.taste": False}))
        main.warm_up()
        spec, song = main.encoder.spec, _song()
        vectors = read_manifest(library_path(config.library.path)).vectors
        rows: list[ScaleRow] = []
        missing = ""
        for hop_s in hops_s:
            with sockets() as (to, by):
                ours = _search("timbrel", _Buses(main, song, hop_s, to, by), hop_s, seconds, progress)
            try:
                theirs = _search(PAPER, _Paper(song, spec.window_s, hop_s, vectors), hop_s, seconds, progress)
            except MissingDependencyError as error:
                missing = str(error)
                rows.append(ours)
                continue
            times = ours.buses / theirs.buses if theirs.buses else None
            rows += [replace(ours, times_paper=times), replace(theirs, times_paper=1.0 if theirs.buses else None)]
        return ScaleBench(tuple(rows), _device(main), seconds, spec.window_s, missing)


def _search(
    name: str, work: _Buses | _Paper, hop_s: float, seconds: float, progress: Callable[[str], None]
) -> ScaleRow:
    work.begin(1)
    begun = time.monotonic()
    for hop in range(PROBES):
        work([Due(0, hop)])
    each_s = (time.monotonic() - begun) / PROBES
    trials: dict[int, Trial] = {}

    def carries(buses: int) -> bool:
        progress(f"{name}, hop {hop_s:g} s: {buses} buses for {seconds:.0f} s")
        work.begin(buses)
        trials[buses] = run_trial(work, buses, hop_s, seconds, work.at_once)
        return not trials[buses].missed_hops

    buses = most_buses(carries, max(1, int(0.6 * hop_s / each_s)))
    return ScaleRow(name, hop_s, buses, trials[buses or min(trials)], None)


class _Buses:
    """Hear buses with one encoder; each has an engine, a hub and a place in the song of its own."""

    def __init__(self, main: Engine, song: NDArray[np.float32], hop_s: float, to: Endpoint, by: socket.socket) -> None:
        self._main, self._hop_s = main, hop_s
        self._to, self._by = to, by
        self._cut = _Cutter(song, main.encoder.spec.window_s, hop_s)
        self._is_batched = _device(main) != "cpu"
        self._buses: list[tuple[Engine, _Handed, Hub]] = []
        self.at_once = MOST_AT_ONCE if self._is_batched else 1

    def begin(self, buses: int) -> None:
        """Listen to so many buses anew, and hear the first window of each."""
        self._cut.begin(buses)
        self._buses = [self._bus(number) for number in range(buses)]
        for number in range(buses):
            self([Due(number, 0)])

    def __call__(self, due: Sequence[Due]) -> None:
        windows = [self._cut(one) for one in due]
        if self._is_batched:
            heard = self._main.encoder.encode(np.stack([window.audio for window in windows]))
            for one, vectors, presence in zip(due, heard.vectors, heard.presence, strict=True):
                self._buses[one.bus][1].row = MixtureEmbedding(vectors[None], presence[None])
        for one, window in zip(due, windows, strict=True):
            engine, _, hub = self._buses[one.bus]
            for effect in hub.on_analysis(engine.analyse(window), time.monotonic()):
                if isinstance(effect, Send):
                    self._by.sendto(to_datagram(effect.message), self._to)

    def _bus(self, number: int) -> tuple[Engine, _Handed, Hub]:
        handed = _Handed(self._main.encoder.spec)
        encoder = handed if self._is_batched else self._main.encoder
        engine = Engine(encoder, self._main.index, EngineConfig(hop_s=self._hop_s))
        return engine, handed, Hub(HubOptions(f"bus {number}", list_interval_s=self._hop_s))


class _Handed:
    """Stand for the encoder of one bus: it hands out what the batch found."""

    def __init__(self, spec: EncoderSpec) -> None:
        self._spec = spec
        self.row: MixtureEmbedding | None = None

    @property
    def spec(self) -> EncoderSpec:
        """What the encoder is."""
        return self._spec

    def encode(self, audio: NDArray[np.float32]) -> MixtureEmbedding:
        """Return what was found for this window."""
        if self.row is None:
            raise ValueError(f"audio{list(audio.shape)} was not in the batch")
        return self.row


class _Paper:
    """Hear buses with the paper's Large network, one window after another as its released code does."""

    at_once = 1

    def __init__(self, song: NDArray[np.float32], window_s: float, hop_s: float, vectors: int) -> None:
        from library.evaluation.paper_pipeline import PaperPipeline

        self._pipeline = PaperPipeline("large", vectors)
        self._cut = _Cutter(song, window_s, hop_s)

    def begin(self, buses: int) -> None:
        """Listen to so many buses anew."""
        self._cut.begin(buses)

    def __call__(self, due: Sequence[Due]) -> None:
        for one in due:
            self._pipeline.name(self._cut(one).audio)


class _Cutter:
    """Cut the windows of each bus out of the song, one after the other, from a place of its own on."""

    def __init__(self, song: NDArray[np.float32], window_s: float, hop_s: float) -> None:
        self._rounds = np.concatenate([song] * ROUNDS)
        self._song_frames, self._window_s, self._hop_s = len(song), window_s, hop_s
        self._windows: list[Iterator[Window]] = []

    def begin(self, buses: int) -> None:
        """Put so many buses at their places."""
        self._windows = [self._from(round(number * APART_S * BUS_RATE_HZ)) for number in range(buses)]

    def __call__(self, due: Due) -> Window:
        return next(self._windows[due.bus])

    def _from(self, start: int) -> Iterator[Window]:
        return file_windows(self._rounds[start % self._song_frames :], BUS_RATE_HZ, self._window_s, self._hop_s)


def _device(engine: Engine) -> str:
    return str(getattr(engine.encoder, "device", "cpu"))


def _song() -> NDArray[np.float32]:
    """Return the bundled song as frames[T, 2] at 48 kHz."""
    from library.demo import load_demo_song

    frames, rate = read_frames(load_demo_song().audio)
    return np.stack([resample(np.ascontiguousarray(side), rate, BUS_RATE_HZ) for side in frames.T], axis=1)


@contextlib.contextmanager
def _one_core() -> Iterator[None]:
    """Keep this process and its torch threads on one core, where the system lets us."""
    import torch

    threads = torch.get_num_threads()
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    torch.set_num_threads(1)
    if cores:
        os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        if cores:
            os.sched_setaffinity(0, cores)
