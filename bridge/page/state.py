"""Hold what pages show as named sections, each with the version at which it changed."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["Sections"]


class Sections:
    """Keep the newest value of each section; a reader takes what changed since the version that it has.

    Overload policy: latest wins. A reader that comes late finds the newest values, never those between, so that nothing
    is queued however slow it is.
    """

    def __init__(self) -> None:
        self.version = 0
        """Counts changes, from 0."""
        self._values: dict[str, tuple[int, object]] = {}

    def put(self, name: str, value: object) -> None:
        """Set a section to a value that JSON can hold; the same value as before is no change."""
        known = self._values.get(name)
        if known is None or known[1] != value:
            self.version += 1
            self._values[name] = (self.version, value)

    def put_all(self, values: Mapping[str, object]) -> None:
        """Set several sections."""
        for name, value in values.items():
            self.put(name, value)

    def drop(self, name: str) -> None:
        """Forget a section; readers keep what they have of it."""
        self._values.pop(name, None)

    def get(self, name: str) -> object:
        """Return the value of a section, None where there is none."""
        return self._values.get(name, (0, None))[1]

    def since(self, version: int) -> dict[str, object]:
        """Return the sections that changed after a version; 0 = all."""
        return {name: value for name, (changed, value) in self._values.items() if changed > version}
