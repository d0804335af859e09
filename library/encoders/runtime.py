"""Run trained encoders on arrays: what the index and the live engine call."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from library.encoders.blocks import ResidualBlock, Trunk, channels_last
from library.encoders.checkpoint import Checkpoint, load_checkpoint
from library.encoders.kind_network import Stride
from library.encoders.onnx_network import OnnxNetwork
from library.encoders.quantise import ranges_of
from library.encoders.shared import Shared
from library.encoders.spec import EncoderSpec, MixtureEmbedding, MixtureStream
from library.encoders.streaming import NetworkStream
from library.encoders.streams import BatchedStream, CalibratedStream, TorchSharer, calibrated, check_audio, shared_of
from library.encoders.strips import Strip
from library.encoders.together import Together
from library.encoders.whole_pass import MOST_AT_ONCE, WholePass
from library.errors import InputError
from library.features import Frontend

__all__ = ["WEIGHTS", "TorchEncoder", "choose_device", "load_encoder"]

WEIGHTS = Path(__file__).parent / "weights" / "timbrel.safetensors"
"""The weights that ship with the package."""

MAX_BATCH = 16
"""Windows per forward pass: more gain nothing on a CPU and cost memory."""


class TorchEncoder:
    """Single- and Multi-Instrument Encoder of one checkpoint on one device.

    Args:
        checkpoint: Its network is changed.
        device: "cpu" or "cuda".
        in_batches: Hear mixtures of several threads in one pass, each window whole; usual on a GPU.
    """

    def __init__(self, checkpoint: Checkpoint, device: str = "cpu", in_batches: bool | None = None) -> None:
        self._spec = checkpoint.spec
        self._calibration = checkpoint.calibration
        self._device = torch.device(device)
        self._ranges = ranges_of(checkpoint.network, checkpoint.spec.features)
        fuse_norms(checkpoint.network)
        self._network = channels_last(checkpoint.network.to(self._device))
        self._frontend = Frontend(checkpoint.spec.features).to(self._device)
        self._onnx: OnnxNetwork | None = None
        is_gpu = self._device.type != "cpu"
        self._pass = WholePass(self._network, self._frontend, self._device, half=is_gpu)
        together = Together(self._hear_all, MOST_AT_ONCE)
        self._together = together if is_gpu or in_batches else None

    @property
    def spec(self) -> EncoderSpec:
        """What this encoder is."""
        return self._spec

    @property
    def device(self) -> str:
        """Device it runs on."""
        return self._device.type

    @property
    def answers_together(self) -> bool:
        """Whether windows of several threads are heard in one pass."""
        return self._together is not None

    def embed(self, audio: NDArray[np.float32]) -> NDArray[np.float32]:
        """Embed audio[B, T] of one instrument each as unit vectors[B, D].

        Raises:
            InputError: The array is not [B, T] with T of at least 0.1 s, or holds NaN.
        """
        with torch.inference_mode():
            parts = [self._network.embed(self._features(audio[i : i + MAX_BATCH])) for i in _steps(audio)]
            vectors: NDArray[np.float32] = torch.cat(parts).cpu().numpy()
        return vectors

    def encode(self, audio: NDArray[np.float32]) -> MixtureEmbedding:
        """Estimate the instruments in mixtures audio[B, T].

        Raises:
            InputError: The array is not [B, T] with T of at least 0.1 s, or holds NaN.
        """
        if self._together is not None:
            check_audio(audio)
            heard = self._pass.hear(audio)
            return calibrated(
                shared_of(heard.embeddings[:, 0], heard.presence[:, 0], heard.alone[:, 0]), self._calibration
            )
        with torch.inference_mode():
            parts = [self._encode(self._features(audio[i : i + MAX_BATCH])) for i in _steps(audio)]
        return MixtureEmbedding(
            np.concatenate([part.vectors for part in parts]), np.concatenate([part.presence for part in parts])
        )

    def stream(self) -> MixtureStream:
        """Begin a stream.

        On a CPU its windows take what their new audio costs, and ONNX Runtime does most of it; on a GPU they are heard
        whole, together with those of other streams.
        """
        if self._together is not None:
            return BatchedStream(self._together, Frontend(self._spec.features), self._calibration)
        self._onnx = self._onnx or OnnxNetwork(self._network, self._spec.features, self._ranges)
        return self._stream(self._onnx.strip(), self._onnx)

    def torch_stream(self) -> MixtureStream:
        """Begin a stream that torch runs on any device: it hears exactly what windows by themselves do."""
        return self._stream(None, TorchSharer(self._network))

    def _stream(self, strip: Strip | None, sharer: OnnxNetwork | TorchSharer) -> MixtureStream:
        heard = NetworkStream(self._network, self._frontend, self._device, strip)
        return CalibratedStream(heard, sharer, self._calibration)

    def _encode(self, features: torch.Tensor) -> MixtureEmbedding:
        network, out = self._network, self._network.multi(features)

        def alone(rows: NDArray[np.int64]) -> NDArray[np.float32]:
            some = torch.from_numpy(rows).to(features.device)
            return np.asarray(network.alone(out.whole[some], features[some]).cpu().numpy())

        return calibrated(Shared.of(out, alone), self._calibration)

    def _hear_all(self, windows: Sequence[NDArray[np.float32]]) -> list[Shared]:
        """Hear windows[T] of several streams, those of one length in one pass."""
        found: dict[int, Shared] = {}
        for length in {len(window) for window in windows}:
            rows = [row for row, window in enumerate(windows) if len(window) == length]
            heard = self._pass.hear(np.stack([windows[row] for row in rows]))
            for row, *parts in zip(rows, heard.embeddings, heard.presence, heard.alone, strict=True):
                found[row] = shared_of(*parts)
        return [found[row] for row in range(len(windows))]

    def _features(self, audio: NDArray[np.float32]) -> torch.Tensor:
        check_audio(audio)
        tensor = torch.from_numpy(np.ascontiguousarray(audio, np.float32)).to(self._device)
        features: torch.Tensor = self._frontend(tensor)
        return features


def load_encoder(path: Path = WEIGHTS, device: str = "auto") -> TorchEncoder:
    """Load weights onto a device: "cpu", "cuda" or "auto" (CUDA where there is one).

    Raises:
        EncoderError: The weights can't be loaded.
        InputError: The device does not exist.
    """
    return TorchEncoder(load_checkpoint(path), choose_device(device))


def choose_device(name: str) -> str:
    """Resolve "auto" and check that the device exists.

    Raises:
        InputError: CUDA was asked for and is not there, or the name is unknown.
    """
    if name not in ("cpu", "cuda", "auto"):
        raise InputError(name, "is no device", "use cpu, cuda or auto")
    if name == "cpu":
        return "cpu"
    if torch.cuda.is_available():
        return "cuda"
    if name == "cuda":
        raise InputError("cuda", "no CUDA device is available", "use --device cpu")
    return "cpu"


def fuse_norms(network: nn.Module) -> None:
    """Fold batch norms into the convolutions before them; evaluation mode only."""
    for module in network.modules():
        if isinstance(module, ResidualBlock):
            _fuse(module, "conv1", "norm1")
            _fuse(module, "conv2", "norm2")
            if isinstance(module.shortcut, nn.Sequential):
                _fuse(module.shortcut, "0", "1")
        elif isinstance(module, Trunk):
            for name in ("stem1", "stem2", "widen"):
                _fuse(module, name, f"{name}_norm")
        elif isinstance(module, Stride):
            _fuse(module, "conv", "norm")


def _fuse(parent: nn.Module, conv: str, norm: str) -> None:
    before, after = parent.get_submodule(conv), parent.get_submodule(norm)
    if isinstance(before, nn.Conv2d) and isinstance(after, nn.BatchNorm2d):
        setattr(parent, conv, fuse_conv_bn_eval(before, after))
        setattr(parent, norm, nn.Identity())


def _steps(audio: NDArray[np.float32]) -> range:
    return range(0, max(1, len(audio)), MAX_BATCH)
