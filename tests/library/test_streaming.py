"""Check that a stream hears what windows by themselves do, from what is new in each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn import functional as f

from library.audio import read_audio
from library.demo import load_demo_song
from library.encoders.checkpoint import Calibration, save_checkpoint
from library.encoders.network import NetworkConfig, TimbrelNetwork
from library.encoders.onnx_network import OnnxNetwork
from library.encoders.quantise import ranges_of
from library.encoders.runtime import TorchEncoder, load_encoder
from library.encoders.spec import stream_of
from library.encoders.streaming import NEWEST_CELLS, REFERENCE_DB, NetworkStream
from library.encoders.streams import TorchSharer
from library.encoders.strips import Told, TorchStrip
from library.errors import InputError
from library.features import Frontend, normalise_power
from library.front_end import TIMBREL_FEATURES

SMALL = NetworkConfig(dim=16, cells=16, slots=9, layers=1, heads=2, widths=(4, 8), blocks=1, traits=8)
COHORT = torch.nn.functional.normalize(
    torch.randn(32, SMALL.embedding, generator=torch.Generator().manual_seed(3)), dim=-1
)
WINDOW, HOP, CELL = 80_000, 8000, 2048


@pytest.fixture(scope="module")
def music() -> NDArray[np.float32]:
    """Nine seconds of chords that change every .3 s, over a little noise."""
    rng = np.random.default_rng(5)
    time_s = np.arange(9 * 16_000) / 16_000
    pitches = rng.uniform(80, 2000, (40, 3))[(time_s / 0.3).astype(int)]
    chords = np.sin(2 * np.pi * np.cumsum(pitches, axis=0) / 16_000).sum(axis=1)
    return np.asarray(0.1 * chords + 0.001 * rng.standard_normal(len(time_s)), np.float32)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> TorchEncoder:
    torch.manual_seed(0)
    path = Path(tmp_path_factory.mktemp("weights")) / "small.safetensors"
    save_checkpoint(path, TimbrelNetwork(SMALL), Calibration(2.0, -0.5, 0.25), 5.0, COHORT)
    return load_encoder(path, "cpu")


class _Spied(NetworkStream):
    """A stream over a fresh small network that counts the new frames of each window."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.network = network = TimbrelNetwork(SMALL).eval()
        self.frontend = Frontend(TIMBREL_FEATURES)
        strip = TorchStrip(network, TIMBREL_FEATURES)
        super().__init__(network, self.frontend, torch.device("cpu"), strip)
        self.frames: list[int] = []
        push = strip.push

        def counted(power: torch.Tensor, reference: torch.Tensor, settled: int) -> tuple[Told, int]:
            self.frames.append(power.shape[-1])
            return push(power, reference, settled)

        strip.push = counted  # type: ignore[method-assign]

    @torch.inference_mode()
    def hear(self, audio: NDArray[np.float32], start: int) -> torch.Tensor:
        """Return the cells [C, R, m] of a window."""
        rows = SMALL.rows
        cells = self.listen(audio[start : start + WINDOW], start).told.cells
        return cells.reshape(-1, rows, SMALL.cells).permute(2, 1, 0)

    @torch.inference_mode()
    def whole(self, audio: NDArray[np.float32], end: int, reference: torch.Tensor) -> torch.Tensor:
        """Return the cells [C, R, m] of all audio up to `end`, at once."""
        power = self.frontend.power(torch.from_numpy(audio[None, :end]))
        cells: torch.Tensor = self.network.trunk(normalise_power(power, TIMBREL_FEATURES, reference).unsqueeze(1))
        return cells[0]


def _onnx(network: TimbrelNetwork) -> OnnxNetwork:
    return OnnxNetwork(network, TIMBREL_FEATURES, ranges_of(network, TIMBREL_FEATURES))


