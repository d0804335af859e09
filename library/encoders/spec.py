"""Say what an encoder is and what it promises, apart from any network."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from library.front_end import FeatureSpec
from library.hubs import Cohort
from library.naming import UNFITTED, SetRule

__all__ = [
    "Encoder", "EncoderSpec", "MixtureEmbedding", "MixtureStream", "MultiEncoder", "SharedEncoder", "SingleEncoder",
    "StreamingEncoder", "WholeWindows", "stream_of", "turn_of",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class EncoderSpec:
    """Describe one pair of encoders that share an embedding space.

    Attributes:
        name: Name of the architecture, a key of `library.encoders.registry`.
        dim: Length D of an embedding.
        slots: Most instruments K that one mixture can hold (9 in arXiv 2211.07951).
        features: Front end that the networks were trained on.
        window_s: Length of audio that the multi encoder sees.
        threshold: Calibrated presence above which a slot is said to hold an instrument.
        fingerprint: sha256 over spec and weights; an index built with another one is refused.
        rule: How a set of sounds is named from the slots.
        cohort: [M, D] slots of training mixtures, by which sounds that are near to whatever is asked are known (see
            library.hubs); None for encoders that have none.
        kinds: How many of an embedding's last numbers say of which kind the instrument is, the others which one.
    """

    name: str
    dim: int
    slots: int
    features: FeatureSpec
    window_s: float
    threshold: float
    fingerprint: str
    rule: SetRule = UNFITTED
    cohort: Cohort = field(default=None, compare=False, repr=False)
    kinds: int = 0


@dataclass(frozen=True, slots=True)
class MixtureEmbedding:
    """Hold what a multi encoder hears in B mixtures.

    Attributes:
        vectors: [B, K, D] float32, unit norm.
        presence: [B, K] float32, calibrated probability that the slot holds an instrument.
    """

    vectors: NDArray[np.float32]
    presence: NDArray[np.float32]


class SingleEncoder(Protocol):
    """Embed audio of one instrument."""

    @property
    def spec(self) -> EncoderSpec:
        """What this encoder is."""
        ...

    def embed(self, audio: NDArray[np.float32]) -> NDArray[np.float32]:
        """Embed audio[B, T] (16 kHz mono, any T from 0.1 s up) as unit vectors[B, D]."""
        ...


class MultiEncoder(Protocol):
    """Estimate the set of instruments in a mixture."""

    @property
    def spec(self) -> EncoderSpec:
        """What this encoder is."""
        ...

    def encode(self, audio: NDArray[np.float32]) -> MixtureEmbedding:
        """Encode audio[B, T] (16 kHz mono, T = window_s * 16000)."""
        ...


class MixtureStream(Protocol):
    """Estimate the sets of instruments in the windows of one stream, from what is new in each."""

    def encode(self, audio: NDArray[np.float32], start: int) -> MixtureEmbedding:
        """Encode the next window, audio[T] (16 kHz mono) from sample `start` of the stream on.

        B of the result is 1, or 2: the window, and its newest part by itself.
        """
        ...

    def news(self, audio: NDArray[np.float32], start: int, present: float) -> float:
        """Hear the newest part of the next window alone, in a third of the time; encode() may still follow.

        Returns:
            Presence of what it holds and the last window that was encoded did not hold, by a presence of `present` or
            more; 0 where nothing is new, 1 where a stream can't tell.
        """
        ...

    def features(self) -> NDArray[np.float32] | None:
        """Return what the network saw of the last window, [F, frames]; None where nothing was kept. Any thread."""
        ...


@runtime_checkable
class StreamingEncoder(Protocol):
    """A multi encoder that can go on from one window to the next."""

    def stream(self) -> MixtureStream:
        """Begin a stream."""
        ...


@runtime_checkable
class SharedEncoder(Protocol):
    """A multi encoder that threads may ask at the same time."""

    @property
    def answers_together(self) -> bool:
        """Whether it hears windows of several threads in one pass; otherwise they take turns."""
        ...


def turn_of(encoder: MultiEncoder) -> AbstractContextManager[object]:
    """Return what threads hold while they ask an encoder: a lock, or nothing where it answers them together."""
    is_shared = isinstance(encoder, SharedEncoder) and encoder.answers_together
    return nullcontext() if is_shared else threading.Lock()


class WholeWindows:
    """Encode each window by itself."""

    def __init__(self, encoder: MultiEncoder) -> None:
        self._encoder = encoder

    def encode(self, audio: NDArray[np.float32], start: int) -> MixtureEmbedding:  # noqa: ARG002 - part of the Protocol
        """Encode audio[T]."""
        return self._encoder.encode(audio[None])

    def news(self, audio: NDArray[np.float32], start: int, present: float) -> float:  # noqa: ARG002 - as above
        """Return 1: a window is encoded whole or not at all."""
        return 1.0

    def features(self) -> None:
        """Return None: nothing is kept."""
        return


def stream_of(encoder: MultiEncoder) -> MixtureStream:
    """Begin a stream; an encoder that can't go on from window to window encodes each by itself."""
    return encoder.stream() if isinstance(encoder, StreamingEncoder) else WholeWindows(encoder)


class Encoder(SingleEncoder, MultiEncoder, Protocol):
    """Both encoders of one embedding space, from one checkpoint."""
