from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from library.audio import write_audio
from library.data.instruments import Instrument
from library.data.notebank import nsynth_metadata
from library.data.render import instrument_str
from library.errors import InputError
from library.evaluation.evaluate import evaluate
from library.evaluation.systems import ChanceSystem, OurSystem, PaperSystem, SingleOnMixture, System
from tests.fakes import SpectrumEncoder

Sound = NDArray[np.float32]

RATE = 16_000


FAMILIES = ("bass", "mallet", "synth_lead")


def band(number: int, windows: int) -> Sound:
    """Noise in a band of its own for each instrument."""
    rng = np.random.default_rng(number)
    spectrum = np.fft.rfft(rng.standard_normal((windows, 5 * RATE)), axis=-1)
    hz = np.fft.rfftfreq(5 * RATE, 1 / RATE)
    low = 80 * 1.4**number
    spectrum[:, (hz < low) | (hz > 1.3 * low)] = 0
    audio = np.fft.irfft(spectrum, axis=-1)
    scaled: Sound = (0.5 * audio / np.abs(audio).max()).astype(np.float32)
    return scaled


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Twelve unseen instruments that are bands of noise, 30 phrases and a note each, and some percussion."""
    for folder in ("phrases/test", "bank/test/audio", "drums"):
        (tmp_path / folder).mkdir(parents=True)
    rows, notes = [], {}
    for number in range(12):
        family = FAMILIES[number % 3]
        row = Instrument(f"t:{number}", "T", "soundfont", "", 0, number, family, 40, 60, False)
        rows.append(row.to_json())
        write_audio(tmp_path / "phrases" / "test" / f"t-{number}.flac", band(number, 30).ravel(), RATE)
        note = nsynth_metadata(instrument_str(row), family, number, 60, 110)
        notes[str(note["note_str"])] = note
        write_audio(tmp_path / "bank" / "test" / "audio" / f"{note['note_str']}.wav", band(number, 1)[0], RATE)
    (tmp_path / "bank" / "test" / "examples.json").write_text(json.dumps(notes))
    hits = np.random.default_rng(0).standard_normal((3, 5 * RATE)) * 0.1
    write_audio(tmp_path / "drums" / "test.flac", hits.astype(np.float32).ravel(), RATE)
    (tmp_path / "split.json").write_text(json.dumps({"train": [], "valid": [], "test": rows}))
    return tmp_path


def test_an_encoder_that_hears_scores_above_chance_in_every_protocol(data: Path) -> None:
    encoder = SpectrumEncoder()
    systems: list[System] = [ChanceSystem(), OurSystem(encoder), SingleOnMixture(encoder)]
    results = evaluate(data, systems, lambda _: None, mixtures=60)
    assert list(results) == ["chance", "timbrel", "timbrel single on the mixture"]
    chance, ours = results["chance"], results["timbrel"]
    assert chance["eer"] == pytest.approx(0.5, abs=0.1)
    assert ours["eer"] < 0.05
    assert ours["eer_low"] <= ours["eer"] <= ours["eer_high"]
    assert ours["map_low"] < ours["map_macro"] < ours["map_high"]
    for key in ("top1", "top1_enrol5", "note_to_phrase", "phrase_to_note", "alone_single_top1"):
        assert ours[key] > 0.9
        assert chance[key] < 0.4
    for key in ("map_macro", "cir_top1"):
        assert ours[key] > chance[key] + 0.1
    for name in ("clean", "soft", "reverb", "mp3", "drums", "2_3", "4_6", "7_9"):
        assert 0.0 < ours[f"f1_{name}"] < 1.0
    assert chance["open_top1"] < 0.4
    assert ours["open_top1"] >= ours["open_one_clip_top1"] > chance["open_top1"]


def test_the_same_mixtures_are_drawn_each_time(data: Path) -> None:
    first, second = (evaluate(data, [OurSystem(SpectrumEncoder())], lambda _: None, mixtures=20) for _ in range(2))
    assert first == second


def test_a_folder_without_instruments_says_what_to_render(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="timbrel data render"):
        evaluate(tmp_path, [], lambda _: None)


def test_a_missing_paper_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--network paper"):
        PaperSystem(tmp_path, tmp_path)
