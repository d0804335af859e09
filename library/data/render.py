"""Render the chosen instruments into note banks and phrases; resumable, one process per core.

OUT/split.json                              the instruments of each split, as chosen by measurement
OUT/bank/SPLIT/{examples.json, audio/*.wav}  note bank in NSynth's format
OUT/phrases/SPLIT/ID.flac                   phrases of 5 s, one after the other, played by the real synthesiser
OUT/phrases/SPLIT/ID.json                   their notes: for each phrase, rows of start_s, duration_s, pitch, velocity
OUT/drums/SPLIT.flac                        phrases of percussion, as distractors
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from library.audio import SAMPLE_RATE_HZ, write_audio
from library.data.instruments import Instrument, InstrumentRenderer, drum_kits, list_candidates
from library.data.notebank import NSYNTH_FAMILIES, nsynth_metadata
from library.data.packages import check_installed
from library.data.scores import PHRASE_S, Phrase, Split, iter_scores, phrases
from library.data.select import Probe, choose, extend, measure
from library.data.workers import run_jobs
from library.errors import InputError
from library.synths.notes import Note

__all__ = [
    "instrument_str",
    "load_split",
    "phrase_file",
    "phrase_pool",
    "probe_of",
    "render_all",
    "renderer",
    "transpose",
]

Progress = Callable[[str, int, int], None]

PHRASES_PER_INSTRUMENT: dict[Split, int] = {"train": 28, "valid": 36, "test": 36}
"""The paper's protocol asks for 25 of each unseen instrument, one more is its library clip."""

DRUM_PHRASES = 400
VELOCITIES = (60, 110)
PITCH_STEP = 4
"""Semitones between recorded notes; between them a note is resampled by at most two."""

NOTE_S, HELD_S = 4.0, 3.0
"""As in NSynth: held for three seconds, one second of release."""

MOST_FAILED = 0.05
"""Share of instruments that may be left out because they can't be rendered."""

MIN_PHRASE_PEAK = 1e-3
MOST_TRIES = 4
"""Silent phrases are drawn again; an instrument that is mostly silent ends with fewer."""


def load_split(out: Path) -> dict[Split, list[Instrument]]:
    """Read the instruments of each split that render_all() chose."""
    rows = json.loads((out / "split.json").read_text())
    return {split: [Instrument(**row) for row in found] for split, found in rows.items()}


def phrase_file(out: Path, split: Split, instrument: Instrument) -> Path:
    """Return the file that holds an instrument's phrases."""
    return out / "phrases" / split / f"{instrument.id.replace(':', '-')}.flac"


def render_all(out: Path, workers: int, progress: Progress, seed: int = 0, *, more: bool = False) -> None:
    """Choose instruments and render all of them; what is there already is kept.

    Args:
        out: Folder to fill.
        workers: Processes.
        progress: Told what is worked through, how many are done, and of how many.
        seed: Seed of what is chosen and played.
        more: Add train instruments to an earlier choice, up to the caps of library.data.select.

    Raises:
        InputError: What plays an earlier choice is not installed, or too many instruments could not be rendered.
    """
    out.mkdir(parents=True, exist_ok=True)
    if more or not (out / "split.json").exists():
        _choose_instruments(out, workers, progress, seed)
    jobs = [(out, name, row, seed) for name, rows in load_split(out).items() for row in rows]
    check_installed(instrument for _, _, instrument, _ in jobs)
    failed: dict[str, str] = {}
    for done, outcome in enumerate(run_jobs(_render_instrument, jobs, workers)):
        if outcome.error:
            failed[jobs[outcome.number][2].id] = outcome.error
        progress("rendering instruments", done + 1, len(jobs))
    split = _without(out, failed, len(jobs))
    for done, name in enumerate(split):
        _render_drums(out, name, seed)
        _write_bank_index(out, name, split[name])
        progress("rendering drums", done + 1, len(split))


def _without(out: Path, failed: dict[str, str], total: int) -> dict[Split, list[Instrument]]:
    """Leave out what could not be rendered, unless it is so much that something else must be wrong."""
    if len(failed) > MOST_FAILED * total:
        first = next(iter(failed.items()))
        rule = f"{len(failed)} of {total} instruments could not be rendered, the first: {first[0]} ({first[1]})"
        raise InputError(out, rule, "see to it and run the same command again; what is there is kept")
    split = {name: [row for row in rows if row.id not in failed] for name, rows in load_split(out).items()}
    if failed:
        _write_json(out / "split.json", {name: [row.to_json() for row in rows] for name, rows in split.items()})
    return split


def _choose_instruments(out: Path, workers: int, progress: Progress, seed: int) -> None:
    """Choose from what is installed; where there is a choice already, add to it."""
    split = load_split(out) if (out / "split.json").exists() else None
    known = {instrument.id for rows in (split or {}).values() for instrument in rows}
    candidates = [row for row in list_candidates() if split is None or row.for_training or row.id in known]
    probes: dict[int, Probe] = {}
    for done, outcome in enumerate(run_jobs(probe_of, candidates, workers)):
        if outcome.result is not None:  # what can't be measured is left out
            probes[outcome.number] = outcome.result
        progress("measuring instruments", done + 1, len(candidates))
    found = [(candidates[number], probes[number]) for number in sorted(probes)]
    chosen = choose(found, seed) if split is None else extend(split, found, seed)
    _write_json(out / "split.json", {k: [i.to_json() for i in v] for k, v in chosen.items()})


