"""Check the clips of presets of known kinds: which ones are kept, that a stopped rendering goes on, what they say."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from library.data.clips import ONE_SHOT, ONE_SHOT_CLIPS, PHRASE
from library.data.instruments import FONTS, Instrument
from library.data.known import PHRASES, build_known, family_of, open_known
from library.data.scores import Phrase
from library.synths.amsynth import PLUGIN
from library.synths.notes import Note

FONT = Path(FONTS["fluidr3"][0])
PIANO = Instrument("fluidr3:000:000", "Piano", "soundfont", str(FONT), 0, 0, "keyboard", 36, 84, for_training=True)
VIOLIN = replace(PIANO, id="fluidr3:000:040", name="Violin", program=40, family="string", low=55)
FLUTE = replace(PIANO, id="fluidr3:000:073", name="Flute", program=73, family="flute", low=60, high=90)
PATCH = replace(PIANO, id="amsynth:x:000", name="Nameless", engine="amsynth", file="/nothing")

pytestmark = pytest.mark.skipif(not FONT.exists(), reason="needs fluid-soundfont-gm")


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    unseen = replace(FLUTE, id="other:000:073", for_training=False)
    rows = {"train": [PIANO.to_json()], "valid": [unseen.to_json()], "test": []}
    (tmp_path / "split.json").write_text(json.dumps(rows))
    candidates = [PIANO, VIOLIN, FLUTE, PATCH, replace(VIOLIN, id="other:000:040", for_training=False)]
    notes = tuple(Note(i * 0.5, 0.4, 60 + i, 100) for i in range(10))
    monkeypatch.setattr("library.data.known.list_candidates", lambda: iter(candidates))
    monkeypatch.setattr(
        "library.data.known.phrase_pool", lambda *_: (Phrase("0", 0.0, 0, is_drums=False, notes=notes),)
    )
    return tmp_path


def test_a_kind_is_told_by_a_number_or_a_name() -> None:
    assert [family_of(row) for row in (PIANO, VIOLIN, PATCH)] == ["keyboard", "string", ""]
    assert family_of(replace(PATCH, name="Warm Strings")) == "string"


def test_keeps_what_no_side_of_the_split_has_and_nothing_like_an_unseen_one(data: Path) -> None:
    assert open_known(data) is None
    build_known(data, 1, lambda *_: None)
    store = open_known(data)
    assert store is not None
    assert [row.id for row in store.instruments] == [VIOLIN.id]
    assert np.bincount(store.kind).tolist() == np.bincount([PHRASE] * PHRASES + [ONE_SHOT] * ONE_SHOT_CLIPS).tolist()
    assert store.label.tolist() == [0] * len(store.kind)
    assert np.square(store.amplitude.astype(np.float32)).mean(axis=(1, 2)) == pytest.approx(1.0, abs=0.05)
    assert store.notes[store.kind == PHRASE].any(axis=(1, 2)).all()


def test_a_rendering_that_was_stopped_goes_on(data: Path) -> None:
    def stop(what: str, done: int, total: int) -> None:
        if what == "rendering presets of known kinds":
            raise InterruptedError

    with pytest.raises(InterruptedError):
        build_known(data, 1, stop)
    first = next((data / "known").glob("*.npz"))
    when = first.stat().st_mtime_ns
    build_known(data, 1, lambda *_: None)
    assert first.stat().st_mtime_ns == when
    assert open_known(data) is not None


@pytest.mark.skipif(not PLUGIN.exists(), reason="needs amsynth")
def test_what_cannot_be_rendered_is_left_out(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = replace(PATCH, name="Brass that has no file")
    monkeypatch.setattr("library.data.known.list_candidates", lambda: iter([VIOLIN, broken]))
    build_known(data, 1, lambda *_: None)
    store = open_known(data)
    assert store is not None
    assert [row.id for row in store.instruments] == [VIOLIN.id]
