"""Hold the built-in General MIDI library: names, families, and the module that makes its data."""

from library.gm.names import DRUM_KITS, GM_NAMES, gm_family, gm_name

__all__ = ["DRUM_KITS", "GM_NAMES", "gm_family", "gm_name"]
