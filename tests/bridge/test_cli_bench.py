"""Check how `timbrel bench` ends where it can't measure."""

from __future__ import annotations

from tests.bridge.shell import Shell


def test_a_recording_that_cannot_be_read_ends_the_engine_bench_with_one_line(shell: Shell) -> None:
    bad = shell.folder / "bad.wav"
    bad.write_bytes(b"x")
    ended = shell("bench", "engine", "--audio", bad)
    assert ended.code == 2
    assert ended.err.strip().splitlines()[-1].startswith(f"timbrel: {bad}: is not audio that can be read")
    missing = shell("bench", "engine", "--audio", shell.folder / "none.wav")
    assert (missing.code, "no such file" in missing.err) == (2, True)
