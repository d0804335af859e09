from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bridge.osc.addresses import ADDRESSES
from library.errors import InputError
from tests.bridge.osc_peer import OscPeer, free_port, packet
from tests.bridge.rig import Rig, run_daemon


@pytest.fixture(autouse=True)
def _runtime_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


def register(peer: OscPeer, capabilities: str = ":suggest:status:", ttl_s: int = 60) -> str:
    peer.send("/timbrel/register", "siis", "desk", ttl_s, 0, capabilities)
    client_id, granted_s, granted = peer.expect("/timbrel/registered")
    assert (granted_s, granted) == (ttl_s, capabilities)
    return str(client_id)


def wait_for_list(peer: OscPeer) -> int:
    """Register and wait for a list with items; return its number."""
    register(peer)
    for _ in range(200):
        list_id, count, _ = peer.expect("/timbrel/suggest/begin")
        if count:
            peer.until("/timbrel/suggest/end")
            assert isinstance(list_id, int)
            return list_id
    raise AssertionError("no list came")


def test_a_client_registers_gets_a_list_chooses_and_undoes() -> None:
    def scenario(rig: Rig) -> None:
        with rig.peer() as peer:
            list_id = wait_for_list(peer)
            assert list_id == 1
            peer.send("/timbrel/suggest/choose", "ii", 1, list_id)
            seen = peer.until("/timbrel/chosen")
            assert [address for address, _ in seen[-4:]] == [
                "/timbrel/midi/program",
                "/timbrel/midi/raw",
                "/timbrel/midi/raw",
                "/timbrel/chosen",
            ]
            assert seen[-1][1][:2] == [list_id, 1]
            assert seen[-1][1][4] == "ok"
            peer.send("/timbrel/choose/2", "f", 1.0)
            assert peer.expect("/timbrel/chosen")[1] == 2
            peer.send("/timbrel/undo")
            assert str(peer.expect("/timbrel/chosen")[5]).startswith("undone: ")
            peer.send("/timbrel/lock", "ii", 1, 1)
            assert peer.expect("/timbrel/reply") == ["/timbrel/lock", "slot 1 is locked"]
            # Replies leave from the listening socket.
            assert set(peer.sources) == {rig.daemon.server.endpoint}

    run_daemon(scenario)


def test_whoever_chooses_is_answered_without_a_subscription() -> None:
    def scenario(rig: Rig) -> None:
        with rig.peer() as desk, rig.peer() as stranger:
            wait_for_list(desk)
            stranger.send("/timbrel/suggest/choose", "ii", 1, 0)
            assert next(a for a, _ in stranger.until("/timbrel/chosen")) == "/timbrel/midi/program"
            desk.expect("/timbrel/chosen")

    run_daemon(scenario)


def test_silence_brings_no_list() -> None:
    def scenario(rig: Rig) -> None:
        with rig.peer() as peer:
            register(peer)
            while peer.expect("/timbrel/status")[0] != "silent":
                pass
            peer.send("/timbrel/suggest/list", "ii", 0, 0)
            assert peer.expect("/timbrel/suggest/begin")[1] == 0
            assert all(args[1] == 0 for address, args in peer.settle() if address == "/timbrel/suggest/begin")

    run_daemon(scenario, input="silence")


def test_ping_help_and_refresh_are_answered_with_literal_bytes_where_they_are_fixed() -> None:
    def scenario(rig: Rig) -> None:
        with rig.peer() as peer:
            peer.send_raw(b"/timbrel/ping\0\0\0,s\0\0tok\0")
            token, program, _, api, _ = peer.expect("/timbrel/pong")
            assert (token, program, api) == ("tok", "timbrel", 1)
            assert peer.raw[-1].startswith(b"/timbrel/pong\0\0\0,sssii\0\0tok\0timbrel\0")
            peer.send("/timbrel/help")
            rows = [args for address, args in peer.settle() if address == "/timbrel/help"]
            assert [row[0] for row in rows] == list(range(1, len(ADDRESSES) + 1))
            peer.send("/timbrel/refresh")
            seen = [address for address, _ in peer.settle()]
            assert seen[0] == "/timbrel/status"
            assert "/timbrel/suggest/begin" in seen
            assert "/timbrel/suggest/8/score" in seen

    run_daemon(scenario)


