"""Check what hears whole windows in batches; what only a GPU does is tested where there is one."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from library.audio import read_audio
from library.demo import load_demo_song
from library.encoders.checkpoint import load_checkpoint
from library.encoders.network import NetworkConfig, TimbrelNetwork
from library.encoders.runtime import WEIGHTS, TorchEncoder, load_encoder
from library.encoders.spec import turn_of
from library.encoders.streaming import NEWEST_CELLS
from library.encoders.whole_pass import MOST_AT_ONCE, WholePass
from library.errors import InputError
from library.features import Frontend
from library.front_end import TIMBREL_FEATURES
from realtime.engine import Engine
from realtime.types import Window
from tests.fakes import SpectrumEncoder, TableIndex

WINDOW = 80_000
SMALL = NetworkConfig(dim=16, cells=16, slots=9, layers=1, heads=2, widths=(4, 8), blocks=1, traits=8)


@pytest.fixture(scope="module")
def windows() -> NDArray[np.float32]:
    """Six windows [6, T] of the demo song."""
    song = read_audio(load_demo_song().audio)
    return np.stack([song[at : at + WINDOW] for at in range(0, 6 * 100_000, 100_000)])


@pytest.fixture(scope="module")
def batched() -> TorchEncoder:
    return TorchEncoder(load_checkpoint(WEIGHTS), "cpu", in_batches=True)


def test_a_batch_says_what_each_window_says_by_itself(windows: NDArray[np.float32], batched: TorchEncoder) -> None:
    alone = load_encoder(device="cpu").encode(windows)
    for found in (batched.encode(windows), batched.encode(windows[:2])):
        np.testing.assert_allclose(found.vectors, alone.vectors[: len(found.vectors)], atol=1e-4)
        np.testing.assert_allclose(found.presence, alone.presence[: len(found.presence)], atol=1e-4)


def test_the_newest_part_is_heard_by_itself_with_the_doubt_of_the_window() -> None:
    torch.manual_seed(0)
    network, frontend = TimbrelNetwork(SMALL).eval(), Frontend(TIMBREL_FEATURES)
    torch.nn.init.normal_(network.any_instrument[0].weight)  # type: ignore[arg-type]
    network.kind_network.reset()
    audio = torch.randn(MOST_AT_ONCE + 3, 20_000) * 0.1
    heard = WholePass(network, frontend, torch.device("cpu"), half=False).hear(audio.numpy())
    with torch.inference_mode():
        grid = network.trunk(frontend(audio))
        window, newest = network.sets(grid), network.sets(grid[..., -NEWEST_CELLS:])
        presence = newest.presence - newest.certainty + window.certainty
        features = frontend(audio)
        alone = (network.alone(window.whole, features), network.alone(newest.whole, features[..., -4 * NEWEST_CELLS :]))
    assert grid.shape[3] < NEWEST_CELLS or window.certainty.std() > 0
    np.testing.assert_allclose(heard.embeddings[:, 1], newest.embeddings, atol=1e-4)
    np.testing.assert_allclose(heard.presence[:, 0], window.presence, atol=1e-4)
    np.testing.assert_allclose(heard.presence[:, 1], presence, atol=1e-4)
    np.testing.assert_allclose(heard.alone, torch.stack(alone, dim=1), atol=1e-4)


def test_half_precision_hears_the_same(windows: NDArray[np.float32]) -> None:
    found = load_checkpoint(WEIGHTS)
    network, frontend = found.network, Frontend(found.spec.features)
    full, half = (WholePass(network, frontend, torch.device("cpu"), half).hear(windows) for half in (False, True))
    assert np.median((full.alone * half.alone).sum(axis=-1)) > 0.998
    is_there = full.presence > 0.0
    assert np.median((full.embeddings * half.embeddings).sum(axis=-1)[is_there]) > 0.99
    assert np.abs(np.tanh(full.presence) - np.tanh(half.presence)).mean() < 0.03


def test_streams_of_several_threads_are_heard_as_one_by_one(
    windows: NDArray[np.float32], batched: TorchEncoder
) -> None:
    expected = [batched.stream().encode(window, 0) for window in windows]
    assert expected[0].vectors.shape[0] == 2
    streams = [batched.stream() for _ in windows]
    found = [expected[0]] * len(windows)

    def hear(number: int) -> None:
        found[number] = streams[number].encode(windows[number], 0)

    threads = [threading.Thread(target=hear, args=(number,)) for number in range(len(windows))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one.vectors, other.vectors, atol=1e-4)
        np.testing.assert_allclose(one.presence, other.presence, atol=1e-4)
    features = streams[0].features()
    assert features is not None
    np.testing.assert_allclose(features, load_encoder(device="cpu")._features(windows[:1])[0, 0], atol=1e-4)
    with pytest.raises(InputError, match="NaN"):
        streams[0].encode(np.full(WINDOW, np.nan, np.float32), 0)


def test_buses_ask_such_an_encoder_at_the_same_time(windows: NDArray[np.float32], batched: TorchEncoder) -> None:
    engine = Engine(batched, TableIndex(batched.embed(windows), list("abcdef"), fingerprint=batched.spec.fingerprint))
    other = engine.beside()
    with engine._turn, other._turn:  # nothing is held
        analysis = other.analyse(Window(windows[0], 16_000, 0, 0.0, has_gap=False))
    assert analysis.skipped is None
    assert batched.answers_together
    turn = turn_of(SpectrumEncoder())
    with turn:
        assert not turn.acquire(blocking=False)  # type: ignore[attr-defined]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_recorded_pass_says_what_one_by_one_does(windows: NDArray[np.float32]) -> None:
    cpu, gpu = load_encoder(device="cpu").encode(windows), load_encoder(device="cuda")
    for count in (1, 3, 6):
        for _ in range(2):  # recorded, then replayed
            found = gpu.encode(windows[:count])
            assert np.median((found.vectors * cpu.vectors[:count]).sum(axis=-1)[cpu.presence[:count] > 0.5]) > 0.99
            assert np.abs(found.presence - cpu.presence[:count]).mean() < 0.02
