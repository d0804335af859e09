"""Render one ZynAddSubFX patch; run as a process of its own by library.synths.zyn_patch."""

from __future__ import annotations

import ctypes
import json
import sys
from pathlib import Path

import numpy as np

from library.synths.notes import Note
from library.synths.zyn import PLUGIN, ZynRenderer

__all__ = ["main"]

_RANDOM_STATE = "_ZN3zyn10prng_stateE"
"""The plugin's random generator; it is seeded with the clock, so that a patch would never sound the same twice."""

_SEED = 1
_MOST_MEMORY = 2 << 30


def main() -> None:
    """Read jobs.json in the folder named first, write audio.f32 there; named second: the seconds that a patch loads."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    home = Path(sys.argv[1])
    jobs = json.loads((home / "jobs.json").read_text())
    _seed()
    renderer = ZynRenderer(float(sys.argv[2]), is_steady=False)
    (program,) = renderer.programs()
    parts = []
    for notes, duration_s in jobs:
        _seed()
        parts.append(renderer.render_native(program.bank, program.program, [Note(*note) for note in notes], duration_s))
    np.concatenate(parts).tofile(home / "audio.f32")


def _seed() -> None:
    try:
        ctypes.c_uint32.in_dll(ctypes.CDLL(str(PLUGIN)), _RANDOM_STATE).value = _SEED
    except (OSError, ValueError):  # another version keeps it elsewhere: then each run differs a little
        return


if __name__ == "__main__":
    main()
