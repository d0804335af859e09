"""Check the files that a script inside a host and the daemon write to each other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.hosts import Answer, Mailbox, mailbox_dir

FIELDS = ("file", "Drums", "/kicks/a \udce9.wav")  # a name in Latin-1, as file systems allow


def ask(box: Path, call: Callable[[], None], done_s: float = 60.0, taken_s: float = 60.0) -> Answer | None:
    return asyncio.run(Mailbox(box).ask(FIELDS, call, taken_s, done_s))


def number(box: Path) -> str:
    """Take the request away, as the script does, and return its number."""
    text = (box / "request").read_bytes()
    (box / "request").unlink()
    return text.split(b"\n")[1].decode()


def test_a_request_is_lines_that_only_the_user_can_read(tmp_path: Path) -> None:
    box = tmp_path / "state" / "ardour"

    def script() -> None:
        assert [(path.name, path.stat().st_mode & 0o777) for path in box.iterdir()] == [("request", 0o600)]
        assert box.stat().st_mode & 0o777 == 0o700
        text = (box / "request").read_bytes()
        of = number(box)
        assert of.isdigit()
        assert text == f"timbrel-request 1\n{of}\nfile\nDrums\n/kicks/a ".encode() + b"\xe9.wav\nend\n"
        (box / "answer").write_text(f"timbrel-answer 1\n{of}\nok\nimported\n704 705\nend\n")

    assert ask(box, script) == Answer(True, "imported", "704 705")


def test_a_refusal_comes_with_its_reason(tmp_path: Path) -> None:
    def script() -> None:
        (tmp_path / "answer").write_text(
            f"timbrel-answer 1\n{number(tmp_path)}\nfailed\nthere is no track é\n\nend\n", "utf-8"
        )

    assert ask(tmp_path, script) == Answer(False, "there is no track é")


@pytest.mark.parametrize(
    "answer",
    [
        "timbrel-answer 1\n7\nok\nto another request\n\nend\n",
        "timbrel-answer 2\n{}\nok\nof another api\n\nend\n",
        "timbrel-answer 1\n{}\nmaybe\nneither\n\nend\n",
        "timbrel-answer 1\n{}\nok\ncut short",
        "",
        "\0\xff",
    ],
)
def test_what_is_no_answer_to_the_request_is_not_taken_for_one(tmp_path: Path, answer: str) -> None:
    def script() -> None:
        (tmp_path / "answer").write_text(answer.format(number(tmp_path)), "latin-1")

    assert ask(tmp_path, script, done_s=0.1) is None


def test_an_old_answer_is_gone_before_the_request_is_there(tmp_path: Path) -> None:
    (tmp_path / "answer").write_text("timbrel-answer 1\n7\nok\nold\n\nend\n")
    assert ask(tmp_path, lambda: None, taken_s=0.0) is None
    assert not (tmp_path / "answer").exists()


def test_a_request_that_nobody_takes_is_withdrawn(tmp_path: Path) -> None:
    assert ask(tmp_path, lambda: None, taken_s=0.0) is None
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cant_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        ask(tmp_path / "file" / "ardour", lambda: None)


def test_numbers_go_on_from_one_mailbox_to_the_next(tmp_path: Path) -> None:
    numbers: list[int] = []
    for _ in range(2):
        ask(tmp_path, lambda: numbers.append(int(number(tmp_path))), done_s=0.0)
    assert numbers[0] < numbers[1]


def test_the_folder_is_where_the_script_looks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert mailbox_dir("ardour") == tmp_path / "timbrel" / "ardour"
