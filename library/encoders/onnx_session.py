"""Open ONNX graphs to be run on a CPU."""

from __future__ import annotations

import onnxruntime

__all__ = ["open_graph"]

_ERRORS_ONLY = 3


def open_graph(graph: bytes) -> onnxruntime.InferenceSession:
    """Make a graph ready to run, with one thread, as everything beside a DAW has (see library.cores)."""
    onnxruntime.disable_telemetry_events()  # its builds for Windows would send them
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
