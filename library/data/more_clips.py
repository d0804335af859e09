"""Keep clips of more presets than those of a split, in files of their own.

DATA/NAME.json       the presets
DATA/NAME/ID.npz     their clips, while they are rendered
DATA/clips-NAME.*    as library.data.clips writes them for a split
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from library.data.clips import CELLS, FRAMES, ROWS, ClipStore, amplitude_of, note_cells
from library.data.instruments import Instrument
from library.data.select import Probe
from library.front_end import TIMBREL_FEATURES
from library.synths.notes import Note

__all__ = ["exist", "file_of", "gather", "keep", "open_clips", "probe_in"]


def exist(data: Path, name: str) -> bool:
    """Tell whether gather() has written the clips of that name."""
    return _meta(data, name).exists()


def file_of(data: Path, name: str, preset: Instrument) -> Path:
    """Return the file that holds a preset's clips until they are gathered."""
    return data / name / f"{preset.id.replace(':', '-')}.npz"


def keep(
    file: Path,
    audio: NDArray[np.float32],
    scores: Sequence[Sequence[Note]],
    kind: NDArray[np.int64],
    part: NDArray[np.int64] | None = None,
    probe: Probe | None = None,
) -> None:
    """Write a preset's clips.

    Args:
        file: Where.
        audio: [N, T] at 16 kHz.
        scores: What each plays.
        kind: [N] as in ClipStore.
        part: [N] as in ClipStore; None for none.
        probe: What was measured of the preset, if it is asked for again.
    """
    fresh = file.with_suffix(".part.npz")
    np.savez(
        fresh,
        amplitude=amplitude_of(audio, TIMBREL_FEATURES),
        notes=np.stack([note_cells(played) for played in scores]),
        kind=kind,
        part=np.full(len(kind), -1) if part is None else part,
        picture=np.zeros(0) if probe is None else probe.picture,
        measured=np.zeros(0) if probe is None else np.array([probe.level_db, probe.tonality, probe.sustain]),
    )
    fresh.replace(file)


def probe_in(file: Path) -> Probe:
    """Return what was measured of a preset when its clips were kept."""
    with np.load(file) as kept:
        return Probe(kept["picture"], *(float(value) for value in kept["measured"]))


def gather(data: Path, name: str, presets: Sequence[Instrument]) -> None:
    """Write the clips of presets one after the other."""
    meta: dict[str, list[int]] = {"label": [], "kind": [], "part": []}
    with _amplitude(data, name).open("wb") as amplitude, _notes(data, name).open("wb") as notes:
        for number, preset in enumerate(presets):
            with np.load(file_of(data, name, preset)) as clips:
                amplitude.write(clips["amplitude"].tobytes())
                notes.write(clips["notes"].tobytes())
                meta["label"] += [number] * len(clips["kind"])
                meta["kind"] += clips["kind"].tolist()
                meta["part"] += clips["part"].tolist()
    (data / f"{name}.json").write_text(json.dumps([preset.to_json() for preset in presets], indent=1))
    _meta(data, name).write_text(json.dumps(meta))


def open_clips(data: Path, name: str) -> ClipStore | None:
    """Map the clips of that name; None where there are none."""
    if not exist(data, name):
        return None
    meta = json.loads(_meta(data, name).read_text())
    kind = np.array(meta["kind"], np.int64)
    presets = tuple(Instrument(**row) for row in json.loads((data / f"{name}.json").read_text()))
    return ClipStore(
        np.memmap(_amplitude(data, name), np.float16, "r").reshape(len(kind), TIMBREL_FEATURES.bands, FRAMES),
        np.memmap(_notes(data, name), np.uint8, "r").reshape(len(kind), ROWS, CELLS),
        np.array(meta["label"], np.int64),
        kind,
        np.array(meta["part"], np.int64),
        presets,
        TIMBREL_FEATURES,
    )


def _meta(data: Path, name: str) -> Path:
    return data / f"clips-{name}.json"


def _amplitude(data: Path, name: str) -> Path:
    return data / f"clips-{name}-{TIMBREL_FEATURES.scale}.f16"


def _notes(data: Path, name: str) -> Path:
    return data / f"clips-{name}-notes.u8"
