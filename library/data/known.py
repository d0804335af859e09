"""Keep clips of every training preset whose kind is known, beside those that the encoders are trained on.

Synthesisers' patches are capped in training, lest they swamp the sampled timbres. Of what kind a sound is, is learnt
from all whose number or name tells it: SoundFont presets that are too much like others to be instruments of their own,
and patches above the cap. None of them is in validation or test, nor a near-duplicate of one that is.

DATA/known.json      the presets
DATA/known/ID.npz    their clips, while they are rendered
DATA/clips-known.*   as library.data.clips writes them for a split
"""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from library.data.clips import CELLS, FRAMES, ONE_SHOT, PHRASE, ROWS, ClipStore, amplitude_of, note_cells, one_shots
from library.data.instruments import Instrument, list_candidates
from library.data.render import load_split, phrase_pool, probe_of, renderer, transpose
from library.data.scores import PHRASE_S
from library.data.select import Probe, is_apart, is_good
from library.data.workers import run_jobs
from library.front_end import TIMBREL_FEATURES
from library.gm.names import gm_family
from library.sources.families import guess
from library.synths.notes import Note

__all__ = ["PHRASES", "build_known", "family_of", "open_known"]

PHRASES = 8
"""Phrases of each preset; so many one-shots as training instruments have come beside them."""

PATCHES_PER_FAMILY = 40
"""Most patches of synthesisers of a family: pads and leads would swamp the rest."""

MIN_PEAK = 1e-3
_AMPLITUDE, _NOTES, _META = f"clips-known-{TIMBREL_FEATURES.scale}.f16", "clips-known-notes.u8", "clips-known.json"
_PRESETS = "known.json"


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
    if (data / _META).exists():
        return
    split = load_split(data)
    chosen = {row.id for rows in split.values() for row in rows}
    rows = _capped([row for row in list_candidates() if row.for_training and row.id not in chosen and family_of(row)])
    unseen = _probes([*split["valid"], *split["test"]], workers, progress)
    (data / "known").mkdir(exist_ok=True)
    jobs = [(data, row, seed) for row in rows]
    kept: list[Instrument] = []
    for done, outcome in enumerate(run_jobs(_render, jobs, workers)):
        probe = outcome.result
        if probe is not None and is_good(probe) and is_apart(probe, unseen):
            kept.append(rows[outcome.number])
        progress("rendering presets of known kinds", done + 1, len(jobs))
    kept.sort(key=lambda row: row.id)
    _gather(data, kept)


def open_known(data: Path) -> ClipStore | None:
    """Map the clips; None where there are none."""
    if not (data / _META).exists():
        return None
    meta = json.loads((data / _META).read_text())
    kind = np.array(meta["kind"], np.int64)
    presets = tuple(Instrument(**row) for row in json.loads((data / _PRESETS).read_text()))
    return ClipStore(
        np.memmap(data / _AMPLITUDE, np.float16, "r").reshape(len(kind), TIMBREL_FEATURES.bands, FRAMES),
        np.memmap(data / _NOTES, np.uint8, "r").reshape(len(kind), ROWS, CELLS),
        np.array(meta["label"], np.int64),
        kind,
        np.full(len(kind), -1, np.int64),
        presets,
        TIMBREL_FEATURES,
    )


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


def _gather(data: Path, presets: list[Instrument]) -> None:
    """Write the clips of presets one after the other."""
    label: list[int] = []
    kind: list[int] = []
    with (data / _AMPLITUDE).open("wb") as amplitude, (data / _NOTES).open("wb") as notes:
        for number, preset in enumerate(presets):
            with np.load(_file(data, preset)) as clips:
                amplitude.write(clips["amplitude"].tobytes())
                notes.write(clips["notes"].tobytes())
                kind += clips["kind"].tolist()
                label += [number] * len(clips["kind"])
    (data / _PRESETS).write_text(json.dumps([preset.to_json() for preset in presets], indent=1))
    (data / _META).write_text(json.dumps({"label": label, "kind": kind}))


def _file(data: Path, preset: Instrument) -> Path:
    return data / "known" / f"{preset.id.replace(':', '-')}.npz"


def _render(job: tuple[Path, Instrument, int]) -> Probe:
    """Render one preset's clips, if they are not there, and measure it."""
    data, preset, seed = job
    file = _file(data, preset)
    if file.exists():
        with np.load(file) as kept:
            return Probe(kept["picture"], *(float(value) for value in kept["measured"]))
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
    part = file.with_suffix(".part.npz")
    np.savez(
        part,
        amplitude=amplitude_of(audio[heard], TIMBREL_FEATURES),
        notes=np.stack([note_cells(notes) for notes in scores])[heard],
        kind=np.array(kind)[heard],
        picture=probe.picture,
        measured=np.array([probe.level_db, probe.tonality, probe.sustain]),
    )
    part.replace(file)
    return probe


def _play(preset: Instrument, notes: list[Note], rng: np.random.Generator) -> NDArray[np.float32]:
    return renderer().render(preset, notes, PHRASE_S, reverb=bool(rng.random() < 0.5))
