"""Search a library as the command line asks, show what is found, and play the best."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bridge.cli._library_view import match_json, show_matches
from bridge.cli.console import complain, say
from library import encoders
from library.audio import SAMPLE_RATE_HZ, read_audio, read_frames
from library.embed import embed_clips
from library.encoders import Encoder
from library.errors import AudioFileError, InputError
from library.index import Match, SoundIndex, open_library
from library.search import Choice, away_from, by_name, choose, search_vectors, vectors_of_sound
from library.sources import clips_of
from library.taste import Taste

__all__ = ["Wanted", "search_library"]

PLAY_S = 8.0
"""Longest time that --play plays."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Hold what is looked for; see `timbrel library search --help`."""

    file: Path | None
    like: str
    unlike: tuple[str, ...]
    mix: bool
    choice: Choice
    top: int
    taste: Taste | None = None


def search_library(library: str, wanted: Wanted, device: str, *, play: bool, as_json: bool) -> None:
    """Search, print, and play.

    Raises:
        InputError: Nothing, or too much, says what to look for.
        AudioFileError: The file can't be read, or holds no instrument.
    """
    if wanted.file is not None and wanted.like:
        raise InputError("--like", "stands in place of FILE", "leave one of them out")
    if wanted.file is None and (wanted.mix or (not wanted.like and wanted.choice == Choice())):
        raise InputError("search", "needs something to look for", "give FILE, --like SOUND_ID or --name TEXT")
    index, groups = _groups(library, wanted, device)
    if as_json:
        _print_json(wanted, groups)
    else:
        for title, _, matches in groups:
            show_matches(title, matches)
    best = next((matches[0] for _, _, matches in groups if matches), None)
    if play and best is not None:
        _play(index, best)


_Query = tuple[str, float | None, NDArray[np.float32]]
_Group = tuple[str, float | None, tuple[Match, ...]]


def _groups(library: str, wanted: Wanted, device: str) -> tuple[SoundIndex, list[_Group]]:
    """Return the lists with their titles and, for slots of a mixture, their presence."""
    queries: list[_Query]
    if wanted.file is None:
        index = open_library(library, None, wanted.taste)
        among = choose(index, wanted.choice, (*wanted.unlike, wanted.like))
        if not wanted.like:
            return index, [(library, None, by_name(index, among, wanted.top) if among is not None else ())]
        queries = [(f"like {wanted.like}", None, vectors_of_sound(index, wanted.like))]
    else:
        encoder = encoders.load_encoder(device=device)
        cohort = encoder.spec.cohort if wanted.mix else None  # a sound by itself lies where it belongs
        index = open_library(library, encoder.spec.fingerprint, wanted.taste, cohort)
        among = choose(index, wanted.choice, wanted.unlike)
        queries = _heard(encoder, wanted.file, wanted.mix)
    others = [vectors_of_sound(index, sound_id) for sound_id in wanted.unlike]
    return index, [
        (title, presence, search_vectors(index, away_from(vectors, others), wanted.top, among))
        for title, presence, vectors in queries
    ]


def _print_json(wanted: Wanted, groups: list[_Group]) -> None:
    what = str(wanted.file) if wanted.file is not None else None
    lists = [[_json(match) for match in matches] for _, _, matches in groups]
    if wanted.mix:
        slots = [{"presence": group[1], "matches": matches} for group, matches in zip(groups, lists, strict=True)]
        say(json.dumps({"file": what, "slots": slots}))
    else:
        say(json.dumps({"file": what, "matches": lists[0]}))


def _json(match: Match) -> dict[str, object]:
    sound = match.sound
    more = {"taste": round(match.taste, 4), "kind": sound.kind, "family": sound.family, "path": sound.path}
    return {**match_json(match), **more}


def _heard(encoder: Encoder, file: Path, mix: bool) -> list[_Query]:
    """Return the query vectors of a file: of all of it, or of each instrument in its fullest window."""
    samples = read_audio(file)
    if not mix:
        vectors = embed_clips(encoder, clips_of(samples)).astype(np.float32)
        if not len(vectors):
            raise AudioFileError(file, "is silent", "give a recording of an instrument")
        return [(str(file), None, vectors)]
    length = round(encoder.spec.window_s * SAMPLE_RATE_HZ)
    if not len(samples):
        raise AudioFileError(file, "is empty", "give a recording of a mixture")
    whole = np.resize(samples, length) if len(samples) < length else samples
    heard = [encoder.encode(clip[None]) for clip in clips_of(whole) if len(clip) == length]
    if not heard:
        raise AudioFileError(file, "is silent", "give a recording of a mixture")
    fullest = max(heard, key=lambda one: float(one.presence[0][one.presence[0] >= encoder.spec.threshold].sum()))
    slots = [slot for slot in np.argsort(-fullest.presence[0]) if fullest.presence[0, slot] >= encoder.spec.threshold]
    return [
        (f"{file}: instrument {number}", float(fullest.presence[0, slot]), fullest.vectors[0, slot][None])
        for number, slot in enumerate(slots, 1)
    ]


def _play(index: SoundIndex, match: Match) -> None:
    """Play a sound through the default output, or say in one line why not."""
    path = index.preview_path(match.sound)
    if path is None or not path.is_file():
        complain(f"{match.sound.name}: has no audio to play; load it in your DAW")
        return
    frames, rate_hz = read_frames(path)
    try:
        import sounddevice

        sounddevice.play(frames[: round(PLAY_S * rate_hz)], rate_hz, blocking=True)
    except (ImportError, OSError) as error:
        complain(f"--play: sounddevice can't be used ({error}); see `timbrel doctor`")
    except sounddevice.PortAudioError as error:
        complain(f"--play: there is no output to play on ({str(error).splitlines()[0]}); see `timbrel devices`")
    else:
        say(f"played {match.sound.name}")
