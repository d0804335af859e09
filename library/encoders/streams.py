"""Say what the windows of a stream hold, calibrated: what the live engine asks."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from library.encoders.checkpoint import Calibration
from library.encoders.network import TimbrelNetwork
from library.encoders.onnx_network import OnnxNetwork
from library.encoders.shared import Shared
from library.encoders.spec import MixtureEmbedding
from library.encoders.streaming import NetworkStream, Scene
from library.encoders.together import Together
from library.errors import InputError
from library.features import Frontend

__all__ = ["BatchedStream", "CalibratedStream", "TorchSharer", "calibrated", "check_audio", "shared_of"]

NEAR = 0.7
"""Cosine of their places from which a slot of the newest part of a window is one that the last window held."""

ALONE_BELOW = 2.0
"""Sum of presences (the expected number of instruments) below which one plays by itself. Chosen on validation: seven in
eight instruments by themselves lie below it, and one in five pairs, of whose names one in a hundred less is right than
at 1.6."""

MIN_SAMPLES = 1600
"""Shortest audio that is embedded: 0.1 s."""


class TorchSharer:
    """Share cells out on the device that the network is on."""

    def __init__(self, network: TimbrelNetwork) -> None:
        self._network = network

    def share(self, scene: Scene) -> Shared:
        """Do what OnnxNetwork.share does."""
        out = scene.shared_by(self._network)
        return Shared.of(out, partial(scene.alone, self._network.kind_network, out.whole))

    def newest(self, scene: Scene, doubt: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Do what OnnxNetwork.newest does."""
        both = self.share(scene)
        return both.places[1], both.presence[1] - np.float32(doubt)


class CalibratedStream:
    """Share out and calibrate what a network hears in a stream."""

    def __init__(self, network: NetworkStream, sharer: OnnxNetwork | TorchSharer, calibration: Calibration) -> None:
        self._network, self._sharer, self._calibration = network, sharer, calibration
        self._last: Shared | None = None  # the last window that was encoded

    def encode(self, audio: NDArray[np.float32], start: int) -> MixtureEmbedding:
        """Encode the next window; see MixtureStream."""
        check_audio(audio[None])
        with torch.inference_mode():
            shared = self._sharer.share(self._network.listen(audio, start))
        self._last = shared
        return calibrated(shared, self._calibration)

    def news(self, audio: NDArray[np.float32], start: int, present: float) -> float:
        """Hear the newest part alone; see MixtureStream."""
        check_audio(audio[None])
        if self._last is None:
            return 1.0
        if not self._network.has_new_cell(audio, start):
            return 0.0
        with torch.inference_mode():
            places, logits = self._sharer.newest(self._network.listen(audio, start), self._last.doubt)
        held = self._last.places[_presence(self._last.presence, self._calibration) >= present]
        is_new = (places @ held.T).max(axis=1, initial=-1.0) < NEAR
        return float(_presence(logits[is_new], self._calibration).max(initial=0.0))

    def features(self) -> NDArray[np.float32] | None:
        """Return what the network saw of the last window; see MixtureStream."""
        with torch.inference_mode():
            return self._network.features()


class BatchedStream:
    """Hear each window whole, in one pass with those of other streams that are due."""

    def __init__(
        self, together: Together[NDArray[np.float32], Shared], frontend: Frontend, calibration: Calibration
    ) -> None:
        self._together, self._frontend, self._calibration = together, frontend, calibration
        self._last: NDArray[np.float32] | None = None

    def encode(self, audio: NDArray[np.float32], start: int) -> MixtureEmbedding:  # noqa: ARG002 - part of the Protocol
        """Encode the next window; see MixtureStream."""
        check_audio(audio[None])
        self._last = audio
        return calibrated(self._together.ask(audio), self._calibration)

    def news(self, audio: NDArray[np.float32], start: int, present: float) -> float:  # noqa: ARG002 - as above
        """Return 1: a window is heard whole or not at all."""
        return 1.0

    def features(self) -> NDArray[np.float32] | None:
        """Return what the network saw of the last window; see MixtureStream."""
        last = self._last
        if last is None:
            return None
        with torch.inference_mode():  # on the CPU: it is for a picture
            return np.asarray(self._frontend(torch.from_numpy(np.array(last[None], np.float32)))[0, 0].numpy())


def shared_of(embeddings: NDArray[np.float32], presence: NDArray[np.float32], alone: NDArray[np.float32]) -> Shared:
    """Hold embeddings[B, K, E], presence[B, K] and alone[B, E] of windows that nothing was kept of."""
    return Shared(embeddings, presence, embeddings, lambda numbers: alone[numbers])


def check_audio(audio: NDArray[np.float32]) -> None:
    """Check that audio is what an encoder takes.

    Raises:
        InputError: The array is not [B, T] with T of at least 0.1 s, or holds NaN.
    """
    if audio.ndim != 2 or audio.shape[1] < MIN_SAMPLES:
        raise InputError(f"audio{list(audio.shape)}", "must be [B, T] with at least 0.1 s", "pad it with silence")
    if not np.isfinite(audio).all():
        raise InputError("audio", "holds NaN or infinity", "clean it before it is encoded")


def calibrated(out: Shared, calibration: Calibration) -> MixtureEmbedding:
    """Turn logits into presences; of one instrument by itself the single path knows more than the slot."""
    presence = _presence(out.presence, calibration)
    alone = np.flatnonzero(presence.sum(axis=1) < ALONE_BELOW)
    vectors = out.embeddings
    if len(alone):
        vectors[alone, presence[alone].argmax(axis=1)] = out.alone(alone)
    return MixtureEmbedding(vectors, presence)


def _presence(logits: NDArray[np.float32], calibration: Calibration) -> NDArray[np.float32]:
    logits = logits / np.float32(calibration.temperature) + np.float32(calibration.bias)
    bounded = np.minimum(np.maximum(logits, np.float32(-80.0)), np.float32(80.0))  # beyond, float32 overflows
    return np.asarray(np.float32(1.0) / (np.float32(1.0) + np.exp(-bounded)))
