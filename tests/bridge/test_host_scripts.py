from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bridge import host_scripts
from bridge.host_scripts import script_files
from tests.bridge.shell import Shell

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_the_scripts_of_all_three_hosts_are_written(shell: Shell, tmp_path: Path) -> None:
    done = shell("scripts", "--out", str(tmp_path / "new"))
    assert done.code == 0
    for name in ("ardour/timbrel.lua", "reaper/timbrel.lua", "ableton/Timbrel/__init__.py"):
        assert (tmp_path / "new" / name).read_bytes() == (EXAMPLES / name).read_bytes()
        assert name in done.err + done.out


def test_a_file_in_the_way_is_one_line(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    done = shell("scripts", "--out", str(tmp_path / "file"))
    assert done.code == 2
    assert "name a folder" in done.err


def test_an_installed_package_brings_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(EXAMPLES / "ardour", tmp_path / "scripts" / "ardour")
    monkeypatch.setattr(host_scripts, "_INSTALLED", tmp_path / "scripts")
    assert list(script_files()) == ["ardour/timbrel.lua"]
