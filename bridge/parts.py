"""Make the slow parts of the daemon: encoder, library, source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge.config import Config
from bridge.taste import taste_of

if TYPE_CHECKING:
    from realtime.engine import Engine
    from realtime.types import AudioSource

__all__ = ["Parts"]


def _load(config: Config) -> Engine:
    from library.encoders import load_encoder
    from library.follow import LiveIndex
    from realtime.engine import Engine, EngineConfig

    encoder = load_encoder(device=config.device)
    spec = encoder.spec
    index = LiveIndex(config.library.path, spec.fingerprint, taste=taste_of(config.library), cohort=spec.cohort)
    return Engine(encoder, index, EngineConfig(hop_s=config.suggest.hop_s, top_k=config.suggest.top))


def _open_source(name: str) -> AudioSource:
    from realtime.sources import parse_input

    return parse_input(name)


@dataclass(frozen=True, slots=True)
class Parts:
    """Say how the slow parts are made; both functions run in a thread and raise TimbrelError.

    Attributes:
        load: Loads the encoder and the library.
        open_source: Turns the name of an input into a source.
    """

    load: Callable[[Config], Engine] = _load
    open_source: Callable[[str], AudioSource] = _open_source
