"""Check what `timbrel library` prints and how it ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bridge.cli.app import run_cli
from library.index import SoundIndex
from library.manifest import read_manifest
from tests.fakes import SpectrumEncoder
from tests.library.sound_files import write_tone

Timbrel = Callable[..., tuple[int, str, str]]


class StoppedEncoder(SpectrumEncoder):
    """Stand for a user who presses Ctrl-C at the second sound."""

    clips = 0

    def embed(self, audio: NDArray[np.float32]) -> NDArray[np.float32]:
        self.clips += 1
        if self.clips == 2:
            raise KeyboardInterrupt
        return super().embed(audio)


@pytest.fixture
def timbrel(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Timbrel:
    monkeypatch.setattr("library.encoders.load_encoder", lambda path=None, device="auto": SpectrumEncoder())
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words: object) -> tuple[int, str, str]:
        code = run_cli(["library", *map(str, words)])
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def src(tmp_path: Path) -> Path:
    for number, name in enumerate(("low flute", "bass", "organ")):
        write_tone(tmp_path / "src" / f"{name}.wav", 110.0 * (number + 1), 0.5, 1 + number)
    return tmp_path / "src"


def test_build_info_search_verify(timbrel: Timbrel, src: Path, tmp_path: Path) -> None:
    lib = tmp_path / "lib"
    code, out, _ = timbrel("build", src, "--out", lib)
    assert code == 0
    assert "3 sounds" in out
    code, out, _ = timbrel("info", lib, "--json")
    found: dict[str, Any] = json.loads(out)
    assert (code, found["sounds"], found["vectors"], found["errors"], found["encoder"]) == (0, 3, 3, [], "f" * 64)
    code, out, _ = timbrel("search", src / "bass.wav", "--library", lib, "--top", 2, "--json")
    matches = json.loads(out)["matches"]
    assert (code, len(matches), matches[0]["name"], matches[0]["program"]) == (0, 2, "bass", None)
    assert matches[0]["score"] == pytest.approx(1.0, abs=1e-3)
    assert timbrel("verify", lib)[0] == 0
    assert timbrel("info", lib)[0] == timbrel("search", src / "bass.wav", "-l", lib)[0] == 0


def test_unreadable_files_are_gathered_by_kind_and_end_with_1(timbrel: Timbrel, src: Path, tmp_path: Path) -> None:
    for name in ("one.wav", "two.wav"):
        (src / name).write_text("this is no audio")
    code, out, err = timbrel("build", src, "--out", tmp_path / "lib")
    assert code == 1
    assert "3 sounds" in out
    assert "2 could not be read" in err
    assert err.count("not audio") == 1
    assert "one.wav" in err
    assert len(json.loads(timbrel("info", tmp_path / "lib", "--json")[1])["errors"]) == 2


def test_info_counts_errors_by_kind_whatever_their_details(timbrel: Timbrel, src: Path, tmp_path: Path) -> None:
    for number, name in enumerate(("one", "two", "three: 3; (3)")):
        path = write_tone(src / f"{name}.wav", 500.0, 1.0)
        path.write_bytes(path.read_bytes()[: 2000 + 500 * number])  # each lacks another number of frames
    (src / "four.wav").write_text("this is no audio")
    timbrel("build", src, "--out", tmp_path / "lib")
    found = json.loads(timbrel("info", tmp_path / "lib", "--json")[1])
    assert found["errors_by_kind"] == {"truncated": 3, "not audio that can be read": 1}
    assert [set(error) for error in found["errors"]] == [{"path", "error"}] * 4
    _, out, err = timbrel("info", tmp_path / "lib")
    assert "4 could not be read" in err
    assert "3 x truncated; copy or export it again" in err
    assert "truncated 3, not audio that can be read 1" in out


@pytest.mark.parametrize("wrong", ["empty folder", "missing folder", "no library", "missing file", "gm as target"])
def test_wrong_input_is_one_line_and_ends_with_2(timbrel: Timbrel, src: Path, tmp_path: Path, wrong: str) -> None:
    (tmp_path / "empty").mkdir()
    words = {
        "empty folder": ("build", tmp_path / "empty", "--out", tmp_path / "lib"),
        "missing folder": ("build", tmp_path / "none", "--out", tmp_path / "lib"),
        "no library": ("info", tmp_path / "empty", "--json"),
        "missing file": ("search", tmp_path / "none.wav", "--library", tmp_path / "empty"),
        "gm as target": ("add", src, "--library", "gm"),
    }[wrong]
    code, _, err = timbrel(*words)
    assert code == 2
    said = [line for line in err.splitlines() if line.strip()]
    assert len(said) == 1
    assert "Traceback" not in err


def test_a_damaged_library_ends_verify_with_1(timbrel: Timbrel, src: Path, tmp_path: Path) -> None:
    lib = tmp_path / "lib"
    timbrel("build", src, "--out", lib)
    path = lib / read_manifest(lib).vectors_name
    path.write_bytes(bytes(path.stat().st_size))
    code, _, err = timbrel("verify", lib)
    assert code == 1
    assert path.name in err


def test_stopped_with_ctrl_c_it_says_how_to_go_on(
    timbrel: Timbrel, src: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("library.encoders.load_encoder", lambda path=None, device="auto": StoppedEncoder())
        code, _, err = timbrel("build", src, "--out", tmp_path / "lib")
    assert code == 130
    assert "run the same command again" in err
    code, out, _ = timbrel("build", src, "--out", tmp_path / "lib")
    assert code == 0
    assert "3 sounds, 3 vectors (2 new, 1 files unchanged)" in out


def test_sources_can_be_added_and_removed(timbrel: Timbrel, src: Path, tmp_path: Path) -> None:
    lib = tmp_path / "lib"
    other = write_tone(tmp_path / "more" / "x.wav", 700.0).parent
    timbrel("build", src, "--out", lib)
    assert timbrel("add", other, "--library", lib)[0] == 0
    assert len(SoundIndex.open(lib, None).sounds) == 4
    assert timbrel("remove", "nothing", "--library", lib)[0] == 2
    assert timbrel("remove", "src", "--library", lib)[0] == 0
    assert [sound.name for sound in SoundIndex.open(lib, None).sounds] == ["x"]


def test_a_map_is_a_picture_and_columns(timbrel: Timbrel, tmp_path: Path) -> None:
    code, out, _ = timbrel("map", "gm", "--method", "pca", "--out", tmp_path / "gm-map")
    assert code == 0
    assert out.endswith("102 sounds laid out by pca\n")
    assert (tmp_path / "gm-map.png").read_bytes()[:4] == b"\x89PNG"
    columns = json.loads((tmp_path / "gm-map.json").read_text())
    assert len(columns["x"]) == len(columns["sound_id"]) == 102
    assert "bass" in columns["families"]


def test_an_unknown_way_to_draw_a_map_is_refused(timbrel: Timbrel) -> None:
    code, _, err = timbrel("map", "gm", "--method", "tsne")
    assert code == 2
    assert err == "timbrel: --method tsne: is no way to draw a map; use auto, pca, umap\n"
