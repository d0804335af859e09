"""Talk to the page of a whole daemon: real sockets on both sides."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from tests.bridge.page_peer import PagePeer, talk
from tests.bridge.rig import Rig, run_daemon


@pytest.fixture(autouse=True)
def _runtime_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


def test_the_snapshot_holds_everything_and_deltas_only_what_changed() -> None:
    async def what(peer: PagePeer, rig: Rig) -> None:
        await peer.lanes()
        async with PagePeer(peer.url) as late:
            assert {
                "session",
                "status",
                "bus",
                "lanes",
                "targets",
                "switches",
                "pulse",
                "tuning",
            } <= late.sections.keys()
            assert late.raw[0]["from"] == 0
            await late.do("auto", on=True)
            await late.section("switches", lambda switches: switches["auto"])
            changed = next(set(one["changed"]) for one in late.raw[1:] if "switches" in one.get("changed", ()))
            assert changed <= {"switches", "pulse", "picture"}  # what sounds may change in the same moment
            assert rig.daemon.hub.auto

    talk(what)


def test_a_lane_holds_its_sounds_with_score_kind_program_and_place() -> None:
    async def what(peer: PagePeer, rig: Rig) -> None:
        (lane,) = await peer.lanes()
        assert (lane["slot"], lane["locked"], lane["family"]) == (1, False, "unknown")
        best = lane["sounds"][0]
        assert {
            "id",
            "index",
            "name",
            "kind",
            "path",
            "source",
            "program",
            "score",
            "preview",
            "family",
            "liked",
        } == set(best)
        assert best["kind"] == "gm"
        assert best["program"]["bank_msb"] == 0
        assert best["preview"] is False
        pulse = await peer.section("pulse", lambda pulse: pulse["slots"])
        presence, since_s = pulse["slots"]["1"]
        assert 0.5 < presence <= 1.0
        assert since_s >= 0.0
        assert -30.0 < pulse["level_db"] < 0.0
        assert pulse["peak_db"] > pulse["level_db"]
        span = next(value for name, value in peer.sections.items() if name.startswith("span:"))
        assert (span["name"], span["to"]) == (best["name"], None)
        picture = await peer.section("picture", bool)
        assert 0 < picture["rows"] <= 90
        assert 0 < picture["columns"] <= 80

    talk(what)


def test_a_choice_of_a_page_reaches_osc_clients_and_both_pages_and_undo_brings_it_back() -> None:
    async def what(peer: PagePeer, rig: Rig) -> None:
        (lane,) = await peer.lanes()
        with rig.peer() as osc:
            osc.send("/timbrel/register", "siis", "desk", 60, 0, ":suggest:")
            osc.expect("/timbrel/registered")
            osc.settle()
            async with PagePeer(peer.url) as other:
                second = lane["sounds"][1]
                await peer.do("choose", slot=lane["slot"], sound=second["id"])
                for page in (peer, other):
                    told = await page.event(lambda event: event["kind"] == "chosen")
                    assert (told["sound"], told["adapter"], told["result"]) == (second["id"], "generic", "ok")
                assert osc.expect("/timbrel/chosen")[1:3] == [2, second["id"]]
                async with PagePeer(peer.url) as late:
                    assert late.sections["loaded"] == {"sound": second["id"], "adapter": "generic"}
                await other.do("choose", slot=lane["slot"], sound=lane["sounds"][0]["id"])
                assert osc.expect("/timbrel/chosen")[2] == lane["sounds"][0]["id"]
                await other.do("undo")
                assert str(osc.expect("/timbrel/chosen")[5]).startswith("undone: ")

    talk(what)


def test_two_pages_and_osc_stay_in_step() -> None:
    async def what(peer: PagePeer, rig: Rig) -> None:
        (lane,) = await peer.lanes()
        best, second = (sound["id"] for sound in lane["sounds"][:2])
        async with PagePeer(peer.url) as other:
            assert (await peer.answer("lock", slot=1, on=True))["text"] == "slot 1 is locked"
            await other.section("lanes", lambda section: section["lanes"][0]["locked"])
            await peer.do("lock", slot=1, on=False)
            await other.section("lanes", lambda section: not section["lanes"][0]["locked"])
            await peer.do("reject", slot=1, sound=best)
            await other.section("lanes", lambda section: section["lanes"][0]["sounds"][0]["id"] == second)
            await peer.do("enable", on=False)
            assert (await other.section("status", lambda status: status["state"] == "disabled"))["advice"]
            with rig.peer() as osc:
                osc.send("/timbrel/enable", "i", 1)
                osc.expect("/timbrel/reply")
            await other.section("switches", lambda switches: switches["enabled"])
            assert not any(event["kind"] == "reply" for event in other.events)

    talk(what)


def test_target_and_bus_are_set_and_refused_as_over_osc() -> None:
    async def what(peer: PagePeer, rig: Rig) -> None:
        await peer.lanes()
        assert (await peer.answer("target", adapter="generic", track="3"))["text"] == "generic, MIDI channel 3"
        targets = await peer.section("targets", lambda section: section["channel"] == 3)
        assert targets["adapters"][0]["current"]
        for command, fields, code in (
            ("target", {"adapter": "cubase", "track": ""}, 404),
            ("bus", {"input": "file:/etc/passwd"}, 400),
            ("bus", {"input": "unknown"}, 404),
        ):
            refused = await peer.answer(command, **fields)
            assert (refused["kind"], refused["code"], refused["do"]) == ("error", code, command)
        assert (await peer.answer("bus", input="silence"))["text"] == "listening to silence"
        await peer.section("status", lambda status: status["state"] == "silent")
        assert peer.sections["bus"] == {"input": "silence"}
        assert peer.sections["lanes"]["lanes"] == []
        await peer.section("picture", lambda picture: picture is None)

    talk(what)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[]", 400),
        ("{", 400),
        ("{}", 400),
        ('{"do": 5}', 400),
        ('{"do": "shutdown", "id": 1}', 404),
        ('{"do": "choose", "slot": 1}', 400),
        ('{"do": "choose", "slot": 1, "sound": "no such"}', 409),
        ('{"do": "choose", "slot": true, "sound": "x"}', 400),
        ('{"do": "lock", "slot": 1, "on": 1}', 400),
        ('{"do": "lock", "slot": 99, "on": true}', 404),
        ('{"do": "step", "by": 2}', 400),
        ('{"do": "like", "slot": 1, "sound": "no such", "on": true}', 409),
        ('{"do": "threshold"}', 400),
        ('{"do": "threshold", "value": 1.5}', 400),
        ('{"do": "threshold", "value": NaN}', 400),
        ('{"do": "stability", "value": null}', 400),
        ('{"do": "stability", "value": true}', 400),
        ("[" * 4000, 400),
    ],
)
def test_what_is_no_command_is_answered_with_an_error(text: str, code: int) -> None:
    async def what(peer: PagePeer, rig: Rig) -> None:
        await peer.lanes()
        await peer.ws.send_str(text)
        assert (await peer.event(lambda event: event["kind"] == "error"))["code"] == code
        assert (await peer.answer("auto", on=False))["kind"] == "reply"  # the page is served on

    talk(what)


def test_a_message_that_is_too_long_ends_the_connection() -> None:
    async def what(peer: PagePeer, rig: Rig) -> None:
        await peer.ws.send_str('{"do": "undo", "x": "' + "x" * 5000 + '"}')
        async with asyncio.timeout(10):
            while (message := await peer.ws.receive()).type is aiohttp.WSMsgType.TEXT:
                pass
        assert message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
        assert peer.ws.close_code == 1009

    talk(what)


def test_a_flood_is_told_to_slow_down() -> None:
    async def what(peer: PagePeer, rig: Rig) -> None:
        for _ in range(200):
            await peer.do("auto", on=False)
        assert (await peer.event(lambda event: event["kind"] == "error"))["code"] == 429

    talk(what)


def test_the_pages_are_told_why_the_daemon_ends() -> None:
    peers: list[PagePeer] = []

    async def what(peer: PagePeer, rig: Rig) -> None:
        await peer.lanes()
        rig.daemon.stop("the test is over")
        told = await peer.event(lambda event: event["kind"] == "bye")
        assert told["text"] == "the test is over"
        assert peer.sections["status"]["state"] == "stopped"
        async with asyncio.timeout(10):
            while (await peer.ws.receive()).type is not aiohttp.WSMsgType.CLOSED:
                pass
        assert peer.ws.close_code == 1001
        peers.append(peer)

    talk(what)
    assert peers


def test_the_token_is_in_no_line_that_is_printed_and_another_in_each_run() -> None:
    tokens = set()

    async def what(peer: PagePeer, rig: Rig) -> None:
        assert len(peer.token) >= 40
        assert not any(peer.token in line for line in rig.said)
        tokens.add(peer.token)

    talk(what)
    talk(what)
    assert len(tokens) == 2


def test_a_daemon_whose_port_is_taken_goes_on_without_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.page.server.PORTS_TRIED", 1)
    with socket.create_server(("127.0.0.1", 0)) as squatter:
        port = squatter.getsockname()[1]

        def scenario(rig: Rig) -> None:
            with rig.peer() as osc:
                osc.send("/timbrel/register", "siis", "desk", 60, 0, ":suggest:")
                while not osc.expect("/timbrel/suggest/begin")[1]:
                    pass

        rig = run_daemon(scenario, page__enabled=True, page__port=port)
    assert [line for line in rig.said if "page" in line] == [
        f"no page: 127.0.0.1:{port}: every port up to {port} is taken; give another --page PORT"
    ]


def test_a_taken_port_falls_to_the_next() -> None:
    with socket.create_server(("127.0.0.1", 0)) as squatter:
        port = squatter.getsockname()[1]

        def scenario(rig: Rig) -> None:
            while not any("page" in line for line in rig.said):
                rig.daemon.server.endpoint  # noqa: B018 - only to go round

        rig = run_daemon(scenario, page__enabled=True, page__port=port)
    assert any(line.endswith(f"/ (port {port} is taken)") for line in rig.said)


def test_without_a_page_aiohttp_is_not_imported() -> None:
    program = (
        "import sys\nfrom tests.bridge.rig import run_daemon\n"
        "run_daemon(lambda rig: None)\nprint('aiohttp' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout == "False\n"
