from __future__ import annotations

from tests.bridge.shell import Shell


def test_nlakh_without_notes_says_what_it_needs(shell: Shell) -> None:
    ended = shell("data", "render", "--kind", "nlakh-single", "--out", shell.folder)
    assert ended.code == 2
    assert "--data or --nsynth" in ended.err


def test_an_unknown_kind_of_data_is_named(shell: Shell) -> None:
    ended = shell("data", "render", "--kind", "nlakh", "--out", shell.folder)
    assert ended.code == 2
    assert "--kind nlakh" in ended.err


def test_a_folder_that_is_not_nsynth_is_refused(shell: Shell) -> None:
    ended = shell("data", "render", "--kind", "nlakh-multi", "--out", shell.folder, "--nsynth", shell.folder)
    assert ended.code == 2
    assert "no note bank at nsynth-train" in ended.err
