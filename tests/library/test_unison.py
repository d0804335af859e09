"""Check presets that play the same phrases, and what is drawn between them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from library.data.clips import PHRASE, ClipStore
from library.data.instruments import FONTS, Instrument
from library.data.makers import between
from library.data.mixing import MixConfig, Mixer
from library.data.scores import Phrase
from library.data.unison import PHRASES, build_unison, open_unison
from library.synths.notes import Note
from library.training.config import TrainConfig
from library.training.kind_pairs import KindPairs
from library.training.kind_task import KindTask
from library.training.kinds import KINDS, NO_KIND, KindLabels
from tests.library.clips import small_store

FONT = Path(FONTS["fluidr3"][0])
PIANO = Instrument("fluidr3:000:000", "Piano", "soundfont", str(FONT), 0, 0, "keyboard", 36, 84, for_training=True)
BRIGHT = replace(PIANO, id="fluidr3:000:001", name="Bright Piano", program=1, high=96)
VIOLIN = replace(PIANO, id="fluidr3:000:040", name="Violin", program=40, family="string", low=55)
NAMELESS = replace(PIANO, id="amsynth:x:000", name="Nameless", engine="amsynth", file="/nothing")


def together(*presets: Instrument, missing: int = -1) -> ClipStore:
    """Let presets play the same phrases, all but one clip."""
    store = small_store(len(presets), PHRASES)
    rows = np.flatnonzero((store.label >= 0) & (np.arange(len(store.label)) != missing))
    return replace(
        store,
        amplitude=store.amplitude[rows],
        notes=store.notes[rows],
        label=store.label[rows],
        kind=np.full(len(rows), PHRASE),
        part=rows % PHRASES,
        instruments=presets,
    )


@pytest.mark.skipif(not FONT.exists(), reason="needs fluid-soundfont-gm")
def test_presets_of_a_family_play_the_same_notes_and_a_stopped_rendering_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = {"train": [row.to_json() for row in (PIANO, BRIGHT, VIOLIN, NAMELESS)], "valid": [], "test": []}
    (tmp_path / "split.json").write_text(json.dumps(rows))
    pool = tuple(
        Phrase("0", 0.0, 0, is_drums=False, notes=tuple(Note(i * 0.5, 0.4, 60 + (i + n) % 12, 100) for i in range(10)))
        for n in range(20)
    )
    monkeypatch.setattr("library.data.unison.phrase_pool", lambda *_: pool)
    assert open_unison(tmp_path) is None

    def stop(*_: object) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        build_unison(tmp_path, 1, stop)
    first = next((tmp_path / "unison").glob("*.npz"))
    when = first.stat().st_mtime_ns
    build_unison(tmp_path, 1, lambda *_: None)
    assert first.stat().st_mtime_ns == when
    store = open_unison(tmp_path)
    assert store is not None
    assert [row.id for row in store.instruments] == [PIANO.id, BRIGHT.id]  # the others have none to play with
    assert store.part.tolist() == [*range(PHRASES)] * 2
    assert np.array_equal(store.notes[:PHRASES], store.notes[PHRASES:])
    assert not np.array_equal(store.amplitude[:PHRASES], store.amplitude[PHRASES:])


def test_what_lies_between_two_clips_is_nowhere_beyond_both() -> None:
    one, other = (torch.rand(16, 180, 60, generator=torch.Generator().manual_seed(seed)) + 0.1 for seed in (0, 1))
    found = between(one, other, np.random.default_rng(0))
    torch.testing.assert_close(found.mean(dim=(1, 2)), torch.ones(16))
    level = (found / torch.maximum(one, other)).amax(dim=(1, 2), keepdim=True)  # what normalising changed, at least
    assert (found / level <= torch.maximum(one, other) * 1.0001).all()
    assert (found[:, 1:] / found[:, :1] != one[:, 1:] / one[:, :1]).float().mean() > 0.9
    same = between(one, one.clone(), np.random.default_rng(0))
    torch.testing.assert_close(same, one / one.mean(dim=(1, 2), keepdim=True))


def test_a_clip_and_its_partner_are_turned_alike() -> None:
    store = together(PIANO, BRIGHT)
    rows = np.arange(6)
    quiet = MixConfig(noise=0.0, effects=0.0, level_db=0.0)
    same = Mixer(store, quiet, 3).between(rows, rows, changed=0.0)
    rolled = [torch.stack([same.roll(k, dims=-1)[n] for n in range(6)]) for k in range(0, same.shape[-1], 4)]
    plain = Mixer(store, quiet, 4).between(rows, rows, changed=0.0)
    nearest = torch.stack([(turn - plain).abs().amax(dim=(1, 2, 3)) for turn in rolled]).amin(dim=0)
    assert nearest.max() < 0.05  # a clip between itself and itself is the clip, turned in time


def test_pairs_are_of_one_family_and_of_a_program_only_where_both_are() -> None:
    presets = (PIANO, replace(PIANO, id="other"), BRIGHT, VIOLIN, replace(VIOLIN, id="cello", program=42))
    labels = KindLabels.read([PIANO, BRIGHT, VIOLIN])
    pairs = KindPairs(together(*presets, missing=2), labels.known, np.random.default_rng(0))
    features, kinds = pairs.draw(200)
    assert features.shape[:3] == (200, 1, 180)
    families = [labels.known["families"][n] for n in kinds["families"].tolist()]
    assert 70 < families.count("string") < 130
    programs = kinds["programs"]
    assert set(programs.tolist()) == {NO_KIND, labels.known["programs"].index("Acoustic Grand Piano")}
    assert not (programs != NO_KIND)[[family == "string" for family in families]].any()


def test_kinds_are_learnt_from_what_lies_between_too() -> None:
    presets = tuple(replace(PIANO, id=str(n), program=8 * n) for n in range(4))
    store = replace(small_store(4, 9), instruments=presets)
    unison = together(*presets, *(replace(row, id=f"{row.id} again") for row in presets))
    task = KindTask(store, store, TrainConfig(batch=10), unison=unison)
    drawn: list[int] = []
    task.network.register_forward_hook(lambda _, given, __: drawn.append(len(given[0])))
    loss, parts = task.loss(0.0)
    assert loss.requires_grad
    assert drawn == [10]
    assert set(KINDS) < set(parts)
