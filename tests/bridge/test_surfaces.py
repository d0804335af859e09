"""Hold the layouts of control surfaces against the table of addresses."""

from __future__ import annotations

import hashlib
import itertools
import subprocess
import sys
import zlib
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from bridge.commands import AutoChoose, Choose, Command, Enable, Lock, Preview, Register, Step, StopPreview, Undo
from bridge.osc.addresses import IN_PATHS, MIRROR_SIZE, OUT_PATHS
from bridge.osc.dispatch import to_command
from bridge.osc.encode import Message, to_datagram
from bridge.osc.guard import read_datagram
from bridge.surfaces import SURFACES, surface_files
from bridge.surfaces.layout import PAGE, Heard, Request, surface_widgets
from bridge.surfaces.touchosc import RECEIVE_PORT
from tests.bridge.shell import Shell
from tests.bridge.surface_layouts import OPENSTAGE, TOUCHOSC, layout_of

EXAMPLES = Path(__file__).parents[2] / "examples" / "surfaces"
PROGRAMS = [OPENSTAGE, TOUCHOSC]
EIGHT = range(1, MIRROR_SIZE + 1)
HALF_PIXEL = 0.5


def registration(client: str, port: int) -> list[Command]:
    return [Register(client, 3600, port, ":suggest:status:")]


MEANING: dict[str, list[Command]] = {
    **{f"choose-{n}": [Choose(n)] for n in EIGHT},
    **{f"preview-{n}": [Preview(n)] for n in EIGHT},
    **{f"lock-{n}": [Lock(n, True), Lock(n, False)] for n in EIGHT},
    "prev": [Step(-1)],
    "next": [Step(1)],
    "undo": [Undo()],
    "stop": [StopPreview()],
    "auto": [AutoChoose(True), AutoChoose(False)],
    "enable": [Enable(True), Enable(False)],
}
EXPECTED = {
    OPENSTAGE: MEANING | dict.fromkeys(["connect", "alive"], registration("Open Stage Control", 0)),
    TOUCHOSC: MEANING | dict.fromkeys(["connect", "alive"], registration("TouchOSC", RECEIVE_PORT)),
}


def received(message: Message) -> Command:
    taken, refused = read_datagram(to_datagram(message))
    assert not refused
    return to_command(taken[0])


def as_floats(message: Message) -> Message:
    args = tuple(float(arg) if isinstance(arg, int) else arg for arg in message.args)
    return replace(message, types=message.types.replace("i", "f"), args=args)


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_button_sends_what_timbrel_takes_for_its_command(program: str) -> None:
    sent = layout_of(program).sent
    assert {name: [received(message) for message in out] for name, out in sent.items()} == EXPECTED[program]


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_button_is_understood_by_a_program_that_sends_floats_only(program: str) -> None:
    sent = layout_of(program).sent
    assert {name: [received(as_floats(message)) for message in out] for name, out in sent.items()} == EXPECTED[program]


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_address_and_its_types_are_in_the_table(program: str) -> None:
    layout = layout_of(program)
    for message in itertools.chain(*layout.sent.values()):
        # What a script sends has floats for ints; the table says what they stand for.
        types = IN_PATHS[message.address].types[: len(message.types)]
        assert message.types in (types, types.replace("i", "f"))
    for shown in layout.shown.values():
        assert OUT_PATHS[shown.address].types.startswith(shown.types)


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_eight_labels_the_status_and_what_became_of_requests_are_shown(program: str) -> None:
    shown = {name: (one.address, one.argument) for name, one in layout_of(program).shown.items()}
    assert shown == {
        **{f"name-{n}": (f"/timbrel/suggest/{n}/name", 0) for n in EIGHT},
        **{f"score-{n}": (f"/timbrel/suggest/{n}/score", 0) for n in EIGHT},
        "state": ("/timbrel/status", 0),
        "status": ("/timbrel/status", 1),
        "alive": ("/timbrel/heartbeat", 0),
        "chosen-short": ("/timbrel/chosen", 4),
        "chosen-long": ("/timbrel/chosen", 5),
        "previewed-short": ("/timbrel/previewed", 3),
        "previewed-long": ("/timbrel/previewed", 4),
        "refused-short": ("/timbrel/error", 0),
        "refused-long": ("/timbrel/error", 2),
    }


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_widget_has_its_place_on_the_page_and_none_overlap(program: str) -> None:
    frames = dict(layout_of(program).frames)
    # TouchOSC writes on a button by laying a label over it, which has to have the very same place.
    for name in [name for name in frames if name.endswith("-label")]:
        assert frames.pop(name) == frames[name.removesuffix("-label")]
    assert set(frames) == {widget.name for widget in surface_widgets("", 0)}
    for left, top, width, height in frames.values():
        assert left >= 0
        assert top >= 0
        assert left + width <= PAGE.width
        assert top + height <= PAGE.height
        assert min(width, height) >= 32
    for (one, a), (other, b) in itertools.combinations(frames.items(), 2):
        apart_x = a[0] + a[2] <= b[0] + HALF_PIXEL or b[0] + b[2] <= a[0] + HALF_PIXEL
        apart_y = a[1] + a[3] <= b[1] + HALF_PIXEL or b[1] + b[3] <= a[1] + HALF_PIXEL
        assert apart_x or apart_y, f"{one} and {other} overlap"


