"""Run the daemon for long on a real bus while clients come and go and its library changes; say what grew."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bridge.bench.jack_player import CLIENT_NAME
from bridge.bench.rig import (
    BUS_RATE_HZ,
    Player,
    busy_cores,
    daemon_child,
    jack_missing,
    jack_server,
    player,
    timbrel_command,
)
from bridge.bench.soak_run import MOST_ERRORS, SoakRun
from bridge.bench.usage import Growth, growth_of
from library.audio import read_frames, resample, write_audio
from library.demo import load_demo_song
from library.errors import TimbrelError
from library.manifest import read_manifest

__all__ = ["SoakBench", "bench_soak", "failures_of"]

_RATE_HZ = 16_000
_CHORDS = (110.0, 165.0, 220.0, 330.0, 440.0, 660.0)


@dataclass(frozen=True, slots=True)
class SoakBench:
    """Hold a whole run.

    Attributes:
        minutes: Time that was measured, after the warm-up.
        bus: What was listened to.
        load: Every core was busy with another program.
        samples: Looks at the processes.
        growth: What they say.
        done: How often each thing was done to the daemon.
        frames: Frames that were captured; None where the bus is no captured one.
        lost_frames: Of them, those that were lost; None as well.
        xruns: Periods that the JACK server ended late, with or without loss; None as well.
        windows: Windows that were heard.
        missed_hops: Hops that were passed over.
        errors: What went wrong and what the daemon complained of, the first twenty.
        exit_code: Of the daemon; it was ended by SIGTERM.
        failures: Why this is no success, in words.
    """

    minutes: float
    bus: str
    load: bool
    samples: int
    growth: Growth
    done: dict[str, int]
    frames: int | None
    lost_frames: int | None
    xruns: int | None
    windows: int
    missed_hops: int
    errors: tuple[str, ...]
    exit_code: int
    failures: tuple[str, ...]


def failures_of(growth: Growth, errors: tuple[str, ...], exit_code: int, lost_frames: int | None) -> tuple[str, ...]:
    """Say in words why a run is no success; () = it is one."""
    found = list(growth.failures())
    if errors:
        found.append(f"{len(errors)} errors, the first: {errors[0]}")
    if exit_code:
        found.append(f"the daemon ended with {exit_code}")
    if lost_frames:
        found.append(f"{lost_frames} frames of the bus were lost")
    return tuple(found)


def bench_soak(
    minutes: float, warm_up_s: float, load: bool, font: Path | None, progress: Callable[[str], None]
) -> SoakBench:
    """Run the daemon on a JACK bus, without JACK on the bundled song, and watch it.

    Args:
        minutes: Time to measure.
        warm_up_s: Time before, in which all is done as well.
        load: Keep every core busy with another program.
        font: SoundFont of the library, beside tones; None = tones alone, which no host loads by a program.
        progress: Told what is done.

    Raises:
        TimbrelError: The daemon did not start, or ended at once.
    """
    with tempfile.TemporaryDirectory() as name, _bus() as (source, environment, playing):
        folder = Path(name)
        progress("building a library")
        sounds = _build(folder, font)
        words = ["--input", source, "--library", str(folder / "lib"), "--watch", "--device", "cpu", "--midi", ""]
        progress("starting the daemon")
        with (
            daemon_child(folder, [*words, "--page", "0"], environment) as daemon,
            SoakRun(daemon, lambda: _change(folder, sounds)) as run,
        ):
            with busy_cores(load):
                run.cycles(warm_up_s, 1, progress)
                run.begin()
                late = playing.xruns if playing is not None else 0
                begun = time.monotonic()
                run.cycles(minutes * 60, 2, progress)
                took_s = time.monotonic() - begun
                run.finish()
                xruns = playing.xruns - late if playing is not None else None
            exit_code = daemon.end()
            errors = (*run.errors, *daemon.complaints())[:MOST_ERRORS]
    growth = growth_of(run.samples)
    return SoakBench(
        took_s / 60, source, load, len(run.samples), growth, dict(run.done), run.frames, run.lost_frames,
        xruns, run.windows, run.missed_hops, errors, exit_code,
        failures_of(growth, errors, exit_code, run.lost_frames),
    )  # fmt: skip


@contextlib.contextmanager
def _bus() -> Iterator[tuple[str, dict[str, str], Player | None]]:
    """Play the bundled song into JACK where that is installed; give an input, its environment, and who plays."""
    song = load_demo_song().audio
    if jack_missing():
        yield f"file:{song},loop", {}, None
        return
    frames, rate = read_frames(song)
    sides = [resample(np.ascontiguousarray(side), rate, BUS_RATE_HZ) for side in frames.T]
    with jack_server() as server, player(server, np.stack(sides, axis=1), loop=True) as playing:
        playing.play()
        environment = {"JACK_DEFAULT_SERVER": server, "JACK_NO_START_SERVER": "1"}
        yield f"jack:{CLIENT_NAME}:.*", environment, playing


def _build(folder: Path, font: Path | None) -> int:
    """Build a library; return how many sounds it has."""
    for pitch_hz in _CHORDS:
        _write_tone(folder / "sounds" / f"tone-{pitch_hz:.0f}.wav", pitch_hz)
    sources = [str(folder / "sounds"), *([str(font)] if font is not None else [])]
    words = ["library", "build", *sources, "--out", str(folder / "lib"), "--device", "cpu"]
    done = subprocess.run(timbrel_command(*words), capture_output=True, text=True, check=False)
    if done.returncode:
        raise TimbrelError("library build", f"ended with {done.returncode}", done.stderr.strip().rpartition("\n")[2])
    return read_manifest(folder / "lib").sounds


def _change(folder: Path, sounds: int) -> int:
    """Add a sound to a library of so many, or take it away when it is there; return how many there are then."""
    extra = folder / "sounds" / "extra.wav"
    if extra.exists():
        extra.unlink()
        return sounds
    _write_tone(extra, 261.6)
    return sounds + 1


def _write_tone(path: Path, pitch_hz: float) -> None:
    path.parent.mkdir(exist_ok=True)
    time_s = np.arange(_RATE_HZ) / _RATE_HZ
    tone = sum(np.sin(2 * np.pi * pitch_hz * n * time_s) / n for n in range(1, 5))
    write_audio(path, np.asarray(0.3 * tone, np.float32), _RATE_HZ)