@pytest.mark.parametrize("hop", [HOP, 1600, 4000, 5333, CELL, 30_000])
def test_cells_are_those_of_all_the_audio_so_far(music: NDArray[np.float32], hop: int) -> None:
    stream = _Spied()
    first = stream.frontend.power(torch.from_numpy(music[None, :WINDOW])).mean()
    for start in range(0, len(music) - WINDOW, hop):
        cells = stream.hear(music, start)
        skip = -(-start // CELL)
        expected = stream.whole(music, start + WINDOW, first)[..., skip:]
        np.testing.assert_allclose(cells, expected, atol=2e-4)
    assert max(stream.frames[2::2]) < stream.frames[0], "only what is new was computed"


def test_the_first_window_is_heard_as_by_itself(music: NDArray[np.float32], encoder: TorchEncoder) -> None:
    window = music[:WINDOW]
    alone, streamed = encoder.encode(window[None]), encoder.torch_stream().encode(window, 0)
    np.testing.assert_allclose(streamed.vectors[:1], alone.vectors, atol=1e-5)
    np.testing.assert_allclose(streamed.presence[:1], alone.presence, atol=1e-5)


def test_a_window_that_does_not_go_on_is_computed_whole(music: NDArray[np.float32], encoder: TorchEncoder) -> None:
    other = music[::-1].copy()
    for start, audio in ((HOP, other), (-HOP, music), (10 * WINDOW, music), (HOP, 0.5 * music)):
        stream = encoder.stream()
        stream.encode(music[:WINDOW], 0)
        found = stream.encode(audio[HOP : HOP + WINDOW], start)
        expected = encoder.stream().encode(audio[HOP : HOP + WINDOW], start)
        np.testing.assert_array_equal(found.vectors, expected.vectors)


def test_what_grows_louder_is_heard_at_its_new_level(music: NDArray[np.float32]) -> None:
    louder = music * np.linspace(0.05, 1.0, len(music), dtype=np.float32)
    stream = _Spied()
    for start in range(0, len(music) - WINDOW, HOP):
        cells = stream.hear(louder, start)
        assert stream._kept is not None
        own = stream.frontend.power(torch.from_numpy(louder[None, start : start + WINDOW])).mean()
        apart_db = 10 * float(torch.log10(own / stream._kept.reference))
        assert abs(apart_db) < REFERENCE_DB + 0.5  # the window begins at a whole cell, with its true past
        skip = -(-start // CELL)
        expected = stream.whole(louder, start + WINDOW, stream._kept.reference)[..., skip:]
        inner = SMALL.blocks * 2 + 1  # at the left end, what was computed whole had silence before
        np.testing.assert_allclose(cells[..., inner:], expected[..., inner:], atol=2e-4)


def test_slots_of_a_song_are_nearly_those_of_windows_by_themselves() -> None:
    encoder = load_encoder(device="cpu")
    song = read_audio(load_demo_song().audio)[: 18 * 16_000]
    stream = encoder.torch_stream()
    cosines, apart = [], []
    for start in range(0, len(song) - WINDOW, HOP):
        window = song[start : start + WINDOW]
        found, alone = stream.encode(window, start), encoder.encode(window[None, -start % CELL :])
        cosines += (found.vectors[:1] * alone.vectors).sum(axis=-1)[alone.presence > 0.5].tolist()
        apart += np.abs(found.presence[:1] - alone.presence).ravel().tolist()
    assert len(cosines) > 20
    assert min(cosines) > 0.9
    assert np.median(cosines) > 0.995
    assert max(apart) < 0.1


def test_bad_audio_is_refused_and_the_stream_goes_on(music: NDArray[np.float32], encoder: TorchEncoder) -> None:
    stream = encoder.stream()
    stream.encode(music[:WINDOW], 0)
    with pytest.raises(InputError, match="NaN"):
        stream.encode(np.full(WINDOW, np.nan, np.float32), HOP)
    with pytest.raises(InputError, match="at least"):
        stream.encode(music[:100], HOP)
    assert np.isfinite(stream.encode(music[HOP : HOP + WINDOW], HOP).vectors).all()


def test_an_encoder_without_streams_encodes_each_window_by_itself(
    music: NDArray[np.float32], encoder: TorchEncoder
) -> None:
    class Plain:
        spec = encoder.spec
        encode = staticmethod(encoder.encode)

    window = music[:WINDOW]
    np.testing.assert_array_equal(stream_of(Plain()).encode(window, 7).vectors, encoder.encode(window[None]).vectors)


@pytest.mark.parametrize("hop", [HOP, 1600, CELL, 30_000])
def test_a_window_and_its_newest_part_are_heard_as_if_each_were_all(music: NDArray[np.float32], hop: int) -> None:
    stream = _Spied()
    network = stream.network
    torch.nn.init.normal_(network.any_instrument[0].weight)  # type: ignore[arg-type]
    torch.nn.init.normal_(network.refiner.correct.weight, std=0.3)
    torch.nn.init.normal_(network.slot_kind.layers[-1].weight, std=0.3)  # type: ignore[arg-type]
    network.kind_network.reset()
    said: list[torch.Tensor] = []
    network.any_instrument.register_forward_hook(lambda _, __, found: said.append(found))
    any_logit, sharer = torch.zeros(1, 1), _onnx(network)
    reference = stream.frontend.power(torch.from_numpy(music[None, :WINDOW])).mean()
    for start in range(0, len(music) - WINDOW, hop):
        with torch.inference_mode():
            scene = stream.listen(music[start : start + WINDOW], start)
            out, plain = scene.shared_by(network), sharer.share(scene)
            grid = stream.whole(music, start + WINDOW, reference)[None]  # of all audio so far
            memory = (network.overview(grid) + network.row_code.T[None, :, :, None]).transpose(2, 3)
            for view, begin in enumerate((-(-start // CELL), grid.shape[3] - NEWEST_CELLS)):
                cells = grid[..., begin:].permute(0, 3, 2, 1).flatten(1, 2)
                first = max(0, -(-(begin - 1) // 4))  # looks of four cells, two of them before a multiple of four
                looks = network.look(memory[:, :, first:].flatten(2).transpose(1, 2))
                expected = network.share(network.tell(cells), looks)
                np.testing.assert_allclose(out.vectors[view], expected.vectors[0], atol=2e-3)
                np.testing.assert_allclose(out.embeddings[view], expected.embeddings[0], atol=2e-3)
                any_logit = said[-1] if view == 0 else any_logit  # the newest part is too short to tell
                presence = expected.presence + f.logsigmoid(any_logit) - f.logsigmoid(said[-1])
                np.testing.assert_allclose(out.presence[view], presence[0], atol=2e-3)
                np.testing.assert_allclose(out.whole[view], expected.whole[0], atol=2e-3)
            np.testing.assert_allclose(plain.embeddings, out.embeddings, atol=1e-5)
            np.testing.assert_allclose(plain.presence, out.presence, atol=1e-4)
            newest = scene.features()[..., -4 * NEWEST_CELLS :]
            alone = network.alone(out.whole[1:], newest)
            in_floats = TorchSharer(network).share(scene)
            np.testing.assert_allclose(in_floats.alone(np.array([1])), alone, atol=1e-5)
            both = torch.cat([network.alone(out.whole[:1], scene.features()), alone])
            np.testing.assert_allclose(in_floats.alone(np.array([0, 1])), both, atol=1e-5)
            in_bytes = plain.alone(np.array([0, 1]))  # the kinds alone are (see test_quantise)
            np.testing.assert_allclose(in_bytes[:, : network.config.dim], both[:, : network.config.dim], atol=1e-5)
            assert ((in_bytes * both.numpy()).sum(axis=1) > 0.99).all()


def test_a_stream_of_windows_shorter_than_the_newest_part_is_heard_twice_alike(encoder: TorchEncoder) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 4 * CELL).astype(np.float32)
    found = encoder.stream().encode(noise, 0)
    np.testing.assert_allclose(found.vectors[1], found.vectors[0], atol=1e-5)


def test_the_newest_part_by_itself_is_what_a_window_says_of_it(music: NDArray[np.float32]) -> None:
    stream = _Spied()
    network = _onnx(stream.network)
    for start in (0, 1600, 8000):
        with torch.inference_mode():
            scene = stream.listen(music[start : start + WINDOW], start)
        both = network.share(scene)
        places, presence = network.newest(scene, both.doubt)
        np.testing.assert_allclose(places, both.places[1], atol=1e-5)
        np.testing.assert_allclose(presence, both.presence[1], atol=1e-4)


@pytest.mark.parametrize("how", ["torch", "onnx"])
def test_what_enters_is_news_until_a_window_that_holds_it_was_encoded(how: str) -> None:
    encoder = load_encoder(device="cpu")
    stream = encoder.stream() if how == "onnx" else encoder.torch_stream()
    first, second = (read_audio(load_demo_song().audio)[at * 16_000 :][:WINDOW] for at in (0, 40))
    audio = np.concatenate([first, second])
    assert stream.news(audio[:WINDOW], 0, 0.1) == 1.0  # nothing was encoded yet
    stream.encode(audio[:WINDOW], 0)
    assert stream.news(audio[:WINDOW], 0, 0.1) == 0.0
    later = WINDOW - 8000
    heard = stream.news(audio[later : later + WINDOW], later, 0.1)
    assert heard > 0.35
    stream.encode(audio[later : later + WINDOW], later)
    assert stream.news(audio[later : later + WINDOW], later, 0.1) == 0.0  # no cell is new
