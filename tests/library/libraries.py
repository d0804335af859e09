"""Build small libraries for tests, and encoders that say what they were asked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from library.build import build_library
from library.catalog import Catalog
from library.encoders.spec import EncoderSpec
from library.front_end import TIMBREL_FEATURES
from library.manifest import SourceEntry
from library.publish import publish
from library.sounds import Sound
from tests.fakes import SpectrumEncoder
from tests.library.sound_files import write_tone

__all__ = ["CountingEncoder", "build_tones", "clustered", "make_library", "sound"]


class CountingEncoder(SpectrumEncoder):
    """Count the clips that it embeds."""

    clips = 0

    def embed(self, audio: NDArray[np.float32]) -> NDArray[np.float32]:
        self.clips += len(audio)
        return super().embed(audio)


def sound(sound_id: str, kind: str = "sample") -> Sound:
    """Return a sound that lies nowhere."""
    return Sound(sound_id, sound_id, kind, f"/nowhere/{sound_id}", None, "", "s", "")


def clustered(sounds: int, parts: int, dim: int, seed: int = 5) -> NDArray[np.float16]:
    """Return vectors[sounds, parts, dim] whose parts lie close together, sounds in clusters."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(max(1, sounds // 20), dim))
    own = centres[rng.integers(len(centres), size=sounds)] + 0.5 * rng.normal(size=(sounds, dim))
    vectors = own[:, None] + 0.1 * rng.normal(size=(sounds, parts, dim))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True), np.float16)


def make_library(lib_dir: Path, vectors: Sequence[NDArray[np.float16]], fingerprint: str = "f" * 64) -> Path:
    """Publish a library of sounds s00000, s00001 ... with these vectors[n, D]; n = 0 makes a drum kit."""
    lib_dir.mkdir(parents=True, exist_ok=True)
    source = SourceEntry("s", "/nowhere", "folder")
    spec = EncoderSpec("made", vectors[0].shape[1], 3, TIMBREL_FEATURES, 5.0, 0.5, fingerprint)
    with Catalog(lib_dir) as catalog:
        catalog.begin(fingerprint, [source], [])
        for number, rows in enumerate(vectors):
            catalog.add_sound(sound(f"s{number:05d}", "sample" if len(rows) else "drumkit"), "/nowhere", rows)
        publish(lib_dir, catalog, spec, [source])
    return lib_dir


def build_tones(tmp_path: Path, count: int) -> Path:
    """Write tones into tmp_path/src, build tmp_path/lib of them, and return the source."""
    for number in range(count):
        write_tone(tmp_path / "src" / f"tone {number:02d}.wav", 100.0 + 37 * number, 0.3, 1 + number % 4)
    build_library([tmp_path / "src"], tmp_path / "lib", SpectrumEncoder())
    return tmp_path / "src"
