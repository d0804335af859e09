"""Read sounds from what a producer has: folders of audio files, soundfonts."""

from __future__ import annotations

from library.sources.base import FoundFile, Reader, Scan, clips_of
from library.sources.folder import AudioFileReader, scan_source
from library.sources.soundfont import SoundFontReader

__all__ = ["FoundFile", "Reader", "Scan", "clips_of", "open_file", "scan_source"]


def open_file(found: FoundFile) -> Reader:
    """Return the reader of a file; it opens the file when it is asked."""
    return SoundFontReader(found) if found.kind == "soundfont" else AudioFileReader(found)
