"""Check what is planned for Ardour, and how its script is asked."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.carrier import Carrier
from bridge.commands import Choose, SetTarget, Undo
from bridge.config import Config, override
from bridge.daws.ardour import ArdourAdapter
from bridge.daws.base import Before, Reach, Track
from bridge.daws.wire import host_messages, osc
from bridge.effects import Deliver, Effect, Send
from bridge.hosts import mailbox_dir
from bridge.hub import Hub, HubOptions
from library.sounds import MidiProgram
from tests.bridge.heard import heard, preset, sample, suggestion
from tests.bridge.host_peers import UdpHost, until

KICK, PIANO, TRUMPET = sample("Kick"), preset("Piano", 0, bank=None), preset("Trumpet", 56)
KEYS, DRUMS = Track(1, "Keys"), Track(2, "Drums")
CALL = b"/access_action\0\0,s\0\0LuaAction/script-9\0\0"


def test_a_sample_is_asked_of_the_script_by_its_path() -> None:
    plan = ArdourAdapter().load(KICK, None, DRUMS)
    assert (plan.method, plan.target, plan.packets) == ("file", "track Drums", ())
    assert plan.detail == "Kick at the playhead on track Drums"
    (step,) = plan.steps
    assert (step.payload, step.letter, step.keep) == (CALL, ("file", "Drums", "/x/Kick.wav"), True)
    (step,) = ArdourAdapter().load(KICK, None, None).steps
    assert step.letter == ("file", "", "/x/Kick.wav")


def test_a_program_goes_to_the_tracks_midi_input_or_by_the_script() -> None:
    plan = ArdourAdapter().load(PIANO, MidiProgram(2, None, 7, 0), KEYS)
    assert (plan.method, plan.midi_to, plan.steps) == ("program", "Keys/midi_in 1", ())
    assert [(step.payload, step.letter) for step in plan.instead] == [(CALL, ("program", "Keys", "2 -1 7 0"))]
    assert ArdourAdapter().load(PIANO, MidiProgram(2, None, 7, 0), None).instead == ()


@pytest.mark.parametrize("path", ["/x/a\nb.wav", "/x/a\rb.wav"])
def test_a_path_that_is_no_line_is_not_sent(path: str) -> None:
    plan = ArdourAdapter().load(replace(KICK, path=path), None, DRUMS)
    assert (plan.method, plan.steps) == ("text", ())
    assert plan.detail.endswith("(Ardour's script can't be told its path)")


def test_an_ardour_on_another_machine_is_left_no_files() -> None:
    adapter = ArdourAdapter(Reach("osc", 3819, host="192.168.1.5"))
    assert adapter.load(KICK, None, DRUMS).method == "text"
    assert adapter.load(PIANO, PIANO.program, KEYS).instead == ()


def test_what_was_imported_is_taken_off_again_and_a_program_is_followed_by_the_one_before() -> None:
    back = ArdourAdapter().restore(Before(kept={"regions": "704 705"}), DRUMS)
    assert back is not None
    assert [step.letter for step in back.steps] == [("remove", "", "704 705")]
    back = ArdourAdapter().restore(Before(PIANO, MidiProgram(0, None, None, 0)), KEYS)
    assert back is not None
    assert back.packets == (bytes([0xC0, 0]),)
    assert ArdourAdapter().restore(Before(), KEYS) is None


class Scripted:
    """Stand for Ardour with the script as its action, or without it.

    Args:
        answers: What the script says in turn: result, sentence, regions; when there are none left, it is silent.
    """

    def __init__(self, *answers: tuple[str, str, str]) -> None:
        self.answers = list(answers)
        self.asked: list[list[str]] = []

    def __call__(self, payload: bytes) -> list[bytes]:
        address = host_messages(payload)[0].address
        if address == "/strip/list":
            strips = [("MT", "Keys", 1), ("AT", "Drums", 2)]
            listed = [osc("/reply", "ssiiiiii", kind, name, 0, 2, 0, 0, n, 0) for kind, name, n in strips]
            return [*listed, osc("/reply", "si", "end_route_list", 0)]
        if address == "/access_action" and self.answers:
            box = mailbox_dir("ardour")
            _, number, *fields = (box / "request").read_text().split("\n")
            (box / "request").unlink()
            self.asked.append(fields[:-2])
            (box / "answer").write_text("\n".join(["timbrel-answer 1", number, *self.answers.pop(0), "end", ""]))
        return []


def chosen_of(script: Scripted, folder: Path, *commands: SetTarget | Choose | Undo) -> list[tuple[object, ...]]:
    """Return what /timbrel/chosen says of each choice, without any MIDI port."""
    told: list[tuple[object, ...]] = []

    async def scenario() -> None:
        host = UdpHost(script)
        await host.start()
        adapter = ArdourAdapter(Reach("osc", host.port, probe_s=0.05))
        hub = Hub(HubOptions("bus"), [adapter])

        def execute(effects: list[Effect], _: object) -> None:
            for effect in effects:
                if isinstance(effect, Deliver):
                    carrier.deliver(effect, None)
                elif isinstance(effect, Send) and effect.message.address == "/timbrel/chosen":
                    told.append(effect.message.args[4:])

        carrier = Carrier(hub, [adapter], folder / "replaced", execute, lambda _: None)
        carrier.start(override(Config(), {"midi.port": ""}))
        await until(lambda: hub.targets.can_send(adapter), "Ardour is online")
        hub.on_state("listening", "")
        hub.on_analysis(heard(suggestion(1, KICK, PIANO, TRUMPET)), 1.0)
        for command in commands:
            before = len(told)
            execute(hub.handle(command, 1.0), None)
            if not isinstance(command, SetTarget):
                await until(lambda: len(told) > before, "the choice was reported")  # noqa: B023  awaited in its turn
        carrier.close()
        await asyncio.sleep(0.01)
        await host.stop()

    asyncio.run(scenario())
    return told


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path


def test_a_choice_says_what_the_script_did_and_undo_names_its_regions(folder: Path) -> None:
    script = Scripted(("ok", "imported", "704"), ("ok", "taken away", ""))
    assert chosen_of(script, folder, SetTarget("ardour", "Drums"), Choose(1), Undo()) == [
        ("ok", "Kick at the playhead on track Drums, imported"),
        ("ok", "undone: sample off track Drums, taken away"),
    ]
    assert script.asked == [["file", "Drums", "/x/Kick.wav"], ["remove", "", "704"]]


def test_without_a_midi_port_programs_go_by_the_script_and_so_does_undo(folder: Path) -> None:
    script = Scripted(*[("ok", "sent", "")] * 3)
    told = chosen_of(script, folder, SetTarget("ardour", "Keys"), Choose(2), Choose(3), Undo())
    assert told == [
        ("ok", "Piano: program 1 on track Keys, sent"),
        ("ok", "Trumpet: program 57 on track Keys, sent"),
        ("ok", "undone: Piano: program 1 on track Keys, sent"),
    ]
    assert [fields[2] for fields in script.asked] == ["0 -1 -1 0", "0 0 -1 56", "0 -1 -1 0"]


def test_a_refusal_and_a_silent_script_are_told(folder: Path) -> None:
    silence = "Ardour's script did not answer; see examples/daws/ardour.md"
    told = chosen_of(
        Scripted(("failed", "track Keys is no audio track", "")),
        folder,
        *(SetTarget("ardour", "Keys"), Choose(1), Choose(1), Choose(2)),
    )
    assert told == [
        ("failed", "Kick at the playhead on track Keys: track Keys is no audio track"),
        ("failed", f"Kick at the playhead on track Keys: {silence}"),
        (
            "failed",
            "Piano: program 1 on track Keys, sent over OSC, but the MIDI port did not take it: "
            f"there is none; name one with --midi; {silence}",
        ),
    ]


def test_a_folder_that_cant_be_written_to_is_told(folder: Path) -> None:
    (folder / "state").write_text("a file")
    told = chosen_of(Scripted(), folder, SetTarget("ardour", "Drums"), Choose(1))
    box = folder / "state/timbrel/ardour"
    assert told == [("failed", f"Kick at the playhead on track Drums: {box} can't be written to (Not a directory)")]
