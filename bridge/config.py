"""Read the settings: one frozen model with every default, filled from a TOML file and the command line."""

from __future__ import annotations

import difflib
import os
import reprlib
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator

from bridge.banks import BankStyle
from bridge.config_text import nested, read_config
from bridge.inputs import check_inputs
from bridge.midi import MidiBackend
from bridge.osc.door import check_allowed, check_token
from library.errors import ConfigError, InputError
from library.exclude import check_pattern

__all__ = [
    "Config", "LibraryConfig", "MidiConfig", "OscConfig", "PageConfig", "PreviewConfig", "SuggestConfig",
    "config_path", "load_config", "override",
]  # fmt: skip

_SHOWN = 200
"""Most characters of a wrong key or value that are repeated."""


_Share = Annotated[float, Field(ge=0.0, le=1.0, strict=True, allow_inf_nan=False)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _told(check: Callable[[str], str]) -> Callable[[str], str]:
    """Let a check of ours speak as pydantic's own do."""

    def checked(value: str) -> str:
        try:
            return check(value)
        except InputError as error:
            raise ValueError(f"{error.rule}, {error.next_step}") from None

    return checked


def _whole_path(folder: str) -> str:
    if not Path(os.path.expanduser(folder)).is_absolute():  # noqa: PTH111 - Path raises where a home is not known
        raise ValueError("must be a whole path, begin it with / or ~")
    return folder


class OscConfig(_Section):
    """Set where OSC is spoken.

    Attributes:
        host: IPv4 address to listen on; 127.0.0.1 = this machine only, with lan all addresses.
        port: UDP port to listen on; when it is taken, one of the next nine.
        send: HOST:PORT of clients that get everything and never expire.
        discover: Announce Timbrel by zeroconf and answer OSCQuery.
        lan: Let machines in `allow` register, with the token.
        allow: IPv4 addresses and networks of those machines.
        token: What the name in /timbrel/register ends with, after a "#"; empty = made for each run.
    """

    host: str = "127.0.0.1"
    port: int = Field(default=17370, ge=1, le=65535)
    send: tuple[str, ...] = ()
    discover: bool = False
    lan: bool = False
    allow: tuple[Annotated[str, AfterValidator(_told(check_allowed))], ...] = ()
    token: Annotated[str, AfterValidator(_told(check_token))] = ""


class MidiConfig(_Section):
    """Set where program changes go.

    Attributes:
        port: Name of the virtual port to make, or of a destination to open; empty = no MIDI port.
        channel: MIDI channel 1..16 for sounds that name none.
        backend: Which MIDI system to use.
        bank_style: How banks are written; see bridge.banks.
    """

    port: str = "timbrel"
    channel: int = Field(default=1, ge=1, le=16)
    backend: MidiBackend = "auto"
    bank_style: BankStyle = "gs"


class SuggestConfig(_Section):
    """Set how suggestions are made.

    Attributes:
        auto: Load stable suggestions by itself.
        top: Sounds per instrument, 1..20.
        hop_s: Time between two windows in seconds, 0.1..10; below 0.5 each is heard in full only twice a second, and
            where its newest part holds something new.
        threshold: Presence from which an instrument counts, 0..1; without, the encoder's calibrated one.
        stability: How surely and for how long it must be heard, 0..1; see realtime.stability.
    """

    auto: bool = False
    top: int = Field(default=5, ge=1, le=20)
    hop_s: float = Field(default=0.5, ge=0.1, le=10.0)
    threshold: _Share | None = None
    stability: _Share = 0.5


class PreviewConfig(_Section):
    """Set where sounds are heard before they are loaded.

    Attributes:
        output: An audio output by name, jack:REGEX for JACK inputs, or default; empty = no previews. Never the bus.
    """

    output: str = ""


class PageConfig(_Section):
    """Set the page in the browser; it is served on this machine alone.

    Attributes:
        enabled: Serve it.
        port: TCP port on 127.0.0.1; when it is taken, one of the next nine; 0 = any that is free.
        open: Open the browser at the start.
        report: Folder that `timbrel eval --report` wrote, to be shown beside the page; empty = none.
    """

    enabled: bool = True
    port: int = Field(default=17380, ge=0, le=65535)
    open: bool = False
    report: str = ""


class LibraryConfig(_Section):
    """Set which library is used, and what counts in it.

    Attributes:
        path: Folder of a library, or gm for the built-in one.
        taste: Let likes, skips and weights count beside the cosine; see library.taste.
        exclude: Folders that builds and watches leave out: a name at any depth, or a path from a source on, in which
            ** stands for any folders.
        weights: Factor 0..2 by name of a source, 1 = neutral; see library.taste.
        page_folders: Folders below which the page may add more; none = it can add nothing.
    """

    path: str = "gm"
    taste: bool = True
    exclude: tuple[Annotated[str, AfterValidator(_told(check_pattern))], ...] = ()
    weights: dict[str, Annotated[float, Field(ge=0.0, le=2.0, strict=True, allow_inf_nan=False)]] = Field(
        default_factory=dict
    )
    page_folders: tuple[Annotated[str, AfterValidator(_whole_path)], ...] = ()


class Config(_Section):
    """Hold all settings of `timbrel run`.

    Attributes:
        input: What to listen to: a device name, jack:REGEX or file:PATH[,loop]; empty = the default input. A list of
            them for several buses; a list of one is kept as its name alone.
        library: See LibraryConfig; a text alone is its path.
        device: Where the encoder runs.
        adapter: Ways to load a sound, NAME or NAME:HOST:PORT; the first is used until a client chooses another.
        track: Where the first adapter loads, as a client would name it; empty = its usual track.
        osc: See OscConfig.
        midi: See MidiConfig.
        suggest: See SuggestConfig.
        preview: See PreviewConfig.
        page: See PageConfig.
    """

    input: str | tuple[str, ...] = ""
    library: LibraryConfig = LibraryConfig()
    device: Literal["auto", "cpu", "cuda"] = "auto"
    adapter: tuple[str, ...] = ("generic",)
    track: str = ""
    osc: OscConfig = OscConfig()
    midi: MidiConfig = MidiConfig()
    suggest: SuggestConfig = SuggestConfig()
    preview: PreviewConfig = PreviewConfig()
    page: PageConfig = PageConfig()

    @property
    def inputs(self) -> tuple[str, ...]:
        """All that is listened to, at least one."""
        return (self.input,) if isinstance(self.input, str) else self.input

    @field_validator("input", mode="before")
    @classmethod
    def _one_or_several(cls, value: object) -> str | tuple[str, ...]:
        return check_inputs(value)

    @field_validator("library", mode="before")
    @classmethod
    def _path_alone(cls, value: object) -> object:
        return {"path": value} if isinstance(value, str) else value


def config_path() -> Path:
    """Return where the config file lies when none is named."""
    import platformdirs

    return Path(platformdirs.user_config_dir("timbrel")) / "config.toml"


def load_config(path: Path | None = None) -> Config:
    """Read a config file; without one named, the user's own if there is one, else the defaults.

    Raises:
        ConfigError: The file is missing, is not TOML, or has a wrong key or value.
    """
    source = path or config_path()
    if path is None and not source.is_file():
        return Config()
    try:
        values = tomllib.loads(read_config(source))
    except OSError as error:
        raise ConfigError(source, f"can't be read ({error.strerror})", "check the name given to --config") from error
    except ValueError as error:  # also text that is not UTF-8, and numbers of thousands of digits
        raise ConfigError(source, f"is not TOML ({str(error)[:_SHOWN]})", "correct it") from error
    except RecursionError:
        raise nested(source) from None
    return _validated(values, str(source))


def override(config: Config, options: Mapping[str, Any]) -> Config:
    """Replace settings by what the command line says.

    Args:
        config: Settings so far.
        options: By dotted name, like "osc.port"; None = not given.

    Raises:
        ConfigError: A value is not allowed.
    """
    values = config.model_dump()
    for name, value in options.items():
        if value is not None:
            *sections, key = name.split(".")
            place = values
            for section in sections:
                place = place[section]
            place[key] = value
    return _validated(values, "command line")


def _validated(values: Mapping[str, Any], source: str) -> Config:
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        # One line names one thing to correct: the first.
        first = error.errors(include_url=False, include_context=False)[0]
        where = [str(part) for part in first["loc"]]
        key = ".".join(where)[:_SHOWN]
        if first["type"] == "extra_forbidden":
            nearest = _nearest(where)
            advice = f"did you mean {nearest}?" if nearest else f"known keys are {', '.join(_keys())}"
            raise ConfigError(f"{source}: {key}", "there is no such key", advice) from None
        value = first["input"]
        rule = first["msg"].removeprefix("Value error, ")
        raise ConfigError(f"{source}: {key} = {_short(value)}", rule[:1].lower() + rule[1:], "correct it") from None


def _short(value: object) -> str:
    return repr(value) if isinstance(value, str | float | None) and len(str(value)) < _SHOWN else reprlib.repr(value)


def _keys(model: type[BaseModel] = Config, prefix: str = "") -> list[str]:
    keys: list[str] = []
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            keys += [f"{prefix}{name}", *_keys(kind, f"{prefix}{name}.")]
        else:
            keys.append(f"{prefix}{name}")
    return keys


def _nearest(where: list[str]) -> str | None:
    """Return the key that was most likely meant: near as a whole, or with the same last word elsewhere."""
    keys = _keys()
    near = difflib.get_close_matches(".".join(where), keys, n=1, cutoff=0.6)
    if near:
        return near[0]
    lasts = {key.rsplit(".", 1)[-1]: key for key in keys}
    near = difflib.get_close_matches(where[-1], lasts, n=1, cutoff=0.6)
    return lasts[near[0]] if near else None