def test_ids_in_a_touchosc_document_are_unique() -> None:
    root = ET.fromstring(zlib.decompress(surface_files()[TOUCHOSC]))
    ids = [node.get("ID") for node in root.iter("node")]
    assert len(set(ids)) == len(ids)


def test_a_widget_can_have_no_address_that_the_table_lacks() -> None:
    with pytest.raises(ValueError, match="/timbrel/nothing with 0 arguments"):
        Request("/timbrel/nothing")
    with pytest.raises(ValueError, match="/timbrel/lock with 1 arguments"):
        Request("/timbrel/lock", (1,))
    with pytest.raises(ValueError, match="argument 2 of /timbrel/status"):
        Heard("/timbrel/status", 2)
    with pytest.raises(ValueError, match="argument 0 of /timbrel/next"):
        Heard("/timbrel/next")


@pytest.mark.parametrize("name", [name for name, _, _ in SURFACES])
def test_the_committed_example_is_the_generated_one(name: str) -> None:
    assert (EXAMPLES / name).read_bytes() == surface_files()[name]


def test_another_process_writes_the_same_bytes() -> None:
    code = (
        "import hashlib; from bridge.surfaces import surface_files; "
        "print([hashlib.sha256(content).hexdigest() for content in surface_files().values()])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={"PYTHONHASHSEED": "12345"},
    )
    assert done.stdout.strip() == str([hashlib.sha256(content).hexdigest() for content in surface_files().values()])


def test_the_zlib_stream_is_stored_so_that_no_compressor_can_change_it() -> None:
    content = surface_files()[TOUCHOSC]
    assert content[:2] == b"\x78\x9c"
    assert b"<lexml version='3'>" in content
    decompressor = zlib.decompressobj()
    decompressor.decompress(content)
    assert (decompressor.eof, decompressor.unused_data) == (True, b"")


def test_the_command_writes_every_layout(shell: Shell, tmp_path: Path) -> None:
    out = tmp_path / "new" / "surfaces"
    ended = shell("surfaces", "--out", out)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines() == [str(out / name) for name in surface_files()]
    assert {path.name: path.read_bytes() for path in out.iterdir()} == surface_files()
    assert shell("surfaces", "--out", out).code == 0  # again, over the old ones


def test_with_a_token_the_surfaces_of_other_machines_register_with_it(shell: Shell, tmp_path: Path) -> None:
    assert shell("surfaces", "--out", tmp_path, "--token", "correct-horse").code == 0
    assert {path.name for path in tmp_path.iterdir()} == {OPENSTAGE, TOUCHOSC}
    assert b"TouchOSC#correct-horse" in zlib.decompress((tmp_path / TOUCHOSC).read_bytes())
    assert b"Open Stage Control#correct-horse" in (tmp_path / OPENSTAGE).read_bytes()
    assert shell("surfaces", "--out", tmp_path, "--token", "a b").code == 2


@pytest.mark.parametrize("below", ["", "surfaces"], ids=["the file itself", "below it"])
def test_the_command_refuses_a_file_as_its_folder(shell: Shell, tmp_path: Path, below: str) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    ended = shell("surfaces", "--out", file / below)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"timbrel: {file / below}: is a file or lies in one")
    assert ended.err.count("\n") == 1
    assert file.read_text() == "mine"
