"""Render a ZynAddSubFX instrument file (.xiz) that lies anywhere.

The plugin loads programs of its banks only, by number. So each patch is rendered in a process of its own whose home
folder is a temporary one with that patch as its only program; what the plugin does when it crashes stays there too.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zlib
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from library.audio import SAMPLE_RATE_HZ, resample
from library.errors import InputError, MissingDependencyError
from library.synths import zyn
from library.synths.fluid import SYNTH_RATE_HZ
from library.synths.notes import Note

__all__ = ["read_patch", "render_patch"]

MOST_BYTES = 4 << 20
"""Size of a patch as XML; the largest of Debian's 1318 has 0.2 MB."""

TRIES = 3
"""The plugin crashes while it loads about one patch in a hundred; another try usually goes well."""

LIMIT_S = 60.0

_HOST = "library.synths.zyn_host"
_PROGRAM = "0001-Patch.xiz"
_CONFIG = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE ZynAddSubFX-data>
<ZynAddSubFX-data version-major="3" version-minor="0" ZynAddSubFX-author="Nasca Octavian Paul">
<CONFIGURATION><BANKROOT id="0"><string name="bank_root">{banks}</string></BANKROOT></CONFIGURATION>
</ZynAddSubFX-data>
"""
"""Without it the plugin goes through all installed banks as well."""

_DOCUMENT = re.compile(rb"<ZynAddSubFX-data\b")
_INSTRUMENT = re.compile(rb"<INSTRUMENT>")


def read_patch(path: Path) -> bytes:
    """Return a patch as XML, checked; it may be compressed or not.

    Raises:
        InputError: The file is damaged, too large, or no instrument.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise InputError(path, f"can't be read ({error.strerror})", "check its permissions") from error
    if data[:2] == b"\x1f\x8b":
        unpacker = zlib.decompressobj(wbits=31)
        try:
            data = unpacker.decompress(data, MOST_BYTES + 1)
        except zlib.error as error:
            raise InputError(path, f"is damaged ({error})", "save it again") from error
        if len(data) <= MOST_BYTES and not unpacker.eof:
            raise InputError(path, "is truncated", "save or copy it again")
    if len(data) > MOST_BYTES:
        raise InputError(path, f"is larger than {MOST_BYTES >> 20} MiB unpacked, no patch is", "leave it out")
    if not _DOCUMENT.search(data, 0, 4096) or not _INSTRUMENT.search(data):
        raise InputError(path, "is no instrument of ZynAddSubFX", "save the instrument, not the whole session")
    return data


def render_patch(path: Path, clips: Sequence[tuple[Sequence[Note], float]]) -> tuple[NDArray[np.float32], ...]:
    """Render clips (notes and length in seconds) with a patch as samples[T] float32 mono at 16 kHz.

    Raises:
        InputError: The file is no patch, or the plugin fails on it.
        MissingDependencyError: The plugin is not installed.
    """
    if not zyn.PLUGIN.exists():
        raise MissingDependencyError(
            path, "needs ZynAddSubFX to be heard", "install zynaddsubfx-dssi (`apt-get install zynaddsubfx-dssi`)"
        )
    patch = read_patch(path)
    with TemporaryDirectory(prefix="timbrel-zyn-") as home:
        for bank in ("a", "b"):  # the plugin lists no program of its first bank
            folder = Path(home, "banks", bank)
            folder.mkdir(parents=True)
            (folder / _PROGRAM).write_bytes(patch)
        Path(home, ".zynaddsubfxXML.cfg").write_text(_CONFIG.format(banks=Path(home, "banks")))
        jobs = [([astuple(note) for note in notes], duration_s) for notes, duration_s in clips]
        Path(home, "jobs.json").write_text(json.dumps(jobs))
        _run(path, Path(home))
        whole = np.fromfile(Path(home, "audio.f32"), np.float32)
    lengths = [round(duration_s * SYNTH_RATE_HZ) for _, duration_s in clips]
    if len(whole) != sum(lengths) or not np.isfinite(whole).all():
        raise InputError(path, "is not played by ZynAddSubFX's plugin, which gives no numbers for it", "leave it out")
    parts = np.split(whole, np.cumsum(lengths)[:-1])
    return tuple(
        resample(part, SYNTH_RATE_HZ, SAMPLE_RATE_HZ)[: round(duration_s * SAMPLE_RATE_HZ)]
        for part, (_, duration_s) in zip(parts, clips, strict=True)
    )


def _run(path: Path, home: Path) -> None:
    """Run the host, again where it crashes."""
    environment = os.environ | {"HOME": str(home), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    environment["PYTHONPATH"] = os.pathsep.join((str(Path(__file__).parents[2]), environment["PYTHONPATH"]))
    for tried in range(TRIES):
        load_s = zyn.LOAD_S * 2**tried  # it crashes where a patch is played before it is loaded
        try:
            done = subprocess.run(
                [sys.executable, "-m", _HOST, str(home), str(load_s)],
                cwd=home,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=LIMIT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise InputError(path, f"takes more than {LIMIT_S:.0f} s to render", "leave it out") from error
        if done.returncode == 0:
            return
        if done.returncode > 0:
            last = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise InputError(path, f"can't be rendered ({last[-1] if last else done.returncode})", "leave it out")
    raise InputError(path, f"crashes ZynAddSubFX (signal {-done.returncode}, {TRIES} times)", "leave it out")
