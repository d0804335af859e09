from __future__ import annotations

from pathlib import Path

from bridge.bench.song import bench_song
from tests.fakes import SpectrumEncoder
from tests.library.test_evaluate import data

__all__ = ["data"]


def test_songs_are_heard_window_by_window_and_followed(data: Path) -> None:
    scores = bench_song(data, SpectrumEncoder(slots=4), songs=5, progress=lambda _: None)
    assert 0.0 <= scores.window_f1 <= 1.0
    assert scores.tracked_f1 > 0.1  # twelve bands of noise, four at a time
    assert 0.5 < scores.steady <= 1.0
    assert scores.named > 0
