"""Check who is let in when OSC is open to the network, and that nobody is when it is not."""

from __future__ import annotations

import pytest

from bridge.config import Config, OscConfig, override
from bridge.lan import listen_host, make_door, prepare_lan
from bridge.osc.door import Door, check_allowed, new_token
from library.errors import ConfigError, InputError
from tests.bridge.osc_line import HERE, OTHER, THERE, Line
from tests.bridge.osc_peer import packet
from tests.bridge.rig import Rig, run_daemon

TOKEN = "correct-horse"
ELSEWHERE = ("192.168.1.66", 9000)


def lan(*allow: str) -> Line:
    return Line(Door(TOKEN, allow or ("192.168.1.20",)))


@pytest.mark.parametrize("door", [None, Door(), Door("", ["192.168.1.20"]), Door(TOKEN)])
def test_without_a_token_and_a_list_no_other_machine_gets_a_word(door: Door | None) -> None:
    line = Line(door)
    assert not line.ping(THERE)
    for name in ("pad", "pad#", "pad#None", f"pad#{TOKEN}"):
        assert not line.register(name, THERE)
    assert line.sent == []
    assert line.server.counts.shut == 5
    assert line.ping(HERE)


def test_who_is_not_on_the_list_gets_no_answer_even_with_the_token() -> None:
    line = lan()
    assert not line.ping(ELSEWHERE)
    assert not line.register(f"pad#{TOKEN}", ELSEWHERE)
    assert line.sent == []


def test_who_is_on_the_list_has_to_register_with_the_token_first() -> None:
    line = lan("192.168.1.0/24")
    assert not line.ping(THERE)
    line.now += 1.0
    line.say("/timbrel/enable", "i", 0, sender=THERE)
    assert line.errors(THERE) == [403, 403]
    assert line.commands == []
    assert line.register(f"my #1 pad#{TOKEN}", THERE)
    (client,) = line.server.clients.wanting("suggest")
    assert client.name == "my #1 pad"
    assert line.ping(THERE)
    line.say("/timbrel/enable", "i", 0, sender=THERE)
    assert len(line.commands) == 1
    assert not line.ping((THERE[0], 9001))  # another program on the same machine
    assert not line.ping(ELSEWHERE)


def test_it_has_to_again_when_its_time_is_over() -> None:
    line = lan()
    assert line.register(f"pad#{TOKEN}", THERE)
    line.now += 61.0
    line.server.expire(line.now)
    assert not line.ping(THERE)
    assert line.errors(THERE) == [403]


@pytest.mark.parametrize(
    "name", ["pad", TOKEN, f"pad{TOKEN}", f"pad#{TOKEN} ", f"pad#{TOKEN[:-1]}", "pad#", "#", "é#ü"]
)
def test_a_wrong_token_is_refused(name: str) -> None:
    line = lan()
    assert not line.register(name, THERE)
    assert line.errors(THERE) == [403]
    assert len(line.server.clients) == 0


def test_refusals_come_once_a_second_and_guesses_are_few() -> None:
    line = lan()
    for guess in range(100):
        line.register(f"pad#{guess:08d}", (THERE[0], 9000 + guess % 7))
        line.say("/timbrel/nothing", sender=THERE)
        line.raw(packet("/*", "i", 1), THERE)
    assert [args[1] for address, args, _ in line.sent if address == "/timbrel/error"] == [403]
    assert line.server.counts.limited == 0
    assert not line.register(f"pad#{TOKEN}", (THERE[0], 9100))  # the guesses of this machine are used up
    line.now += 1.0
    assert line.register(f"pad#{TOKEN}", (THERE[0], 9100))


def test_a_client_of_the_user_is_sent_to_and_may_not_ask_unregistered() -> None:
    line = Line(Door(TOKEN, ["192.168.1.20"]), (THERE,))
    assert not line.ping(THERE)
    assert line.register(f"pad#{TOKEN}", (THERE[0], 9001))
    assert line.ping((THERE[0], 9001))


def test_this_machine_is_served_as_ever_and_may_give_the_token_too() -> None:
    line = lan()
    assert line.ping(HERE)
    assert line.register("desk #2", HERE)
    assert line.register(f"desk#{TOKEN}", OTHER)
    assert [client.name for client in line.server.clients.wanting("suggest")] == ["desk #2", "desk"]


def test_a_token_is_made_for_each_run_unless_there_is_one() -> None:
    assert new_token() != new_token()
    config = override(Config(), {"osc.lan": True, "osc.allow": ("10.0.0.7",)})
    made = prepare_lan(config)
    assert len(made.osc.token) == 12
    kept = override(config, {"osc.token": TOKEN})
    assert prepare_lan(kept) == kept
    assert (listen_host(made.osc), listen_host(Config().osc)) == ("0.0.0.0", "127.0.0.1")
    assert make_door(OscConfig(allow=("10.0.0.7",), token=TOKEN)).is_shut("10.0.0.7")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"osc.host": "0.0.0.0"}, "--osc 0.0.0.0:17370: can be reached by other machines"),
        ({"osc.host": "192.168.1.5"}, "add --lan and --allow ADDRESS"),
        ({"osc.lan": True}, "--lan: lets in only machines that are named; add --allow"),
        ({"osc.lan": True, "osc.allow": ("10.0.0.7",), "osc.discover": True}, "announces to this machine alone"),
    ],
)
def test_what_would_open_too_much_is_one_line(options: dict[str, object], told: str) -> None:
    with pytest.raises(InputError) as error:
        prepare_lan(override(Config(), options))
    assert told in str(error.value)
    with pytest.raises(InputError, match="lets nobody in without --lan"):
        prepare_lan(override(Config(), {"osc.allow": ("10.0.0.7",)}), names_machines=True)


@pytest.mark.parametrize("text", ["0.0.0.0/0", "192.0.0.0/8", "studio-pad", "::1", "", "192.168.1.300", "1.2.3.4:5"])
def test_only_addresses_and_small_networks_are_let_in(text: str) -> None:
    with pytest.raises(InputError, match="must be an IPv4 address"):
        check_allowed(text)
    with pytest.raises(ConfigError, match=r"osc\.allow\.0"):
        override(Config(), {"osc.allow": (text,)})


@pytest.mark.parametrize("token", ["short", "with space in", "with#mark12", "x" * 65, "umlaut-äöü", "new\nline12"])
def test_a_token_that_can_not_be_one_is_refused(token: str) -> None:
    with pytest.raises(ConfigError, match="must be 8 to 64 letters and digits"):
        override(Config(), {"osc.token": token})


def test_a_daemon_that_is_open_says_to_whom_and_with_which_token(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))

    def scenario(rig: Rig) -> None:
        assert rig.daemon.server.endpoint[0] == "0.0.0.0"
        with rig.peer() as peer:
            peer.send("/timbrel/register", "siis", f"desk#{TOKEN}", 60, 0, ":status:")
            peer.expect("/timbrel/registered")

    rig = run_daemon(scenario, osc__lan=True, osc__allow=("192.168.1.20",), osc__token=TOKEN)
    told = f"192.168.1.20 may /timbrel/register with a name that ends with #{TOKEN}"
    assert told in rig.said
