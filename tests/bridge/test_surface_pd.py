"""Hold the patch against the table of addresses, and use it in a real Pure Data."""

from __future__ import annotations

import re
import select
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.commands import AutoChoose, Choose, Command, Enable, Lock, Preview, Register, Step, StopPreview, Undo
from bridge.osc import messages
from bridge.osc.addresses import IN_PATHS, MIRROR_SIZE, OUT_PATHS
from bridge.osc.dispatch import to_command
from bridge.osc.encode import Message, to_datagram
from bridge.osc.guard import read_datagram
from bridge.surfaces.layout import SILENT_S, surface_widgets
from bridge.surfaces.pd import pd_patch

EXAMPLE = Path(__file__).parents[2] / "examples" / "surfaces" / "timbrel.pd"
PRESSES: dict[str, Command] = {
    **{f"choose-{n}": Choose(n) for n in range(1, MIRROR_SIZE + 1)},
    **{f"preview-{n}": Preview(n) for n in range(1, MIRROR_SIZE + 1)},
    "prev": Step(-1),
    "next": Step(1),
    "undo": Undo(),
    "stop": StopPreview(),
    "connect": Register("pd", 3600, 0, ":suggest:status:"),
}
TOGGLES: dict[str, tuple[Command, Command]] = {
    **{f"lock-{n}": (Lock(n, True), Lock(n, False)) for n in range(1, MIRROR_SIZE + 1)},
    "auto": (AutoChoose(True), AutoChoose(False)),
    "enable": (Enable(False), Enable(True)),  # it is on at first
}


def patched() -> tuple[list[str], list[tuple[int, int, int, int]]]:
    """Return what is written in the patch's objects, and the cords between them."""
    lines = pd_patch().splitlines()[1:]
    cords = [tuple(map(int, line[11:-1].split())) for line in lines if line.startswith("#X connect ")]
    objects = [line.split(maxsplit=4) for line in lines if not line.startswith("#X connect ")]
    return [f"{kind} {text.removesuffix(';')}" for _, kind, _, _, text in objects], cords  # type: ignore[return-value]  # four each


def test_the_example_is_what_is_generated() -> None:
    assert EXAMPLE.read_text() == pd_patch()


def test_every_address_that_is_sent_is_in_the_table_with_its_types() -> None:
    sent = re.findall(r"oscformat -f ([a-z]+) (\S+);", pd_patch())
    for types, address in sent:
        row = IN_PATHS[address]
        assert row.types.startswith(types)
        assert len(types) >= row.required
    wanted = {widget.sends.address for widget in surface_widgets("pd", 0) if widget.sends}
    assert {address for _, address in sent} == wanted
    assert {"/timbrel/register", "/timbrel/undo", "/timbrel/choose/8", "/timbrel/enable"} <= wanted


def test_every_address_that_is_shown_is_in_the_table_and_its_arguments_are_unpacked_as_their_types() -> None:
    objects, cords = patched()
    (chooser,) = [at for at, text in enumerate(objects) if text.startswith("obj sel /")]
    addresses = objects[chooser].split()[2:]
    assert {f"/timbrel/suggest/{n}/{what}" for n in range(1, 9) for what in ("name", "score")} <= set(addresses)
    for outlet, address in enumerate(addresses):
        (kept,) = [to for out, at, to, _ in cords if (out, at) == (chooser, outlet)]
        (unpack,) = [to for out, _, to, _ in cords if out == kept]
        types = OUT_PATHS[address].types
        assert objects[unpack] == "obj unpack " + " ".join("s" if tag == "s" else "0" for tag in types)


def test_every_cord_joins_two_objects_that_are_there() -> None:
    objects, cords = patched()
    assert all(out < len(objects) and to < len(objects) for out, _, to, _ in cords)
    assert len(set(cords)) == len(cords)


@pytest.fixture
def timbrel() -> Iterator[Peer]:
    with Peer() as peer:
        yield peer


class Peer:
    """Stand at Timbrel's place."""

    def __init__(self, port: int = 0) -> None:
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.bind(("127.0.0.1", port))
        self._sock.settimeout(20)
        self.port = int(self._sock.getsockname()[1])
        self.surface = ("", 0)

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self._sock.close()

    def command(self) -> Command:
        """Return the next command, as the daemon understands it."""
        data, self.surface = self._sock.recvfrom(65536)
        taken, refused = read_datagram(data)
        assert not refused
        return to_command(taken[0])

    def expect(self, command: Command) -> None:
        """Wait for a command; subscriptions may come in between."""
        while (got := self.command()) != command:
            assert isinstance(got, Register), got

    def has_got_something(self, within_s: float) -> bool:
        """Wait for anything from the surface; it stays to be read."""
        return bool(select.select([self._sock], [], [], within_s)[0])

    def say(self, *out: Message) -> None:
        """Send to the surface."""
        for message in out:
            self._sock.sendto(to_datagram(message), self.surface)


