"""Render notes with the presets of a SoundFont through FluidSynth."""

from __future__ import annotations

import contextlib
import ctypes
import io
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from library.audio import SAMPLE_RATE_HZ, downmix, resample
from library.errors import InputError, MissingDependencyError
from library.sounds import DRUM_CHANNEL
from library.synths.notes import Event, Note, to_events
from library.synths.sf2 import DRUM_BANK

__all__ = ["SYNTH_RATE_HZ", "FluidRenderer", "load_fluidsynth"]

SYNTH_RATE_HZ = 48_000
"""Rate of the synthesiser: rendered at 16 kHz, soundfonts alias."""

_MELODIC_CHANNEL = 0
_PCM_SCALE = np.float32(1.0 / 32768.0)


class FluidRenderer:
    """Keep one SoundFont open and render notes with its presets.

    Args:
        path: A .sf2 or .sf3 file.
        sample_rate_out: Rate in Hz of what render() returns.
        reverb: Leave FluidSynth's reverb and chorus on.
        gain: FluidSynth's synth.gain; .6 keeps full chords below clipping.

    Raises:
        MissingDependencyError: FluidSynth is not installed.
        InputError: FluidSynth can't load the file.
    """

    def __init__(
        self, path: Path, sample_rate_out: int = SAMPLE_RATE_HZ, *, reverb: bool = False, gain: float = 0.6
    ) -> None:
        self._synth: Any = _new_synth(gain, reverb)  # Any: pyfluidsynth has no types
        self._font = self._synth.sfload(str(path))
        self._rate_out = sample_rate_out
        if self._font < 0:
            self.close()
            raise InputError(path, "FluidSynth can't load it as a SoundFont", "give a .sf2 or .sf3 file")

    def __enter__(self) -> FluidRenderer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Free the synthesiser; may be called twice."""
        if self._synth is not None:
            self._synth.delete()
            self._synth = None

    def render(self, bank: int, program: int, notes: Sequence[Note], duration_s: float) -> NDArray[np.float32]:
        """Render notes with one preset from a silent synthesiser.

        Returns:
            samples[T] float32 mono at `sample_rate_out`, T = duration_s * sample_rate_out.
        """
        frames = self.render_stereo(bank, program, notes, duration_s)
        mono = resample(downmix(frames), SYNTH_RATE_HZ, self._rate_out)
        return mono[: round(duration_s * self._rate_out)]

    def render_stereo(self, bank: int, program: int, notes: Sequence[Note], duration_s: float) -> NDArray[np.float32]:
        """Render notes as frames[T, 2] float32 at 48 kHz."""
        synth = self._synth
        synth.system_reset()
        channel = DRUM_CHANNEL if bank == DRUM_BANK else _MELODIC_CHANNEL
        if synth.program_select(channel, self._font, bank, program) != 0:
            raise InputError(f"bank {bank} program {program}", "is not in this SoundFont", "choose one of its presets")
        total = round(duration_s * SYNTH_RATE_HZ)
        parts: list[NDArray[np.float32]] = []
        done = 0
        for event in to_events(notes, SYNTH_RATE_HZ):
            until = min(event.frame, total)
            if until > done:
                parts.append(self._advance(until - done))
                done = until
            self._send(channel, event)
        if total > done:
            parts.append(self._advance(total - done))
        return np.concatenate(parts)

    def _send(self, channel: int, event: Event) -> None:
        if event.velocity:
            self._synth.noteon(channel, event.pitch, event.velocity)
        else:
            self._synth.noteoff(channel, event.pitch)

    def _advance(self, frames: int) -> NDArray[np.float32]:
        pcm = np.asarray(self._synth.get_samples(frames), np.int16).reshape(-1, 2)
        return pcm.astype(np.float32) * _PCM_SCALE


def load_fluidsynth() -> Any:
    """Import pyfluidsynth, which needs the native library, and return the module.

    Raises:
        MissingDependencyError: FluidSynth is not installed.
    """
    try:
        # Where the environment says CI, it prints on import; our standard output is for results.
        with contextlib.redirect_stdout(io.StringIO()):
            import fluidsynth
    except (ImportError, OSError) as error:
        raise MissingDependencyError(
            "FluidSynth", "is needed to render SoundFonts", "install libfluidsynth3 and `pip install pyfluidsynth`"
        ) from error
    return fluidsynth


def _new_synth(gain: float, reverb: bool) -> Any:
    fluidsynth = load_fluidsynth()
    # The first synthesiser of a process draws its dither from the C library's random numbers, which others draw from as
    # well: from the same seed the same notes are the same samples.
    with contextlib.suppress(OSError, TypeError, AttributeError):  # where the C library can't be reached
        ctypes.CDLL(None).srand(1)
    synth = fluidsynth.Synth(gain=gain, samplerate=SYNTH_RATE_HZ)
    synth.setting("synth.reverb.active", int(reverb))
    synth.setting("synth.chorus.active", int(reverb))
    synth.setting("synth.dynamic-sample-loading", 1)
    return synth
