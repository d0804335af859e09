"""Adapters: how one kind of host is asked to load a sound."""

from __future__ import annotations

from bridge.daws.base import DawAdapter, Delivery
from bridge.daws.generic import GenericAdapter
from bridge.daws.registry import make_adapter
from bridge.daws.wire import program_packets

__all__ = ["DawAdapter", "Delivery", "GenericAdapter", "make_adapter", "program_packets"]
