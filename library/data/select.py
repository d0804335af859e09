"""Choose distinct, pitched instruments for training, validation and test by measurement."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from library.audio import SAMPLE_RATE_HZ
from library.data.instruments import Instrument, InstrumentRenderer
from library.data.scores import Split
from library.features import PowerSpectrogram
from library.front_end import FeatureSpec
from library.synths.notes import Note

__all__ = ["Probe", "choose", "extend", "is_apart", "is_good", "measure"]

MIN_DISTANCE_DB = 4.0
"""RMS distance of two mel probes below which two training programs are one sound (re-rendered, one differs by 0-3)."""

MIN_UNSEEN_DISTANCE_DB = 6.0
"""The same for unseen programs: no near-duplicate of theirs is in training, nor twice among them."""

MIN_LEVEL_DB = -50.0
MIN_TONALITY = 0.35
"""Least share of a held note's energy that must lie on its harmonics; noise and effects lie below."""

UNSEEN = 53
"""Instruments in validation and in test each (arXiv 2211.07951, table 1)."""

UNSEEN_PER_SYNTH = 8
SYNTHS_FOR_TRAINING = {"amsynth": 420, "zyn": 340}
"""Caps, so that synthesisers don't swamp the sampled timbres."""

_PROBE_SPEC = FeatureSpec(bands=40)
_SEGMENTS = 9
_NOTE_S, _HELD_S = 1.5, 1.0


@dataclass(frozen=True, slots=True)
class Probe:
    """Hold what was measured of an instrument.

    Attributes:
        picture: [4 * 40 * 9] mel levels in dB of four notes, each relative to its own loudest band.
        level_db: RMS of the loudest note.
        tonality: Share of energy on harmonics, best of the four notes.
        sustain: Share of the probe notes that last longer than a click.
    """

    picture: NDArray[np.float32]
    level_db: float
    tonality: float
    sustain: float


def measure(renderer: InstrumentRenderer, instrument: Instrument) -> Probe:
    """Render four notes over the instrument's range and measure them."""
    pitches = np.linspace(instrument.low + 4, instrument.high - 4, 4).round().astype(int)
    notes = [renderer.render(instrument, [Note(0.0, _HELD_S, int(pitch), 100)], _NOTE_S) for pitch in pitches]
    audio = np.stack(notes)
    with torch.inference_mode():
        power = PowerSpectrogram(_PROBE_SPEC)(torch.from_numpy(audio)).numpy()  # [4, 40, frames]
    frames = power.shape[-1] // _SEGMENTS * _SEGMENTS
    segments = power[..., :frames].reshape(4, 40, _SEGMENTS, -1).mean(-1)
    top = segments.max(axis=(1, 2), keepdims=True) + 1e-12
    picture = 10 * np.log10(np.maximum(segments / top, 1e-5))
    rms = np.sqrt(np.square(audio).mean(axis=1))
    envelope = np.sqrt(np.square(audio.reshape(4, 30, -1)).mean(-1))  # 50 ms steps
    lasting = (envelope > 0.1 * envelope.max(axis=1, keepdims=True) + 1e-9).sum(axis=1) >= 4
    tonality = max(_tonality(note, int(pitch)) for note, pitch in zip(audio, pitches, strict=True))
    return Probe(
        picture.astype(np.float32).ravel(), float(20 * np.log10(rms.max() + 1e-12)), tonality, float(lasting.mean())
    )


def choose(found: Sequence[tuple[Instrument, Probe]], seed: int = 0) -> dict[Split, list[Instrument]]:
    """Choose train, validation and test instruments.

    Silent, unpitched and click-like ones go; so do near-duplicates, on the same side and across sides.
    """
    rng = np.random.default_rng(seed)
    good = _good(found)
    train = _distinct([row for row in good if row[0].for_training], [], MIN_DISTANCE_DB)
    chosen = _capped(train, SYNTHS_FOR_TRAINING, rng)
    unseen = _distinct(
        [row for row in good if not row[0].for_training], [probe for _, probe in chosen], MIN_UNSEEN_DISTANCE_DB
    )
    test, valid = _by_family(unseen, rng)
    return {"train": [instrument for instrument, _ in chosen], "valid": valid, "test": test}


