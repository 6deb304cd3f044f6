"""Random tiny architectures, as config.json objects in both spellings, and random packed
streams."""

import numpy
import torch
from hypothesis import strategies as st

from tests.make_model_goldens import v5


@st.composite
def rope_scalings(draw, half_head: int):
    """A `rope_scaling` object of any type, or None; lengths are chosen so that tiny streams reach
    beyond them."""
    kind = draw(st.sampled_from(["default", "linear", "dynamic", "llama3", "yarn", "longrope"]))
    factor = draw(st.sampled_from([1.0, 1.5, 4.0]))
    original = {"original_max_position_embeddings": draw(st.sampled_from([4, 9]))}
    constants = {
        "linear": {"factor": factor},
        "dynamic": {"factor": factor},
        "llama3": {"factor": factor, "low_freq_factor": 1.0, "high_freq_factor": 4.0, **original},
        "yarn": {"factor": factor, "beta_fast": 2.0, "truncate": draw(st.booleans()), **original},
        "longrope": {
            "short_factor": [1.0 + i / 8 for i in range(half_head)],
            "long_factor": [2.0 + i for i in range(half_head)],
            **original,
        },
    }
    return (
        None
        if kind == "default"
        else {draw(st.sampled_from(["type", "rope_type"])): kind, **constants[kind]}
    )


@st.composite
def configs(draw):
    """The object of a config.json of any supported family."""
    kv_heads, group = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    head_dim = draw(st.sampled_from([4, 6, 8]))
    layers = draw(st.integers(1, 3))
    model_type = draw(st.sampled_from(["llama", "mistral", "qwen2", "qwen3"]))
    config = {
        "model_type": model_type,
        "vocab_size": draw(st.integers(2, 30)),
        "hidden_size": draw(st.integers(4, 12)),
        "intermediate_size": draw(st.integers(1, 12)),
        "num_hidden_layers": layers,
        "num_attention_heads": kv_heads * group,
        "num_key_value_heads": kv_heads,
        "head_dim": head_dim,
        "max_position_embeddings": draw(st.sampled_from([6, 64])),
        "rms_norm_eps": draw(st.sampled_from([1e-6, 1e-5])),
        "initializer_range": 0.4,
        "tie_word_embeddings": draw(st.booleans()),
        "rope_theta": draw(st.sampled_from([100.0, 10000])),
        "rope_scaling": draw(rope_scalings(head_dim // 2)),
        "torch_dtype": "float32",
    }
    if model_type in ("llama", "qwen3"):
        config["attention_bias"] = draw(st.booleans())
    if model_type == "llama":
        config["mlp_bias"] = draw(st.booleans())
    if model_type == "mistral":
        config["sliding_window"] = draw(st.none() | st.integers(1, 8))
    if model_type in ("qwen2", "qwen3"):
        config["use_sliding_window"] = draw(st.booleans())
        config["sliding_window"] = draw(st.integers(1, 8))
        config["max_window_layers"] = draw(st.integers(0, layers))
    return v5(config) if draw(st.booleans()) else config


def lengths():
    """Tokens of each sequence of a packed stream."""
    return st.lists(st.integers(1, 14), min_size=1, max_size=5)


def stream(
    lengths: list[int], vocab_size: int, seed: int = 0
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(input_ids[T], position_ids[T], cu_seqlens[S+1]) with random ids."""
    generator = torch.Generator().manual_seed(seed)
    input_ids = torch.randint(vocab_size, (sum(lengths),), generator=generator)
    position_ids = torch.cat([torch.arange(length) for length in lengths])
    return input_ids, position_ids, torch.tensor([0, *numpy.cumsum(lengths)])
