"""Save and load weights: safetensors, fp16, with spec and fingerprint in the header."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from torch import Tensor

from library.encoders.blocks import HarmonicStack
from library.encoders.kind_network import HIDDEN, READINGS
from library.encoders.network import NetworkConfig, TimbrelNetwork
from library.encoders.spec import EncoderSpec
from library.encoders.tensors import TensorFileError, read_tensors
from library.errors import EncoderError
from library.front_end import TIMBREL_FEATURES, FeatureSpec
from library.naming import UNFITTED, SetRule

__all__ = ["Calibration", "Checkpoint", "load_checkpoint", "save_checkpoint"]

FORMAT = "9"
ARCHITECTURE = "timbrel"
_HEADER_KEY = "timbrel"
_COHORT = "cohort"
_COUNTER = "num_batches_tracked"

_MOST_BYTES = 256 << 20
"""Largest file that is read: ours is below 16 MB."""

_MOST_SIZE = 4096
_MOST_LAYERS = 64
_MOST_FEATURE = 1 << 17
_MOST_WINDOW_S = 60.0
"""Ours: 256 numbers, two layers, windows of five seconds; the features' largest number is a sample rate."""

_Number = TypeVar("_Number", int, float)


@dataclass(frozen=True, slots=True)
class Calibration:
    """Turn presence logits into probabilities: sigmoid(logit / temperature + bias).

    Attributes:
        temperature: Fitted on validation mixtures.
        bias: Fitted on validation mixtures.
        threshold: Probability above which F1 on validation was best.
        rule: How a set of sounds is named from the slots, fitted on validation as well.
    """

    temperature: float = 1.0
    bias: float = 0.0
    threshold: float = 0.5
    rule: SetRule = UNFITTED


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Pair a spec with its network."""

    spec: EncoderSpec
    network: TimbrelNetwork
    calibration: Calibration


def save_checkpoint(
    path: Path, network: TimbrelNetwork, calibration: Calibration, window_s: float, cohort: Tensor
) -> str:
    """Write weights as fp16, with the cohort[M, D] of EncoderSpec, and return their fingerprint.

    An existing file is replaced whole.
    """
    from safetensors.torch import save_file

    state = {
        key: (value.half() if value.is_floating_point() else value).contiguous().cpu()
        for key, value in network.state_dict().items()
        if not key.endswith(_COUNTER)
    }
    state[_COHORT] = cohort.half().contiguous().cpu()
    header = {
        "format": FORMAT,
        "architecture": ARCHITECTURE,
        "network": asdict(network.config),
        "features": asdict(TIMBREL_FEATURES),
        "window_s": window_s,
        "calibration": asdict(calibration),
    }
    header["fingerprint"] = _fingerprint(header, state)
    part = path.with_suffix(".part")
    save_file(state, part, metadata={_HEADER_KEY: json.dumps(header, sort_keys=True)})
    part.chmod(0o644)
    part.replace(path)
    return str(header["fingerprint"])


def load_checkpoint(path: Path) -> Checkpoint:
    """Read weights and check that they are what their header says.

    The fingerprint tells damage, not malice: whoever makes weights can make it fit. So every size is checked before
    anything of that size is made, and numbers that a network can't work with are refused.

    Raises:
        EncoderError: The file is missing, damaged, of another format, or does not match its fingerprint.
    """
    try:
        metadata, state = read_tensors(path, _MOST_BYTES)
        header = json.loads(metadata.get(_HEADER_KEY, "{}"))
    except TensorFileError as error:
        raise _bad(path, str(error)) from error
    except (OSError, ValueError, RecursionError) as error:
        raise _bad(path, f"can't be read as weights ({type(error).__name__})") from error
    if not isinstance(header, dict) or header.get("format") != FORMAT or header.get("architecture") != ARCHITECTURE:
        raise _bad(path, "are weights of another format or architecture")
    claimed = header.pop("fingerprint", "")
    if _fingerprint(header, state) != claimed:
        raise _bad(path, "does not match its fingerprint")
    try:
        return _build(header, state, claimed)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:120]
        raise _bad(path, f"its header and its weights make no network ({reason})") from error


def _build(header: Mapping[str, Any], state: dict[str, Tensor], fingerprint: str) -> Checkpoint:
    """Make the network that a header describes, if it is one that these weights fill.

    Raises:
        KeyError, TypeError, ValueError, RuntimeError: It is not.
    """
    cohort = state.pop(_COHORT)
    sizes = header["network"]
    config = NetworkConfig(**{**sizes, **{key: tuple(sizes[key]) for key in ("widths", "kind_widths")}})
    w1, w2 = config.widths
    widths = (config.dim, config.cells, w1, w2, config.traits, config.refiner, config.kinds, *config.kind_widths)
    for size in (*widths, config.slots, config.heads, config.rows):
        _within("a size", size, 1, _MOST_SIZE)
    for width in (config.cells, config.refiner):
        if width % config.heads:
            raise ValueError(f"{config.heads} heads don't divide {width} numbers")
    for count in (config.layers, config.blocks):
        _within("a number of layers", count, 0, _MOST_LAYERS)
    if cohort.ndim != 2 or cohort.shape[1] != config.embedding or not cohort.is_floating_point():
        raise ValueError(f"cohort {tuple(cohort.shape)}")
    for key, shape in _shapes(config).items():  # nothing is allocated for a network that the file does not hold
        if tuple(state[key].shape) != shape:
            raise ValueError(f"{key} {tuple(state[key].shape)}")
    if any(bool((value < 0).any()) for key, value in state.items() if key.endswith("running_var")):
        raise ValueError("a variance below zero")
    network = TimbrelNetwork(config)
    counters = {key: value for key, value in network.state_dict().items() if key.endswith(_COUNTER)}
    network.load_state_dict({**{key: value.float() for key, value in state.items()}, **counters}, strict=True)
    calibration = Calibration(**{**header["calibration"], "rule": SetRule(**header["calibration"]["rule"])})
    rule = calibration.rule
    _within("temperature", calibration.temperature, 1e-6, 1e6)
    _within("bias", calibration.bias, -1e6, 1e6)
    _within("sharpness", rule.sharpness, 0.0, 1e6)
    for threshold in (calibration.threshold, rule.threshold):
        _within("threshold", threshold, 0.0, 1.0)
    spec = EncoderSpec(
        ARCHITECTURE,
        config.embedding,
        config.slots,
        _features(header["features"]),
        float(_within("window_s", header["window_s"], 0.1, _MOST_WINDOW_S)),
        calibration.threshold,
        fingerprint,
        rule,
        cohort.numpy(),
        config.kinds,
    )
    return Checkpoint(spec, network.eval(), calibration)


def _shapes(config: NetworkConfig) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the weights by which the sizes of all others are known."""
    cells, (w1, w2) = config.cells, config.widths
    return {
        "trunk.stem1.weight": (w1, HarmonicStack.CHANNELS, 3, 3),
        "trunk.stem2.weight": (w2, w1, 3, 3),
        **{f"trunk.blocks.{n}.conv1.weight": (w2, w2, 3, 3) for n in range(config.blocks)},
        "trunk.widen.weight": (cells, w2, 1, 1),
        "overview.weight": (cells, cells, 2, 4),
        "head.0.weight": (2 * cells, cells + config.traits),
        "local.weight": (config.dim, cells),
        "row_code": (config.rows // 2, cells),
        "queries": (config.slots, cells),
        "refiner.read.weight": (config.refiner, config.dim),
        **_kind_shapes(config),
        **{f"decoder.{n}.linear1.weight": (2 * cells, cells) for n in range(config.layers)},
    }


def _kind_shapes(config: NetworkConfig) -> dict[str, tuple[int, ...]]:
    first, *others = config.kind_widths
    shapes: dict[str, tuple[int, ...]] = {
        "kind_network.body.0.conv.weight": (first, 2, 5, 5),
        "kind_network.say.1.weight": (HIDDEN, 2 * READINGS * others[-1]),
        "kind_network.say.4.weight": (config.kinds, HIDDEN),
    }
    before = first
    for number, width in enumerate(others):
        shapes[f"kind_network.body.{2 * number + 1}.conv.weight"] = (width, before, 3, 3)
        shapes[f"kind_network.body.{2 * number + 2}.conv1.weight"] = (width, width, 3, 3)
        before = width
    return shapes


def _features(data: Mapping[str, Any]) -> FeatureSpec:
    spec = replace(FeatureSpec(), **data)
    for size in (spec.bands, spec.sample_rate, spec.n_fft, spec.win_length, spec.hop_length):
        _within("a size of the features", size, 1, _MOST_FEATURE)
    _within("floor_db", spec.floor_db, -1000.0, 0.0)
    if spec.scale not in ("mel", "log") or spec.normalise not in ("peak", "power"):
        raise ValueError(f"features {spec.scale!r}, {spec.normalise!r}")
    return spec


def _within(name: str, value: _Number, least: float, most: float) -> _Number:
    """Return a number that is of the type of its bounds' use, and between them (NaN is not)."""
    if type(value) not in (int, float) or (isinstance(least, int) and type(value) is not int):
        raise TypeError(f"{name} {value!r}")
    if not least <= value <= most:
        raise ValueError(f"{name} {value!r}")
    return value


def _fingerprint(header: Mapping[str, object], state: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    for key in sorted(state):
        digest.update(key.encode())
        digest.update(state[key].numpy().tobytes())
    return digest.hexdigest()


def _bad(path: Path, rule: str) -> EncoderError:
    return EncoderError(path, rule, "reinstall timbrel, or train again with `timbrel train multi`")
