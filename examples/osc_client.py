"""Subscribe to a running Timbrel over OSC and print its suggestions: python examples/osc_client.py [SECONDS].

Start `timbrel run` first. Without it, this says so and ends.
"""

import socket
import sys
import time

from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

TIMBREL = ("127.0.0.1", 17370)
TTL_S = 60
seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0

register = OscMessageBuilder("/timbrel/register")
for value in ("example", TTL_S, 0, ":suggest:status:"):
    register.add_arg(value)

# Replies come to the port that asked, so one socket sends and receives.
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
    sock.sendto(register.build().dgram, TIMBREL)
    end = time.monotonic() + seconds
    heard = 0
    while (left := end - time.monotonic()) > 0:
        sock.settimeout(left)
        try:
            message = OscMessage(sock.recv(65_536))
        except (TimeoutError, ConnectionError):
            continue
        heard += 1
        if message.address == "/timbrel/suggest/item":
            _list_id, index, slot, rank, _sound_id, name, _kind, score, presence = message.params
            print(f"{index}: slot {slot} rank {rank} {name} (match {score:.2f}, presence {presence:.2f})")
        elif message.address in ("/timbrel/registered", "/timbrel/status", "/timbrel/bye"):
            print(message.address, *message.params)
    if heard == 0:
        print(f"nobody answers at {TIMBREL[0]}:{TIMBREL[1]}; start `timbrel run` first")
