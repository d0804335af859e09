"""Run transformer decoder layers by their parts: a layer's own forward costs much beside the arithmetic."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as f

__all__ = ["attend", "decode"]


def decode(layer: nn.TransformerDecoderLayer, query: Tensor, memory: Tensor, unseen: Tensor | None = None) -> Tensor:
    """Return what a layer with norms first and without dropout makes of query[B, K, C] and memory[B, M, C].

    Args:
        layer: Its parts are run one by one.
        query: What asks.
        memory: What is looked at; one for all queries where its B is 1.
        unseen: [B, M] 0 where a query may look, -inf where it may not; None = everywhere.
    """
    normed = layer.norm1(query)
    query = query + attend(layer.self_attn, normed, normed)
    query = query + attend(layer.multihead_attn, layer.norm2(query), memory, unseen)
    fed: Tensor = layer.linear2(f.relu(layer.linear1(layer.norm3(query))))
    return query + fed


def attend(attention: nn.MultiheadAttention, query: Tensor, memory: Tensor, unseen: Tensor | None = None) -> Tensor:
    """Return what query[B, K, C] finds in memory[B, M, C] where it may look, as in decode(): [B, K, C]."""
    dim = attention.embed_dim
    weight, bias = attention.in_proj_weight, attention.in_proj_bias
    asked = f.linear(query, weight[:dim], bias[:dim])
    key, value = f.linear(memory, weight[dim:], bias[dim:]).chunk(2, dim=-1)
    heads = (attention.num_heads, attention.head_dim)
    asked, key, value = (x.view(*x.shape[:2], *heads).transpose(1, 2) for x in (asked, key, value))
    key, value = (x.expand(len(query), -1, -1, -1) for x in (key, value))
    mask = None if unseen is None else unseen[:, None, None]
    found = f.scaled_dot_product_attention(asked, key, value, mask)
    gathered: Tensor = attention.out_proj(found.transpose(1, 2).flatten(2))
    return gathered
