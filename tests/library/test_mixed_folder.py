"""Check a library of a few thousand files in all formats, with what else lies in such folders."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from library.build import build_library
from library.index import SoundIndex
from library.verify import verify_library
from tests.library.libraries import CountingEncoder
from tests.library.mixed_folder import write_mixed_folder

FILES = 2_000


@pytest.mark.slow
def test_a_few_thousand_mixed_files_are_all_accounted_for(tmp_path: Path) -> None:
    src, lib = tmp_path / "Samples", tmp_path / "lib"
    made = write_mixed_folder(src, FILES)
    assert len(made.sounds) > FILES * 0.95
    encoder = CountingEncoder()
    report = build_library([src], lib, encoder)
    index = SoundIndex.open(lib, encoder.spec.fingerprint)
    assert tuple(sorted(sound.path for sound in index.sounds)) == made.sounds
    assert tuple(sorted(error.path for error in report.errors)) == made.broken
    assert {error.kind for error in report.errors} == {"empty", "not audio that can be read"}
    assert verify_library(lib) == ()

    # One of two files with the same audio is offered, not both.
    where = {sound.path: number for number, sound in enumerate(index.sounds)}
    for first, second in made.copies[:40]:
        row = int(index.generation.base.first_row[where[second]])
        vector = index.vectors[row : row + 1].astype(np.float32)
        offered = {match.sound.path for match in index.query(vector, 5)[0]}
        assert len(offered & {first, second}) == 1

    # A pack that is moved and one that is deleted cost no decoding.
    (src / "Pack 03").rename(src / "Pack 03 moved")
    shutil.rmtree(src / "Pack 04")
    again = CountingEncoder()
    report = build_library([src], lib, again)
    assert again.clips == 0
    assert report.manifest.sounds == sum("Pack 04" not in path for path in made.sounds)
