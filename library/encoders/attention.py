"""Run transformer decoder layers by their parts: a layer's own forward costs much beside the arithmetic.

What is looked at is turned into keys and values apart, so that a stream does it once.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as f

__all__ = ["decode", "key_value_weights"]


def decode(layer: nn.TransformerDecoderLayer, query: Tensor, looks: Tensor, unseen: Tensor | None = None) -> Tensor:
    """Return what a layer with norms first and without dropout makes of query[B, K, C].

    Args:
        layer: Its parts are run one by one.
        query: What asks.
        looks: [B, M, 2 C] keys and values of its multihead_attn and what is looked at; for all where B is 1.
        unseen: [B, M] 0 where a query may look, -inf where it may not; None = everywhere.
    """
    each, other = layer.self_attn, layer.multihead_attn
    dim = each.embed_dim
    among = f.linear(layer.norm1(query), each.in_proj_weight, each.in_proj_bias)
    query = query + _attend(each, among[..., :dim], among[..., dim:])
    asked = f.linear(layer.norm2(query), other.in_proj_weight[:dim], other.in_proj_bias[:dim])
    query = query + _attend(other, asked, looks, unseen)
    fed: Tensor = layer.linear2(f.relu(layer.linear1(layer.norm3(query))))
    return query + fed


def key_value_weights(attentions: Sequence[nn.MultiheadAttention]) -> tuple[Tensor, Tensor]:
    """Return weight[n * 2 C, C] and bias of the keys and values of n attentions that look at the same."""
    dim = attentions[0].embed_dim
    weight = torch.cat([attention.in_proj_weight[dim:] for attention in attentions])
    return weight, torch.cat([attention.in_proj_bias[dim:] for attention in attentions])


def _attend(attention: nn.MultiheadAttention, asked: Tensor, looks: Tensor, unseen: Tensor | None = None) -> Tensor:
    """Return what projected queries asked[B, K, C] find in looks[B, M, 2 C], as in decode(): [B, K, C]."""
    heads = (attention.num_heads, attention.head_dim)
    asked, key, value = (x.view(*x.shape[:2], *heads).transpose(1, 2) for x in (asked, *looks.chunk(2, dim=-1)))
    key, value = (x.expand(len(asked), -1, -1, -1) for x in (key, value))
    mask = None if unseen is None else unseen[:, None, None]
    found = f.scaled_dot_product_attention(asked, key, value, mask)
    gathered: Tensor = attention.out_proj(found.transpose(1, 2).flatten(2))
    return gathered
