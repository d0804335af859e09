"""Check that a split whose sources are not installed is refused before anything of it is rendered or forgotten."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from library.data.instruments import FONTS, Instrument
from library.data.packages import check_installed
from library.data.render import render_all
from library.errors import InputError

PIANO = Instrument("fluidr3:000:000", "Piano", "soundfont", "", 0, 0, "keyboard", 36, 84, for_training=True)


def refuse_progress(what: str, done: int, total: int) -> None:
    pytest.fail(f"{what} {done} of {total}")


@pytest.mark.parametrize("file", [file for file, _ in FONTS.values()])
def test_names_the_package_of_each_soundfont(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "exists", lambda _: False)
    with pytest.raises(
        InputError, match=r"1 of its instruments .* apt-get install --no-install-recommends [a-z]"
    ) as caught:
        check_installed([replace(PIANO, file=file)])
    assert file not in caught.value.next_step


def test_counts_each_instrument_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "exists", lambda _: False)
    rows = [
        replace(PIANO, id="zyn:Brass:001", engine="zyn"),
        replace(PIANO, id="amsynth:x:1", engine="amsynth", file="/x"),
    ]
    with pytest.raises(InputError, match=r"2 of its .* amsynth zynaddsubfx-data zynaddsubfx-dssi$"):
        check_installed(rows)


def test_a_split_without_its_sources_stays_as_it_is(tmp_path: Path) -> None:
    rows = {"train": [replace(PIANO, file=str(tmp_path / "FluidR3_GM.sf2")).to_json()], "valid": [], "test": []}
    (tmp_path / "split.json").write_text(json.dumps(rows))
    with pytest.raises(InputError, match="fluid-soundfont-gm"):
        render_all(tmp_path, 1, refuse_progress)
    assert json.loads((tmp_path / "split.json").read_text()) == rows
    assert [path.name for path in tmp_path.iterdir()] == ["split.json"]
