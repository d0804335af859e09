"""Keep the spectrograms of all clips of a split in one memory-mapped file, and which notes play in another.

Mixtures are then sums of power spectrograms made on the fly (they differ from spectrograms of summed audio by about
.4 dB), on the CPU or on a GPU, and no audio is decoded while training.

DATA/clips-SPLIT.json            numbers and kinds of the clips
DATA/clips-SPLIT-SCALE.f16       their spectrograms, one file a front end
DATA/clips-SPLIT-notes.u8        which notes play in which cells of the trunk's grid
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from library.audio import SAMPLE_RATE_HZ, read_audio
from library.data.instruments import Instrument
from library.data.notebank import BankPlayer, NoteBank
from library.data.render import instrument_str, load_split, phrase_file, phrase_pool, transpose
from library.data.scores import PHRASE_S, Phrase, Split, iter_scores, segments
from library.encoders.blocks import Trunk
from library.encoders.network import NetworkConfig
from library.features import PowerSpectrogram
from library.front_end import BANDS_PER_OCTAVE, LOWEST_NOTE, PAPER_FEATURES, TIMBREL_FEATURES, FeatureSpec
from library.synths.notes import Note

__all__ = [
    "BANK",
    "CELLS",
    "DRUMS",
    "FRAMES",
    "ONE_SHOT",
    "ONE_SHOT_CLIPS",
    "PARTS",
    "PHRASE",
    "ROWS",
    "SONG",
    "SPECS",
    "ClipStore",
    "amplitude_of",
    "build_clips",
    "note_cells",
    "one_shots",
    "phrase_audio",
    "song_pool",
]

PHRASE, BANK, ONE_SHOT, DRUMS, SONG = 0, 1, 2, 3, 4
"""Kinds of clips: played by the synthesiser, played from the note bank, one note, percussion, a part of a song."""

BANK_CLIPS = 8
SONG_CLIPS = 8
SONGS = 300
"""Moments of songs that parts are taken from: few enough that each part is played by several instruments."""

PARTS = 16
"""Most parts of such a moment; the number of a clip's part is that of the moment times this plus its place."""

ONE_SHOT_CLIPS = 6
CLIP_SAMPLES = round(PHRASE_S * SAMPLE_RATE_HZ)

SPECS = (TIMBREL_FEATURES, replace(PAPER_FEATURES, normalise="power"))
"""Front ends that clips are kept in: ours, and the mel bands that the paper's networks are trained on beside them."""

SEMITONES_PER_ROW = 12 * Trunk.STRIDE // BANDS_PER_OCTAVE
CELL_S = Trunk.STRIDE * TIMBREL_FEATURES.hop_length / SAMPLE_RATE_HZ
ROWS = NetworkConfig().rows
CELLS = int(PHRASE_S / CELL_S)
FRAMES = CELLS * Trunk.STRIDE
"""Frames of a clip: whole cells, so that a clip can be turned in time together with its notes."""


@dataclass(frozen=True, slots=True)
class ClipStore:
    """Hold the clips of one split.

    Attributes:
        amplitude: [N, F, frames] float16, square root of band power, each clip of mean power 1.
        notes: [N, rows, cells] uint8, 1 where a note plays in a cell of the trunk's grid.
        label: [N] int64, number of the instrument in its split; -1 for percussion.
        kind: [N] int64, PHRASE, BANK, ONE_SHOT, DRUMS or SONG.
        part: [N] int64, which part of which moment of a song a clip plays (see PARTS), -1 for none.
        instruments: The instruments, in the order of their numbers.
        spec: Front end of the spectrograms.
    """

    amplitude: NDArray[np.float16]
    notes: NDArray[np.uint8]
    label: NDArray[np.int64]
    kind: NDArray[np.int64]
    part: NDArray[np.int64]
    instruments: tuple[Instrument, ...]
    spec: FeatureSpec

    @classmethod
    def open(cls, data: Path, split: Split, spec: FeatureSpec = TIMBREL_FEATURES) -> ClipStore:
        """Map the clips that build_clips() wrote.

        Raises:
            FileNotFoundError: It has not been run.
        """
        meta = json.loads((data / f"clips-{split}.json").read_text())
        count = len(meta["label"])
        amplitude = np.memmap(data / f"clips-{split}-{spec.scale}.f16", np.float16, "r")
        notes = np.memmap(data / f"clips-{split}-notes.u8", np.uint8, "r")
        return cls(
            amplitude.reshape(count, spec.bands, FRAMES),
            notes.reshape(count, ROWS, CELLS),
            np.array(meta["label"], np.int64),
            np.array(meta["kind"], np.int64),
            np.array(meta.get("part", [-1] * count), np.int64),
            tuple(load_split(data)[split]),
            spec,
        )


