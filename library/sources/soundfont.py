"""Read the presets of a SoundFont as sounds."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from library.audio import level_db
from library.sounds import DRUM_CHANNEL, MidiProgram, Sound
from library.sources.base import SILENCE_DB, FoundFile, Kind
from library.sources.families import guess
from library.sources.phrases import CLIP_S, NOTE_CLIP_S, phrases, single_notes
from library.synths.fluid import FluidRenderer
from library.synths.sf2 import DRUM_BANK, Preset, presets
from library.synths.sf3 import check_size

__all__ = ["KIND", "SoundFontReader", "render_clips"]


_COMPRESSED = ".sf3"


class SoundFontReader:
    """Render each preset of a SoundFont; drum kits are listed, never rendered."""

    def __init__(self, found: FoundFile) -> None:
        self._found = found
        self._presets: dict[str, Preset] = {}
        self._renderer: FluidRenderer | None = None

    def __enter__(self) -> SoundFontReader:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._close()

    def sounds(self) -> tuple[Sound, ...]:
        """List the presets in the order of bank and program."""
        found = self._found
        check_size(found.path)
        self._presets = {f"{found.name}:{p.bank}:{p.program}": p for p in presets(found.path)}
        return tuple(_sound(sound_id, preset, found) for sound_id, preset in self._presets.items())

    def notes(self) -> tuple[str, ...]:
        """Return nothing: FluidSynth plays what the format holds."""
        return ()

    def clips(self, sound: Sound) -> tuple[NDArray[np.float32], ...]:
        """Render notes and phrases; none for a drum kit and for a preset that stays silent."""
        preset = self._presets[sound.id]
        if preset.bank == DRUM_BANK:
            return ()
        # A synthesiser remembers a little of what it played before (some 16-bit steps). A new one for each preset takes
        # 30 ms and makes a resumed build equal an undisturbed one; compressed fonts take half a minute, and stay open.
        if self._renderer is None or self._found.path.suffix.lower() != _COMPRESSED:
            self._close()
            self._renderer = FluidRenderer(self._found.path)
        return render_clips(self._renderer, preset, sound)

    def _close(self) -> None:
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None


def render_clips(renderer: FluidRenderer, preset: Preset, sound: Sound) -> tuple[NDArray[np.float32], ...]:
    """Render what stands for a melodic preset: single notes, then phrases; silent clips are left out."""
    known = guess(sound.name)
    clips = [renderer.render(preset.bank, preset.program, notes, NOTE_CLIP_S) for notes in single_notes(known.pitch)]
    clips += [
        renderer.render(preset.bank, preset.program, notes, CLIP_S) for notes in phrases(known.pitch, sound.family)
    ]
    return tuple(clip for clip in clips if level_db(clip) > SILENCE_DB)


def _sound(sound_id: str, preset: Preset, found: FoundFile) -> Sound:
    name = preset.name or f"Bank {preset.bank} program {preset.program + 1}"
    path = str(found.path)
    if preset.bank == DRUM_BANK:
        program = MidiProgram(DRUM_CHANNEL, None, None, preset.program)
        return Sound(sound_id, name, "drumkit", path, program, "drums", found.source, "")
    program = MidiProgram(None, preset.bank, 0, preset.program)
    return Sound(sound_id, name, "soundfont", path, program, guess(name).family, found.source, "")


def _claims(path: Path, head: bytes) -> bool:  # noqa: ARG001 the content tells
    return head[:4] == b"RIFF" and head[8:12] == b"sfbk"


KIND = Kind("soundfont", _claims, SoundFontReader, frozenset({".sf2", ".sf3"}))
