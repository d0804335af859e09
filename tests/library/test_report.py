from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import numpy as np

from library.evaluation.cases import find_cases
from library.evaluation.report import write_report
from tests.fakes import SpectrumEncoder
from tests.library.test_evaluate import data

__all__ = ["data"]


class Links(HTMLParser):
    """Gather what a page refers to, and what stands inside it that no policy would let run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {value for key, value in attrs if key in ("src", "href") and value}
        self.inline += [key for key, _ in attrs if key == "style" or key.startswith("on")]
        self.inline += [tag] if tag == "style" or (tag == "script" and not dict(attrs).get("src")) else []


def test_mixtures_are_sorted_by_how_many_of_their_instruments_were_found() -> None:
    library = np.eye(4, dtype=np.float32)
    truth = np.array([[1, 1, 0, 0], [1, 1, 0, 0], [1, 1, 0, 0]], bool)
    vectors = np.stack([library[[0, 1]], library[[0, 2]], library[[2, 3]]])
    cases = find_cases(vectors, np.ones((3, 2), np.float32), 0.5, library, truth, most=2)
    assert [(case.kind, case.mixture) for case in cases] == [
        ("all found", 0),
        ("part found", 1),
        ("others that sound alike", 2),
    ]
    assert cases[1].named == (0, 2)
    assert find_cases(vectors, np.zeros((3, 2), np.float32), 0.5, library, truth, most=2) == []


def test_the_page_shows_its_tables_and_everything_it_refers_to_is_there(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "report"
    path = write_report(data, SpectrumEncoder(), {"Figures": (["F1 <macro>"], [["timbrel", "0.5"]])}, out)
    page = path.read_text("utf-8")
    assert "F1 &lt;macro&gt;" in page
    links = Links()
    links.feed(page)
    assert links.inline == []
    assert {"counts.png", "reliability.png", "confusion.png", "map.png", "report.css", "report.js"} <= links.found
    assert any(link.startswith("sounds/mixture-") for link in links.found)
    for link in links.found:
        assert (out / link).stat().st_size > 500
    for kind in ("All found", "Part found", "Others that sound alike"):
        assert f"<h2>{kind}</h2>" in page


def test_sounds_of_an_older_report_do_not_stay(data: Path, tmp_path: Path) -> None:
    old = tmp_path / "report" / "sounds" / "mixture-999.ogg"
    old.parent.mkdir(parents=True)
    old.write_bytes(b"of another evaluation")
    write_report(data, SpectrumEncoder(), {}, tmp_path / "report")
    assert not old.exists()
