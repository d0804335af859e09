"""Keep clips of every training preset whose kind is known, beside those that the encoders are trained on.

Synthesisers' patches are capped in training, lest they swamp the sampled timbres. Of what kind a sound is, is learnt
from all whose number or name tells it: SoundFont presets that are too much like others to be instruments of their own,
and patches above the cap. None of them is in validation or test, nor a near-duplicate of one that is.

DATA/known.json, DATA/known/, DATA/clips-known.*: see library.data.more_clips
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from library.data.clips import ONE_SHOT, PHRASE, ClipStore, one_shots
from library.data.instruments import Instrument, list_candidates
from library.data.more_clips import exist, file_of, gather, keep, open_clips, probe_in
from library.data.render import load_split, phrase_pool, probe_of, renderer, transpose
from library.data.scores import PHRASE_S
from library.data.select import Probe, is_apart, is_good
from library.data.workers import run_jobs
from library.gm.names import gm_family
from library.sources.families import guess
from library.synths.notes import Note

__all__ = ["PHRASES", "build_known", "family_of", "open_known"]

PHRASES = 8
"""Phrases of each preset; so many one-shots as training instruments have come beside them."""

PATCHES_PER_FAMILY = 40
"""Most patches of synthesisers of a family: pads and leads would swamp the rest."""

MIN_PEAK = 1e-3
_NAME = "known"


def family_of(instrument: Instrument) -> str:
    """Return the family that a program's number or a patch's name tells, "" for none."""
    return gm_family(instrument.program) if instrument.engine == "soundfont" else guess(instrument.name).family


def build_known(data: Path, workers: int, progress: Callable[[str, int, int], None], seed: int = 0) -> None:
    """Render and keep the clips; what is there already is kept.

    Args:
        data: Folder that library.data.render has filled.
        workers: Processes.
        progress: Told what is worked through, how many are done, and of how many.
        seed: Seed of what is played.
    """
    if exist(data, _NAME):
        return
    split = load_split(data)
    chosen = {row.id for rows in split.values() for row in rows}
    rows = _capped([row for row in list_candidates() if row.for_training and row.id not in chosen and family_of(row)])
    unseen = _probes([*split["valid"], *split["test"]], workers, progress)
    (data / _NAME).mkdir(exist_ok=True)
    jobs = [(data, row, seed) for row in rows]
    kept: list[Instrument] = []
    for done, outcome in enumerate(run_jobs(_render, jobs, workers)):
        probe = outcome.result
        if probe is not None and is_good(probe) and is_apart(probe, unseen):
            kept.append(rows[outcome.number])
        progress("rendering presets of known kinds", done + 1, len(jobs))
    kept.sort(key=lambda row: row.id)
    gather(data, _NAME, kept)


def open_known(data: Path) -> ClipStore | None:
    """Map the clips; None where there are none."""
    return open_clips(data, _NAME)


def _capped(presets: list[Instrument]) -> list[Instrument]:
    """Keep all SoundFont presets and some of each family's patches."""
    order = np.random.default_rng(0).permutation(len(presets))
    taken = Counter[str]()
    kept = []
    for preset in (presets[int(i)] for i in order):
        family = family_of(preset) if preset.engine != "soundfont" else ""
        taken[family] += 1
        if not family or taken[family] <= PATCHES_PER_FAMILY:
            kept.append(preset)
    return kept


def _probes(rows: list[Instrument], workers: int, progress: Callable[[str, int, int], None]) -> list[Probe]:
    found = []
    for done, outcome in enumerate(run_jobs(probe_of, rows, workers)):
        found += [outcome.result] if outcome.result is not None else []
        progress("measuring unseen instruments", done + 1, len(rows))
    return found


def _render(job: tuple[Path, Instrument, int]) -> Probe:
    """Render one preset's clips, if they are not there, and measure it."""
    data, preset, seed = job
    file = file_of(data, _NAME, preset)
    if file.exists():
        return probe_in(file)
    rng = np.random.default_rng([seed, 3, zlib.crc32(preset.id.encode())])
    probe = probe_of(preset)
    pool = phrase_pool("train", False)
    phrases = [pool[int(i)].notes for i in rng.integers(len(pool), size=PHRASES)]
    scores = [transpose(notes, preset.low, preset.high, rng) for notes in phrases] + one_shots(preset, rng)
    kind = [PHRASE] * PHRASES + [ONE_SHOT] * (len(scores) - PHRASES)
    audio = np.stack([_play(preset, notes, rng) for notes in scores])
    heard = np.abs(audio).max(axis=1) > MIN_PEAK
    if not heard.any():
        return replace(probe, sustain=0.0)  # nothing to learn from
    keep(file, audio[heard], [scores[n] for n in np.flatnonzero(heard)], np.array(kind)[heard], probe=probe)
    return probe


def _play(preset: Instrument, notes: list[Note], rng: np.random.Generator) -> NDArray[np.float32]:
    return renderer().render(preset, notes, PHRASE_S, reverb=bool(rng.random() < 0.5))
