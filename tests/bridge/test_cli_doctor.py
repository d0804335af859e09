"""Check `timbrel doctor` and `timbrel devices`."""

from __future__ import annotations

import json
import socket
import threading

import pytest

from bridge.cli import checks, doctor
from bridge.cli.checks import Check
from bridge.cli.devices import routing_advice
from bridge.cli.hosts_check import check_hosts
from bridge.cli.probe import find_daemon
from bridge.daws.ardour import ArdourAdapter
from bridge.daws.base import DawAdapter, Reach
from bridge.daws.wire import osc
from bridge.daws.zynaddsubfx import ZynAdapter
from bridge.osc.guard import read_datagram
from library.errors import CaptureError, LibraryError
from realtime.devices import Inputs
from tests.bridge.shell import Shell

OK = Check("python", "ok", "3.11")
WARN = Check("annoy", "warn", "not installed", "apt-get install g++")
FAIL = Check("weights", "fail", "damaged", "install Timbrel again")


@pytest.mark.parametrize(("found", "code"), [([OK], 0), ([OK, WARN], 0), ([OK, WARN, FAIL], 1)])
def test_only_what_is_essential_makes_the_doctor_fail(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, found: list[Check], code: int
) -> None:
    monkeypatch.setattr(doctor, "all_checks", lambda: iter(found))
    monkeypatch.setattr(doctor, "check_hosts", list)
    ended = shell("doctor")
    assert ended.code == code
    for check in found:
        assert check.text in ended.out
        assert check.todo in ended.out
    lines = [json.loads(line) for line in shell("doctor", "--json").out.splitlines()]
    assert [line["status"] for line in lines] == [check.status for check in found]
    assert set(lines[0]) == {"part", "status", "text", "todo"}


def test_every_part_is_looked_at_and_none_raises(shell: Shell) -> None:
    parts = {line["part"] for line in map(json.loads, shell("doctor", "--json").out.splitlines())}
    assert parts == {
        *("python", "torch", "weights", "gm library", "annoy"),
        *("PortAudio", "JACK", "MIDI", "FluidSynth", "OSC"),
        "other hosts",
    }


def test_a_host_that_answers_is_named_with_the_steps_that_connect_it() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as zyn,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as none,
    ):
        zyn.bind(("127.0.0.1", 0))
        none.bind(("127.0.0.1", 0))
        port, silent = zyn.getsockname()[1], none.getsockname()[1]

        def answer() -> None:
            asked, sender = zyn.recvfrom(1024)
            assert asked == osc("/part0/Pname")
            zyn.sendto(osc("/part0/Pname", "s", "Pad"), sender)

        thread = threading.Thread(target=answer)
        thread.start()
        adapters: list[DawAdapter] = [ZynAdapter(Reach("osc", port)), ArdourAdapter(Reach("osc", silent))]
        there, rest = check_hosts(adapters)
        thread.join(10)
    assert (there.part, there.todo) == ("zynaddsubfx", "; ".join(adapters[0].connect))
    assert (rest.part, rest.text) == ("other hosts", "not found at their usual ports: ardour")


def test_how_a_daw_is_connected_is_said_by_name(shell: Shell) -> None:
    ended = shell("doctor", "--daw", "ardour")
    assert ended.code == 0
    assert ended.out.startswith("1. Ardour: Edit > Preferences > Control Surfaces")
    assert shell("doctor", "--daw", "cubase").code == 2


def test_what_is_broken_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise LibraryError("gm", "is missing", "run `timbrel library make-gm`")

    monkeypatch.setattr("library.index.open_library", broken)
    assert checks.check_library() == Check("gm library", "fail", "gm: is missing", "run `timbrel library make-gm`")


def test_a_missing_compiled_index_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "find_spec", lambda name: None)
    assert checks.check_annoy().status == "warn"


def test_one_look_tells_of_portaudio_and_of_jack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("realtime.devices.find_inputs", lambda: Inputs((), has_portaudio=False, jack_ports=2))
    portaudio, jack = checks.check_inputs()
    assert (portaudio.status, portaudio.todo) == ("warn", "apt-get install libportaudio2")
    assert (jack.status, jack.text) == ("ok", "running, 2 ports to listen to")


def test_what_is_not_installed_for_python_is_a_warning_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("realtime.devices.find_inputs", lambda: Inputs((), has_portaudio=False, jack_ports=None))
    monkeypatch.setattr(checks, "find_spec", lambda name: None)
    found = [(check.part, check.status, check.todo) for check in checks.check_inputs()]
    assert found == [
        ("PortAudio", "warn", "pip install sounddevice"),
        ("JACK", "warn", "pip install JACK-Client"),
    ]


def test_a_jack_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent() -> Inputs:
        raise CaptureError("JACK", "does not answer within 5 s", "start it again")

    monkeypatch.setattr("realtime.devices.find_inputs", silent)
    assert checks.check_inputs() == (Check("JACK", "warn", "does not answer within 5 s", "start it again"),)


def test_a_daemon_is_found_by_its_pong_and_a_stranger_is_not() -> None:
    from threading import Thread

    from bridge.osc import messages
    from bridge.osc.encode import to_datagram

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)
        port = server.getsockname()[1]

        def answer(own_token: bool) -> None:
            data, sender = server.recvfrom(2048)
            (ping,), _ = read_datagram(data)
            token = str(ping.args[0]) if own_token else "other"
            server.sendto(to_datagram(messages.pong(token, "9.9", 77)), sender)

        for own_token, found in ((False, None), (True, (port, "9.9", 77))):
            thread = Thread(target=answer, args=(own_token,))
            thread.start()
            assert find_daemon(range(port, port + 1)) == found
            thread.join(5)


def test_devices_always_says_how_to_route_a_daw(shell: Shell) -> None:
    ended = shell("devices")
    assert "How to route a DAW" in ended.out
    for has_jack in (True, False):
        assert any("timbrel run --input 'jack:" in line for line in routing_advice(has_jack=has_jack))


def test_devices_as_json_is_one_object_a_line(shell: Shell) -> None:
    for line in shell("devices", "--json").out.splitlines():
        assert {"input", "system", "channels", "rate_hz"} <= set(json.loads(line))