def build_clips(
    data: Path, split: Split, workers: int, progress: Callable[[str, int, int], None], seed: int = 0
) -> None:
    """Turn the rendered audio of a split into its clip files; kept if they are there and of the same instruments."""
    instruments = load_split(data)[split]
    meta = data / f"clips-{split}.json"
    ids = [instrument.id for instrument in instruments]
    if meta.exists() and json.loads(meta.read_text()).get("instruments") == ids:
        return
    labels: list[int] = []
    kinds: list[int] = []
    parts: list[int] = []
    paths = [data / f"clips-{split}-{spec.scale}.f16" for spec in SPECS] + [data / f"clips-{split}-notes.u8"]
    with ExitStack() as stack:
        files = [stack.enter_context(_part(path).open("wb")) for path in paths]
        pool = stack.enter_context(ProcessPoolExecutor(workers))

        def write(clips: _Clips, label: int) -> None:
            for file, data in zip(
                files, [*(part.tobytes() for part in clips.amplitude), clips.notes.tobytes()], strict=True
            ):
                file.write(data)
            labels.extend([label] * len(clips.kind))
            kinds.extend(clips.kind)
            parts.extend(clips.part)

        job = partial(_instrument_clips, data, split, seed)
        for number, clips in enumerate(pool.map(job, range(len(instruments)))):
            write(clips, number)
            progress(f"clips ({split})", number + 1, len(instruments))
        drums = read_audio(data / "drums" / f"{split}.flac").reshape(-1, CLIP_SAMPLES)
        silent: list[list[Note]] = [[] for _ in drums]
        write(_clips([(DRUMS, drums, silent)]), -1)
    meta.unlink(missing_ok=True)  # while files of two renderings lie side by side there are none
    for path in paths:
        _part(path).replace(path)
    meta.write_text(json.dumps({"label": labels, "kind": kinds, "part": parts, "instruments": ids}))


def _part(path: Path) -> Path:
    return path.with_name(path.name + ".part")


@dataclass(frozen=True, slots=True)
class _Clips:
    amplitude: list[NDArray[np.float16]]
    notes: NDArray[np.uint8]
    kind: list[int]
    part: list[int]


def _clips(groups: Sequence[tuple[int, NDArray[np.float32], list[list[Note]]]], part: Sequence[int] = ()) -> _Clips:
    """Turn groups of clips into what is kept of them; part numbers the clips of the last group."""
    audio = np.concatenate([audio for _, audio, _ in groups])
    notes = np.stack([note_cells(played) for _, _, scores in groups for played in scores])
    kind = [kind for kind, clips, _ in groups for _ in clips]
    numbers = [-1] * (len(kind) - len(part)) + list(part)
    return _Clips([amplitude_of(audio, spec) for spec in SPECS], notes, kind, numbers)


def note_cells(notes: Sequence[Note]) -> NDArray[np.uint8]:
    """Return [rows, cells] with 1 where a note plays; notes outside the grid are left out."""
    grid = np.zeros((ROWS, CELLS), np.uint8)
    for note in notes:
        row = (note.pitch - LOWEST_NOTE) // SEMITONES_PER_ROW
        first, last = (round(t / CELL_S) for t in (note.start_s, note.start_s + note.duration_s))
        if 0 <= row < ROWS:
            grid[row, max(0, first) : max(first + 1, last)] = 1
    return grid


