"""Draw the curves of a training run from its log."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

__all__ = ["draw_curves"]

_LOSSES = ("which", "presence", "masks", "notes", "single", "single_notes", "family", "distance")
_FIGURES = ("eer", "top1", "map", "f1", "three", "count")


def draw_curves(folder: Path) -> Path | None:
    """Write FOLDER/curves.png from FOLDER/log.jsonl; None where matplotlib is not installed or nothing was logged."""
    if find_spec("matplotlib") is None:
        return None
    rows = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    if not rows:
        return None
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.5), layout="constrained")
    for axes, title, keys in zip(figure.subplots(1, 2), ("losses", "validation"), (_LOSSES, _FIGURES), strict=True):
        axes.set_title(title)
        axes.set_xlabel("steps")
        for key in keys:
            points = [(row["steps"], row[key]) for row in rows if key in row]
            if points:
                axes.plot(*zip(*points, strict=True), "o-", markersize=3, label=key)
        if axes.has_data():
            axes.legend(fontsize=8)
    path = folder / "curves.png"
    figure.savefig(path, dpi=110)
    return path
