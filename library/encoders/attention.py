"""Run transformer decoder layers by their parts: a layer's own forward costs much beside the arithmetic.

What is looked at is turned into keys and values apart, so that a stream does it once.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as f

__all__ = ["attend", "decode", "keys_and_values"]


def decode(layer: nn.TransformerDecoderLayer, query: Tensor, looks: Tensor, unseen: Tensor | None = None) -> Tensor:
    """Return what a layer with norms first and without dropout makes of query[B, K, C].

    Args:
        layer: Its parts are run one by one.
        query: What asks.
        looks: [B, M, 2 C] keys_and_values() of its multihead_attn and what is looked at; for all where B is 1.
        unseen: [B, M] 0 where a query may look, -inf where it may not; None = everywhere.
    """
    normed = layer.norm1(query)
    query = query + attend(layer.self_attn, normed, keys_and_values(layer.self_attn, normed))
    query = query + attend(layer.multihead_attn, layer.norm2(query), looks, unseen)
    fed: Tensor = layer.linear2(f.relu(layer.linear1(layer.norm3(query))))
    return query + fed


def attend(attention: nn.MultiheadAttention, query: Tensor, looks: Tensor, unseen: Tensor | None = None) -> Tensor:
    """Return what query[B, K, C] finds in looks[B, M, 2 C] where it may look, as in decode(): [B, K, C]."""
    dim = attention.embed_dim
    asked = f.linear(query, attention.in_proj_weight[:dim], attention.in_proj_bias[:dim])
    key, value = looks.chunk(2, dim=-1)
    heads = (attention.num_heads, attention.head_dim)
    asked, key, value = (x.view(*x.shape[:2], *heads).transpose(1, 2) for x in (asked, key, value))
    key, value = (x.expand(len(query), -1, -1, -1) for x in (key, value))
    mask = None if unseen is None else unseen[:, None, None]
    found = f.scaled_dot_product_attention(asked, key, value, mask)
    gathered: Tensor = attention.out_proj(found.transpose(1, 2).flatten(2))
    return gathered


def keys_and_values(attention: nn.MultiheadAttention, memory: Tensor) -> Tensor:
    """Return the keys and the values [..., 2 C] of memory[..., C]."""
    dim = attention.embed_dim
    return f.linear(memory, attention.in_proj_weight[dim:], attention.in_proj_bias[dim:])
