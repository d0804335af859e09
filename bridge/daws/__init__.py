"""Adapters: how one kind of host is asked to load a sound."""

from bridge.daws.base import DawAdapter, Delivery, program_packets
from bridge.daws.generic import GenericAdapter

__all__ = ["DawAdapter", "Delivery", "GenericAdapter", "program_packets"]