def transpose(notes: Iterable[Note], low: int, high: int, rng: np.random.Generator) -> list[Note]:
    """Move notes by octaves into an instrument's range, all together first, then those that still lie outside."""
    notes = list(notes)
    median = float(np.median([note.pitch for note in notes]))
    target = rng.uniform(low + (high - low) * 0.25, high - (high - low) * 0.25)
    shift = 12 * round((target - median) / 12)
    moved = []
    for note in notes:
        pitch = note.pitch + shift
        while pitch < low - 3:
            pitch += 12
        while pitch > high + 3:
            pitch -= 12
        moved.append(Note(note.start_s, note.duration_s, int(np.clip(pitch, 0, 127)), note.velocity))
    return moved


@lru_cache(maxsize=2)
def phrase_pool(split: Split, is_drums: bool, /) -> tuple[Phrase, ...]:
    """Return every usable phrase of a split."""
    found = (phrase for score in iter_scores(split) for phrase in phrases(score))
    return tuple(phrase for phrase in found if phrase.is_drums == is_drums)


@lru_cache(maxsize=1)
def renderer() -> InstrumentRenderer:
    """Return the one renderer of this process, a worker of its own."""
    import torch

    torch.set_num_threads(1)
    return InstrumentRenderer()


def probe_of(instrument: Instrument) -> Probe:
    """Measure an instrument with this process's renderer."""
    return measure(renderer(), instrument)


def _render_instrument(job: tuple[Path, Split, Instrument, int]) -> None:
    out, split, instrument, seed = job
    file = phrase_file(out, split, instrument)
    if file.exists():
        return
    rng = np.random.default_rng([seed, zlib.crc32(instrument.id.encode())])
    audio_dir = out / "bank" / split / "audio"
    audio_dir.mkdir(parents=True, exist_ok=True)
    for pitch in range(instrument.low, instrument.high + 1, PITCH_STEP):
        for velocity in VELOCITIES:
            note = renderer().render(instrument, [Note(0.0, HELD_S, pitch, velocity)], NOTE_S)
            name = f"{instrument_str(instrument)}-{pitch:03d}-{velocity:03d}.wav"
            write_audio(audio_dir / name, note, SAMPLE_RATE_HZ, "PCM_16")
    clips: list[NDArray[np.float32]] = []
    scores: list[list[tuple[float, float, int, int]]] = []
    for _ in range(MOST_TRIES * PHRASES_PER_INSTRUMENT[split]):
        if len(clips) == PHRASES_PER_INSTRUMENT[split]:
            break
        pool = phrase_pool(split, False)
        phrase = pool[int(rng.integers(len(pool)))]
        notes = transpose(phrase.notes, instrument.low, instrument.high, rng)
        clip = renderer().render(instrument, notes, PHRASE_S, reverb=bool(rng.random() < 0.5))
        if np.abs(clip).max() > MIN_PHRASE_PEAK:
            clips.append(_full_scale(clip))
            scores.append([(round(n.start_s, 3), round(n.duration_s, 3), n.pitch, n.velocity) for n in notes])
    _write_json(file.with_suffix(".json"), scores, indent=None)
    _write_flac(file, np.concatenate(clips))


def _render_drums(out: Path, split: Split, seed: int) -> None:
    file = out / "drums" / f"{split}.flac"
    if file.exists():
        return
    rng = np.random.default_rng([seed, zlib.crc32(b"drums" + split.encode())])
    kits, pool = drum_kits(split), phrase_pool(split, True)
    clips: list[NDArray[np.float32]] = []
    while len(clips) < DRUM_PHRASES // (1 if split == "train" else 8):
        phrase = pool[int(rng.integers(len(pool)))]
        kit = kits[int(rng.integers(len(kits)))]
        clip = renderer().render(kit, phrase.notes, PHRASE_S, reverb=bool(rng.random() < 0.5))
        if np.abs(clip).max() > MIN_PHRASE_PEAK:
            clips.append(_full_scale(clip))
    _write_flac(file, np.concatenate(clips))


def instrument_str(instrument: Instrument) -> str:
    """Return the name of an instrument in NSynth's form: family_source_number."""
    source = "acoustic" if instrument.engine == "soundfont" else "synthetic"
    family = instrument.family if instrument.family in NSYNTH_FAMILIES else "synth_lead"
    return f"{family}_{source}_{_number(instrument):010d}"


def _number(instrument: Instrument) -> int:
    """Return a number that does not depend on which other instruments there are."""
    return zlib.crc32(instrument.id.encode())


def _write_bank_index(out: Path, split: Split, instruments: list[Instrument]) -> None:
    numbers = {instrument_str(row): _number(row) for row in instruments}
    rows = {}
    for file in sorted((out / "bank" / split / "audio").glob("*.wav")):
        name, pitch, velocity = file.stem.rsplit("-", 2)
        if name in numbers:
            family = name.rsplit("_", 2)[0]
            rows[file.stem] = nsynth_metadata(name, family, numbers[name], int(pitch), int(velocity))
    _write_json(out / "bank" / split / "examples.json", rows)


def _full_scale(clip: NDArray[np.float32]) -> NDArray[np.float32]:
    scaled: NDArray[np.float32] = clip / np.float32(np.abs(clip).max() * 1.02)
    return scaled


def _write_flac(file: Path, samples: NDArray[np.float32]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part.flac")
    write_audio(part, samples, SAMPLE_RATE_HZ, "PCM_16")
    part.replace(file)


def _write_json(file: Path, value: object, indent: int | None = 1) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    part.write_text(json.dumps(value, indent=indent))
    part.replace(file)