def test_after_registering_the_full_state_follows_and_only_what_was_asked_for() -> None:
    def scenario(rig: Rig) -> None:
        with rig.peer() as peer:
            register(peer, ":status:")
            seen = {address for address, _ in peer.settle()}
            assert "/timbrel/status" in seen
            assert not any(address.startswith("/timbrel/suggest") for address in seen)

    run_daemon(scenario)


def test_a_port_of_its_own_gets_the_news() -> None:
    def scenario(rig: Rig) -> None:
        with rig.peer() as asking, rig.peer() as listening:
            asking.send("/timbrel/register", "siis", "desk", 60, listening.port, ":status:")
            asking.expect("/timbrel/registered")
            listening.expect("/timbrel/status")
            assert listening.expect("/timbrel/heartbeat")

    run_daemon(scenario)


def test_a_client_that_does_not_renew_hears_nothing_more() -> None:
    def scenario(rig: Rig) -> None:
        with rig.peer() as short, rig.peer() as long:
            client_id = register(short, ":status:", ttl_s=1)
            register(long, ":status:")
            short.settle()
            long.settle()
            long.expect("/timbrel/heartbeat")
            long.expect("/timbrel/heartbeat")  # more than two seconds have passed
            short.settle()
            long.expect("/timbrel/heartbeat")
            assert short.settle() == []
            short.send("/timbrel/renew", "s", client_id)
            assert short.expect("/timbrel/error")[:2] == ["/timbrel/renew", 404]

    run_daemon(scenario)


def test_unregistering_ends_the_news() -> None:
    def scenario(rig: Rig) -> None:
        with rig.peer() as peer, rig.peer() as other:
            peer.send("/timbrel/unregister", "s", register(peer))
            assert peer.expect("/timbrel/reply")[0] == "/timbrel/unregister"
            register(other, ":status:")
            other.expect("/timbrel/heartbeat")
            assert peer.settle() == []

    run_daemon(scenario)


@pytest.mark.parametrize(
    ("data", "path", "code"),
    [
        (packet("/timbrel/nothing", ""), "/timbrel/nothing", 404),
        (packet("/timbrel/ping", "i", 1), "/timbrel/ping", 400),
        (packet("/timbrel/suggest/choose", "ii", 1, 999), "/timbrel/suggest/choose", 409),
        (packet("/timbrel/suggest/choose", "ii", 99, 0), "/timbrel/suggest/choose", 404),
        (packet("/timbrel/ping", "s", "x" * 1200), "/timbrel/ping", 413),
        (packet("/timbrel/ping", "s", "x" * 300), "/timbrel/ping", 400),
        (packet("/timbrel/bus/set", "s", "file:/etc/passwd"), "/timbrel/bus/set", 400),
        (packet("/timbrel/bus/set", "s", "unknown"), "/timbrel/bus/set", 404),
        (packet("/timbrel/target/set", "ss", "cubase", ""), "/timbrel/target/set", 404),
        (packet("/timbrel/register", "siis", "x", 0, 0, ""), "/timbrel/register", 400),
        (packet("/timbrel/enable", "T", True), "/timbrel/enable", 400),
        (packet("/timbrel/*", "i", 1), "/timbrel/*", 400),
    ],
)
def test_what_can_not_be_done_is_answered_with_its_code(data: bytes, path: str, code: int) -> None:
    def scenario(rig: Rig) -> None:
        with rig.peer() as peer:
            wait_for_list(peer)
            peer.send_raw(data)
            assert peer.expect("/timbrel/error")[:2] == [path, code]

    run_daemon(scenario)


