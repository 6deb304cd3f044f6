"""The decoder: token ids of a packed stream in, hidden states out.

    x = embedding(ids)
    for each layer:   x = x + attention(norm(x));   x = x + mlp(norm(x))
    hidden = norm(x);    logits = hidden lm_head^T      (the loss makes the logits, in chunks)

One class for Llama 1/2/3.x, CodeLlama, Mistral, Qwen2/2.5 and Qwen3; parameters have the names and
layout of Hugging Face files, so that loading and saving are the identity on keys. No buffers.

    model = Decoder(config)
    hidden = model(input_ids, position_ids, cu_seqlens)       [T], [T], [S+1] -> [T, E]

To continue sequences token by token, `prefill` and `decode` take a pass over a cache instead of
bounds: see `tl.model.cache` and `tl.generate`.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from kernels.matmul import product
from tl.model.attention import Attention
from tl.model.cache import Decode, Prefill
from tl.model.config import ModelConfig
from tl.model.linear import Linear
from tl.model.norm import RMSNorm
from tl.model.packed_attention import Packing


class MLP(nn.Module):
    """SwiGLU: W_down (silu(W_gate x) * W_up x) (Shazeer 2020, arXiv:2002.05202)."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        inner = config.intermediate_size
        self.gate_proj = Linear(config.hidden_size, inner, bias=config.mlp_bias)
        self.up_proj = Linear(config.hidden_size, inner, bias=config.mlp_bias)
        self.down_proj = Linear(inner, config.hidden_size, bias=config.mlp_bias)

    def forward(self, x: Tensor) -> Tensor:
        """x[T, E] -> [T, E]."""
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Block(nn.Module):
    """One layer: attention, then MLP, each normalised before and added to the stream."""

    def __init__(self, config: ModelConfig, layer: int):
        super().__init__()
        self.input_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.self_attn = Attention(config, layer)
        self.post_attention_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.mlp = MLP(config)

    def forward(
        self,
        x: Tensor,
        packing: Packing,
        cache: Prefill | Decode | None = None,
        rows: Tensor | None = None,
    ) -> Tensor:
        """x[T, E] -> [T, E], or [N, E] of these rows[N] alone."""
        mixed = self.self_attn(self.input_layernorm(x), packing, cache, rows)
        x = (x if rows is None else x.index_select(0, rows)) + mixed
        return x + self.mlp(self.post_attention_layernorm(x))


class Decoder(nn.Module):
    """A causal language model without its loss; `lm_head.weight[V, E]` makes logits of hidden
    states. With `gradient_checkpointing` each block is computed again in the backward pass and
    keeps only its input."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.config = config
        self.generation_config: bytes | None = None  # the file beside its weights, if it had one
        self.gradient_checkpointing = False
        blocks = [Block(config, layer) for layer in range(config.num_hidden_layers)]
        self.model = nn.ModuleDict(
            {
                "embed_tokens": nn.Embedding(config.vocab_size, config.hidden_size),
                "layers": nn.ModuleList(blocks),
                "norm": RMSNorm(config.hidden_size, config.rms_norm_eps),
            }
        )
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.tie_weights()

    def tie_weights(self) -> None:
        """Make lm_head and embedding one parameter where the configuration says so."""
        embedding = self.model.embed_tokens.weight
        if self.config.tie_word_embeddings and self.lm_head.weight is not embedding:
            self.lm_head.weight = embedding

    def freeze_embeddings(self) -> None:
        """The vectors of the vocabulary, at both ends, are no longer trained."""
        self.model.embed_tokens.weight.requires_grad_(False)
        self.lm_head.weight.requires_grad_(False)

    def to_empty(self, *, device: torch.device | str | None, recurse: bool = True) -> "Decoder":
        """As `nn.Module.to_empty`, which would give a tied weight two memories."""
        super().to_empty(device=device, recurse=recurse)
        self.tie_weights()
        return self

    def forward(
        self,
        input_ids: Tensor,
        position_ids: Tensor,
        cu_seqlens: Tensor,
        lengths: list[int] | None = None,
        rows: Tensor | None = None,
        branches: list[list[int]] | None = None,
    ) -> Tensor:
        """Hidden states [T, E] after the last norm.

        input_ids[T] int64; position_ids[T] count from 0 in each sequence; cu_seqlens[S+1] from 0
        to T, sequence s is cu_seqlens[s]:cu_seqlens[s+1]. lengths: their differences, as numbers
        on the host. Without them cu_seqlens is read on the host, which waits for the device if it
        lies there, as it always does in a sharded model: FSDP moves every tensor argument.
        rows[N] int64: where hidden states are wanted, [N, E]; the last layer makes no others.
        branches: of each sequence, the lengths of the continuations in which it ends (see
        tl.model.packed_attention); not for a rotation that depends on the length of a sequence.
        """
        x = self.model.embed_tokens(input_ids)  # [T, E]
        assert branches is None or not self.config.rope.depends_on_length
        packing = self.packing(position_ids, cu_seqlens, lengths, x.dtype)
        packing = packing._replace(branches=branches)
        last = self.model.layers[-1]
        for block in self.model.layers:
            wanted = rows if block is last else None
            if self.gradient_checkpointing and torch.is_grad_enabled():
                x = checkpoint(block, x, packing, None, wanted, use_reentrant=False)
            else:
                x = block(x, packing, None, wanted)
        return self.model.norm(x)  # [T or N, E]

    def packing(
        self,
        position_ids: Tensor,
        cu_seqlens: Tensor,
        lengths: list[int] | None,
        dtype: torch.dtype,
    ) -> Packing:
        """What every layer needs to know about the stream."""
        device = position_ids.device
        lengths = cu_seqlens.diff().tolist() if lengths is None else lengths
        assert len(lengths) == len(cu_seqlens) - 1, f"{len(lengths)} lengths"
        assert sum(lengths) == len(position_ids), f"sequences of together {sum(lengths)} tokens"
        cu_seqlens = cu_seqlens.to(device, torch.int32, non_blocking=True)
        counts = cu_seqlens.diff()  # [S]
        own_length = counts.repeat_interleave(counts, output_size=len(position_ids))  # [T]
        cos, sin = self.config.rope.tables(position_ids, own_length, dtype)  # [T, 1, D]
        return Packing(lengths, cu_seqlens, cos, sin)

    def prefill(self, input_ids: Tensor, cache: Prefill) -> None:
        """Put keys and values of a packed stream, input_ids[T], into the cache. Nothing is
        predicted here, so that the last layer has no more to do."""
        x = self.model.embed_tokens(input_ids)  # [T, E]
        *blocks, last = self.model.layers
        for block in blocks:
            x = block(x, cache.packing, cache)
        keys_values = last.self_attn.keys_values(last.input_layernorm(x), cache.packing)
        cache.write(last.self_attn.layer, *keys_values)

    def decode(self, input_ids: Tensor, cache: Decode) -> Tensor:
        """The logits [B, V] behind the next token, input_ids[B], of each sequence in the cache."""
        x = self.model.embed_tokens(input_ids)  # [B, E]
        for block in self.model.layers:
            x = block(x, cache.packing, cache)
        return self.logits(self.model.norm(x))

    def logits(self, hidden: Tensor) -> Tensor:
        """hidden[N, E] -> [N, V], summed in float32 (float64 for float64) as the loss does it."""
        weight = self.lm_head.weight
        with torch.autocast(hidden.device.type, enabled=False):
            if hidden.element_size() == 2 and not hidden.is_cuda:  # no such product on the CPU
                hidden, weight = hidden.float(), weight.float()
            return product(hidden, weight.t())
