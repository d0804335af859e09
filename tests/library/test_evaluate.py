from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from library.audio import write_audio
from library.data.instruments import Instrument
from library.errors import InputError
from library.evaluation.evaluate import evaluate
from library.evaluation.systems import ChanceSystem, OurSystem, PaperSystem, SingleOnMixture, System
from tests.fakes import SpectrumEncoder

RATE = 16_000


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Twelve unseen instruments that are bands of noise, 30 phrases each."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "phrases" / "test"
    folder.mkdir(parents=True)
    rows = []
    for number in range(12):
        rows.append(Instrument(f"t:{number}", "T", "soundfont", "", 0, number, "bass", 40, 60, False).to_json())
        spectrum = np.fft.rfft(rng.standard_normal((30, 5 * RATE)), axis=-1)
        hz = np.fft.rfftfreq(5 * RATE, 1 / RATE)
        low = 80 * 1.4**number
        spectrum[:, (hz < low) | (hz > 1.3 * low)] = 0
        audio = np.fft.irfft(spectrum, axis=-1)
        write_audio(folder / f"t-{number}.flac", (0.5 * audio / np.abs(audio).max()).astype(np.float32).ravel(), RATE)
    (tmp_path / "split.json").write_text(json.dumps({"train": [], "valid": [], "test": rows}))
    return tmp_path


def test_an_encoder_that_hears_scores_above_chance(data: Path) -> None:
    encoder = SpectrumEncoder()
    systems: list[System] = [ChanceSystem(), OurSystem(encoder), SingleOnMixture(encoder)]
    results = evaluate(data, systems, lambda _: None, mixtures=60)
    assert list(results) == ["chance", "timbrel", "timbrel single on the mixture"]
    assert results["chance"]["eer"] == pytest.approx(0.5, abs=0.1)
    assert results["timbrel"]["eer"] < 0.05
    assert results["timbrel"]["top1"] > 0.9
    assert results["timbrel"]["map_macro"] > results["chance"]["map_macro"] + 0.1
    keys = {
        "f1_macro",
        "f1_weighted",
        "map_macro",
        "map_weighted",
        "map_presence",
        "count_error",
        "three_top1",
        "three_top5",
    }
    assert keys | {"eer", "top1", "top1_enrol5", "top1_noise_40dB", "top1_noise_20dB"} == set(results["timbrel"])


def test_the_same_mixtures_are_drawn_each_time(data: Path) -> None:
    first, second = (evaluate(data, [OurSystem(SpectrumEncoder())], lambda _: None, mixtures=20) for _ in range(2))
    assert first == second


def test_a_folder_without_instruments_says_what_to_render(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="timbrel data render"):
        evaluate(tmp_path, [], lambda _: None)


def test_a_missing_paper_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--network paper"):
        PaperSystem(tmp_path, tmp_path)
