"""Keep the mel spectrograms of all clips of a split in one memory-mapped file.

Mixtures are then sums of power spectrograms made on the fly (they differ from spectrograms of summed audio by about
.4 dB), on the CPU or on a GPU, and no audio is decoded while training.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from library.audio import SAMPLE_RATE_HZ, read_audio
from library.data.instruments import Instrument
from library.data.notebank import BankPlayer, NoteBank
from library.data.render import instrument_str, load_split, phrase_pool, transpose
from library.data.scores import PHRASE_S, Split
from library.features import TIMBREL_FEATURES, PowerMel
from library.synths.notes import Note

__all__ = ["BANK", "DRUMS", "ONE_SHOT", "PHRASE", "ClipStore", "build_clips", "phrase_audio"]

PHRASE, BANK, ONE_SHOT, DRUMS = 0, 1, 2, 3
"""Kinds of clips: played by the synthesiser, played from the note bank, one note, percussion."""

BANK_CLIPS = 12
ONE_SHOT_CLIPS = 8
CLIP_SAMPLES = round(PHRASE_S * SAMPLE_RATE_HZ)


@dataclass(frozen=True, slots=True)
class ClipStore:
    """Hold the clips of one split.

    Attributes:
        amplitude: [N, F, frames] float16, square root of mel power, each clip of mean power 1.
        label: [N] int64, number of the instrument in its split; -1 for percussion.
        kind: [N] int64, PHRASE, BANK, ONE_SHOT or DRUMS.
        instruments: The instruments, in the order of their numbers.
    """

    amplitude: NDArray[np.float16]
    label: NDArray[np.int64]
    kind: NDArray[np.int64]
    instruments: tuple[Instrument, ...]

    @classmethod
    def open(cls, data: Path, split: Split) -> ClipStore:
        """Map the clips that build_clips() wrote."""
        meta = json.loads((data / f"clips-{split}.json").read_text())
        amplitude = np.memmap(data / f"clips-{split}.f16", np.float16, "r").reshape(len(meta["label"]), *meta["shape"])
        return cls(
            amplitude,
            np.array(meta["label"], np.int64),
            np.array(meta["kind"], np.int64),
            tuple(load_split(data)[split]),
        )


def build_clips(
    data: Path, split: Split, workers: int, progress: Callable[[str, int, int], None], seed: int = 0
) -> None:
    """Turn the rendered audio of a split into its clip file; kept if it is there already."""
    if (data / f"clips-{split}.json").exists():
        return
    instruments = load_split(data)[split]
    labels: list[int] = []
    kinds: list[int] = []
    part = data / f"clips-{split}.part"
    with part.open("wb") as file, ProcessPoolExecutor(workers) as pool:
        job = partial(_instrument_clips, data, split, seed)
        for number, (amplitude, kind) in enumerate(pool.map(job, range(len(instruments)))):
            file.write(amplitude.tobytes())
            labels += [number] * len(kind)
            kinds += kind
            progress(f"clips ({split})", number + 1, len(instruments))
        drums = read_audio(data / "drums" / f"{split}.flac").reshape(-1, CLIP_SAMPLES)
        for start in range(0, len(drums), 64):
            file.write(_amplitude(drums[start : start + 64]).tobytes())
        labels += [-1] * len(drums)
        kinds += [DRUMS] * len(drums)
    part.replace(data / f"clips-{split}.f16")
    spec = TIMBREL_FEATURES
    meta = {"shape": [spec.n_mels, spec.frames(CLIP_SAMPLES)], "label": labels, "kind": kinds}
    (data / f"clips-{split}.json").write_text(json.dumps(meta))


def _instrument_clips(data: Path, split: Split, seed: int, number: int) -> tuple[NDArray[np.float16], list[int]]:
    torch.set_num_threads(1)
    instrument = load_split(data)[split][number]
    rng = np.random.default_rng([seed, 1, zlib.crc32(instrument.id.encode())])
    player = BankPlayer(_note_bank(data / "bank" / split).instruments[instrument_str(instrument, number)])
    groups = (
        (PHRASE, phrase_audio(data, split, instrument)),
        (BANK, _bank_clips(player, instrument, split, rng)),
        (ONE_SHOT, _one_shots(player, instrument, rng)),
    )
    kinds = [kind for kind, audio in groups for _ in audio]
    return np.concatenate([_amplitude(audio) for _, audio in groups]), kinds


@lru_cache(maxsize=1)
def _note_bank(folder: Path) -> NoteBank:
    return NoteBank(folder)


def phrase_audio(data: Path, split: Split, instrument: Instrument) -> NDArray[np.float32]:
    """Read an instrument's phrases as audio[N, T] at 16 kHz."""
    file = data / "phrases" / split / f"{instrument.id.replace(':', '-')}.flac"
    return read_audio(file).reshape(-1, CLIP_SAMPLES)


def _bank_clips(
    player: BankPlayer, instrument: Instrument, split: Split, rng: np.random.Generator
) -> NDArray[np.float32]:
    pool = phrase_pool(split, False)
    picked = [pool[int(i)] for i in rng.integers(len(pool), size=BANK_CLIPS)]
    low, high = instrument.low, instrument.high
    return np.stack([player.play(transpose(phrase.notes, low, high, rng), PHRASE_S) for phrase in picked])


def _one_shots(player: BankPlayer, instrument: Instrument, rng: np.random.Generator) -> NDArray[np.float32]:
    pitches = rng.integers(instrument.low, instrument.high + 1, size=ONE_SHOT_CLIPS)
    return np.stack(
        [
            player.play(
                [Note(rng.uniform(0, 1), rng.uniform(0.3, 3.5), int(pitch), int(rng.integers(50, 120)))], PHRASE_S
            )
            for pitch in pitches
        ]
    )


def _amplitude(audio: NDArray[np.float32]) -> NDArray[np.float16]:
    """Return the square root of mel power [N, F, frames] of audio[N, T], each clip of mean power 1."""
    with torch.inference_mode():
        power = PowerMel(TIMBREL_FEATURES)(torch.from_numpy(np.ascontiguousarray(audio)))
        power /= power.mean(dim=(1, 2), keepdim=True).clamp_min(1e-12)
    amplitude: NDArray[np.float16] = power.sqrt().numpy().astype(np.float16)
    return amplitude
