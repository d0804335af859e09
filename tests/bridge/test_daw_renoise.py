"""Check what Renoise is sent; it answers nothing, so that its Lua is run where a Lua is installed."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
from collections.abc import Callable, Coroutine

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.daws.base import Before, Delivery, Reach, TargetError, Track
from bridge.daws.renoise import RenoiseAdapter, lua_string
from bridge.daws.wire import host_messages
from library.sounds import MidiProgram, Sound
from tests.bridge.host_peers import UdpHost, until, watch

HOSTILE = [
    '"',
    "'",
    "\\",
    '\\" os.execute("x") --',
    "a\nb",
    "a\r\nb",
    "]]",
    "]==] x [==[",
    "--[[ x ]]",
    "%s {} ${x} `x`",
    '") os.exit(7) ("',
    "1\\0652",
    "東京 ♯",
    "/x/\udcff\udc80.wav",
    "a\x01\x7fb",
]

FAKE_RENOISE = """
local i = {samples = {}, name = 'old'}
function i:insert_sample_at(n)
  local buffer = {}
  function buffer:load_from(path) loaded = path return true end
  table.insert(self.samples, n, {sample_buffer = buffer})
end
local app = {}
function app:show_status(text) shown = text end
renoise = {}
function renoise.song() return {selected_instrument = i, instruments = {[3] = i}} end
function renoise.app() return app end
local code = io.read('a')
assert(load(code))()
io.write(loaded or '', '\\0', i.name, '\\0', shown or '')
"""


def run(scenario: Callable[[], Coroutine[None, None, None]]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 60))


def sample(path: str, name: str = "kick") -> Sound:
    return Sound(path, name, "sample", path, None, "", "drums", "")


def lua(delivery: Delivery) -> list[str]:
    """Return the lines of Lua that it sends."""
    messages = [host_messages(step.payload)[0] for step in delivery.steps]
    assert {one.address for one in messages} == {"/renoise/evaluate"}
    return [str(one.args[0]) for one in messages]


def evaluate(lines: list[str]) -> tuple[bytes, bytes, bytes]:
    """Run lines of Lua; return the path that was loaded, the instrument's name, the status bar."""
    program = shutil.which("lua") or shutil.which("lua5.3") or shutil.which("lua5.4")
    if program is None:
        pytest.skip("lua is missing: apt-get install lua5.3")
    done = subprocess.run(
        [program, "-e", FAKE_RENOISE], input="\n".join(lines).encode(), capture_output=True, check=True, timeout=20
    )
    loaded, name, shown = done.stdout.split(b"\0")
    return loaded, name, shown


def unquoted(text: str) -> bytes:
    """Read a Lua string as Lua does."""
    assert re.fullmatch(r'"(?:[^"\\\n\r\0]|\\[0-9]{3})*"', text)
    return re.sub(rb"\\([0-9]{3})", lambda found: bytes([int(found[1])]), text[1:-1].encode("ascii"))


def test_it_listens_on_8000_and_is_asked_nothing() -> None:
    adapter = RenoiseAdapter()
    assert adapter.reach == Reach("osc", 8000)
    assert (adapter.probe(), adapter.read(b"/x\0\0,\0\0\0")) == ((), ())


def test_a_program_change_is_packed_from_the_low_byte_up_after_its_bank() -> None:
    violin = Sound("gm:0:5", "E", "gm", "", None, "", "gm", "")
    delivery = RenoiseAdapter().load(violin, MidiProgram(0, 1, 2, 5), None)
    midi = b"/renoise/trigger/midi\0\0\0,i\0\0"
    assert [step.payload for step in delivery.steps[:3]] == [
        midi + b"\x00\x01\x00\xb0",
        midi + b"\x00\x02\x20\xb0",
        midi + b"\x00\x00\x05\xc0",
    ]
    assert (delivery.method, delivery.packets, delivery.target) == ("program", (), "channel 1")
    on_ten = RenoiseAdapter().load(violin, MidiProgram(9, None, None, 127), None)
    assert on_ten.steps[0].payload == midi + b"\x00\x00\x7f\xc9"


def test_a_sample_is_loaded_by_a_line_of_lua_and_its_name_is_shown() -> None:
    delivery = RenoiseAdapter().load(sample("/x/kick.wav"), None, None)
    first, second = lua(delivery)
    assert first == (
        "local i=renoise.song().selected_instrument if i then if #i.samples==0 then i:insert_sample_at(1) end "
        'if i.samples[1].sample_buffer:load_from("/x/kick.wav") then '
        'i.samples[1].name="kick" i.name=i.samples[1].name end end'
    )
    assert second == 'renoise.app():show_status("Timbrel: kick")'
    assert delivery.steps[1].payload == (b'/renoise/evaluate\0\0\0,s\0\0renoise.app():show_status("Timbrel: kick")\0\0')
    assert (delivery.method, delivery.detail) == ("file", "kick as sample 1 of the selected instrument")


