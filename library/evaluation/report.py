"""Write an evaluation as one HTML page with tables, plots, and cases to listen to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from library.audio import SAMPLE_RATE_HZ, write_audio
from library.data.scores import Split
from library.encoders.spec import Encoder, EncoderSpec
from library.evaluation.cases import Case, find_cases
from library.evaluation.material import Clips, Mixes, draw_mixes, read_clips
from library.evaluation.plots import plot_confusion, plot_counts, plot_map, plot_reliability
from library.evaluation.protocols import mixture_scores, slots_in_use
from library.soundmap import principal_plane

__all__ = ["write_report"]

MIXTURES = 240
CASES_OF_A_KIND = 4
MAP_CLIPS = 4
_SEED = 7
_COUNTS = (2, 9)

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:70em;margin:2em auto;padding:0 1em;color-scheme:light dark}
table{border-collapse:collapse;margin:1em 0}td,th{padding:.2em .7em;border-bottom:1px solid #8886;text-align:right}
td:first-child,th:first-child{text-align:left}figure{display:inline-block;margin:0 1em 1em 0}img{max-width:100%}
.case{border-top:1px solid #8886;padding:.7em 0}.case audio{height:2em;vertical-align:middle}.right{font-weight:600}
"""


def write_report(
    data: Path,
    encoder: Encoder,
    tables: Mapping[str, tuple[Sequence[str], Sequence[Sequence[str]]]],
    out: Path,
    split: Split = "test",
) -> Path:
    """Write OUT/index.html with its pictures and sounds, and return its path.

    Args:
        data: Folder that `timbrel data render` filled.
        encoder: What is shown.
        tables: Title -> column names and rows, as `timbrel eval` prints them.
        out: Folder to write into.
        split: Instruments that are asked about.

    Raises:
        InputError: DATA holds no rendered instruments.
        MissingDependencyError: matplotlib is not installed.
    """
    clips = read_clips(data, split)
    mixes = draw_mixes(clips, MIXTURES, _COUNTS, np.random.default_rng(_SEED))
    single = encoder.embed(clips.audio)
    heard = encoder.encode(mixes.audio)
    library = single[clips.first]
    (out / "sounds").mkdir(parents=True, exist_ok=True)
    pictures = _pictures(out, clips, mixes, single, heard.vectors, heard.presence, encoder.spec)
    cases = find_cases(
        heard.vectors, heard.presence, encoder.spec.threshold, library, mixes.truth, most=CASES_OF_A_KIND
    )
    shown = [_case(out, case, clips, mixes) for case in cases]
    page = [
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>",
        f"<title>What Timbrel hears</title><style>{_STYLE}</style><h1>What Timbrel hears</h1>",
        f"<p>{len(clips.instruments)} instruments of the {split} split, none of which was heard in training. "
        f"Weights {encoder.spec.fingerprint[:12]}.</p>",
        *(_table(title, columns, rows) for title, (columns, rows) in tables.items()),
        "<h2>Pictures</h2>",
        *(f"<figure><img src='{name}' alt='{escape(text)}'></figure>" for name, text in pictures.items()),
        "<h2>Cases to listen to</h2><p>The first mixtures of each kind, chosen by nothing else. Each instrument is",
        "shown by the one clip that the library knows it from; those that really play are set in bold.</p>",
        *shown,
    ]
    path = out / "index.html"
    path.write_text("\n".join(page) + "\n", "utf-8")
    return path


def _pictures(
    out: Path,
    clips: Clips,
    mixes: Mixes,
    single: NDArray[np.float32],
    vectors: NDArray[np.float32],
    presence: NDArray[np.float32],
    spec: EncoderSpec,
) -> dict[str, str]:
    library = single[clips.first]
    counts = {}
    for n in range(_COUNTS[0], _COUNTS[1] + 1):
        some = mixes.truth.sum(axis=1) == n
        if some.any():
            args = (vectors[some], presence[some], spec.threshold, library, mixes.truth[some], spec.rule, spec.cohort)
            counts[n] = mixture_scores(*args).f1_macro
    plot_counts(out / "counts.png", {"timbrel": counts})
    used = slots_in_use(vectors @ library.T, mixes.truth)
    plot_reliability(out / "reliability.png", presence.ravel(), used.ravel())
    families = [instrument.family for instrument in clips.instruments]
    known = sorted(set(families))
    confusion = np.zeros((len(known), len(known)))
    asked = np.setdiff1d(np.arange(len(single)), clips.first)
    for row, named in zip(asked, (single[asked] @ library.T).argmax(axis=1), strict=True):
        confusion[known.index(families[clips.label[row]]), known.index(families[named])] += 1
    plot_confusion(out / "confusion.png", known, confusion)
    some_rows = np.concatenate([np.flatnonzero(clips.label == c)[:MAP_CLIPS] for c in range(len(families))])
    points = principal_plane(single[some_rows])
    plot_map(out / "map.png", points, [families[c] for c in clips.label[some_rows]], "Unseen instruments")
    return {
        "counts.png": "F1 by the number of instruments",
        "reliability.png": "Reliability of presence: how often a slot that claims it holds an instrument",
        "confusion.png": "Confusion by family",
        "map.png": "Map of the embedding space",
    }


def _case(out: Path, case: Case, clips: Clips, mixes: Mixes) -> str:
    def player(name: str, audio: NDArray[np.float32]) -> str:
        file = out / "sounds" / f"{name}.ogg"
        if not file.exists():
            write_audio(file, audio, SAMPLE_RATE_HZ)
        return f"<audio controls preload=none src='sounds/{name}.ogg'></audio>"

    def line(c: int, score: float | None = None) -> str:
        instrument = clips.instruments[c]
        text = escape(f"{instrument.name} ({instrument.family})") + ("" if score is None else f" {score:.2f}")
        mark = " class=right" if c in case.true else ""
        return f"<li{mark}>{text} {player(f'instrument-{c:02d}', clips.audio[clips.first[c]])}</li>"

    mix = player(f"mixture-{case.mixture:03d}", mixes.audio[case.mixture])
    named = "".join(line(c, score) for c, score in zip(case.named, case.scores, strict=True))
    return (
        f"<div class=case><h3>{escape(case.kind)}</h3><p>The mixture {mix}</p><p>Really in it:</p>"
        f"<ul>{''.join(line(c) for c in case.true)}</ul><p>Named:</p><ul>{named}</ul></div>"
    )


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in ("system", *columns))
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<h2>{escape(title)}</h2><table><tr>{head}</tr>{body}</table>"
