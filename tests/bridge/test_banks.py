from __future__ import annotations

import pytest

from bridge.banks import BANK_STYLES, BankStyle, styled
from library.sounds import DRUM_CHANNEL, MidiProgram

CASES: list[tuple[BankStyle, int | None, int | None]] = [("gs", 8, 0), ("gm", None, None), ("xg", 0, 8), ("mma", 0, 8)]


@pytest.mark.parametrize(("style", "msb", "lsb"), CASES)
def test_a_bank_is_written_in_the_bytes_that_a_style_reads(style: BankStyle, msb: int | None, lsb: int | None) -> None:
    assert styled(MidiProgram(2, 8, 0, 40), style) == MidiProgram(2, msb, lsb, 40)


@pytest.mark.parametrize("style", BANK_STYLES)
def test_what_names_no_bank_gets_none_but_xg_drums(style: BankStyle) -> None:
    assert styled(MidiProgram(2, None, None, 40), style) == MidiProgram(2, None, None, 40)
    drums = styled(MidiProgram(DRUM_CHANNEL, None, None, 1), style)
    assert (drums.bank_msb, drums.bank_lsb) == ((127, 0) if style == "xg" else (None, None))


def test_a_bank_in_both_bytes_is_left_as_its_maker_wrote_it() -> None:
    for style in ("gs", "xg", "mma"):
        assert styled(MidiProgram(0, 81, 3, 40), style) == MidiProgram(0, 81, 3, 40)