def test_a_track_is_an_instrument() -> None:
    adapter = RenoiseAdapter()
    assert adapter.track("3", ()) == Track(3, "Renoise instrument 3")
    assert "renoise.song().instruments[3] " in lua(adapter.load(sample("/x/a.wav"), None, Track(3, "instrument 3")))[0]
    with pytest.raises(TargetError, match="track 256 must be a Renoise instrument 1-255, or empty"):
        adapter.track("256", ())


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_can_end_its_quotes(text: str) -> None:
    assert unquoted(lua_string(text)) == text.encode("utf-8", "surrogateescape")


@given(st.text())
def test_any_text_stays_a_text(text: str) -> None:
    try:
        quoted = lua_string(text)
    except ValueError:
        assert any("\ud800" <= char <= "\udfff" for char in text)
        return
    assert unquoted(quoted) == text.encode("utf-8", "surrogateescape")


@pytest.mark.parametrize("text", HOSTILE)
def test_lua_itself_sees_the_path_and_name_and_nothing_else(text: str) -> None:
    path = f"/x/{text}.wav"
    lines = lua(RenoiseAdapter().load(sample(path, text[:20]), None, Track(3, "instrument 3")))
    name = text[:20].encode("utf-8", "surrogateescape")
    assert evaluate(lines) == (path.encode("utf-8", "surrogateescape"), name, b"Timbrel: " + name)


def test_a_path_that_cannot_be_sent_falls_back() -> None:
    adapter, program = RenoiseAdapter(), MidiProgram(0, None, None, 5)
    for path in ("/" + "x" * 1024 + ".wav", "/" + "東" * 80 + ".wav", "/\ud800.wav"):
        delivery = adapter.load(sample(path), program, None)
        assert (delivery.method, "can't be sent" in delivery.detail) == ("program", True)
        assert adapter.load(sample(path), None, None).method == "text"


def test_a_name_of_any_length_is_shown_in_part() -> None:
    for name in ("東" * 500, "x" * 5000, "\ud800", "\n" * 400):
        delivery = RenoiseAdapter().load(Sound("i", name, "patch", "/x.xiz", None, "", "", ""), None, None)
        assert delivery.method == "text"
        assert all(len(step.payload) <= 1024 for step in delivery.steps)


def test_undo_goes_by_the_choice_before_alone() -> None:
    adapter = RenoiseAdapter()
    assert adapter.restore(Before(), None) is None
    assert adapter.restore(Before(Sound("i", "Pad", "patch", "/x.xiz", None, "", "", "")), None) is None
    undo = adapter.restore(Before(sample("/x/snare.wav", "snare")), None)
    assert undo is not None
    assert 'load_from("/x/snare.wav")' in lua(undo)[0]


@given(st.binary(max_size=200))
def test_any_bytes_are_read(data: bytes) -> None:
    assert RenoiseAdapter().read(data) == ()


def test_renoise_stays_probing_and_what_it_is_sent_stays_queued() -> None:
    async def scenario() -> None:
        host = UdpHost(lambda _: [])
        await host.start()
        try:
            await use(host)
        finally:
            await host.stop()

    async def use(host: UdpHost) -> None:
        adapter = RenoiseAdapter(Reach("osc", host.port, probe_s=0.02))
        async with watch(adapter) as seen:
            await until(lambda: seen.session.state == "probing", "probing")
            delivery = adapter.load(sample("/x/kick.wav"), None, None)
            assert (await seen.session.carry_out(delivery.steps)).result == "queued"
            undo = adapter.restore(Before(sample("/x/snare.wav")), None)
            assert undo is not None
            assert (await seen.session.carry_out(undo.steps)).result == "queued"
            await until(lambda: len(host.got) == 4, "it is there")
            await host.stop()  # unseen, as there is nothing to hear
            await asyncio.sleep(0.2)
            await host.start(host.port)
            assert (await seen.session.carry_out(delivery.steps)).result == "queued"
            await until(lambda: len(host.got) == 6, "it is there again")
            assert seen.states == ["probing"]
            assert host.got == [step.payload for one in (delivery, undo, delivery) for step in one.steps]

    run(scenario)
