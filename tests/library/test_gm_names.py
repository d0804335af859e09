"""Check the General MIDI table against a few programs that everybody knows."""

from __future__ import annotations

import pytest

from library.errors import InputError
from library.gm import GM_NAMES, gm_family, gm_name
from library.sources.families import guess


def test_there_are_128_different_names() -> None:
    assert len(GM_NAMES) == len(set(GM_NAMES)) == 128


@pytest.mark.parametrize(
    ("program", "name", "family"),
    [
        (0, "Acoustic Grand Piano", "keyboard"),
        (12, "Marimba", "mallet"),
        (19, "Church Organ", "organ"),
        (33, "Electric Bass (finger)", "bass"),
        (40, "Violin", "string"),
        (47, "Timpani", "percussive"),
        (52, "Choir Aahs", "vocal"),
        (56, "Trumpet", "brass"),
        (71, "Clarinet", "reed"),
        (73, "Flute", "flute"),
        (80, "Lead 1 (square)", "synth_lead"),
        (104, "Sitar", "ethnic"),
        (127, "Gunshot", "effects"),
    ],
)
def test_programs_have_their_standard_names(program: int, name: str, family: str) -> None:
    assert (gm_name(program), gm_family(program)) == (name, family)


@pytest.mark.parametrize("program", [-1, 128])
def test_other_programs_are_refused(program: int) -> None:
    with pytest.raises(InputError, match=r"0\.\.127"):
        gm_name(program)
    with pytest.raises(InputError):
        gm_family(program)


def test_each_name_suggests_a_register() -> None:
    assert guess(gm_name(32)).pitch < guess(gm_name(40)).pitch < guess(gm_name(72)).pitch
    unknown = [name for name in GM_NAMES if not guess(name).family]
    assert len(unknown) <= 2, unknown
