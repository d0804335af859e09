"""Sample what a program and its children hold, and judge whether it grows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

import psutil

__all__ = ["MOST_GROWTH_MB", "Growth", "Sample", "Usage", "growth_of", "page_faults", "sample"]

MOST_GROWTH_MB = 10.0
"""Growth of resident memory over a run above which memory leaks."""

_MB = 1e6
_ROLES = {"realtime.capture": "capture", "watch": "watch", "library.sources.host": "reader"}
"""What a child does, by a word of its command line."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Hold what one process holds: resident memory in bytes, file descriptors, threads."""

    rss: int
    fds: int
    threads: int


@dataclass(frozen=True, slots=True)
class Sample:
    """Hold one look at all processes.

    Attributes:
        at_s: Seconds since the first look.
        is_rest: Taken in the same place of each cycle, when nobody asks for anything.
        parts: By what a process does; "daemon" is the first.
    """

    at_s: float
    is_rest: bool
    parts: dict[str, Usage]

    @property
    def whole(self) -> Usage:
        """Sum over all processes; memory that they share counts once for each."""
        parts = self.parts.values()
        return Usage(sum(p.rss for p in parts), sum(p.fds for p in parts), sum(p.threads for p in parts))


@dataclass(frozen=True, slots=True)
class Growth:
    """Hold how the first tenth of the samples differs from the last.

    Attributes:
        rss_mb: Median resident memory of all processes in the first tenth, and in the last.
        rss_growth_mb: Difference of the two.
        parts_growth_mb: The same by process, of those that were there in both.
        fds: Fewest and most file descriptors at rest.
        fds_growth: Fewest at rest in the last tenth, less the fewest in the first: what is held for good.
        threads: Fewest and most threads at rest.
        threads_growth: As for file descriptors.
    """

    rss_mb: tuple[float, float]
    rss_growth_mb: float
    parts_growth_mb: dict[str, float]
    fds: tuple[int, int]
    fds_growth: int
    threads: tuple[int, int]
    threads_growth: int

    def failures(self) -> tuple[str, ...]:
        """Say in words what grew and must not."""
        found = []
        if self.rss_growth_mb > MOST_GROWTH_MB:
            found.append(f"memory grew by {self.rss_growth_mb:.1f} MB, more than {MOST_GROWTH_MB:.0f}")
        if self.fds_growth > 0:
            found.append(f"file descriptors at rest grew by {self.fds_growth}")
        if self.threads_growth > 0:
            found.append(f"threads at rest grew by {self.threads_growth}")
        return tuple(found)


def page_faults() -> int:
    """Return how many pages of memory this process has been given by the system since it began."""
    try:
        import resource
    except ImportError:  # Windows
        return int(getattr(psutil.Process().memory_info(), "num_page_faults", 0))
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def sample(pid: int, at_s: float, *, is_rest: bool) -> Sample:
    """Look at a process and its children; one that ends meanwhile is left out.

    Raises:
        psutil.NoSuchProcess: The process itself has ended.
    """
    main = psutil.Process(pid)
    parts = {"daemon": _usage(main)}
    for child in main.children(recursive=True):
        try:
            role = next((role for word, role in _ROLES.items() if word in child.cmdline()), "other")
            usage = _usage(child)
        except psutil.NoSuchProcess:
            continue
        known = parts.get(role, Usage(0, 0, 0))
        parts[role] = Usage(known.rss + usage.rss, known.fds + usage.fds, known.threads + usage.threads)
    return Sample(at_s, is_rest, parts)


def growth_of(samples: Sequence[Sample]) -> Growth:
    """Compare the first tenth of samples with the last; two at rest are the least."""
    first, last = _tenths(samples)
    rest_first, rest_last = _tenths([one for one in samples if one.is_rest])
    rest = [one.whole for one in samples if one.is_rest]
    before, after = _rss_mb([one.whole for one in first]), _rss_mb([one.whole for one in last])
    names = [name for name in first[0].parts if all(name in one.parts for one in [*first, *last])]
    parts = {
        name: _rss_mb([one.parts[name] for one in last]) - _rss_mb([one.parts[name] for one in first]) for name in names
    }
    return Growth(
        (before, after),
        after - before,
        parts,
        (min(one.fds for one in rest), max(one.fds for one in rest)),
        min(one.whole.fds for one in rest_last) - min(one.whole.fds for one in rest_first),
        (min(one.threads for one in rest), max(one.threads for one in rest)),
        min(one.whole.threads for one in rest_last) - min(one.whole.threads for one in rest_first),
    )


def _usage(process: psutil.Process) -> Usage:
    with process.oneshot():
        fds = process.num_fds() if psutil.POSIX else 0
        return Usage(process.memory_info().rss, fds, process.num_threads())


def _tenths(samples: Sequence[Sample]) -> Iterator[Sequence[Sample]]:
    count = max(1, len(samples) // 10)
    yield samples[:count]
    yield samples[-count:]


def _rss_mb(usages: Sequence[Usage]) -> float:
    return median(one.rss for one in usages) / _MB
