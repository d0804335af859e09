"""Write an evaluation as one HTML page with tables, plots, and cases to listen to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from library.audio import SAMPLE_RATE_HZ, write_audio
from library.data.scores import Split
from library.encoders.spec import Encoder, EncoderSpec
from library.evaluation.cases import Case, Kind, find_cases
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
_PAGE_FILES = ("report.css", "report.js")
"""What the page is drawn and played with: files, since a page that is served may hold neither script nor style."""

_KINDS: Mapping[Kind, str] = {
    "all found": "Every instrument that plays is among those that are named.",
    "part found": "Some of the instruments that play are named.",
    "others that sound alike": "None of those that are named plays: listen how near they are.",
}


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
    for old in (out / "sounds").glob("*.ogg"):  # of another evaluation
        old.unlink()
    pictures = _pictures(out, clips, mixes, single, heard.vectors, heard.presence, encoder.spec)
    cases = find_cases(
        heard.vectors, heard.presence, encoder.spec.threshold, library, mixes.truth, most=CASES_OF_A_KIND
    )
    page = [
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>",
        "<title>What Timbrel hears</title><link rel=stylesheet href=report.css><link rel=icon href=map.png>",
        "<script src=report.js defer></script><main><h1>What Timbrel hears</h1>",
        f"<p class=dim>{len(clips.instruments)} instruments of the {split} split, none of which was heard in training. "
        f"Weights {encoder.spec.fingerprint[:12]}.</p>",
        *(_table(title, columns, rows) for title, (columns, rows) in tables.items()),
        "<h2>Pictures</h2><div class=pictures>",
        *(
            f"<figure><img src='{name}' alt=''><figcaption>{escape(text)}</figcaption></figure>"
            for name, text in pictures.items()
        ),
        "</div><h2>Cases to listen to</h2><p>The first mixtures of each kind, chosen by nothing else. Each instrument",
        "is shown by the one clip that the library knows it from, with its cosine.</p>",
        *(_kind(out, kind, [case for case in cases if case.kind == kind], clips, mixes) for kind in _KINDS),
        "</main><div class=player id=player hidden><output></output><audio controls preload=none></audio></div>",
    ]
    for name in _PAGE_FILES:
        (out / name).write_bytes((resources.files("library.evaluation") / "page" / name).read_bytes())
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


def _kind(out: Path, kind: Kind, cases: Sequence[Case], clips: Clips, mixes: Mixes) -> str:
    """Write the cases of one kind."""
    shown = "".join(_case(out, case, clips, mixes) for case in cases) or "<p class=dim>There is none.</p>"
    return f"<h2>{escape(kind.capitalize())}</h2><p>{escape(_KINDS[kind])}</p><div class=cases>{shown}</div>"


def _case(out: Path, case: Case, clips: Clips, mixes: Mixes) -> str:
    """Write one mixture with what plays in it and what is named; everything can be heard."""

    def play(file: str, text: str, audio: NDArray[np.float32]) -> str:
        path = out / "sounds" / f"{file}.ogg"
        if not path.exists():
            write_audio(path, audio, SAMPLE_RATE_HZ)
        return f"<a class=play href='sounds/{file}.ogg'>{escape(text)}</a>"

    def line(c: int, is_right: bool, wrong: str, score: float | None = None) -> str:
        instrument = clips.instruments[c]
        link = play(f"instrument-{c:02d}", f"{instrument.name} ({instrument.family})", clips.audio[clips.first[c]])
        mark, word, name = ("✓", "found", "found") if is_right else ("✗", wrong, "missed")
        number = "" if score is None else f"<span class=score>{score:.2f}</span>"
        said = f"<span class=mark aria-hidden=true>{mark}</span><span>{link}<span class=hidden>, {word}</span></span>"
        return f"<li class={name}>{said}{number}</li>"

    true = "".join(line(c, c in case.named, "not named") for c in case.true)
    named = "".join(
        line(c, c in case.true, "does not play", score) for c, score in zip(case.named, case.scores, strict=True)
    )
    mix = play(f"mixture-{case.mixture:03d}", f"Mixture {case.mixture}", mixes.audio[case.mixture])
    hits = len(set(case.true) & set(case.named))
    return (
        f"<article class=case><header><h3>{hits} of {len(case.true)} found</h3>{mix}</header>"
        f"<div class=sides><div><h4>Really in it</h4><ul>{true}</ul></div>"
        f"<div><h4>Named</h4><ul>{named}</ul></div></div></article>"
    )


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th scope=col>{escape(name)}</th>" for name in ("system", *columns))
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f"<h2>{escape(title)}</h2><div class=wide tabindex=0 role=region aria-label='{escape(title)}'>{table}</div>"
