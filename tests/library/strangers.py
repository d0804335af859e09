"""Make libraries as a stranger could: everything in them fits together, and something in them is malicious."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from library.manifest import file_entry
from library.table import SPAN

__all__ = ["STRANGE", "fit", "spoil_sound"]


def fit(lib: Path, change: Callable[[dict[str, Any]], None] = lambda _: None) -> None:
    """Make the manifest say what the files are now, and change it; it carries no hash of itself, as older ones."""
    path = lib / "manifest.json"
    data = json.loads(path.read_text())
    data.pop("sha256", None)
    for name in data["files"]:
        entry = file_entry(lib / name)
        data["files"][name] = {"bytes": entry.bytes, "sha256": entry.sha256}
    change(data)
    path.write_text(json.dumps(data))


def one(lib: Path, pattern: str) -> Path:
    (path,) = lib.glob(pattern)
    return path


def spoil_sound(lib: Path, column: int, value: object) -> None:
    """Put a value into a column of the first sound."""
    lines = one(lib, "sounds-*.jsonl").read_text().splitlines()
    row = json.loads(lines[0])
    row[column] = value
    write_lines(lib, [json.dumps(row), *lines[1:]])


def write_lines(lib: Path, lines: list[str]) -> None:
    one(lib, "sounds-*.jsonl").write_text("".join(f"{line}\n" for line in lines))
    path = one(lib, "sounds-*.spans")
    spans = np.fromfile(path, SPAN)
    spans["end"][: len(lines)] = np.cumsum([len(line) + 1 for line in lines])
    spans.tofile(path)
    fit(lib)


def _spans(**columns: int) -> Callable[[Path], None]:
    def spoil(lib: Path) -> None:
        path = one(lib, "sounds-*.spans")
        spans = np.fromfile(path, SPAN)
        for name, value in columns.items():
            spans[name][1] = value
        spans.tofile(path)
        fit(lib)

    return spoil


def _wrapping(lib: Path) -> None:
    """Give sounds so many vectors that their sum comes round to the right number."""
    path = one(lib, "sounds-*.spans")
    spans = np.fromfile(path, SPAN)
    rows = int(spans["row_count"].sum())
    counts = np.array([2**62, 2**62, 2**62, 2**62, rows] + [0] * (len(spans) - 5), np.int64)
    with np.errstate(over="ignore"):
        spans["first_row"] = np.cumsum(counts) - counts
    spans["row_count"] = counts
    spans.tofile(path)
    fit(lib)


def _numbers(pattern: str, kind: str, at: int, value: float) -> Callable[[Path], None]:
    def spoil(lib: Path) -> None:
        path = one(lib, pattern)
        numbers = np.fromfile(path, kind)
        numbers[at] = value
        numbers.tofile(path)
        fit(lib)

    return spoil


def _cut(pattern: str) -> Callable[[Path], None]:
    def spoil(lib: Path) -> None:
        path = one(lib, pattern)
        path.write_bytes(path.read_bytes()[:-100])
        fit(lib)

    return spoil


def _says(**values: object) -> Callable[[Path], None]:
    return lambda lib: fit(lib, lambda data: data.update(values))


def _lists(name: str, entry: object) -> Callable[[Path], None]:
    return lambda lib: fit(lib, lambda data: data["files"].update({name: entry}))


def _schema(*statements: str) -> Callable[[Path], None]:
    def spoil(lib: Path) -> None:
        with closing(sqlite3.connect(lib / "catalog.sqlite")) as db, db:
            for statement in statements:
                db.execute(statement)
        (lib / "catalog.sha256").write_text(file_entry(lib / "catalog.sqlite").sha256)
        fit(lib)

    return spoil


def _no_database(lib: Path) -> None:
    (lib / "catalog.sqlite").write_bytes(b"this is no database" * 1000)
    (lib / "catalog.sha256").write_text(file_entry(lib / "catalog.sqlite").sha256)


def _manifest(text: str) -> Callable[[Path], None]:
    def spoil(lib: Path) -> None:
        (lib / "manifest.json").write_text(text)

    return spoil


_ENDLESS = "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r)"
_ANNOY = "index-*.ann"

STRANGE: dict[str, Callable[[Path], None]] = {
    "a manifest nested deep": _manifest('{"format": 2, "files": ' + "[" * 100_000),
    "a manifest of a number without end": _manifest('{"format": 2, "dim": 1' + "0" * 100_000 + "}"),
    "a manifest of infinity": _says(dim=float("inf")),
    "a manifest larger than it can be": _manifest(" " * (17 << 20)),
    "more vectors than there can be": _says(vectors=10**30),
    "a vector of a billion numbers": _says(dim=10**9, vectors=0),
    "a file above the library": _lists("../passwd", {"bytes": 1, "sha256": "0" * 64}),
    "a file with an absolute name": _lists("/etc/passwd", {"bytes": 1, "sha256": "0" * 64}),
    "a preview above the library": _lists("previews/../../x.ogg", {"bytes": 1, "sha256": "0" * 64}),
    "a size that is text": _lists("vectors-1.f16", {"bytes": "12", "sha256": "0" * 64}),
    "a hash that is none": _lists("vectors-1.f16", {"bytes": 12, "sha256": None}),
    "a base without its files": _says(generation=2, base={"generation": 1, "sounds": 20, "vectors": 40}),
    "a base that is text": _says(generation=2, base="1"),
    "sources that are numbers": _says(sources=[1, 2]),
    "no sounds, but vectors": lambda lib: write_lines(lib, []),
    "a sound whose name is a number": lambda lib: spoil_sound(lib, 1, 7),
    "a sound whose name is half a character": lambda lib: spoil_sound(lib, 1, "\ud800"),
    "a sound whose path is a list": lambda lib: spoil_sound(lib, 3, ["/etc/passwd"]),
    "a program that is text": lambda lib: spoil_sound(lib, 7, "1"),
    "a program that can't be": lambda lib: spoil_sound(lib, 7, 1 << 40),
    "a sound that is no list": lambda lib: write_lines(
        lib, ['{"id": 1}', *one(lib, "sounds-*.jsonl").read_text().splitlines()[1:]]
    ),
    "a sound nested deep": lambda lib: write_lines(
        lib, ["[" * 100_000, *one(lib, "sounds-*.jsonl").read_text().splitlines()[1:]]
    ),
    "a sound with rows that are not there": _spans(first_row=1 << 40),
    "a sound with rows without end": _spans(row_count=1 << 60),
    "a sound that owes rows": _spans(row_count=-5),
    "a line that ends far away": _spans(end=1 << 40),
    "rows that come round to the right number": _wrapping,
    "vectors cut short": _cut("vectors-*.f16"),
    "sounds cut short": _cut("sounds-*.jsonl"),
    "spans cut short": _cut("sounds-*.spans"),
    "an index cut short": _cut(_ANNOY),
    "an index whose root points far away": _numbers(_ANNOY, "<i4", -18, 2**31 - 1),
    "an index whose root points below zero": _numbers(_ANNOY, "<i4", -18, -7),
    "an index whose count is negative": _numbers(_ANNOY, "<i4", -19, -1),
    "an index that holds itself": _numbers(_ANNOY, "<i4", -18, 10**6),
    "an index whose first row is none": _numbers(_ANNOY, "<i4", 0, 9),
    "no database": _no_database,
    "a view without end": _schema(
        "ALTER TABLE errors RENAME TO other",
        f"CREATE VIEW errors AS {_ENDLESS} SELECT 'p' || x AS path, 'e' AS error FROM r",
    ),
    "a table of a module": _schema("CREATE VIRTUAL TABLE errors2 USING fts5(path)"),
    "a trigger": _schema(
        f"CREATE TRIGGER t AFTER INSERT ON drafts BEGIN INSERT INTO notes {_ENDLESS} SELECT 'p' || x, 'n' FROM r; END"
    ),
    "errors that are numbers": _schema("INSERT INTO errors VALUES (x'00ff', 'f', 3)"),
    "a text of megabytes": _schema(f"INSERT INTO errors VALUES ('p', 'f', '{'x' * (20 << 20)}')"),
}
"""Ways to spoil a library of at least six sounds with two vectors of 16 numbers each, and an index."""
