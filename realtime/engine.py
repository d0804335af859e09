"""Offer the engine in one place: for one window, for a live bus, for a recording."""

from __future__ import annotations

from realtime.hearing import Engine, EngineConfig, SoundLookup, analyse_file
from realtime.live import EngineThread

__all__ = ["Engine", "EngineConfig", "EngineThread", "SoundLookup", "analyse_file"]
