"""Lay a library out on a plane, so that sounds that are alike lie together."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from library.errors import InputError, MissingDependencyError
from library.index import SoundIndex
from library.sounds import Sound

__all__ = ["METHODS", "Method", "SoundMap", "map_sounds", "principal_plane"]

Method = Literal["auto", "pca", "umap"]
METHODS: tuple[Method, ...] = ("auto", "pca", "umap")

FEWEST = 3
"""Sounds that a plane needs."""

FITTED = 20_000
"""Sounds that UMAP lays out itself; of a larger library the others are put among those that they are nearest to."""

_NEIGHBOURS = 15
_NEAREST = 5
_SHARPNESS = 24.0
_CHUNK = 2048
_UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class SoundMap:
    """Hold the plane.

    Attributes:
        sounds: Those that have vectors; drum kits have none.
        points: [S, 2] float32, each axis from -1 to 1.
        method: How it was laid out.
        fingerprint: Of the encoder that made the vectors.
        generation: Of the library.
    """

    sounds: tuple[Sound, ...]
    points: NDArray[np.float32]
    method: Literal["pca", "umap"]
    fingerprint: str
    generation: int

    @property
    def families(self) -> tuple[str, ...]:
        """Return the family of each sound, "unknown" where nothing tells it."""
        return tuple(sound.family or _UNKNOWN for sound in self.sounds)

    def to_json(self) -> dict[str, Any]:  # Any: what JSON can hold
        """Return columns of one length; "family" holds numbers that count into "families"."""
        names = sorted(set(self.families))
        number = {name: i for i, name in enumerate(names)}
        return {
            "format": 1,
            "method": self.method,
            "encoder": self.fingerprint,
            "generation": self.generation,
            "families": names,
            "sound_id": [sound.id for sound in self.sounds],
            "name": [sound.name for sound in self.sounds],
            "kind": [sound.kind for sound in self.sounds],
            "family": [number[name] for name in self.families],
            "x": [round(float(x), 4) for x in self.points[:, 0]],
            "y": [round(float(y), 4) for y in self.points[:, 1]],
        }


def map_sounds(index: SoundIndex, method: Method = "auto") -> SoundMap:
    """Lay out the sounds of a library by the mean of their vectors.

    Args:
        index: The library.
        method: "pca": the two largest principal components, at once and always there; "umap": neighbourhoods kept
            (McInnes et al., arXiv 1802.03426), needs umap-learn; "auto": UMAP where it is installed.

    Raises:
        InputError: The library has too few sounds.
        MissingDependencyError: "umap" was asked for and is not installed.
    """
    sounds, vectors = _means(index)
    if len(sounds) < FEWEST:
        raise InputError(f"{len(sounds)} sounds", f"are no map: it needs {FEWEST}", "add sources to the library")
    umap = None if method == "pca" else _umap()
    if umap is None and method == "umap":
        raise MissingDependencyError("umap-learn", "is not installed", "pip install 'timbrel[map]', or --method pca")
    if umap is None:
        anchors, raw = vectors, principal_plane(vectors)
    else:
        anchors = vectors[np.linspace(0, len(vectors) - 1, min(FITTED, len(vectors))).astype(int)]
        raw = umap(anchors)
    places = _to_unit(raw)
    points = places if len(anchors) == len(vectors) else _among(vectors, anchors, places)
    found = index.generation.manifest
    name: Literal["pca", "umap"] = "pca" if umap is None else "umap"
    return SoundMap(tuple(sounds), points, name, found.fingerprint, found.generation)


def _means(index: SoundIndex) -> tuple[list[Sound], NDArray[np.float32]]:
    """Return the sounds that have vectors and the direction [S, D] of the mean of each."""
    found = index.generation
    sounds: list[Sound] = []
    means: list[NDArray[np.float32]] = []
    for position in found.positions().tolist():
        vectors = found.vectors_of(position)
        if len(vectors):
            sounds.append(found.sound(position))
            means.append(vectors.mean(axis=0))
    stacked = np.stack(means) if means else np.zeros((0, index.dim), np.float32)
    return sounds, _unit(stacked)


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9), np.float32)


def principal_plane(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Project [S, D] on the two directions in which it varies most; the largest entry of each is positive."""
    centred = vectors - vectors.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    largest = axes[:, :-3:-1]
    signs = np.sign(largest[np.abs(largest).argmax(axis=0), [0, 1]])
    return np.asarray(centred @ (largest * signs), np.float32)


def _umap() -> Any:  # Any: a function of an optional library
    """Return what lays vectors[S, D] out as [S, 2], None where umap-learn is not installed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it says at import that TensorFlow is missing, which nothing here needs
            from umap import UMAP
    except ImportError:
        return None

    def fit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        neighbours = min(_NEIGHBOURS, len(vectors) - 1)
        init = "spectral" if len(vectors) > 4 * neighbours else "random"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a fixed seed means one thread
            plane = UMAP(n_neighbors=neighbours, metric="cosine", random_state=0, init=init).fit_transform(vectors)
        return np.asarray(plane, np.float32)

    return fit


def _to_unit(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Stretch points[S, 2] so that each axis runs from -1 to 1."""
    low, high = points.min(axis=0), points.max(axis=0)
    return np.asarray(2 * (points - low) / np.maximum(high - low, 1e-9) - 1, np.float32)


def _among(
    vectors: NDArray[np.float32], anchors: NDArray[np.float32], places: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Put vectors[N, D] at the mean place of their nearest anchors, weighted by a softmax of the cosines."""
    nearest = min(_NEAREST, len(anchors))
    points = np.empty((len(vectors), 2), np.float32)
    for start in range(0, len(vectors), _CHUNK):
        cosine = vectors[start : start + _CHUNK] @ anchors.T
        rows = np.argpartition(-cosine, nearest - 1, axis=1)[:, :nearest]
        near = np.take_along_axis(cosine, rows, axis=1)
        weight = np.exp(_SHARPNESS * (near - near.max(axis=1, keepdims=True)))
        weight /= weight.sum(axis=1, keepdims=True)
        points[start : start + len(rows)] = (weight[..., None] * places[rows]).sum(axis=1)
    return points
