"""Turn one window into one Analysis: gate, encode, look up, track."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from library.audio import SAMPLE_RATE_HZ, level_db, read_frames
from library.cores import one_core
from library.encoders.spec import MixtureEmbedding, MixtureStream, MultiEncoder, WholeWindows, stream_of, turn_of
from library.errors import EncoderError, FingerprintError, InputError
from library.match import Found
from library.sounds import Sound
from realtime.gate import REST_S, GateConfig, Verdict, judge
from realtime.newest import slots_of
from realtime.pace import Pace
from realtime.stability import USUAL_STABILITY, steady
from realtime.telemetry import Telemetry
from realtime.tracker import Tracker, TrackerConfig, untracked
from realtime.types import Analysis, Skipped, Suggestion, Timing, Window
from realtime.windows import file_windows

__all__ = ["Engine", "EngineConfig", "SoundLookup", "analyse_file"]

LOOKUP_DEPTH = 4
"""Matches asked for per one shown: room for drum kits to drop out and for shown sounds to be found again."""

WARM_UP_RUNS = 2
"""Windows encoded before the first real one: one as a stream begins, one as it goes on."""


class SoundLookup(Protocol):
    """Find the nearest sounds of a library; `library.index.SoundIndex` is one."""

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the encoder that made its vectors."""
        ...

    def nearest(self, vectors: NDArray[np.float32], k: int) -> Found:
        """Return at most k sounds for each of vectors[N, D], best first."""
        ...

    def preview_path(self, sound: Sound) -> Path | None:
        """Return an audio file that shows how one of its sounds sounds, if there is one."""
        ...


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """Set the engine.

    Attributes:
        hop_s: Time between two windows, over 0; short ones are not all heard in full (see realtime.pace).
        top_k: Sounds per suggestion, from 1.
        threshold: Presence over which a slot counts, 0..1; None takes the encoder's calibrated one.
        stability: How surely and for how long something must be heard, 0..1; see `realtime.stability`.
        tracked: Keep suggestions stable over time; otherwise each window stands by itself.
        all_slots: Show every slot, whatever its presence.
        gate: When a window is worth a look.

    Raises:
        InputError: A number is out of its range.
    """

    hop_s: float = 0.5
    top_k: int = 5
    threshold: float | None = None
    stability: float = USUAL_STABILITY
    tracked: bool = True
    all_slots: bool = False
    gate: GateConfig = field(default_factory=GateConfig)

    def __post_init__(self) -> None:
        if not 0.01 <= self.hop_s <= 3600.0:
            raise InputError(f"hop {self.hop_s:g} s", "must be in 0.01..3600", "take 0.5, as usual")
        if not 1 <= self.top_k <= 100:
            raise InputError(f"top {self.top_k}", "must be in 1..100", "take 5, as usual")
        if self.threshold is not None and not 0.0 <= self.threshold <= 1.0:
            raise InputError(f"threshold {self.threshold:g}", "must be in 0..1", "leave it out for the calibrated one")
        if not 0.0 <= self.stability <= 1.0:
            raise InputError(f"stability {self.stability:g}", "must be in 0..1", f"take {USUAL_STABILITY:g}, as usual")


