"""Save and load weights: safetensors, fp16, with spec and fingerprint in the header."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from torch import Tensor

from library.encoders.network import NetworkConfig, TimbrelNetwork
from library.encoders.spec import EncoderSpec
from library.errors import EncoderError
from library.features import TIMBREL_FEATURES, FeatureSpec
from library.naming import UNFITTED, SetRule

__all__ = ["Calibration", "Checkpoint", "load_checkpoint", "save_checkpoint"]

FORMAT = "4"
ARCHITECTURE = "timbrel"
_HEADER_KEY = "timbrel"
_COHORT = "cohort"


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
        if not key.endswith("num_batches_tracked")
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

    Raises:
        EncoderError: The file is missing, damaged, of another format, or does not match its fingerprint.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {}).get(_HEADER_KEY, "{}"))
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a mapping
    except (OSError, SafetensorError, ValueError) as error:
        raise _bad(path, f"can't be read as weights ({type(error).__name__})") from error
    if header.get("format") != FORMAT or header.get("architecture") != ARCHITECTURE:
        raise _bad(path, "are weights of another format or architecture")
    claimed = header.pop("fingerprint", "")
    if _fingerprint(header, state) != claimed:
        raise _bad(path, "does not match its fingerprint")
    cohort = state.pop(_COHORT)
    config = NetworkConfig(**{**header["network"], "widths": tuple(header["network"]["widths"])})
    network = TimbrelNetwork(config)
    counters = {key: value for key, value in network.state_dict().items() if key.endswith("num_batches_tracked")}
    network.load_state_dict({**{key: value.float() for key, value in state.items()}, **counters}, strict=True)
    calibration = Calibration(**{**header["calibration"], "rule": SetRule(**header["calibration"]["rule"])})
    spec = EncoderSpec(
        ARCHITECTURE,
        config.dim,
        config.slots,
        replace(FeatureSpec(), **header["features"]),
        float(header["window_s"]),
        calibration.threshold,
        claimed,
        calibration.rule,
        cohort.numpy(),
    )
    return Checkpoint(spec, network.eval(), calibration)


def _fingerprint(header: Mapping[str, object], state: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    for key in sorted(state):
        digest.update(key.encode())
        digest.update(state[key].numpy().tobytes())
    return digest.hexdigest()


def _bad(path: Path, rule: str) -> EncoderError:
    return EncoderError(path, rule, "reinstall timbrel, or train again with `timbrel train multi`")
