"""Let training presets of one family play the same phrases: what lies between two of them, no maker has made yet.

Few makers of each kind are free to train on. Where two play the same notes, what each band does can be taken from
either or from between them (library.data.makers.between): as many more makers as there are pairs.

DATA/unison.json, DATA/unison/, DATA/clips-unison.*: see library.data.more_clips
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from library.data.clips import PHRASE, ClipStore
from library.data.instruments import Instrument
from library.data.known import family_of, open_known
from library.data.more_clips import exist, file_of, gather, keep, open_clips
from library.data.render import load_split, phrase_pool, renderer, transpose
from library.data.scores import PHRASE_S
from library.data.workers import run_jobs
from library.synths.notes import Note

__all__ = ["NAME", "PHRASES", "build_unison", "open_unison"]

NAME = "unison"

PHRASES = 12
"""The same ones for each family, in its range: what is played does not tell which family plays."""

PATCHES_PER_FAMILY = 20
"""Most patches of synthesisers of a family."""

MIN_PEAK = 1e-3


def build_unison(data: Path, workers: int, progress: Callable[[str, int, int], None], seed: int = 0) -> None:
    """Render and keep the clips; what is there already is kept.

    Args:
        data: Folder that library.data.render and library.data.known have filled.
        workers: Processes.
        progress: Told what is worked through, how many are done, and of how many.
        seed: Seed of what is played.
    """
    if exist(data, NAME):
        return
    known = open_known(data)
    rows = [*load_split(data)["train"], *(() if known is None else known.instruments)]
    families = _families(rows)
    (data / NAME).mkdir(exist_ok=True)
    jobs = [
        (data, row, low, high, seed)
        for presets in families.values()
        for low, high in [_range(presets)]
        for row in presets
    ]
    for done, _ in enumerate(run_jobs(_render, jobs, workers)):
        progress("rendering presets in unison", done + 1, len(jobs))
    gather(data, NAME, [row for _, row, *_ in jobs if file_of(data, NAME, row).exists()])


def open_unison(data: Path) -> ClipStore | None:
    """Map the clips; None where there are none. A clip's part is the number of its phrase."""
    return open_clips(data, NAME)


def _families(rows: Sequence[Instrument]) -> dict[str, list[Instrument]]:
    """Return the presets of each family that has two or more: of SoundFonts all, of patches some."""
    found: defaultdict[str, list[Instrument]] = defaultdict(list)
    patches = Counter[str]()
    for number in np.random.default_rng(0).permutation(len(rows)).tolist():
        row = rows[number]
        family = family_of(row)
        patches[family] += row.engine != "soundfont"
        if family and (row.engine == "soundfont" or patches[family] <= PATCHES_PER_FAMILY):
            found[family].append(row)
    return {family: sorted(presets, key=lambda row: row.id) for family, presets in found.items() if len(presets) > 1}


def _range(presets: Sequence[Instrument]) -> tuple[int, int]:
    """Return the lowest and highest pitch of most presets of a family."""
    return round(np.median([row.low for row in presets])), round(np.median([row.high for row in presets]))


def _scores(low: int, high: int, seed: int) -> list[list[Note]]:
    pool = phrase_pool("train", False)
    rng = np.random.default_rng([seed, 4])
    picked = [pool[int(i)].notes for i in rng.integers(len(pool), size=PHRASES)]
    return [transpose(notes, low, high, rng) for notes in picked]


def _render(job: tuple[Path, Instrument, int, int, int]) -> None:
    """Render one preset's clips, if they are not there."""
    data, preset, low, high, seed = job
    file = file_of(data, NAME, preset)
    if file.exists():
        return
    scores = _scores(low, high, seed)
    audio = np.stack([renderer().render(preset, notes, PHRASE_S) for notes in scores])
    heard = np.flatnonzero(np.abs(audio).max(axis=1) > MIN_PEAK)
    if len(heard):
        keep(file, audio[heard], [scores[n] for n in heard], np.full(len(heard), PHRASE), heard)
