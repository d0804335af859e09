"""Read sounds from what a producer has: audio files, SoundFonts, instruments and presets of samplers and synths."""

from __future__ import annotations

from library.sources.base import FoundFile, OpenFile, Reader, Scan, clips_of
from library.sources.folder import scan_source
from library.sources.registry import open_file

__all__ = ["FoundFile", "OpenFile", "Reader", "Scan", "clips_of", "open_file", "scan_source"]