class Engine:
    """Hear which instruments play in a window and name the closest sounds.

    Engines of several buses share one encoder, one index and one turn: see `beside`.

    Args:
        encoder: Network that hears the instruments of a mixture.
        index: Library to look sounds up in.
        config: Settings; defaults are right for live use.

    Raises:
        FingerprintError: The library was built with other encoder weights.
    """

    def __init__(self, encoder: MultiEncoder, index: SoundLookup, config: EngineConfig | None = None) -> None:
        spec = encoder.spec
        if index.fingerprint != spec.fingerprint:
            raise FingerprintError(
                f"library with encoder fingerprint {index.fingerprint[:12]}",
                f"must be built with the encoder in use, {spec.name} {spec.fingerprint[:12]}",
                "rebuild it with `timbrel library build SRC --out LIB`",
            )
        self.config = config or EngineConfig()
        self.encoder, self._stream = encoder, self._stream_of(encoder)
        self.index = index
        self.telemetry = Telemetry()
        self._tracking = self._tracking_of(self.config)
        self._tracker, self._pace = Tracker(self._tracking), Pace()
        self._lock = threading.Lock()  # lock(), tune() and reset() come from other threads than analyse()
        self._turn = turn_of(encoder)  # engines beside each other hold the same one

    def beside(self) -> Engine:
        """Make the engine of another bus: encoder and library are shared, stream, tracker and telemetry are its own.

        Their threads take turns at an encoder on the CPU, most of a hop's work: buses then need one core together, and
        leave the others to the DAW. A hop waits for at most one window of each other bus; that counts as time of the
        encoder. On a GPU windows that are due together are heard in one pass.
        """
        other = Engine(self.encoder, self.index, self.config)
        other._turn = self._turn
        return other

    def use(self, encoder: MultiEncoder) -> None:
        """Hear through another encoder of the same weights, one that looks on; before the first window."""
        self.encoder, self._stream = encoder, self._stream_of(encoder)

    def warm_up(self) -> None:
        """Encode some hops of noise, so that the first real window is not late."""
        samples = round(self.encoder.spec.window_s * SAMPLE_RATE_HZ)
        hop = min(samples, round(self.config.hop_s * SAMPLE_RATE_HZ))
        noise = np.random.default_rng(0).normal(0.0, 0.1, samples + WARM_UP_RUNS * hop).astype(np.float32)
        with one_core():
            for start in range(0, WARM_UP_RUNS * hop, hop):
                embedding = self._encode(noise[start : start + samples], start)
                self.index.nearest(embedding.vectors[0], self.config.top_k)
        rehearsal = Tracker(self._tracking)  # its first assignment imports scipy, which takes longer than a hop
        for time_s in (0.0, self.config.hop_s):
            rehearsal.observe(embedding.vectors[0], embedding.presence[0] + 1.0, time_s)
        gc.freeze()  # what is loaded stays; to look through it for garbage takes 70 ms, now and then within a hop

    def analyse(self, window: Window, window_ms: float = 0.0) -> Analysis:
        """Say what one window holds.

        Args:
            window: 16 kHz mono, as long as the encoder's window; windows must come in their order.
            window_ms: Time that cutting it took, for the Timing.

        Raises:
            EncoderError: The encoder returned something that is not finite.
        """
        verdict = judge(window.audio, window.sample_rate, self.config.gate)
        if verdict.skipped is not None:
            return self._done(window, verdict, self._pass_over(window, verdict.skipped), Timing(window_ms))
        begun = time.perf_counter()
        with one_core():
            if self._may_pass(window, verdict.rest_s):
                glanced_ms = (time.perf_counter() - begun) * 1e3
                return self._done(window, verdict, self._hold(window), Timing(window_ms, glanced_ms))
            embedding = self._encode(window.audio, window.start_frame)
            encoded = time.perf_counter()
            with self._lock:
                suggestions, lookup_ms = self._suggest(embedding, _end_s(window))
        encode_ms, rest_ms = (encoded - begun) * 1e3, (time.perf_counter() - encoded) * 1e3
        return self._done(window, verdict, suggestions, Timing(window_ms, encode_ms, lookup_ms, rest_ms - lookup_ms))

    def skip(self, window: Window, reason: Skipped) -> Analysis:
        """Return the Analysis of a window that could not be looked at; shown suggestions hold for a short while."""
        silent = Verdict(reason, level_db(window.audio[:0]), 0.0, 0)
        return self._done(window, silent, self._pass_over(window, reason), Timing())

    def lock(self, slot: int, locked: bool = True) -> bool:
        """Keep a slot as it is, or let it go again; False when there is no such slot. Any thread."""
        with self._lock:
            return self._tracker.lock(slot, locked)

    def tune(self, threshold: float | None, stability: float) -> None:
        """Hear more or less from the next window on; what is followed stays. Any thread.

        Args:
            threshold: See EngineConfig.
            stability: See EngineConfig.

        Raises:
            InputError: One of them is out of its range; then nothing has changed.
        """
        with self._lock:
            self.config = replace(self.config, threshold=threshold, stability=stability)
            self._tracking = self._tracking_of(self.config)
            self._tracker.configure(self._tracking)

    def reset(self) -> None:
        """Forget what was heard so far, locked slots included. Any thread."""
        with self._lock:
            self._tracker.reset()
            self._pace.reset()

    def _tracking_of(self, config: EngineConfig) -> TrackerConfig:
        spec = self.encoder.spec
        threshold = spec.threshold if config.threshold is None else config.threshold
        tracking = TrackerConfig(threshold, config.top_k, max_tracks=2 * spec.slots)
        return tracking.each_slot() if config.all_slots else steady(tracking, config.stability)

    def _suggest(self, embedding: MixtureEmbedding, time_s: float) -> tuple[tuple[Suggestion, ...], float]:
        """Return the suggestions and the time in ms that the look-up took."""
        vectors, presence = embedding.vectors[0], embedding.presence[0]
        if self.config.tracked:
            self._pace.heard(time_s)
            if not self.config.all_slots:
                vectors, presence = slots_of(embedding, self._tracking.sustain)
            vectors = self._tracker.observe(vectors, presence, time_s)
        begun = time.perf_counter()
        found = self.index.nearest(vectors, LOOKUP_DEPTH * self.config.top_k)
        lookup_ms = (time.perf_counter() - begun) * 1e3
        if self.config.tracked:
            return self._tracker.settle(found), lookup_ms
        return untracked(found, presence, self._tracking), lookup_ms

    def _pass_over(self, window: Window, reason: Skipped) -> tuple[Suggestion, ...]:
        if not self.config.tracked:
            return ()
        self._pace.reset()
        if reason in ("silent", "no-audio"):
            with self._lock:
                return self._tracker.silence(_end_s(window))
        return self._hold(window)

    def _hold(self, window: Window) -> tuple[Suggestion, ...]:
        with self._lock:
            return self._tracker.rest(_end_s(window))

    def _may_pass(self, window: Window, rest_s: float) -> bool:
        """Tell whether a window need not be heard in full (see realtime.pace)."""
        if not self.config.tracked or self.config.all_slots or self._pace.is_due(_end_s(window), rest_s):
            return False
        if rest_s >= REST_S or not self._pace.glance(_end_s(window)):
            return True
        with self._turn:
            news = self._stream.news(window.audio, window.start_frame, self._tracking.sustain)
        return news < self._tracking.threshold

    def _stream_of(self, encoder: MultiEncoder) -> MixtureStream:
        return stream_of(encoder) if self.config.tracked else WholeWindows(encoder)

    def _encode(self, audio: NDArray[np.float32], start: int) -> MixtureEmbedding:
        with self._turn:
            embedding = self._stream.encode(audio, start)
        if not (np.isfinite(embedding.vectors).all() and np.isfinite(embedding.presence).all()):
            advice = "run `timbrel doctor`, or use --device cpu"
            raise EncoderError(self.encoder.spec.name, "returned numbers that are not finite", advice)
        return embedding

    def _done(self, window: Window, verdict: Verdict, suggestions: tuple[Suggestion, ...], timing: Timing) -> Analysis:
        start_s = window.start_frame / window.sample_rate
        analysis = Analysis(
            round(start_s / self.config.hop_s),
            start_s,
            _end_s(window),
            suggestions,
            verdict.skipped,
            verdict.level_db,
            timing,
            window.has_gap,
        )
        self.telemetry.window(analysis, verdict.clipped)
        return analysis


def analyse_file(engine: Engine, audio: Path | tuple[NDArray[np.float32], int]) -> Iterator[Analysis]:
    """Analyse a recording with exactly the windows that a live bus would bring.

    Args:
        engine: Forgets what it heard before.
        audio: A file, or frames[T, C] with their rate in Hz.

    Yields:
        One Analysis a hop; a recording shorter than a window gives one, in which it is repeated.

    Raises:
        AudioFileError: The file can't be decoded.
    """
    frames, rate = read_frames(audio) if isinstance(audio, Path) else audio
    engine.reset()
    for window in file_windows(frames, rate, engine.encoder.spec.window_s, engine.config.hop_s):
        yield engine.analyse(window)


def _end_s(window: Window) -> float:
    return (window.start_frame + len(window.audio)) / window.sample_rate
