from __future__ import annotations

import io
import json
from pathlib import Path

import mido
import numpy as np
import pytest

from library.audio import read_audio, write_audio
from library.data.nlakh import Kind, NlakhPlan, mixtures, nsynth_banks, single_clips, write_nlakh
from library.data.notebank import nsynth_metadata
from library.data.scores import Split
from library.errors import InputError

RATE = 16_000


@pytest.fixture(scope="module")
def nsynth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """NSynth in small: three instruments of two notes in each split."""
    root = tmp_path_factory.mktemp("nsynth")
    for split in ("train", "valid"):
        (root / f"nsynth-{split}" / "audio").mkdir(parents=True)
        rows = {}
        for number, family in enumerate(("bass", "keyboard", "reed")):
            for pitch in (48, 60):
                row = nsynth_metadata(f"{family}_acoustic_{number:03d}", family, number, pitch, 100)
                rows[str(row["note_str"])] = row
                hz = 440.0 * 2 ** ((pitch - 69) / 12) * (number + 1)
                audio = 0.5 * np.sin(2 * np.pi * hz * np.arange(4 * RATE) / RATE)
                write_audio(
                    root / f"nsynth-{split}" / "audio" / f"{row['note_str']}.wav", audio.astype(np.float32), RATE
                )
        (root / f"nsynth-{split}" / "examples.json").write_text(json.dumps(rows))
    return root


@pytest.fixture(scope="module")
def lakh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lakh in small: scores of two tracks in folders of one letter, of every split."""
    root = tmp_path_factory.mktemp("lmd")
    for marker in range(40):
        file = mido.MidiFile(ticks_per_beat=480)
        for channel, step in ((0, 0), (1, 5), (9, 2)):
            track = mido.MidiTrack([mido.MetaMessage("text", text=str(marker), time=0)])
            for note in range(20):
                pitch = 48 + step + (note + marker) % 12
                track.append(mido.Message("note_on", note=pitch, velocity=90, channel=channel, time=0))
                track.append(mido.Message("note_off", note=pitch, velocity=0, channel=channel, time=240))
            file.tracks.append(track)
        out = io.BytesIO()
        file.save(file=out)
        folder = root / "abcdef"[marker % 6]
        folder.mkdir(exist_ok=True)
        (folder / f"{marker}.mid").write_bytes(out.getvalue())
    return root


def plan(kind: Kind, out: Path, nsynth: Path, lakh: Path, count: int = 3, seed: int = 0) -> NlakhPlan:
    counts: dict[Split, int] = {"train": count, "valid": count}
    return NlakhPlan(
        kind, out, nsynth_banks(nsynth), (("lakh", (str(lakh), "**/*.mid")),), counts, seed, ("CC BY 4.0",)
    )


def write(plan: NlakhPlan) -> Path:
    return write_nlakh(plan, 2, lambda *_: None)


def content(root: Path) -> dict[str, bytes]:
    return {str(file.relative_to(root)): file.read_bytes() for file in sorted(root.rglob("*.wav"))}


def test_singles_lie_in_the_papers_folders(tmp_path: Path, nsynth: Path, lakh: Path) -> None:
    root = write(plan("nlakh-single", tmp_path, nsynth, lakh))
    assert root == tmp_path / "Nlakh-single"
    for split in ("train", "valid"):
        found = single_clips(root, split)
        assert sorted(found) == ["001", "002", "003"]
        assert [file.name for file in found["001"]] == ["0001.wav", "0002.wav", "0003.wav"]
    audio = read_audio(root / "train" / "002" / "0001.wav")
    assert len(audio) == 5 * RATE
    assert np.abs(audio).max() > 0.1
    card = json.loads((root / "card.json").read_text())
    assert card["splits"]["train"]["clips"] == 9
    assert card["splits"]["valid"]["instruments"] == 3
    assert card["licences"] == ["CC BY 4.0"]


def test_a_mixture_is_the_sum_of_its_tracks(tmp_path: Path, nsynth: Path, lakh: Path) -> None:
    root = write(plan("nlakh-multi", tmp_path, nsynth, lakh))
    found = list(mixtures(root, "valid"))
    assert [mixture.mix.parent.name for mixture in found] == ["000001", "000002", "000003"]
    for mixture in found:
        assert len(mixture.tracks) == 2  # the drums of the score are not played
        mix = read_audio(mixture.mix)
        total = np.sum([read_audio(track) for track in mixture.tracks.values()], axis=0)
        np.testing.assert_allclose(mix, total, atol=2e-3)


@pytest.mark.parametrize("kind", ["nlakh-single", "nlakh-multi"])
def test_a_stopped_run_ends_as_an_undisturbed_one(tmp_path: Path, nsynth: Path, lakh: Path, kind: Kind) -> None:
    whole = content(write(plan(kind, tmp_path / "whole", nsynth, lakh)))
    root = write(plan(kind, tmp_path / "parts", nsynth, lakh))
    for file in [*root.rglob("0002.wav"), *(root / "train").rglob("mix.wav")]:
        file.unlink()
    assert content(write(plan(kind, tmp_path / "parts", nsynth, lakh))) == whole
    other = content(write(plan(kind, tmp_path / "other", nsynth, lakh, seed=1)))
    assert other.keys() != whole.keys() or other != whole


def test_folders_of_something_else_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no note bank"):
        nsynth_banks(tmp_path)
    with pytest.raises(InputError, match="no clips"):
        single_clips(tmp_path, "train")
    with pytest.raises(InputError, match="no mixtures"):
        list(mixtures(tmp_path, "train"))
