from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from library.encoders import load_encoder
from library.encoders.blocks import HarmonicStack
from library.encoders.checkpoint import Calibration, load_checkpoint, save_checkpoint
from library.encoders.network import NetworkConfig, TimbrelNetwork
from library.encoders.runtime import WEIGHTS, TorchEncoder, choose_device, fuse_norms
from library.errors import EncoderError, InputError
from library.front_end import BANDS_PER_OCTAVE, SILENCE, TIMBREL_FEATURES

SMALL = NetworkConfig(dim=16, cells=16, slots=9, layers=1, heads=2, widths=(4, 8), blocks=1, traits=8, kinds=8)
COHORT = torch.nn.functional.normalize(
    torch.randn(32, SMALL.embedding, generator=torch.Generator().manual_seed(3)), dim=-1
)
AUDIO = np.random.default_rng(0).standard_normal((3, 80_000)).astype(np.float32)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    path = tmp_path / "small.safetensors"
    save_checkpoint(path, TimbrelNetwork(SMALL), Calibration(2.0, -0.5, 0.25), 5.0, COHORT)
    return path


def test_the_shipped_weights_fit_their_limits_and_keep_the_contract() -> None:
    encoder = load_encoder(device="cpu")
    assert WEIGHTS.stat().st_size < 16e6
    assert 128 <= encoder.spec.dim <= 256
    assert encoder.spec.slots == 9
    assert 0 < encoder.spec.threshold < 1
    assert encoder.spec.cohort is not None
    np.testing.assert_allclose(np.linalg.norm(encoder.spec.cohort.astype(np.float32), axis=1), 1.0, atol=1e-2)
    out = encoder.encode(AUDIO)
    assert out.vectors.shape == (3, 9, encoder.spec.dim)
    np.testing.assert_allclose(np.linalg.norm(out.vectors, axis=-1), 1.0, atol=1e-4)
    assert ((out.presence > 0) & (out.presence < 1)).all()
    single = encoder.embed(AUDIO)
    np.testing.assert_allclose(np.linalg.norm(single, axis=-1), 1.0, atol=1e-4)


def test_a_batch_says_the_same_as_each_window_alone(weights: Path) -> None:
    encoder = load_encoder(weights, "cpu")
    together, alone = encoder.encode(AUDIO), [encoder.encode(row[None]) for row in AUDIO]
    np.testing.assert_allclose(together.vectors, np.concatenate([out.vectors for out in alone]), atol=1e-4)
    np.testing.assert_allclose(together.presence, np.concatenate([out.presence for out in alone]), atol=1e-4)


def test_level_does_not_matter(weights: Path) -> None:
    encoder = load_encoder(weights, "cpu")
    np.testing.assert_allclose(encoder.embed(AUDIO), encoder.embed(AUDIO * 0.01), atol=1e-3)


def test_a_one_shot_of_a_tenth_of_a_second_can_be_embedded(weights: Path) -> None:
    assert load_encoder(weights, "cpu").embed(AUDIO[:, :1600]).shape == (3, SMALL.embedding)


@pytest.mark.parametrize("audio", [AUDIO[0], AUDIO[:, :100]])
def test_audio_of_another_shape_is_refused(
    weights: Path, audio: np.ndarray[tuple[int, ...], np.dtype[np.float32]]
) -> None:
    with pytest.raises(InputError, match=r"must be \[B, T\]"):
        load_encoder(weights, "cpu").embed(audio)


def test_nan_is_refused(weights: Path) -> None:
    broken = AUDIO.copy()
    broken[1, 5] = np.nan
    with pytest.raises(InputError, match="NaN"):
        load_encoder(weights, "cpu").encode(broken)


