"""Check that a decoder layer run by its parts is the layer that torch runs."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as f

from library.encoders.attention import decode, key_value_weights


@pytest.mark.parametrize("batch", [1, 3])
def test_a_layer_by_its_parts_is_the_layer(batch: int) -> None:
    torch.manual_seed(0)
    layer = nn.TransformerDecoderLayer(16, 4, 32, dropout=0.0, batch_first=True, norm_first=True)
    for parameter in layer.parameters():
        nn.init.normal_(parameter, std=0.3)
    query, memory = torch.randn(batch, 9, 16), torch.randn(batch, 20, 16)
    looks = f.linear(memory, *key_value_weights([layer.multihead_attn]))
    torch.testing.assert_close(decode(layer, query, looks), layer(query, memory), atol=1e-5, rtol=1e-4)


def test_what_may_not_be_seen_is_as_if_it_were_not_there() -> None:
    torch.manual_seed(0)
    layer = nn.TransformerDecoderLayer(16, 4, 32, dropout=0.0, batch_first=True, norm_first=True)
    query, memory = torch.randn(2, 9, 16), torch.randn(1, 20, 16)
    unseen = torch.zeros(2, 20)
    unseen[1, :13] = -torch.inf
    found = decode(layer, query, f.linear(memory, *key_value_weights([layer.multihead_attn])), unseen)
    torch.testing.assert_close(found[:1], layer(query[:1], memory), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(found[1:], layer(query[1:], memory[:, 13:]), atol=1e-5, rtol=1e-4)


def test_gradients_are_those_of_the_layer() -> None:
    torch.manual_seed(0)
    layer = nn.TransformerDecoderLayer(8, 2, 16, dropout=0.0, batch_first=True, norm_first=True)
    query, memory = torch.randn(2, 3, 8), torch.randn(2, 5, 8)
    looks = f.linear(memory, *key_value_weights([layer.multihead_attn]))
    found = torch.autograd.grad(decode(layer, query, looks).square().sum(), list(layer.parameters()))
    expected = torch.autograd.grad(layer(query, memory).square().sum(), list(layer.parameters()))
    for mine, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-4, rtol=1e-4)
