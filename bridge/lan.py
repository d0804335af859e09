"""Open OSC to other machines: only with `--lan`, an allow list and a token."""

from __future__ import annotations

from bridge.config import Config, OscConfig, override
from bridge.osc.binding import WILDCARD
from bridge.osc.door import TOKEN_MARK, Door, new_token
from library.errors import InputError

__all__ = ["lan_text", "listen_host", "make_door", "prepare_lan"]


def prepare_lan(config: Config, names_machines: bool = False) -> Config:
    """Return the settings with a token where one is needed.

    Args:
        config: Settings.
        names_machines: --allow was given.

    Raises:
        InputError: OSC would be open to other machines without --lan, or to none with it.
    """
    osc = config.osc
    if not osc.lan:
        if not Door.is_here(osc.host):
            raise InputError(
                f"--osc {osc.host}:{osc.port}",
                "can be reached by other machines, and OSC has no passwords",
                "listen on 127.0.0.1, or add --lan and --allow ADDRESS of the machine that may register",
            )
        if names_machines:
            raise InputError(f"--allow {osc.allow[0]}", "lets nobody in without --lan", "add --lan, or leave it out")
        return config
    if not osc.allow:
        raise InputError(
            "--lan", "lets in only machines that are named", "add --allow ADDRESS of each, as --allow 192.168.1.20"
        )
    if osc.discover:
        raise InputError("--discover", "announces to this machine alone", "leave it or --lan out")
    return config if osc.token else override(config, {"osc.token": new_token()})


def lan_text(osc: OscConfig) -> str:
    """Say who may register, and how."""
    return f"{', '.join(osc.allow)} may /timbrel/register with a name that ends with {TOKEN_MARK}{osc.token}"


def listen_host(osc: OscConfig) -> str:
    """Return the address to bind: with --lan all of them, unless one is given."""
    return WILDCARD if osc.lan and Door.is_here(osc.host) else osc.host


def make_door(osc: OscConfig) -> Door:
    """Return who is let in; without --lan nobody but this machine, whatever is bound."""
    return Door(osc.token, osc.allow) if osc.lan else Door()
