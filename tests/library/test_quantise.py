"""Check that the trunk counts in bytes as it does in floats, nearly, and strip by strip as at once, exactly."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray

from library.audio import read_audio
from library.demo import load_demo_song
from library.encoders.checkpoint import load_checkpoint
from library.encoders.kind_graph import kind_graph
from library.encoders.onnx_network import OnnxNetwork, OnnxStrip
from library.encoders.quantise import BITS, STEM_BITS, ByteRange, quantised, ranges_of
from library.encoders.runtime import WEIGHTS, load_encoder
from library.encoders.strips import Told, TorchStrip
from library.features import Frontend, normalise_power

WINDOW, HOP = 80_000, 8000
FRAMES_PER_CELL = 4


@pytest.fixture(scope="module")
def song() -> NDArray[np.float32]:
    return read_audio(load_demo_song().audio)[: 24 * 16_000]


@pytest.fixture(scope="module")
def power(song: NDArray[np.float32]) -> torch.Tensor:
    """Band power [F, frames] of the song."""
    frontend = Frontend(load_checkpoint(WEIGHTS).spec.features)
    with torch.inference_mode():
        found: torch.Tensor = frontend.power(torch.from_numpy(song[None]))[0]
    return found


@pytest.fixture(scope="module")
def strips() -> tuple[OnnxStrip, TorchStrip]:
    """Bytes and floats."""
    found = load_checkpoint(WEIGHTS)
    network, spec = found.network, found.spec.features
    return OnnxNetwork(network, spec, ranges_of(network, spec)).strip(), TorchStrip(network, spec)


def _at_once(strip: OnnxStrip | TorchStrip, power: torch.Tensor) -> Told:
    strip.begin()
    with torch.inference_mode():
        return strip.push(power, power.mean(), power.shape[1])[0]


@pytest.mark.parametrize("step", [16, 4, 7, 61])
def test_strips_give_the_cells_that_all_at_once_gives(
    step: int, strips: tuple[OnnxStrip, TorchStrip], power: torch.Tensor
) -> None:
    strip, whole = strips[0], _at_once(strips[0], power)
    strip.begin()
    settled_cells = settled = 0
    for end in range(step, power.shape[1] + 1, step):
        look_ahead = min(end + 4, power.shape[1])  # given again with the next strip
        said, now = strip.push(power[:, settled:look_ahead], power.mean(), end)
        for part in ("cells", "traits"):
            new = getattr(said, part)[: now - settled_cells]
            np.testing.assert_array_equal(new, getattr(whole, part)[settled_cells:now])
        settled_cells, settled = now, end
    assert settled_cells > power.shape[1] // FRAMES_PER_CELL - 12


def test_cells_in_bytes_are_nearly_those_in_floats(strips: tuple[OnnxStrip, TorchStrip], power: torch.Tensor) -> None:
    found, expected = (_at_once(strip, power) for strip in strips)
    for part, least_db in (("cells", 25.0), ("traits", 25.0)):
        mine, theirs = (getattr(of, part).double() for of in (found, expected))
        noise_db = 10 * torch.log10(theirs.square().mean() / (mine - theirs).square().mean())
        assert noise_db > least_db


@pytest.mark.parametrize("frames", [157, 48, 7])
def test_kinds_in_bytes_are_nearly_those_in_floats(frames: int, power: torch.Tensor) -> None:
    found = load_checkpoint(WEIGHTS)
    network, spec = found.network.kind_network, found.spec.features
    graph = kind_graph(network, spec, ranges_of(found.network, spec).kinds)
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    for begin in range(0, power.shape[1] - frames, 157):
        features = normalise_power(power[None, None, :, begin : begin + frames], spec)
        with torch.inference_mode():
            expected = network(features)[0].numpy()
        (kinds,) = session.run(None, {"features": features[0, 0].numpy()})
        assert kinds.shape == (1, len(expected))
        assert float(kinds[0] @ expected) > 0.98


def test_a_stream_in_bytes_hears_what_one_in_floats_does(song: NDArray[np.float32]) -> None:
    encoder = load_encoder(device="cpu")
    streams = encoder.stream(), encoder.torch_stream()
    cosines, apart = [], []
    for start in range(0, len(song) - WINDOW, HOP):
        mine, theirs = (stream.encode(song[start : start + WINDOW], start) for stream in streams)
        cosines += (mine.vectors * theirs.vectors).sum(axis=-1)[theirs.presence > 0.5].tolist()
        apart += np.abs(mine.presence - theirs.presence).ravel().tolist()
    assert len(cosines) > 50
    assert np.median(cosines) > 0.998
    assert np.percentile(cosines, 5) > 0.99
    assert np.mean(apart) < 0.01


@pytest.mark.parametrize("bits", [BITS, STEM_BITS])
def test_rounding_errors_of_neighbours_cancel(bits: int) -> None:
    rng = np.random.default_rng(0)
    weight, bias = rng.normal(size=(8, 4, 3, 3)).astype(np.float32), rng.normal(size=8).astype(np.float32)
    given = ByteRange(0.0, 2.0)
    whole, steps, bias_steps = quantised(weight, bias, given, bits)
    assert np.abs(whole.astype(int)).max() < 2 ** (bits - 1)
    error = whole * steps[:, None, None, None] - weight
    assert np.abs(error).max() <= steps.max()
    assert (np.abs(error.reshape(8, -1).cumsum(axis=1)) <= 0.501 * steps[:, None]).all()
    np.testing.assert_allclose(bias_steps * steps * given.step, bias, atol=float(steps.max() * given.step))


def test_bytes_reach_from_one_end_of_a_range_to_the_other() -> None:
    of = ByteRange(-2.0, 2.2)
    assert of.bytes_of(np.array([-9.0, -2.0, 0.0, 2.2, 9.0])).tolist() == [0, 0, int(of.zero), 255, 255]


def test_a_range_is_as_wide_as_a_norm_has_learnt_and_sums_add_up() -> None:
    found = load_checkpoint(WEIGHTS)
    trunk = found.network.trunk
    with torch.no_grad():
        trunk.stem2_norm.weight.fill_(0.5)
        trunk.stem2_norm.bias.fill_(1.0)
    ranges = ranges_of(found.network, found.spec.features).trunk
    assert (ranges.features.low, ranges.stems[1]) == (-2.0, ByteRange(0.0, 3.0))
    _, added, after = ranges.blocks[0]
    assert after.high == pytest.approx(np.hypot(3.0, added.high))
    assert added.low < 0.0 < added.high
