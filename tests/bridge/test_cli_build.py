"""Check what a build tells another program, and that it leaves the machine to those that play."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from bridge.watching import TIMBREL
from library.index import SoundIndex
from tests.bridge.test_cli_library import Timbrel, timbrel
from tests.library.libraries import build_tones
from tests.library.sound_files import write_tone

__all__ = ["timbrel"]

ADOPTER = """
import subprocess, sys, os
child = subprocess.Popen([*sys.argv[1:], "--parent", str(os.getpid())], stdout=subprocess.DEVNULL)
print(child.pid, flush=True)
sys.stdin.read()
os._exit(0)
"""
"""Starts a build and ends without a word to it when its input ends."""


def test_a_rescan_brings_a_library_up_to_date_and_tells_it_in_lines_of_json(timbrel: Timbrel, tmp_path: Path) -> None:
    src = build_tones(tmp_path, 2)
    write_tone(src / "new.wav", 500.0)
    (src / "broken.wav").write_text("this is no audio")
    (src / "tone 00.wav").unlink()
    code, out, _ = timbrel("rescan", tmp_path / "lib", "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 1
    assert {line["state"] for line in lines[:-1]} == {"building"}
    assert lines[-2] | {"current": "", "file": "", "part": 0.0} == lines[-2]
    assert (lines[-2]["files_done"], lines[-2]["files"], lines[-2]["sounds"], lines[-2]["errors"]) == (3, 3, 2, 1)
    assert lines[-1] == {"state": "done", "sounds": 2, "embedded": 1, "unchanged": 1, "errors": 1}
    assert {sound.name for sound in SoundIndex.open(tmp_path / "lib", None).sounds} == {"tone 01", "new"}


def test_a_rescan_for_people_says_what_a_build_says(timbrel: Timbrel, tmp_path: Path) -> None:
    build_tones(tmp_path, 2)
    code, out, _ = timbrel("rescan", tmp_path / "lib")
    assert (code, "2 sounds" in out, "2 files unchanged" in out) == (0, True, True)


def test_what_is_added_is_told_in_json_too(timbrel: Timbrel, tmp_path: Path) -> None:
    build_tones(tmp_path, 1)
    write_tone(tmp_path / "more" / "new.wav", 500.0)
    code, out, _ = timbrel("add", tmp_path / "more", "--library", tmp_path / "lib", "--json")
    assert code == 0
    *_, last, done = (json.loads(line) for line in out.splitlines())
    assert (last["state"], last["files_done"], last["files"]) == ("building", 2, 2)
    assert done["sounds"] == 2


def test_the_built_in_library_and_none_are_refused(timbrel: Timbrel, tmp_path: Path) -> None:
    code, _, err = timbrel("rescan", "gm")
    assert (code, "never changes" in err) == (2, True)
    code, _, err = timbrel("rescan", tmp_path / "nothing")
    assert (code != 0, "no such library" in err) == (True, True)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_a_build_for_another_program_ends_with_it_and_keeps_what_was_done(tmp_path: Path) -> None:
    src = build_tones(tmp_path, 1)
    for number in range(300):
        write_tone(src / f"new {number}.wav", 90.0 + 3 * number, 0.3)
    command = [sys.executable, "-c", ADOPTER, *TIMBREL, "library", "rescan", str(tmp_path / "lib"), "--json"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as adopter:
        assert adopter.stdout is not None
        build = psutil.Process(int(adopter.stdout.readline()))
        while build.nice() != 19:
            assert build.is_running()
            time.sleep(0.05)
        adopter.communicate()
    psutil.wait_procs([build], timeout=60)
    assert not build.is_running() or build.status() == psutil.STATUS_ZOMBIE
    assert len(SoundIndex.open(tmp_path / "lib", None).sounds) == 1


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_a_build_for_another_program_is_stopped_by_sigterm_as_by_ctrl_c(tmp_path: Path) -> None:
    src = build_tones(tmp_path, 1)
    for number in range(300):
        write_tone(src / f"new {number}.wav", 90.0 + 3 * number, 0.3)
    command = [*TIMBREL, "library", "rescan", str(tmp_path / "lib"), "--json", "--parent", str(os.getpid())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as build:
        assert build.stdout is not None
        assert json.loads(build.stdout.readline())["state"] == "building"
        build.send_signal(signal.SIGTERM)
        _, err = build.communicate(timeout=60)
        assert build.returncode == 130
        assert "what was done is kept" in err