def extend(
    split: dict[Split, list[Instrument]], found: Sequence[tuple[Instrument, Probe]], seed: int = 0
) -> dict[Split, list[Instrument]]:
    """Add train instruments to an earlier choice, up to the caps; validation and test stay as they are.

    Args:
        split: The earlier choice.
        found: Probes of its instruments and of all that may be added.
        seed: Seed of which of the synthesisers' patches are added.
    """
    sides = {instrument.id: side for side, rows in split.items() for instrument in rows}
    train = [probe for instrument, probe in found if sides.get(instrument.id) == "train"]
    unseen = [probe for instrument, probe in found if sides.get(instrument.id) in ("valid", "test")]
    fresh = [row for row in _good(found) if row[0].for_training and row[0].id not in sides]
    fresh = _distinct(_distinct(fresh, train, MIN_DISTANCE_DB), unseen, MIN_UNSEEN_DISTANCE_DB)
    used = Counter[str](instrument.engine for instrument in split["train"])
    left = {engine: max(0, most - used[engine]) for engine, most in SYNTHS_FOR_TRAINING.items()}
    added = _capped(fresh, left, np.random.default_rng(seed))
    return {**split, "train": [*split["train"], *(instrument for instrument, _ in added)]}


def _good(found: Sequence[tuple[Instrument, Probe]]) -> list[tuple[Instrument, Probe]]:
    return [row for row in found if is_good(row[1])]


def is_good(probe: Probe) -> bool:
    """Tell whether a preset is neither silent nor unpitched nor a click."""
    return probe.level_db > MIN_LEVEL_DB and probe.tonality > MIN_TONALITY and probe.sustain >= 0.5


def is_apart(probe: Probe, unseen: Sequence[Probe]) -> bool:
    """Tell whether a preset is no near-duplicate of an unseen one."""
    return _nearest_db(probe, [other.picture for other in unseen]) >= MIN_UNSEEN_DISTANCE_DB


def _capped(
    rows: Sequence[tuple[Instrument, Probe]], caps: Mapping[str, int], rng: np.random.Generator
) -> list[tuple[Instrument, Probe]]:
    """Keep all sampled instruments and a random choice of each synthesiser's."""
    keep = {row[0].id for row in rows if row[0].engine not in caps}
    for engine, most in caps.items():
        patches = [row[0].id for row in rows if row[0].engine == engine]
        keep |= {patches[i] for i in rng.permutation(len(patches))[:most]}
    return [row for row in rows if row[0].id in keep]


def _distinct(
    rows: Sequence[tuple[Instrument, Probe]], others: Sequence[Probe], min_distance_db: float
) -> list[tuple[Instrument, Probe]]:
    kept: list[tuple[Instrument, Probe]] = []
    pictures = [probe.picture for probe in others]
    for instrument, probe in rows:
        if _nearest_db(probe, pictures) < min_distance_db:
            continue
        pictures.append(probe.picture)
        kept.append((instrument, probe))
    return kept


def _nearest_db(probe: Probe, pictures: Sequence[NDArray[np.float32]]) -> float:
    """Return the RMS distance of a probe to the nearest of some pictures in dB."""
    if not pictures:
        return np.inf
    return float(np.sqrt(np.square(np.stack(pictures) - probe.picture).mean(axis=1)).min())


def _by_family(
    rows: Sequence[tuple[Instrument, Probe]], rng: np.random.Generator
) -> tuple[list[Instrument], list[Instrument]]:
    """Deal instruments to test and validation in turn, family by family, so that both hold each family."""
    pools: dict[str, list[Instrument]] = defaultdict(list)
    for i in rng.permutation(len(rows)):
        instrument = rows[i][0]
        pools[instrument.family if instrument.engine == "soundfont" else instrument.engine].append(instrument)
    sides: tuple[list[Instrument], list[Instrument]] = ([], [])
    for engine in SYNTHS_FOR_TRAINING:
        for i, instrument in enumerate(pools.pop(engine, [])[: 2 * UNSEEN_PER_SYNTH]):
            sides[i % 2].append(instrument)
    while any(pools.values()) and min(len(side) for side in sides) < UNSEEN:
        for family in sorted(pools):
            for side in sides:
                if pools[family] and len(side) < UNSEEN:
                    side.append(pools[family].pop())
    return sides


def _tonality(note: NDArray[np.float32], pitch: int) -> float:
    """Share of the spectrum's energy within 3 % of the harmonics of the pitch, an octave down to three up."""
    spectrum = np.square(np.abs(np.fft.rfft(note * np.hanning(len(note)))))
    freqs = np.fft.rfftfreq(len(note), 1 / SAMPLE_RATE_HZ)
    f0 = 440.0 * 2 ** ((pitch - 69) / 12) / 2
    ratio = freqs / f0
    near = (np.abs(ratio - ratio.round()) < 0.03 * 2) & (ratio > 0.5) & (freqs < 6000)
    return float(spectrum[near].sum() / (spectrum.sum() + 1e-12))
