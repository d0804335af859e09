"""Look at one part of the installation each; a check never raises."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal

from bridge.quiet import quiet_native
from library.errors import MissingDependencyError, TimbrelError

if TYPE_CHECKING:
    from realtime.devices import Inputs

__all__ = ["Check", "all_checks"]


@dataclass(frozen=True, slots=True)
class Check:
    """Hold what was found out about one part.

    Attributes:
        part: Name of the part.
        status: "ok"; "warn" = something can't be done without it; "fail" = nothing works without it.
        text: What was found.
        todo: What to do, empty when all is well.
    """

    part: str
    status: Literal["ok", "warn", "fail"]
    text: str
    todo: str = ""


def check_python() -> Check:
    """Look at the interpreter."""
    text = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    fits = (3, 11) <= sys.version_info[:2] < (3, 14)
    return Check("python", "ok", text) if fits else Check("python", "fail", text, "install Python 3.11, 3.12 or 3.13")


def check_torch() -> Check:
    """Look at torch, torchaudio and where they compute."""
    try:
        import torch
        import torchaudio
    except (ImportError, OSError) as error:
        text = " ".join(str(error).split())
        return Check("torch", "fail", text, "install the pair: pip install 'torch==2.11.*' 'torchaudio==2.11.0'")
    where = torch.cuda.get_device_name(0) if torch.cuda.is_available() else f"CPU, {torch.get_num_threads()} threads"
    return Check("torch", "ok", f"{torch.__version__}, torchaudio {torchaudio.__version__}, {where}")


def check_weights() -> Check:
    """Load the encoders."""
    try:
        from library.encoders import load_encoder

        spec = load_encoder(device="cpu").spec
    except (TimbrelError, ImportError, OSError) as error:
        return Check("weights", "fail", str(error), "install Timbrel again")
    text = f"{spec.name}, {spec.dim} numbers a sound, up to {spec.slots} instruments, {spec.fingerprint[:12]}"
    return Check("weights", "ok", text)


def check_library() -> Check:
    """Open the built-in library with the shipped weights."""
    try:
        from library.encoders import load_encoder
        from library.index import open_library

        index = open_library("gm", load_encoder(device="cpu").spec.fingerprint)
    except TimbrelError as error:
        return Check("gm library", "fail", f"{error.value}: {error.rule}", error.next_step)
    except (ImportError, OSError) as error:
        return Check("gm library", "fail", str(error), "install Timbrel again")
    return Check("gm library", "ok", f"{len(index.sounds)} sounds")


def check_annoy() -> Check:
    """Look for the approximate search of large libraries."""
    if find_spec("annoy") is not None:
        return Check("annoy", "ok", "large libraries are searched by index")
    return Check(
        "annoy",
        "warn",
        "not installed: search is exact, and slow from some 100,000 sounds on",
        "apt-get install g++ python3-dev && pip install annoy",
    )


def check_inputs() -> tuple[Check, ...]:
    """Look for sound inputs and a JACK server: one look tells of both."""
    from realtime.devices import find_inputs

    try:
        found = find_inputs()
    except TimbrelError as error:
        return (Check(error.value, "warn", error.rule, error.next_step),)
    return _check_portaudio(found), _check_jack(found.jack_ports)


def _check_portaudio(found: Inputs) -> Check:
    if find_spec("sounddevice") is None:
        return Check("PortAudio", "warn", "sounddevice is not installed", "pip install sounddevice")
    if not found.has_portaudio:
        return Check(
            "PortAudio", "warn", "can't be loaded: no sound card can be heard", "apt-get install libportaudio2"
        )
    if found.choices:
        return Check("PortAudio", "ok", f"{len(found.choices)} inputs; see `timbrel devices`")
    return Check(
        "PortAudio", "warn", "no inputs on this machine", "start JACK or PipeWire, or use `timbrel listen FILE`"
    )


def _check_jack(ports: int | None) -> Check:
    if ports is not None:
        return Check("JACK", "ok", f"running, {ports} ports to listen to")
    if find_spec("jack") is None:
        return Check("JACK", "warn", "its Python client is not installed", "pip install JACK-Client")
    return Check("JACK", "warn", "no server is running", "start jackd, or PipeWire with pw-jack, to hear a DAW's bus")


def check_midi() -> Check:
    """Look for the MIDI back end that sends program changes."""
    with quiet_native():
        try:
            import rtmidi

            names = [rtmidi.get_api_display_name(api) for api in rtmidi.get_compiled_api()]
        except (ImportError, OSError):
            return Check(
                "MIDI", "warn", "no MIDI back end: program changes go over OSC only", "pip install python-rtmidi"
            )
    return Check("MIDI", "ok", ", ".join(name for name in names if "ummy" not in name))


def check_fluidsynth() -> Check:
    """Look for the synthesiser that renders SoundFonts when a library is built from one."""
    with quiet_native():
        from library.synths.fluid import load_fluidsynth

        try:
            load_fluidsynth()
        except MissingDependencyError:
            todo = "apt-get install libfluidsynth3 && pip install pyfluidsynth"
            return Check("FluidSynth", "warn", "not there: no library can be built from a SoundFont", todo)
    program = shutil.which("fluidsynth")
    return Check("FluidSynth", "ok", f"library found{', and the program' if program else ''}")


def check_osc() -> Check:
    """Look who has the OSC port."""
    from bridge.cli.probe import probe_osc

    return Check("OSC", *probe_osc())


def all_checks() -> Iterator[Check]:
    """Check one thing after the other, in the order in which they are shown."""
    for check in (check_python, check_torch, check_weights, check_library, check_annoy):
        yield check()
    yield from check_inputs()
    for check in (check_midi, check_fluidsynth, check_osc):
        yield check()
