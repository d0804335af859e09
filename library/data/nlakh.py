"""Write and read the paper's data set, Nlakh (arXiv 2211.07951, section 2): notes of a bank played by scores.

OUT/Nlakh-single/{train,valid}/{001..}/{0001..}.wav              one instrument a folder
OUT/Nlakh-multi/{train,valid}/{000001..}/{INSTRUMENT.wav, mix.wav}  tracks of one score that sound together
OUT/Nlakh-{single,multi}/card.json                               what it is made of

The banks are NSynth's (https://magenta.tensorflow.org/datasets/nsynth, CC BY 4.0) or ours in the same format; the
scores are Lakh's (https://colinraffel.com/projects/lmd, CC BY 4.0) or those of library.data.scores. All is drawn from
the seed, so a stopped run goes on with the files that are there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from library.audio import SAMPLE_RATE_HZ, write_audio
from library.data.notebank import BankInstrument, BankPlayer, NoteBank
from library.data.render import transpose
from library.data.scores import PHRASE_S, SCORE_SOURCES, Phrase, Split, iter_scores, segments
from library.data.workers import run_jobs
from library.errors import InputError

__all__ = [
    "PAPER_COUNTS",
    "Kind",
    "Mixture",
    "NlakhPlan",
    "mixtures",
    "nsynth_banks",
    "our_banks",
    "single_clips",
    "write_nlakh",
]

Kind = Literal["nlakh-single", "nlakh-multi"]

PAPER_COUNTS: dict[str, tuple[int, int]] = {"nlakh-single": (1_000, 1_000), "nlakh-multi": (100_000, 10_000)}
"""Clips an instrument and mixtures of train and valid in arXiv 2211.07951, table 1."""

MAX_TRACKS = 9
MOST_SEGMENTS = 40_000
"""Segments that are drawn from: Lakh holds far more than a data set needs."""

MIXTURES_PER_JOB = 20


@dataclass(frozen=True, slots=True)
class NlakhPlan:
    """Say what is to be written.

    Attributes:
        kind: Which of the two data sets.
        out: Folder that it is written into.
        banks: Note bank of each split.
        scores: Name -> folder and pattern of MIDI files; None takes the installed ones.
        count: Clips an instrument (1,000 in the paper), or mixtures of each split (100,000 and 10,000).
        seed: Seed of everything that is drawn.
        licences: Licences of banks and scores, for the card.
    """

    kind: Kind
    out: Path
    banks: Mapping[Split, Path]
    scores: tuple[tuple[str, tuple[str, str]], ...] | None
    count: Mapping[Split, int]
    seed: int
    licences: tuple[str, ...]

    @property
    def root(self) -> Path:
        """Folder of the data set."""
        return self.out / self.kind.replace("nlakh", "Nlakh")


@dataclass(frozen=True, slots=True)
class Mixture:
    """Hold one folder of Nlakh-multi: the mixture, and the track of each instrument."""

    mix: Path
    tracks: Mapping[str, Path]


@dataclass(frozen=True, slots=True)
class _Job:
    plan: NlakhPlan
    split: Split
    numbers: tuple[int, ...]


def our_banks(data: Path) -> dict[Split, Path]:
    """Return the banks that `timbrel data render` made."""
    return _banks({"train": data / "bank" / "train", "valid": data / "bank" / "valid"}, data)


def nsynth_banks(nsynth: Path) -> dict[Split, Path]:
    """Return the banks of NSynth as it is published: folders nsynth-train and nsynth-valid."""
    return _banks({"train": nsynth / "nsynth-train", "valid": nsynth / "nsynth-valid"}, nsynth)


def _banks(found: dict[Split, Path], folder: Path) -> dict[Split, Path]:
    for bank in found.values():
        if not (bank / "examples.json").exists():
            rule = f"holds no note bank at {bank.relative_to(folder)}"
            raise InputError(folder, rule, "run `timbrel data render --out DIR` first, or give NSynth with --nsynth")
    return found


def write_nlakh(plan: NlakhPlan, workers: int, progress: Callable[[str, int, int], None]) -> Path:
    """Write a data set; what is there already is kept. Returns its folder.

    Raises:
        InputError: A bank or the scores can't be read, or a clip could not be written.
    """
    jobs = list(_jobs(plan))
    for done, outcome in enumerate(run_jobs(_write, jobs, workers)):
        if outcome.error:
            raise InputError(plan.root, f"could not be written ({outcome.error})", "run the same command again")
        progress(plan.kind, done + 1, len(jobs))
    _write_card(plan)
    return plan.root


def single_clips(root: Path, split: Split) -> dict[str, tuple[Path, ...]]:
    """Return the clips of each instrument of a Nlakh-single folder.

    Raises:
        InputError: The folder holds none.
    """
    found = {row.name: tuple(sorted(row.glob("*.wav"))) for row in sorted((root / split).glob("*")) if row.is_dir()}
    if not any(found.values()):
        raise InputError(root, f"holds no clips at {split}/001/0001.wav", "give the folder Nlakh-single")
    return found


def mixtures(root: Path, split: Split) -> Iterator[Mixture]:
    """Yield the mixtures of a Nlakh-multi folder.

    Raises:
        InputError: The folder holds none.
    """
    found = sorted((root / split).glob("*/mix.wav"))
    if not found:
        raise InputError(root, f"holds no mixtures at {split}/000001/mix.wav", "give the folder Nlakh-multi")
    for mix in found:
        yield Mixture(mix, {file.stem: file for file in sorted(mix.parent.glob("*.wav")) if file != mix})


def _jobs(plan: NlakhPlan) -> Iterator[_Job]:
    for split, bank in plan.banks.items():
        if plan.kind == "nlakh-single":
            yield from (_Job(plan, split, (number,)) for number in range(len(_bank(bank).instruments)))
        else:
            numbers = range(plan.count[split])
            for start in range(0, len(numbers), MIXTURES_PER_JOB):
                yield _Job(plan, split, tuple(numbers[start : start + MIXTURES_PER_JOB]))


def _write(job: _Job) -> None:
    if job.plan.kind == "nlakh-single":
        _write_instrument(job.plan, job.split, job.numbers[0])
    else:
        for number in job.numbers:
            _write_mixture(job.plan, job.split, number)


def _write_instrument(plan: NlakhPlan, split: Split, number: int) -> None:
    bank = _bank(plan.banks[split])
    instrument = list(bank.instruments.values())[number]
    player = BankPlayer(instrument)
    pool = _segments(plan.scores, split, 1)
    for clip in range(plan.count[split]):
        file = plan.root / split / f"{number + 1:03d}" / f"{clip + 1:04d}.wav"
        if file.exists():
            continue
        rng = np.random.default_rng([plan.seed, 0, split == "train", number, clip])
        segment = pool[int(rng.integers(len(pool)))]
        phrase = segment[int(rng.integers(len(segment)))]
        _write_wav(file, _play(player, instrument, phrase, rng))


def _write_mixture(plan: NlakhPlan, split: Split, number: int) -> None:
    folder = plan.root / split / f"{number + 1:06d}"
    if (folder / "mix.wav").exists():
        return
    bank = _bank(plan.banks[split])
    rng = np.random.default_rng([plan.seed, 1, split == "train", number])
    pool = _segments(plan.scores, split, 2)
    segment = pool[int(rng.integers(len(pool)))]
    chosen = [segment[i] for i in rng.permutation(len(segment))[: min(MAX_TRACKS, len(bank.instruments))]]
    names = rng.choice(sorted(bank.instruments), len(chosen), replace=False)
    tracks = {
        str(name): _play(BankPlayer(bank.instruments[str(name)]), bank.instruments[str(name)], phrase, rng)
        for name, phrase in zip(names, chosen, strict=True)
    }
    mix = np.sum(list(tracks.values()), axis=0)
    # One scale for all, so that the mixture stays the sum of its tracks.
    scale = max(1.0, *(float(np.abs(audio).max()) for audio in (mix, *tracks.values())))
    for name, audio in tracks.items():
        _write_wav(folder / f"{name}.wav", audio / scale)
    _write_wav(folder / "mix.wav", mix / scale)  # last: it says that the others are whole


def _play(
    player: BankPlayer, instrument: BankInstrument, phrase: Phrase, rng: np.random.Generator
) -> NDArray[np.float32]:
    pitches = [pitch for pitch, _ in instrument.notes]
    return player.play(transpose(phrase.notes, min(pitches), max(pitches), rng), PHRASE_S)


def _write_wav(file: Path, audio: NDArray[np.float32]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part.wav")
    write_audio(part, audio / max(1.0, float(np.abs(audio).max())), SAMPLE_RATE_HZ, "PCM_16")
    part.replace(file)


@lru_cache(maxsize=2)
def _bank(folder: Path) -> NoteBank:
    return NoteBank(folder)


@lru_cache(maxsize=2)
def _segments(
    scores: tuple[tuple[str, tuple[str, str]], ...] | None, split: Split, min_tracks: int, /
) -> tuple[tuple[Phrase, ...], ...]:
    sources = None if scores is None else dict(scores)
    found = tuple(
        islice((row for score in iter_scores(split, sources) for row in segments(score, min_tracks)), MOST_SEGMENTS)
    )
    if not found:
        where = ", ".join(folder for folder, _ in (sources or SCORE_SOURCES).values())
        raise InputError(where, f"holds no {split} score with {min_tracks} tracks that play together", "add MIDI files")
    return found


def _write_card(plan: NlakhPlan) -> None:
    """Say what the data set holds; the hashes are of all audio of a split, in the order of names."""
    splits = {}
    for split in plan.banks:
        files = sorted((plan.root / split).rglob("*.wav"))
        digest = hashlib.sha256()
        for file in files:
            digest.update(file.read_bytes())
        clips = [file for file in files if plan.kind == "nlakh-single" or file.name == "mix.wav"]
        splits[split] = {
            "clips": len(clips),
            "instruments": len(_bank(plan.banks[split]).instruments),
            "hours": round(len(clips) * PHRASE_S / 3600, 3),
            "sha256": digest.hexdigest(),
        }
    card = {"kind": plan.kind, "seed": plan.seed, "licences": list(plan.licences), "splits": splits}
    (plan.root / "card.json").write_text(json.dumps(card, indent=1))
