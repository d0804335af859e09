from __future__ import annotations

import threading
from pathlib import Path

import pytest

from bridge.config import Config
from library.errors import DeviceError, LibraryError, NetworkError
from realtime.engine import Engine
from tests.bridge.osc_peer import OscPeer
from tests.bridge.rig import Rig, quick_engine, run_daemon


@pytest.fixture(autouse=True)
def _runtime_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


def test_while_loading_ping_is_answered_and_choose_is_not_ready() -> None:
    may_load = threading.Event()

    def load(config: Config) -> Engine:
        may_load.wait(20)
        return quick_engine(config)

    def scenario(rig: Rig) -> None:
        with rig.peer() as peer:
            peer.settle()
            peer.send("/timbrel/register", "siis", "desk", 60, 0, ":suggest:status:")
            peer.expect("/timbrel/registered")
            assert peer.expect("/timbrel/status")[0] == "loading"
            peer.send("/timbrel/suggest/choose", "ii", 1, 0)
            assert peer.expect("/timbrel/error")[:2] == ["/timbrel/suggest/choose", 503]
            may_load.set()
            while not peer.expect("/timbrel/suggest/begin")[1]:
                pass

    run_daemon(scenario, load)


def test_a_stop_does_not_wait_for_loading() -> None:
    never = threading.Event()

    def load(config: Config) -> Engine:
        never.wait(60)
        return quick_engine(config)

    rig = run_daemon(lambda rig: None, load)
    assert not rig.daemon.is_clean
    never.set()


def test_a_library_that_can_not_be_used_ends_the_daemon_with_its_error() -> None:
    def load(config: Config) -> Engine:
        raise LibraryError("x", "is damaged", "build it again")

    with OscPeer(("127.0.0.1", 9)) as peer:

        def scenario(rig: Rig) -> None:
            assert peer.expect("/timbrel/bye") == ["x: is damaged; build it again"]

        with pytest.raises(LibraryError, match="x: is damaged; build it again"):
            run_daemon(scenario, load, osc__send=(f"127.0.0.1:{peer.port}",))


def test_an_unknown_input_ends_the_daemon_before_it_listens() -> None:
    with pytest.raises(DeviceError):
        run_daemon(lambda rig: None, input="unknown")


def test_a_taken_port_falls_to_the_next_and_ten_taken_ports_are_an_error(tmp_path: Path) -> None:
    with OscPeer(("127.0.0.1", 9)) as squatter:

        def scenario(rig: Rig) -> None:
            assert squatter.port < rig.daemon.server.endpoint[1] <= squatter.port + 9
            assert any(f"port {squatter.port} is taken" in line for line in rig.said)
            (state,) = (tmp_path / "timbrel").glob("*.json")
            assert f'"port": {rig.daemon.server.endpoint[1]}' in state.read_text()

        run_daemon(scenario, osc__port=squatter.port)
    assert list((tmp_path / "timbrel").glob("*")) == []


def test_an_address_of_another_machine_can_not_be_bound() -> None:
    with pytest.raises(NetworkError, match="can't be bound"):
        run_daemon(lambda rig: None, osc__host="192.0.2.1")
