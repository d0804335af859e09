"""Check that a compressed SoundFont is measured before it is decoded."""

from __future__ import annotations

from pathlib import Path

import pytest

from library.errors import InputError
from library.synths.sf3 import check_size
from tests.library.hostile import HOSTILE
from tests.library.sound_files import write_soundfont


def test_a_font_that_would_not_fit_in_memory_is_refused(tmp_path: Path) -> None:
    HOSTILE["bomb.sf3"](tmp_path / "bomb.sf3")
    with pytest.raises(InputError, match="when it is decoded"):
        check_size(tmp_path / "bomb.sf3")


def test_an_uncompressed_font_passes(tmp_path: Path) -> None:
    check_size(write_soundfont(tmp_path / "a.sf2", {(0, 0): "Piano"}))
