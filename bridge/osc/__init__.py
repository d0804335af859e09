"""OSC: the addresses, the guard in front of them, the clients and the socket."""

from bridge.osc.addresses import ADDRESSES, API, Address
from bridge.osc.clients import Endpoint, parse_endpoint
from bridge.osc.encode import Message

__all__ = ["ADDRESSES", "API", "Address", "Endpoint", "Message", "parse_endpoint"]
