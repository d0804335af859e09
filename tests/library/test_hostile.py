"""Check that no file stops a build, that each has its line or is rightly a sound, and that memory stays bounded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.library.hostile import GOOD, HOSTILE, write_all

MOST_KIB = 2 << 20
WAIT_S = 170.0

BUILD = """
import json, resource, sys
from pathlib import Path
from library.build import build_library
from library.index import SoundIndex
from tests.fakes import SpectrumEncoder

report = build_library([Path(sys.argv[1])], Path(sys.argv[2]), SpectrumEncoder())
print(json.dumps({
    "sounds": [sound.path for sound in SoundIndex.open(Path(sys.argv[2]), None).sounds],
    "errors": [[error.path, error.error] for error in report.errors],
    "peak_kib": int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]),  # ru_maxrss: the parent's too
    "peak_kib_children": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss,
}))
"""


@pytest.mark.slow
def test_no_file_stops_a_build_and_each_has_its_line(tmp_path: Path) -> None:
    src = tmp_path / "src"
    write_all(src)
    assert len(GOOD) + len(HOSTILE) >= 40
    done = subprocess.run(
        [sys.executable, "-c", BUILD, str(src), str(tmp_path / "lib")],
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    errors = {path.split(" (")[0]: error for path, error in found["errors"]}
    assert {name for name in GOOD if str(src / name) not in found["sounds"]} == set()
    assert {name for name in HOSTILE if str(src / name) not in errors} == set()
    assert {name for name in HOSTILE if str(src / name) in found["sounds"]} == set()
    assert all("\n" not in error for error in errors.values())
    assert found["peak_kib"] < MOST_KIB
    assert found["peak_kib_children"] < MOST_KIB