def test_answers_and_noise_are_never_answered() -> None:
    def scenario(rig: Rig) -> None:
        with rig.peer() as peer:
            for data in (
                packet("/timbrel/reply", "ss", "/x", "y"),
                packet("/timbrel/error", "sis", "/x", 404, "y"),
                packet("/timbrel/pong", "s", "y"),
                packet("/timbrel/heartbeat", "ii", 1, 1),
                packet("/someone/error", "s", "y"),
                b"#bundle\0" + b"\0" * 8 + b"\xff\xff\xff\xfc" + b"\0" * 4,
                b"\xff" * 64,
                b"",
            ):
                peer.send_raw(data)
            assert peer.settle() == []

    run_daemon(scenario)


def test_hostile_datagrams_do_no_harm() -> None:
    def scenario(rig: Rig) -> None:
        with rig.peer() as peer:
            peer.send_raw(b"#bundle\0" + b"\0" * 8 + b"\xff\xff\xff\xfc" + b"\0" * 4)
            peer.send_raw(packet("/" + "*a" * 14, "i", 1))
            future = b"#bundle\0" + b"\xff" * 8
            ping = packet("/timbrel/ping", "s", "now")
            peer.send_raw(future + len(ping).to_bytes(4, "big") + ping)
            assert peer.expect("/timbrel/pong")[0] == "now"

    run_daemon(scenario)


def test_a_flood_is_told_to_slow_down_and_others_are_still_served() -> None:
    def scenario(rig: Rig) -> None:
        with rig.peer() as flood, rig.peer() as other:
            ping = packet("/timbrel/ping", "s", "x")
            silent = packet("/timbrel/pong", "s", "x")  # a thousand answers would fill the buffer of who floods
            parts = [len(part).to_bytes(4, "big") + part for part in (ping, *[silent] * 59)]
            for _ in range(200):
                flood.send_raw(b"#bundle\0" + b"\0" * 8 + b"".join(parts))
            assert flood.expect("/timbrel/error")[1] == 429
            other.settle()

    run_daemon(scenario)


def test_the_own_address_is_refused_as_a_destination() -> None:
    def scenario(rig: Rig) -> None:
        with rig.peer() as peer:
            peer.send("/timbrel/register", "siis", "loop", 60, rig.daemon.server.endpoint[1], "")
            assert peer.expect("/timbrel/error")[:2] == ["/timbrel/register", 400]

    run_daemon(scenario)
    port = free_port()
    with pytest.raises(InputError, match="is the address that Timbrel listens on"):
        run_daemon(scenario, osc__port=port, osc__send=(f"127.0.0.1:{port}",))


def test_a_permanent_client_gets_everything_from_the_first_status_to_bye() -> None:
    with OscPeer(("127.0.0.1", 9)) as peer:

        def scenario(rig: Rig) -> None:
            peer.until("/timbrel/suggest/end")

        run_daemon(scenario, osc__send=(f"127.0.0.1:{peer.port}",))
        seen = peer.until("/timbrel/bye")
    assert seen[-1][1] == ["the test is over"]
    assert seen[-2] == ("/timbrel/status", ["stopped", "the test is over"])


def test_the_bus_is_really_switched() -> None:
    def scenario(rig: Rig) -> None:
        with rig.peer() as peer:
            wait_for_list(peer)
            peer.send("/timbrel/bus/set", "s", "silence")
            assert peer.expect("/timbrel/suggest/begin")[1:] == [0, "silence"]
            assert peer.expect("/timbrel/reply") == ["/timbrel/bus/set", "listening to silence"]
            while peer.expect("/timbrel/status")[0] != "silent":
                pass
            peer.send("/timbrel/bus/set", "s", "tone")
            assert peer.expect("/timbrel/reply")[0] == "/timbrel/bus/set"
            while not peer.expect("/timbrel/suggest/begin")[1]:
                pass

    run_daemon(scenario)


def test_osc_answers_before_anything_heavy_is_imported() -> None:
    program = (
        "import sys, bridge.daemon; print([m for m in ('torch', 'scipy', 'soundfile', 'aiohttp') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"
