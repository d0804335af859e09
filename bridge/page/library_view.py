"""Shape what `timbrel library info --json` says for the page: bounded, however large the library and its faults."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from library.catalog import FileError

__all__ = ["MOST_SOURCES", "library_view"]

MOST_SOURCES = 200
"""Sources that are listed; of the others only the number is told."""

MOST_KINDS = 12
EXAMPLES = 4
_MOST_TEXT = 300

Json = dict[str, Any]  # Any: what JSON can hold


def library_view(info: Json) -> Json:
    """Return what the page shows of a library.

    Args:
        info: What `timbrel library info LIB --json` printed.
    """
    errors = [FileError(str(one["path"]), str(one["error"])) for one in info["errors"]]
    by_source = dict.fromkeys((source["path"] for source in info["sources"]), 0)
    for error in errors:
        if (path := _source_of(error, by_source)) is not None:
            by_source[path] += 1
    return {
        "sounds": info["sounds"],
        "vectors": info["vectors"],
        "kinds": info["kinds"],
        "families": info["families"],
        "built": info["built"],
        "sources": [
            {
                "name": source["name"],
                "path": source["path"],
                "there": source["name"] not in info["away"],
                "sounds": info["sounds_by_source"].get(source["name"], 0),
                "errors": by_source[source["path"]],
            }
            for source in info["sources"][:MOST_SOURCES]
        ],
        "more_sources": max(0, len(info["sources"]) - MOST_SOURCES),
        "away": info["away"][:MOST_SOURCES],
        "errors": _by_kind(errors, list(by_source)),
        "error_count": len(errors),
        "notes": len(info["notes"]),
    }


def _by_kind(errors: list[FileError], sources: list[str]) -> list[Json]:
    """Gather errors by kind, the most frequent first, each with what to do and some examples."""
    kinds: dict[str, list[FileError]] = {}
    for error in errors:
        kinds.setdefault(error.kind, []).append(error)
    found = sorted(kinds.items(), key=lambda item: -len(item[1]))
    return [
        {
            "kind": kind[:_MOST_TEXT],
            "count": len(some),
            "step": some[0].error.rpartition("; ")[2][:_MOST_TEXT] if "; " in some[0].error else "",
            "examples": [_inside(error, sources) for error in some[:EXAMPLES]],
        }
        for kind, some in found[:MOST_KINDS]
    ]


def _source_of(error: FileError, paths: Iterable[str]) -> str | None:
    """Return the path of the source that a faulty file, or a preset in it, lies in."""
    found = [path for path in paths if error.path == path or error.path.startswith((f"{path}{os.sep}", f"{path} ("))]
    return max(found, key=len, default=None)


def _inside(error: FileError, sources: list[str]) -> str:
    """Return where a faulty file lies, from its source on."""
    source = _source_of(error, sources)
    shown = error.path if source is None else error.path[len(os.path.dirname(source)) :].lstrip(os.sep)  # noqa: PTH120
    return shown[-_MOST_TEXT:]