class Pd:
    """Run the patch in Pure Data, with a second patch that presses its buttons and tells what it shows."""

    def __init__(self, folder: Path, timbrel_port: int, silence_ms: int = SILENT_S * 1000) -> None:
        if shutil.which("pd") is None:
            pytest.skip("pd is missing: apt-get install puredata-core")
        self._ear = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._ear.bind(("127.0.0.1", 0))
        self._ear.settimeout(20)
        self._hand = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = int(probe.getsockname()[1])
        (folder / "timbrel.pd").write_text(
            pd_patch(port=timbrel_port).replace(f"delay {SILENT_S * 1000};", f"delay {silence_ms};")
        )
        (folder / "probe.pd").write_text(self._probe())
        self._log = folder / "log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    "pd",
                    "-nogui",
                    "-stderr",
                    "-noprefs",
                    "-noaudio",
                    "-nomidi",
                    "-open",
                    "probe.pd",
                    "-open",
                    "timbrel.pd",
                ],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def __enter__(self) -> Pd:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait(10)
        self._ear.close()
        self._hand.close()

    def said(self) -> str:
        """Return what Pd complained about."""
        return self._log.read_text("utf-8", "replace")

    def press(self, name: str, *what: object) -> None:
        """Send something to a widget."""
        line = " ".join(map(str, (f"timbrel-{name}", *what)))
        self._hand.sendto(f"{line};\n".encode(), ("127.0.0.1", self._port))

    def shown(self) -> str:
        """Return the next thing that is shown, as "name: text"."""
        return self._ear.recv(65536).decode().strip().removesuffix(";").replace("\\", "").rstrip()

    def _probe(self) -> str:
        out = int(self._ear.getsockname()[1])
        lines = [
            "#N canvas 0 50 450 300 12;",
            f"#X obj 0 0 netreceive -u {self._port};",
            "#X obj 0 0 list prepend;",
            r"#X msg 0 0 \; \$1 \$2;",
            "#X obj 0 0 loadbang;",
            f"#X msg 0 0 connect 127.0.0.1 {out};",
            "#X obj 0 0 list prepend send;",
            "#X obj 0 0 list trim;",
            "#X obj 0 0 netsend -u;",
        ]
        cords = [(0, 1), (1, 2), (3, 4), (4, 7), (5, 6), (6, 7)]
        for widget in surface_widgets("pd", 0):
            if widget.hears:
                lines += [f"#X obj 0 0 r timbrel-{widget.name};", f"#X obj 0 0 list prepend {widget.name}:;"]
                cords += [(len(lines) - 3, len(lines) - 2), (len(lines) - 2, 5)]
        return "\n".join([*lines, *(f"#X connect {out} 0 {to} 0;" for out, to in cords), ""])


@pytest.fixture
def pd(timbrel: Peer, tmp_path: Path) -> Iterator[Pd]:
    with Pd(tmp_path, timbrel.port) as running:
        assert timbrel.command() == Register("pd", 3600, 0, ":suggest:status:")
        yield running
        assert running.said() == ""


def test_pure_data_subscribes_and_shows_what_timbrel_says(timbrel: Peer, pd: Pd) -> None:
    def shows(*wanted: str) -> None:
        assert [pd.shown() for _ in wanted] == list(wanted)

    timbrel.say(*messages.mirror(1, "Acoustic Grand; Piano, 5 fünf $1", 0.5))
    shows("name-1: Acoustic Grand; Piano, 5 fünf $1", "score-1: 0.5")
    # Names that Pd gives a meaning to.
    for name in ("bang", "list", "float", "101", "symbol"):
        timbrel.say(messages.mirror(8, name, 0.25)[0])
        shows(f"name-8: {name}")
    timbrel.say(*messages.mirror(1, "", 0.0))
    shows("name-1:", "score-1: 0")
    timbrel.say(messages.status("listening", "jack:ardour:Master, 2 instruments"))
    shows("status: jack:ardour:Master, 2 instruments", "state: listening")
    timbrel.say(messages.chosen(3, 2, "gm:0:40", "generic", "ok", "Violin: program 41"))
    shows("chosen-long: Violin: program 41", "chosen-short: ok")
    timbrel.say(messages.heartbeat(1, 2))
    shows("alive:")
    timbrel.say(messages.error("/timbrel/undo", 404, "nothing to undo"))
    shows("refused-long: nothing to undo", "refused-short: /timbrel/undo")


def test_every_button_sends_the_command_that_it_is_for(timbrel: Peer, pd: Pd) -> None:
    for name, command in PRESSES.items():
        pd.press(name, "bang")
        timbrel.expect(command)
    for name, commands in TOGGLES.items():
        for command in commands:
            pd.press(name, "bang")
            timbrel.expect(command)
    pressed = {widget.name for widget in surface_widgets("pd", 0) if widget.kind in ("push", "toggle")}
    assert pressed == {*PRESSES, *TOGGLES}


def test_it_subscribes_again_after_a_silence_and_not_while_timbrel_is_heard(timbrel: Peer, tmp_path: Path) -> None:
    assert f"delay {SILENT_S * 1000};" in pd_patch()
    with Pd(tmp_path, timbrel.port, silence_ms=1500) as pd:
        timbrel.command()
        for n in range(10):
            timbrel.say(messages.heartbeat(n, n))
            assert pd.shown() == "alive:"
            assert not timbrel.has_got_something(within_s=0.3)
        timbrel.expect(Register("pd", 3600, 0, ":suggest:status:"))


def test_it_finds_a_timbrel_that_was_started_again(tmp_path: Path) -> None:
    with Peer() as first, Pd(tmp_path, first.port, silence_ms=1500) as pd:
        first.command()
        first.__exit__()
        for _ in range(5):
            pd.press("undo", "bang")  # nobody listens
        with Peer(first.port) as second:
            while not isinstance(second.command(), Register):
                pass
            pd.press("undo", "bang")
            second.expect(Undo())
            second.say(messages.status("listening", "again"))
            assert pd.shown() == "status: again"