def _instrument_clips(data: Path, split: Split, seed: int, number: int) -> _Clips:
    torch.set_num_threads(1)
    instrument = load_split(data)[split][number]
    rng = np.random.default_rng([seed, 1, zlib.crc32(instrument.id.encode())])
    player = BankPlayer(_note_bank(data / "bank" / split).instruments[instrument_str(instrument)])
    groups = [
        (PHRASE, phrase_audio(data, split, instrument), phrase_notes(data, split, instrument)),
        (BANK, *_play(player, _bank_scores(instrument, split, rng))),
        (ONE_SHOT, *_play(player, one_shots(instrument, rng))),
    ]
    numbers = _parts(split, seed, rng)
    if not numbers:
        return _clips(groups)
    moments = song_pool(split, seed)
    scores = [transpose(moments[n // PARTS][n % PARTS].notes, instrument.low, instrument.high, rng) for n in numbers]
    return _clips([*groups, (SONG, *_play(player, scores))], numbers)


@lru_cache(maxsize=1)
def song_pool(split: Split, seed: int) -> tuple[tuple[Phrase, ...], ...]:
    """Return the moments of songs that parts are taken from: what pitched tracks play together for one window."""
    found = [moment[:PARTS] for score in iter_scores(split) for moment in segments(score, 2)]
    picked = np.random.default_rng([seed, 2]).permutation(len(found))[:SONGS]
    return tuple(found[int(i)] for i in sorted(picked))


def _parts(split: Split, seed: int, rng: np.random.Generator) -> list[int]:
    """Draw which parts an instrument plays: at most one of each moment."""
    if split != "train":
        return []
    moments = song_pool(split, seed)
    picked = rng.permutation(len(moments))[:SONG_CLIPS]
    return [int(m) * PARTS + int(rng.integers(len(moments[m]))) for m in picked]


@lru_cache(maxsize=1)
def _note_bank(folder: Path) -> NoteBank:
    return NoteBank(folder)


def phrase_audio(data: Path, split: Split, instrument: Instrument) -> NDArray[np.float32]:
    """Read an instrument's phrases as audio[N, T] at 16 kHz."""
    return read_audio(phrase_file(data, split, instrument)).reshape(-1, CLIP_SAMPLES)


def phrase_notes(data: Path, split: Split, instrument: Instrument) -> list[list[Note]]:
    """Read the notes of an instrument's phrases."""
    rows = json.loads(phrase_file(data, split, instrument).with_suffix(".json").read_text())
    return [[Note(*note) for note in phrase] for phrase in rows]


def _play(player: BankPlayer, scores: list[list[Note]]) -> tuple[NDArray[np.float32], list[list[Note]]]:
    return np.stack([player.play(notes, PHRASE_S) for notes in scores]), scores


def _bank_scores(instrument: Instrument, split: Split, rng: np.random.Generator) -> list[list[Note]]:
    pool = phrase_pool(split, False)
    picked = [pool[int(i)] for i in rng.integers(len(pool), size=BANK_CLIPS)]
    return [transpose(phrase.notes, instrument.low, instrument.high, rng) for phrase in picked]


def one_shots(instrument: Instrument, rng: np.random.Generator) -> list[list[Note]]:
    """Draw single notes of an instrument's range."""
    pitches = rng.integers(instrument.low, instrument.high + 1, size=ONE_SHOT_CLIPS)
    return [
        [Note(rng.uniform(0, 1), rng.uniform(0.3, 3.5), int(pitch), int(rng.integers(50, 120)))] for pitch in pitches
    ]


def amplitude_of(audio: NDArray[np.float32], spec: FeatureSpec) -> NDArray[np.float16]:
    """Return the square root of band power [N, F, FRAMES] of audio[N, T], each clip of mean power 1."""
    with torch.inference_mode():
        power = PowerSpectrogram(spec)(torch.from_numpy(np.ascontiguousarray(audio)))[..., :FRAMES]
        power /= power.mean(dim=(1, 2), keepdim=True).clamp_min(1e-12)
    amplitude: NDArray[np.float16] = power.sqrt().numpy().astype(np.float16)
    return amplitude