def test_folding_the_norms_changes_nothing() -> None:
    torch.manual_seed(1)
    network = TimbrelNetwork(SMALL)
    features = torch.randn(4, 1, TIMBREL_FEATURES.bands, 157)
    network.train()
    network.multi(features)  # moves the running statistics away from 0 and 1
    network.eval()
    with torch.inference_mode():
        before = network.multi(features)
        fuse_norms(network)
        after = network.multi(features)
    torch.testing.assert_close(before.vectors, after.vectors, atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(before.presence, after.presence, atol=1e-4, rtol=1e-3)


def test_the_harmonics_of_a_note_lie_on_top_of_each_other() -> None:
    features = torch.full((1, 1, 180, 3), SILENCE)
    for harmonic in (1.0, 2.0, 3.0, 4.0):
        features[0, 0, 30 + round(BANDS_PER_OCTAVE * np.log2(harmonic))] = 1.0
    stacked = HarmonicStack(144)(features)
    assert stacked.shape == (1, HarmonicStack.CHANNELS, 144, 3)
    for channel, pitch in enumerate(HarmonicStack.HARMONICS):
        assert float(stacked[0, channel, 30, 0]) == (1.0 if pitch in (1, 2, 3, 4) else SILENCE)


def test_a_checkpoint_keeps_spec_calibration_and_fingerprint(weights: Path) -> None:
    checkpoint = load_checkpoint(weights)
    assert checkpoint.calibration == Calibration(2.0, -0.5, 0.25)
    assert checkpoint.spec.threshold == 0.25
    assert (checkpoint.spec.dim, checkpoint.spec.slots, checkpoint.spec.window_s) == (24, 9, 5.0)
    assert len(checkpoint.spec.fingerprint) == 64


def test_other_weights_and_other_calibration_have_another_fingerprint(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = TimbrelNetwork(SMALL)
    first = save_checkpoint(tmp_path / "a", network, Calibration(), 5.0, COHORT)
    assert save_checkpoint(tmp_path / "b", network, Calibration(), 5.0, COHORT) == first
    assert save_checkpoint(tmp_path / "c", network, Calibration(threshold=0.3), 5.0, COHORT) != first
    torch.nn.init.zeros_(network.queries)
    assert save_checkpoint(tmp_path / "d", network, Calibration(), 5.0, COHORT) != first


def test_changed_bytes_are_noticed(weights: Path) -> None:
    data = bytearray(weights.read_bytes())
    data[-10] ^= 0xFF
    weights.write_bytes(data)
    with pytest.raises(EncoderError, match="does not match its fingerprint"):
        load_checkpoint(weights)


@pytest.mark.parametrize("content", [b"", b"not weights at all, only some text"])
def test_a_file_that_holds_no_weights_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "weights"
    path.write_bytes(content)
    with pytest.raises(EncoderError, match="weights"):
        load_checkpoint(path)


def test_missing_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="nothing"):
        load_encoder(tmp_path / "nothing")


def test_presence_is_calibrated(weights: Path) -> None:
    checkpoint = load_checkpoint(weights)
    plain = TorchEncoder(replace(checkpoint, calibration=Calibration())).encode(AUDIO).presence
    ours = load_encoder(weights, "cpu").encode(AUDIO).presence
    logit = np.log(plain / (1 - plain))
    np.testing.assert_allclose(ours, 1 / (1 + np.exp(-(logit / 2.0 - 0.5))), atol=1e-4)


def test_one_instrument_by_itself_is_what_the_single_path_says(weights: Path) -> None:
    checkpoint = load_checkpoint(weights)
    shy = TorchEncoder(replace(checkpoint, calibration=Calibration(1.0, -20.0)))
    single, out = shy.embed(AUDIO), shy.encode(AUDIO)
    strongest = out.presence.argmax(axis=1)
    np.testing.assert_allclose(out.vectors[range(3), strongest], single, atol=1e-5)
    crowd = TorchEncoder(replace(load_checkpoint(weights), calibration=Calibration(1.0, 20.0))).encode(AUDIO)
    assert not np.allclose(crowd.vectors[range(3), strongest], single, atol=1e-5)


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(InputError, match="use cpu, cuda or auto"):
        choose_device("tpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_cuda_without_a_card_is_refused() -> None:
    with pytest.raises(InputError, match="no CUDA device"):
        choose_device("cuda")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_says_what_the_cpu_says() -> None:
    cpu, gpu = load_encoder(device="cpu").encode(AUDIO), load_encoder(device="cuda").encode(AUDIO)
    np.testing.assert_allclose(cpu.vectors, gpu.vectors, atol=5e-3)
