"""Check that the bench of libraries measures what it says, on sizes that take no time."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bridge.bench.library import bench_size, clustered_vectors
from bridge.cli.app import run_cli


def test_every_way_of_searching_is_measured_with_its_recall() -> None:
    result = bench_size(500, lambda text: None)
    names = [row.name for row in result.rows]
    assert names[:2] == ["timbrel (exact)", "exact numpy"]
    assert [row.recall for row in result.rows[:2]] == pytest.approx([1.0, 1.0], abs=0.001)
    assert all(row.p99_ms >= row.p50_ms > 0 for row in result.rows)
    assert ("hnswlib" in names) != bool(result.missing)


def test_vectors_are_unit_and_the_same_each_time() -> None:
    vectors = clustered_vectors(300, 16)
    assert np.linalg.norm(vectors.astype(np.float32), axis=1) == pytest.approx(np.ones(300), abs=2e-3)
    assert np.array_equal(vectors, clustered_vectors(300, 16))


def test_the_command_prints_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["bench", "library", "--sizes", "200,300", "--no-embed", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [size["vectors"] for size in found["sizes"]] == [200, 300]


def test_a_wrong_size_is_wrong_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["bench", "library", "--sizes", "10000,many", "--no-embed"]) == 2
    assert "--sizes 10000,many" in capsys.readouterr().err
