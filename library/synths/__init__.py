"""Render notes through synthesisers, offline."""

from library.synths.notes import Note

__all__ = ["Note"]
