"""Read samples into a real scsynth, hear them, and take them back."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from bridge.daws.base import Before, Reach, Step, Track
from bridge.daws.scsynth import ScsynthAdapter
from library.sounds import Sound
from tests.integration.hosts import HostProcess, Seen, free_port, hear, seen, until
from tests.integration.jack import JackServer, jack_server, peak_hz

pytestmark = pytest.mark.daw

PLAYED_S = 10.0
HEARD_S = 1.0


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[JackServer]:
    with jack_server() as running:
        monkeypatch.setenv("JACK_DEFAULT_SERVER", running.name)
        monkeypatch.setenv("JACK_NO_START_SERVER", "1")
        monkeypatch.setenv("SC_JACK_DEFAULT_OUTPUTS", "")
        yield running


def scsynth(server: JackServer, port: int) -> HostProcess:
    command = ["scsynth", "-u", str(port), "-B", "127.0.0.1", "-D", "0", "-R", "0", "-i", "2", "-o", "2"]
    return HostProcess(command, server, "^SuperCollider:out", "supercollider-server")


def tone(folder: Path, name: str, rate: int, *tones_hz: float) -> Sound:
    """Write a sample with one sine per channel."""
    time = np.arange(round(PLAYED_S * rate)) / rate
    path = folder / name
    soundfile.write(path, np.stack([0.3 * np.sin(2 * np.pi * hz * time) for hz in tones_hz], 1), rate)
    return Sound(name, path.stem, "sample", str(path), None, "", "", "")


class Rig:
    """Hold a running scsynth, the session with it, and an ear at its outputs."""

    def __init__(self, server: JackServer, host: HostProcess, adapter: ScsynthAdapter, one: Seen) -> None:
        self.server, self.host, self.adapter, self.one = server, host, adapter, one

    async def choose(self, sound: Sound, track: Track | None = None) -> NDArray[np.float32]:
        """Load a sound, which must be confirmed, and return what is heard."""
        return await self.carry_out(self.adapter.load(sound, None, track).steps)

    async def carry_out(self, steps: tuple[Step, ...]) -> NDArray[np.float32]:
        """Send steps, which must be confirmed, and return what is heard then."""
        done = await self.one.session.carry_out(steps)
        assert done.result == "ok", done.detail
        return await asyncio.to_thread(hear, self.server, self.host.ports, lambda: None, HEARD_S)


@asynccontextmanager
async def running(server: JackServer) -> AsyncIterator[Rig]:
    port = free_port(socket.SOCK_DGRAM)
    adapter = ScsynthAdapter(Reach("osc", port, probe_s=0.3))
    try:
        with scsynth(server, port) as host:
            async with seen(adapter) as one:
                await one.online()
                yield Rig(server, host, adapter, one)
    finally:
        # It is killed, and leaves what it shares with others behind: eight megabytes of memory.
        Path(f"/dev/shm/SuperColliderServer_{port}").unlink(missing_ok=True)


def peak(heard: NDArray[np.float32], server: JackServer) -> float:
    """Return the strongest frequency of what was heard once it had begun."""
    assert np.abs(heard).max() > 0.1
    return peak_hz(heard[len(heard) // 2 :], server.sample_rate)


def test_samples_are_heard_at_their_own_pitch_whatever_their_rate_and_channels(
    server: JackServer, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with running(server) as rig:
            assert rig.one.versions[-1][0].isdigit()
            # Mono goes to both sides: the ear, which sums them, hears it twice as loud.
            heard = await rig.choose(tone(tmp_path, "mono fünf.wav", 44_100, 440.0))
            assert peak(heard, server) == pytest.approx(440.0, abs=3.0)
            assert np.abs(heard).max() == pytest.approx(0.6, abs=0.05)
            heard = await rig.choose(tone(tmp_path, "stereo.flac", 22_050, 700.0, 1500.0), Track(5, "buffer 5"))
            spectrum = np.abs(np.fft.rfft(heard[len(heard) // 2 :])) / (len(heard) // 2)
            bins = [round(hz * (len(heard) // 2) / server.sample_rate) for hz in (700.0, 1500.0)]
            assert (spectrum[bins] > 0.1).all()
            heard = await rig.choose(tone(tmp_path, "four.aiff", 48_000, 900.0, 900.0, 300.0, 300.0))
            assert peak(heard, server) == pytest.approx(900.0, abs=3.0)

    asyncio.run(scenario())


def test_undo_plays_the_sample_before_and_then_empties_the_buffer(server: JackServer, tmp_path: Path) -> None:
    low, high = tone(tmp_path, "low.wav", 44_100, 440.0), tone(tmp_path, "high.wav", 44_100, 1500.0)

    async def scenario() -> None:
        async with running(server) as rig:
            first, second = rig.adapter.load(low, None, None), rig.adapter.load(high, None, None)
            kept_first = (await rig.one.carry_out(first)).kept
            kept_second = (await rig.one.carry_out(second)).kept
            assert kept_first == {"buffer 1000": "0"}
            assert kept_second == {"buffer 1000": str(round(PLAYED_S * 44_100))}
            undo = rig.adapter.restore(Before(low, None, kept_second), None)
            assert undo is not None
            # One voice at a time: what the undone choice played is not heard any more.
            heard = await rig.carry_out(undo.steps)
            assert peak(heard, server) == pytest.approx(440.0, abs=3.0)
            tail = heard[len(heard) // 2 :]
            assert np.abs(tail).max() == pytest.approx(0.6, abs=0.05)
            undo = rig.adapter.restore(Before(None, None, kept_first), None)
            assert undo is not None
            heard = await rig.carry_out(undo.steps)
            assert np.abs(heard[len(heard) // 2 :]).max() < 1e-4
            told = await rig.one.session.carry_out((replace(first.steps[0], value="0"),))
            assert told.result == "queued"  # kept, not confirmed
            assert told.kept == {"buffer 1000": "0"}

    asyncio.run(scenario())


def test_a_missing_file_is_reported_and_leaves_what_was_there(server: JackServer, tmp_path: Path) -> None:
    low = tone(tmp_path, "low.wav", 44_100, 440.0)

    async def scenario() -> None:
        async with running(server) as rig:
            await rig.choose(low)
            failed = await rig.one.carry_out(
                rig.adapter.load(replace(low, path=str(tmp_path / "gone.wav")), None, None)
            )
            assert failed.result == "failed"
            assert "gone.wav' could not be opened" in failed.detail
            broken = tmp_path / "text.wav"
            broken.write_text("no audio")
            failed = await rig.one.carry_out(rig.adapter.load(replace(low, path=str(broken)), None, None))
            assert failed.result == "failed"
            assert "text.wav' could not be opened" in failed.detail
            heard = await rig.carry_out(rig.adapter.load(low, None, None).steps[3:])  # plays what the buffer holds
            assert peak(heard, server) == pytest.approx(440.0, abs=3.0)

    asyncio.run(scenario())


def test_a_definition_that_is_not_there_is_reported(server: JackServer, tmp_path: Path) -> None:
    low = tone(tmp_path, "low.wav", 44_100, 440.0)

    async def scenario() -> None:
        async with running(server) as rig:
            steps = rig.adapter.load(low, None, None).steps
            silent = await rig.one.session.carry_out((*steps[:1], *steps[2:]))
            assert (silent.result, silent.detail) == ("failed", "scsynth says SynthDef not found")

    asyncio.run(scenario())


def test_a_host_that_was_killed_and_started_again_is_noticed_and_plays(server: JackServer, tmp_path: Path) -> None:
    low = tone(tmp_path, "low.wav", 44_100, 440.0)

    async def scenario() -> None:
        async with running(server) as rig:
            await rig.choose(low)
            rig.host.kill()
            await until(lambda: rig.one.session.state == "offline", "the session sees that it is gone")
            quick = tuple(replace(step, wait_s=0.3) for step in rig.adapter.load(low, None, None).steps)
            assert (await rig.one.session.carry_out(quick)).result == "failed"
            await asyncio.to_thread(rig.host.start)
            await rig.one.online()
            assert rig.one.states[-3:] == ["online", "offline", "online"]
            assert peak(await rig.choose(low), server) == pytest.approx(440.0, abs=3.0)

    asyncio.run(scenario())
