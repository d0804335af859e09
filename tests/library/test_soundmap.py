"""Check that the map of a library keeps what is alike together."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from library.errors import InputError
from library.index import SoundIndex
from library.soundmap import Method, SoundMap, map_sounds
from tests.library.libraries import clustered, make_library

CLUSTERS, EACH = 4, 12


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> SoundIndex:
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((CLUSTERS, 16))
    vectors = np.repeat(centres, EACH, axis=0) + 0.2 * rng.standard_normal((CLUSTERS * EACH, 16))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    folder = make_library(tmp_path_factory.mktemp("map") / "lib", list(vectors[:, None].astype(np.float16)))
    return SoundIndex.open(folder, None)


@pytest.mark.parametrize("method", ["pca", "umap"])
def test_what_is_alike_lies_together(index: SoundIndex, method: Method) -> None:
    found = map_sounds(index, method)
    assert found.method == method
    assert np.abs(found.points).max() <= 1.0
    assert _share_of_nearest_in_own_cluster(found) > 0.9


def test_the_same_library_gives_the_same_map(index: SoundIndex) -> None:
    assert np.array_equal(map_sounds(index, "umap").points, map_sounds(index, "umap").points)


def test_sounds_beyond_those_fitted_lie_with_their_like(index: SoundIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("library.soundmap.FITTED", 24)
    found = map_sounds(index, "umap")
    assert len(found.points) == CLUSTERS * EACH
    assert _share_of_nearest_in_own_cluster(found) > 0.9


def test_the_json_holds_columns_of_one_length(index: SoundIndex) -> None:
    columns = json.loads(json.dumps(map_sounds(index, "pca").to_json()))
    assert {len(columns[key]) for key in ("sound_id", "name", "kind", "family", "x", "y")} == {CLUSTERS * EACH}
    assert columns["families"] == ["unknown"]


def test_a_library_of_two_sounds_is_no_map(tmp_path: Path) -> None:
    folder = make_library(tmp_path / "lib", list(clustered(2, 1, 8)))
    with pytest.raises(InputError, match="2 sounds: are no map"):
        map_sounds(SoundIndex.open(folder, None))


def _share_of_nearest_in_own_cluster(found: SoundMap) -> float:
    distance = np.linalg.norm(found.points[:, None] - found.points[None], axis=-1) + 9.0 * np.eye(len(found.points))
    cluster = np.arange(len(found.sounds)) // EACH
    return float((cluster[distance.argmin(axis=1)] == cluster).mean())
