"""Make the built-in General MIDI library from General MIDI SoundFonts: catalogue, vectors, short previews."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from library.audio import write_audio
from library.build import BuildProgress, Progress
from library.catalog import Catalog
from library.embed import embed_clips
from library.encoders.spec import SingleEncoder
from library.errors import InputError, LibraryError
from library.gm.names import DRUM_KITS, GM_NAMES, gm_family
from library.manifest import Manifest, SourceEntry, read_manifest
from library.publish import publish, seal
from library.sounds import DRUM_CHANNEL, UNPITCHED_FAMILIES, MidiProgram, Sound
from library.sources.families import guess
from library.sources.phrases import preview_notes
from library.sources.soundfont import render_clips
from library.synths.fluid import FluidRenderer
from library.synths.notes import Note
from library.synths.sf2 import DRUM_BANK, Preset, presets

__all__ = ["gm_sounds", "make_gm_library"]

PREVIEW_RATE_HZ = 22_050
PREVIEW_S = 2.5
_FADE_S = 0.25
_PREVIEW_PEAK = 0.6

# Kick, snare and closed hi-hat of the General MIDI percussion map.
_BEAT = tuple(
    Note(0.25 * step, 0.2, pitch, velocity)
    for pitch, velocity, steps in ((36, 105, (0, 3, 4)), (38, 100, (2, 6)), (42, 70, range(8)))
    for step in steps
)
_LICENCE = "MIT"


def gm_sounds() -> Iterator[tuple[Sound, Preset]]:
    """Yield the sounds of the library with the preset that plays each: 128 programs, then the drum kits.

    Drum kits, percussion and sound effects have no vectors: the encoders hear pitched instruments, and a gunshot is no
    answer to one.
    """
    for program, name in enumerate(GM_NAMES):
        load = MidiProgram(None, 0, 0, program)
        sound = Sound(f"gm:{program:03d}", name, "gm", "", load, gm_family(program), "gm", _LICENCE)
        yield sound, Preset(0, program, name)
    for program, name in DRUM_KITS.items():
        load = MidiProgram(DRUM_CHANNEL, None, None, program)
        sound = Sound(f"gm:drums:{program}", name, "drumkit", "", load, "drums", "gm", _LICENCE)
        yield sound, Preset(DRUM_BANK, program, name)


def make_gm_library(
    soundfonts: Sequence[Path], out: Path, encoder: SingleEncoder, progress: Progress | None = None
) -> Manifest:
    """Render, embed and write the library; what was in `out` is replaced when all is done.

    Args:
        soundfonts: General MIDI SoundFonts whose makers play each program: what they share is what a program is. The
            licence of the first must allow shipping previews (FluidR3 GM: MIT).
        out: Folder of the library.
        encoder: Embeds each program.
        progress: Called before each sound and at the end.

    Raises:
        InputError: A SoundFont lacks a General MIDI program, or `out` is a folder that is no library.
    """
    wanted = list(gm_sounds())
    for soundfont in soundfonts:
        _require_presets(soundfont, wanted)
    _require_replaceable(out)
    fresh = out.with_name(f".{out.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    (fresh / "previews").mkdir(parents=True)
    tell = progress or (lambda _: None)
    # The path only names the font in messages; where it lay on this machine is nobody's business.
    source = SourceEntry("gm", soundfonts[0].name, "gm")
    with ExitStack() as stack:
        catalog = stack.enter_context(Catalog(fresh))
        makers = [stack.enter_context(FluidRenderer(soundfont)) for soundfont in soundfonts]
        show = stack.enter_context(FluidRenderer(soundfonts[0], PREVIEW_RATE_HZ))
        catalog.begin(encoder.spec.fingerprint, [source], [])
        names = []
        for number, (sound, preset) in enumerate(wanted):
            tell(BuildProgress(number, len(wanted), number, sound.name))
            melodic = preset.bank != DRUM_BANK
            heard_by = makers if sound.family not in UNPITCHED_FAMILIES else ()
            clips = [clip for maker in heard_by for clip in render_clips(maker, preset, sound)]
            vectors = embed_clips(encoder, clips)
            names.append(f"previews/{sound.id.removeprefix('gm:').replace(':', '-')}.ogg")
            notes = preview_notes(guess(sound.name).pitch) if melodic else _BEAT
            heard = show.render(preset.bank, preset.program, notes, PREVIEW_S)
            write_audio(fresh / names[-1], _shape(heard), PREVIEW_RATE_HZ)
            catalog.add_sound(sound, source.path, vectors, names[-1])
        publish(fresh, catalog, encoder.spec, [source], with_index=False)
        seal(fresh, catalog, names)
    tell(BuildProgress(len(wanted), len(wanted), len(wanted), ""))
    _replace_folder(fresh, out)
    return read_manifest(out)


def _require_replaceable(out: Path) -> None:
    """Refuse to replace what is not a built-in library: a user's own library or other files."""
    if not out.exists():
        return
    try:
        if out.is_dir() and (not any(out.iterdir()) or read_manifest(out).sealed):
            return
    except LibraryError:
        pass
    raise InputError(
        out, "holds something else than a General MIDI library", "give a new folder with --out, or delete it"
    )


def _require_presets(soundfont: Path, wanted: list[tuple[Sound, Preset]]) -> None:
    there = {(preset.bank, preset.program) for preset in presets(soundfont)}
    for sound, preset in wanted:
        if (preset.bank, preset.program) not in there:
            raise InputError(
                soundfont,
                f"lacks bank {preset.bank} program {preset.program} ({sound.name})",
                "give a complete General MIDI SoundFont such as FluidR3_GM.sf2",
            )


def _shape(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Fade the end of samples[T] and bring all previews to one peak."""
    fade = round(_FADE_S * PREVIEW_RATE_HZ)
    shaped = samples.copy()
    shaped[-fade:] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
    peak = float(np.abs(shaped).max())
    return shaped * np.float32(_PREVIEW_PEAK / peak) if peak > 0.0 else shaped


def _replace_folder(fresh: Path, out: Path) -> None:
    old = out.with_name(f".{out.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if out.exists():
        out.rename(old)
    fresh.rename(out)
    shutil.rmtree(old, ignore_errors=True)
