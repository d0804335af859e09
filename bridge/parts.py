"""Make the slow parts of the daemon: encoder, library, source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge.config import Config
from bridge.page.library_desk import LibraryDesk
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
    suggest = config.suggest
    return Engine(encoder, index, EngineConfig(suggest.hop_s, suggest.top, suggest.threshold, suggest.stability))


def _open_source(name: str) -> AudioSource:
    from realtime.sources import parse_input

    return parse_input(name)


@dataclass(frozen=True, slots=True)
class Parts:
    """Say how the slow parts are made; those that are slow run in a thread and raise TimbrelError.

    Attributes:
        load: Loads the encoder and the library.
        open_source: Turns the name of an input into a source.
        desk: Makes what looks after the library from the page; this one is called on the asyncio thread.
    """

    load: Callable[[Config], Engine] = _load
    open_source: Callable[[str], AudioSource] = _open_source
    desk: Callable[[Config], LibraryDesk] = LibraryDesk
