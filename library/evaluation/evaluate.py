"""Evaluate systems on the test instruments, from audio, by the paper's protocol and by others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from library.data.scores import Split
from library.encoders.spec import MixtureEmbedding
from library.evaluation import degrade
from library.evaluation.general_midi import general_midi_scores
from library.evaluation.material import (
    Clips,
    Mixes,
    draw_families,
    draw_mixes,
    read_clips,
    read_drums,
    read_notes,
)
from library.evaluation.protocols import (
    ENROL,
    MixtureScores,
    mixture_scores,
    open_scores,
    rank_in_family,
    single_scores,
)
from library.evaluation.systems import System

__all__ = ["evaluate"]

NOISE_SNR_DB = (40.0, 20.0)
MIXTURES = 600
THREES = 150
SPOILED = 200
"""Mixtures that each degradation is put on."""

ALONE = 4
"""Clips of each instrument that the multi path hears by itself."""

CIR_FAMILIES = ("mallet", "bass", "synth_lead")
"""One instrument of each, as in CIR (arXiv 2509.13285): chromatic percussion, bass, synth lead."""

_COUNTS = (2, 9)
_SEED = 2023
_BATCH = 32
_NOISES = 20

Row = dict[str, float]


def evaluate(
    data: Path,
    systems: Sequence[System],
    progress: Callable[[str], None],
    split: Split = "test",
    mixtures: int = MIXTURES,
) -> dict[str, Row]:
    """Return the figures of each system; the README and the model card say what each is.

    Raises:
        InputError: DATA holds no rendered instruments.
    """
    clips = read_clips(data, split)
    notes, drums = read_notes(data, split, clips.instruments), read_drums(data, split)
    mixes = draw_mixes(clips, mixtures, _COUNTS, np.random.default_rng(_SEED))
    threes = draw_mixes(clips, THREES, (3, 3), np.random.default_rng(_SEED + 1))
    others = draw_mixes(clips, THREES, (3, 3), np.random.default_rng(_SEED + 3), ENROL)
    families = draw_families(clips, THREES, CIR_FAMILIES, np.random.default_rng(_SEED + 2))
    results: dict[str, Row] = {}
    singles: dict[str, tuple[NDArray[np.float32], Row]] = {}
    for system in systems:
        if system.single not in singles:
            progress(f"{system.name}: single clips")
            heard_alone = _in_batches(system.embed, clips.audio)
            figures = _singles(system, clips, heard_alone, _in_batches(system.embed, notes))
            singles[system.single] = (heard_alone, figures)
        vectors, row = singles[system.single][0], dict(singles[system.single][1])
        progress(f"{system.name}: mixtures")
        library = vectors[clips.first]
        row |= asdict(_score(system, mixes.audio, library, mixes.truth))
        three = _score(system, threes.audio, library, threes.truth)
        del row["top1"], row["top5"]
        row |= {"top1": row.pop("single_top1"), "three_top1": three.top1, "three_top5": three.top5}
        progress(f"{system.name}: other protocols")
        row |= _open(system, others, clips, vectors)
        heard, _ = _encode(system, families.audio)
        names = [instrument.family for instrument in clips.instruments]
        row["cir_top1"], row["cir_top5"] = rank_in_family(heard, library, families.truth, names, system.cohort)
        row |= _spoiled(system, mixes, library, drums)
        row |= _alone(system, clips, library) | _quiet(system, drums)
        if system.general_midi is not None:
            row |= general_midi_scores(vectors, clips, system.general_midi)
        results[system.name] = row
    return results


def _score(
    system: System, audio: NDArray[np.float32], library: NDArray[np.float32], truth: NDArray[np.bool_]
) -> MixtureScores:
    return mixture_scores(*_encode(system, audio), system.threshold, library, truth, system.rule, system.cohort)


def _singles(system: System, clips: Clips, vectors: NDArray[np.float32], notes: NDArray[np.float32]) -> Row:
    """Score single clips, as they are and with noise, and one-shots against phrases."""
    row = single_scores(vectors, clips.label, np.random.default_rng(_SEED))
    row["single_top1"] = row.pop("top1")
    for snr_db in NOISE_SNR_DB:
        noisy = _in_batches(system.embed, degrade.add_noise(clips.audio, snr_db))
        scores = single_scores(vectors, clips.label, np.random.default_rng(_SEED), noisy)
        row[f"top1_noise_{snr_db:.0f}dB"] = scores["top1"]
    row["note_to_phrase"] = float((np.argmax(notes @ vectors[clips.first].T, axis=1) == np.arange(len(notes))).mean())
    row["phrase_to_note"] = float((np.argmax(vectors @ notes.T, axis=1) == clips.label).mean())
    return row


def _open(system: System, threes: Mixes, clips: Clips, vectors: NDArray[np.float32]) -> Row:
    """Rank three instruments in a library of all unseen ones and the built-in one, where the system has one.

    The built-in library holds a preset by several clips: so are the unseen ones, by as many as enrol one in the paper
    and are in no mixture; by a single one, as in the other protocols, beside it.
    """
    heard, presence = _encode(system, threes.audio)
    row: Row = {}
    for name, count in (("open", ENROL), ("open_one_clip", 1)):
        rows = clips.enrolled(count)
        library, sound = vectors[rows], clips.label[rows]
        if system.general_midi is not None:
            generation = system.general_midi.generation
            others = [found for p in generation.positions().tolist() if len(found := generation.vectors_of(p))]
            numbers = sound.max() + 1 + np.arange(len(others))
            library = np.concatenate([library, *others])
            sound = np.concatenate([sound, np.repeat(numbers, [len(found) for found in others])])
        row |= dict(
            zip(
                (f"{name}_top1", f"{name}_top5"),
                open_scores(heard, presence, library, sound, threes.truth, system.cohort),
                strict=True,
            )
        )
    return row


def _spoiled(system: System, mixes: Mixes, library: NDArray[np.float32], drums: NDArray[np.float32]) -> Row:
    """Return F1 macro of the first mixtures as they are, spoiled, and by the number of instruments."""
    audio, truth = mixes.audio[:SPOILED], mixes.truth[:SPOILED]
    beat = drums[np.arange(len(audio)) % len(drums)]
    spoiled = {
        "clean": audio,
        "soft": degrade.level(audio, -30.0),
        "reverb": degrade.reverb(audio, 0.8, -6.0),
        "mp3": degrade.mp3(audio, 0.9),
        "drums": degrade.add_to(audio, beat, 0.0),
    }
    row = {f"f1_{name}": _score(system, windows, library, truth).f1_macro for name, windows in spoiled.items()}
    for low, high in ((2, 3), (4, 6), (7, 9)):
        some = (mixes.truth.sum(axis=1) >= low) & (mixes.truth.sum(axis=1) <= high)
        if some.any():
            row[f"f1_{low}_{high}"] = _score(system, mixes.audio[some], library, mixes.truth[some]).f1_macro
    return row


def _alone(system: System, clips: Clips, library: NDArray[np.float32]) -> Row:
    """Ask the multi path, and the single encoder, with one instrument by itself."""
    rows = np.concatenate([np.flatnonzero(clips.label == c)[1 : 1 + ALONE] for c in range(len(clips.instruments))])
    vectors, presence = _encode(system, clips.audio[rows])
    strongest = vectors[np.arange(len(rows)), presence.argmax(axis=1)]
    single = _in_batches(system.embed, clips.audio[rows])
    label = clips.label[rows]
    return {
        "alone_multi_top1": float((np.argmax(strongest @ library.T, axis=1) == label).mean()),
        "alone_single_top1": float((np.argmax(single @ library.T, axis=1) == label).mean()),
        "alone_count": float((presence >= system.threshold).sum(axis=1).mean()),
    }


def _quiet(system: System, drums: NDArray[np.float32]) -> Row:
    """Return how many instruments are named where none plays."""
    rng = np.random.default_rng(_SEED)
    noise = 0.1 * rng.standard_normal((_NOISES, drums.shape[1])).astype(np.float32)
    row = {}
    for name, windows in {"noise": noise, "drums": drums}.items():
        _, presence = _encode(system, windows)
        row[f"named_in_{name}"] = float((presence >= system.threshold).sum(axis=1).mean())
    return row


def _in_batches(
    embed: Callable[[NDArray[np.float32]], NDArray[np.float32]], audio: NDArray[np.float32]
) -> NDArray[np.float32]:
    return np.concatenate([embed(audio[i : i + _BATCH]) for i in range(0, len(audio), _BATCH)])


def _encode(system: System, audio: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    parts: list[MixtureEmbedding] = [system.encode(audio[i : i + _BATCH]) for i in range(0, len(audio), _BATCH)]
    return np.concatenate([part.vectors for part in parts]), np.concatenate([part.presence for part in parts])
