"""Check that presets are sounds where a preview lies beside them, and what is read of NKS metadata."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import pytest

from library.build import build_library
from library.errors import InputError
from library.index import SoundIndex
from library.sources import scan_source
from library.sources.nks import read_nks, unpack
from tests.fakes import SpectrumEncoder
from tests.library.sound_files import write_tone

# {"name": "Glass Pad", "author": "Jo", "bankchain": ["Massive", "Factory", ""], "types": [["Bell", "Pad"]]}
METADATA = (
    b"\x84\xa4name\xa9Glass Pad\xa6author\xa2Jo"
    b"\xa9bankchain\x93\xa7Massive\xa7Factory\xa0\xa5types\x91\x92\xa4Bell\xa3Pad"
)


def nks(metadata: bytes = METADATA) -> bytes:
    data = b"\x01\0\0\0" + metadata
    chunk = b"NISI" + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"NIKS" + chunk


def test_an_nks_preset_has_its_metadata_and_the_audio_of_its_preview(tmp_path: Path) -> None:
    src = tmp_path / "src"
    write_tone(src / ".previews" / "x01.nksf.ogg", 330.0)
    (src / "x01.nksf").write_bytes(nks())
    (src / "without preview.nksf").write_bytes(nks())
    report = build_library([src], tmp_path / "lib", SpectrumEncoder())
    (sound,) = SoundIndex.open(tmp_path / "lib", None).sounds
    assert (sound.name, sound.kind, sound.path) == ("Glass Pad", "preset", str(src / "x01.nksf"))
    assert sound.family == "mallet"
    assert report.errors == ()
    info = read_nks(src / "x01.nksf")
    assert (info.author, info.bank, info.types) == ("Jo", "Massive / Factory", ("Bell", "Pad"))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("Warm Bass.adg", gzip.compress(b"<?xml?><Ableton/>", mtime=0)),
        ("Warm Bass.adv", gzip.compress(b"<?xml?><Ableton/>", mtime=0)),
        ("Warm Bass.bwpreset", b"BtWg0001"),
        ("Warm Bass.fxp", b"CcnK0000"),
    ],
)
@pytest.mark.parametrize("folder", ["", "Previews"])
def test_other_presets_go_by_their_name(tmp_path: Path, name: str, data: bytes, folder: str) -> None:
    src = tmp_path / "src"
    write_tone(src / folder / "Warm Bass.wav", 110.0)
    (src / name).write_bytes(data)
    build_library([src], tmp_path / "lib", SpectrumEncoder())
    (sound,) = SoundIndex.open(tmp_path / "lib", None).sounds
    assert (sound.name, sound.kind, sound.family) == ("Warm Bass", "preset", "bass")


def test_a_preset_without_a_preview_is_counted_nowhere(tmp_path: Path) -> None:
    (tmp_path / "a.fxp").write_bytes(b"CcnK0000")
    found = scan_source(tmp_path, "src", set())
    assert (found.files, found.errors) == ((), ())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xdd\xff\xff\xff\xff",
        b"\x91" * 5000,
        b"\xdf\x7f\xff\xff\xff\x01",
        b"\xdb\xff\xff\xff\xffx",
        b"\xc7\1\1",
        b"\xcd",
    ],
)
def test_damaged_metadata_is_refused_at_once(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(ValueError, match=r"it |type |a list|a map|a text"):
        unpack(data)
    (tmp_path / "x.nksf").write_bytes(nks(data))
    with pytest.raises(InputError, match=r"x\.nksf"):
        read_nks(tmp_path / "x.nksf")
