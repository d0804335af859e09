from __future__ import annotations

import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from bridge.cli.app import run_cli
from tests.bridge.osc_peer import free_port


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--input", "file:no-such.wav"], "no-such.wav: no such file"),
        (["--input", "jack:("], "must be a regular expression"),
        (["--input", "file:"], "must name what to listen to"),
        (["--osc", "localhost:9000"], "must be an IPv4 address"),
        (["--osc", "0.0.0.0:9000"], "can be reached by other machines"),
        (["--lan"], "add --allow ADDRESS of each"),
        (["--lan", "--allow", "tablet"], "must be an IPv4 address"),
        (["--allow", "192.168.1.20"], "lets nobody in without --lan"),
        (["--send", "127.0.0.1:0"], "the port must be in 1..65535"),
        (["--adapter", "cubase"], "is none of generic"),
        (["--config", "no-such.toml"], "can't be read"),
        (["--device", "tpu"], "device = 'tpu'"),
        (["--nonsense"], "No such option"),
    ],
)
def test_wrong_input_is_one_line_and_exit_code_2(
    options: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_cli(["run", "--midi", "", *options]) == 2
    err = capsys.readouterr().err
    assert told in err
    assert err.count("\n") == 1


def test_an_unknown_config_key_names_the_nearest_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "timbrel.toml"
    path.write_text("[osc]\nprot = 9\n")
    assert run_cli(["run", "--config", str(path)]) == 2
    assert "did you mean osc.port?" in capsys.readouterr().err


def test_ten_busy_ports_are_one_line_and_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    first = free_port()
    with ExitStack() as held:
        for port in range(first, first + 10):
            sock = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue  # someone else holds it: as busy as if it were ours
        assert run_cli(["run", "--input", "jack:x", "--midi", "", "--osc", f"127.0.0.1:{first}"]) == 1
    assert f"every port up to {first + 9} is taken" in capsys.readouterr().err
