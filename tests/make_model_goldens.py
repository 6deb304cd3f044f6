"""Make `tests/goldens/model.npz`: logits of transformers, the oracle of
`tests/test_model_goldens.py`.

    PEER_ENV/bin/python -m tests.make_model_goldens            (torch 2.13.0, transformers 5.23.0)

Each case is a config.json as it is found on the hub, made tiny. Weights are drawn by numpy from
the parameter's name, here and in the tests, so that the file holds nothing but token ids, logits
and rope frequencies. transformers sees each sequence alone and unpacked, in eager attention, with
a fresh model (its dynamic rope has a memory).
"""

import copy
import json
import tempfile
import zlib
from pathlib import Path

import numpy

GOLDENS = Path(__file__).with_name("goldens") / "model.npz"
SEED = 5
LENGTHS = (5, 41, 1, 19)  # tokens of the sequences of each case

TINY = {
    "vocab_size": 48, "hidden_size": 32, "intermediate_size": 56, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 64,
    "rms_norm_eps": 1e-5, "hidden_act": "silu", "torch_dtype": "float32",
    "tie_word_embeddings": False,
}  # fmt: skip


def v5(config: dict) -> dict:
    """The same configuration as transformers v5 writes it."""
    config = {**config, "dtype": config["torch_dtype"]}
    scaling = config.pop("rope_scaling", None) or {}
    rope = {"rope_type": scaling.get("rope_type", scaling.get("type", "default")), **scaling}
    rope.pop("type", None)
    config["rope_parameters"] = {"rope_theta": config.pop("rope_theta", 10000.0), **rope}
    del config["torch_dtype"]
    return config


def scaled(config: dict, **scaling) -> dict:
    """The configuration with these keys in its `rope_scaling`."""
    return {**config, "rope_scaling": {**(config.get("rope_scaling") or {}), **scaling}}


LLAMA = {**TINY, "model_type": "llama", "architectures": ["LlamaForCausalLM"]}
LLAMA2 = {
    **LLAMA, "num_key_value_heads": 4, "pretraining_tp": 1, "rope_scaling": None,
    "attention_bias": False,
}  # fmt: skip
LLAMA3_ROPE = {
    "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 48,
}  # fmt: skip
LLAMA3 = {
    **LLAMA, "rope_theta": 500000.0, "rope_scaling": LLAMA3_ROPE, "head_dim": 16,
    "mlp_bias": False,
}  # fmt: skip
MISTRAL = {
    **TINY, "model_type": "mistral", "architectures": ["MistralForCausalLM"], "sliding_window": 7,
}  # fmt: skip
QWEN2 = {
    **TINY, "model_type": "qwen2", "architectures": ["Qwen2ForCausalLM"], "rope_theta": 1e6,
    "rms_norm_eps": 1e-6, "sliding_window": 7, "use_sliding_window": False,
    "max_window_layers": 1, "attention_dropout": 0.0,
}  # fmt: skip
QWEN2_WINDOWS = {**QWEN2, "use_sliding_window": True, "num_hidden_layers": 3}
QWEN3 = {
    **QWEN2, "model_type": "qwen3", "architectures": ["Qwen3ForCausalLM"], "head_dim": 16,
    "attention_bias": False,
}  # fmt: skip
SLIDING, FULL = "sliding_attention", "full_attention"
ORIGINAL = "original_max_position_embeddings"
YARN = {"type": "yarn", "factor": 4.0, ORIGINAL: 16}
LONGROPE = {
    "rope_type": "longrope", "short_factor": [1.0, 1.1, 1.3, 1.6],
    "long_factor": [1.0, 2.0, 4.0, 7.5], ORIGINAL: 16,
}  # fmt: skip

CASES = {
    "llama1": {**LLAMA2, "num_key_value_heads": None, "rms_norm_eps": 1e-6},
    "llama2": LLAMA2,
    "llama2_v5": v5(LLAMA2),
    "llama3": LLAMA3,
    "llama3_v5": v5(LLAMA3),
    "llama32_tied": scaled({**LLAMA3, "tie_word_embeddings": True}, factor=32.0),
    "codellama": {**LLAMA2, "rope_theta": 1000000, "vocab_size": 51},
    "llama_biases": {**LLAMA, "attention_bias": True, "mlp_bias": True},
    "llama_one_kv_head": {**LLAMA, "num_key_value_heads": 1},
    "mistral_window": {**MISTRAL, "rope_theta": 10000.0},
    "mistral_no_window": {**MISTRAL, "sliding_window": None, "rope_theta": 1000000.0},
    "mistral_v5_head_dim": v5({**MISTRAL, "head_dim": 12}),
    "qwen2_tied": {**QWEN2, "tie_word_embeddings": True, "use_mrope": False},
    "qwen2_windows": QWEN2_WINDOWS,
    "qwen2_windows_v5": v5({**QWEN2_WINDOWS, "layer_types": [SLIDING, FULL, SLIDING]}),
    "qwen25_untied_v5": v5({**QWEN2, "layer_types": [FULL, FULL], "sliding_window": None}),
    "qwen3": QWEN3,
    "qwen3_biases_v5": v5({**QWEN3, "attention_bias": True, "tie_word_embeddings": True}),
    "linear": scaled(LLAMA, type="linear", factor=2.5),
    "dynamic": scaled({**LLAMA, "max_position_embeddings": 12}, type="dynamic", factor=3.0),
    "dynamic_v5": v5(scaled({**LLAMA, "max_position_embeddings": 20}, type="dynamic", factor=1.5)),
    "yarn": scaled(LLAMA, **YARN),
    "yarn_untruncated": scaled(
        {**LLAMA, "head_dim": 16},
        **{**YARN, ORIGINAL: 48},
        truncate=False,
        beta_fast=3.0,
        beta_slow=0.3,
    ),
    "yarn_attention_factor": scaled(LLAMA, **YARN, attention_factor=0.7, beta_fast=2),
    "yarn_mscale_v5": v5(scaled(QWEN3, **YARN, mscale=0.8, mscale_all_dim=0.3)),
    "yarn_on_max_positions": scaled(QWEN2, type="yarn", factor=4.0, beta_fast=1.5),
    "longrope": scaled(LLAMA, **LONGROPE),
    "longrope_factor_v5": v5(scaled(LLAMA, **LONGROPE, factor=2.0)),
    "longrope_attention_factor": scaled(LLAMA, **LONGROPE, attention_factor=1.3),
}

# Frequencies alone, at the sizes of real models: (config, length of the sequence).
WIDE = {
    "model_type": "llama", "hidden_size": 4096, "num_attention_heads": 32, "vocab_size": 8,
    "intermediate_size": 8, "num_hidden_layers": 1,
}  # fmt: skip
LLAMA31 = {**WIDE, "max_position_embeddings": 131072, "rope_theta": 500000.0}
QWEN25 = {**WIDE, "max_position_embeddings": 32768, "rope_theta": 1000000.0}
FREQUENCIES = {
    "llama2": ({**WIDE, "max_position_embeddings": 4096}, 9),
    "codellama": ({**WIDE, "max_position_embeddings": 16384, "rope_theta": 1000000}, 9),
    "llama31": (scaled(LLAMA31, **{**LLAMA3_ROPE, ORIGINAL: 8192}), 9),
    "linear": (scaled(WIDE, type="linear", factor=4.0), 9),
    "dynamic": (
        scaled({**WIDE, "max_position_embeddings": 4096}, type="dynamic", factor=2.0),
        9000,
    ),
    "qwen25_yarn": (scaled(QWEN25, **{**YARN, ORIGINAL: 32768}), 9),
    "yarn_llama2": (
        scaled(
            {**WIDE, "max_position_embeddings": 65536},
            **{**YARN, ORIGINAL: 4096, "factor": 16.0},
            finetuned=True,
        ),
        9,
    ),
    "longrope": (
        scaled(
            {**WIDE, "max_position_embeddings": 131072},
            type="longrope",
            original_max_position_embeddings=4096,
            short_factor=[1.0 + i / 64 for i in range(64)],
            long_factor=[1.0 + i for i in range(64)],
        ),
        5000,
    ),
}


def token_ids(case: str) -> list[numpy.ndarray]:
    """The sequences of a case, int64, one array each."""
    random = numpy.random.RandomState(zlib.crc32(case.encode()))
    return [random.randint(0, CASES[case]["vocab_size"], length) for length in LENGTHS]


def weight(name: str, shape: tuple[int, ...]) -> numpy.ndarray:
    """fp32 values of a parameter: large enough that attention is far from uniform and every norm
    and bias counts."""
    random = numpy.random.RandomState((SEED + zlib.crc32(name.encode())) % 2**32)
    values = random.standard_normal(shape)
    if len(shape) == 2:
        return (values * 1.5 / shape[1] ** 0.5).astype(numpy.float32)
    return (0.3 * values + (0.0 if name.endswith("bias") else 1.0)).astype(numpy.float32)


def transformers_model(config: dict):
    """The oracle, from a config.json on disk: transformers' own reading of both spellings."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / "config.json").write_text(json.dumps(config))
        config = AutoConfig.from_pretrained(directory)
    model = AutoModelForCausalLM.from_config(
        config, attn_implementation="eager", dtype=torch.float32
    ).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(torch.from_numpy(weight(name, tuple(parameter.shape))))
    return model


def main() -> None:
    import torch

    goldens = {}
    for case, config in CASES.items():
        model = transformers_model(config)
        with torch.no_grad():
            logits = [
                copy.deepcopy(model)(torch.from_numpy(ids)[None]).logits[0]
                for ids in token_ids(case)
            ]  # each [L, V]
        goldens[case] = torch.cat(logits).numpy()  # [T, V]
        print(f"{case:28s} {goldens[case].std():8.3f} {abs(goldens[case]).max():8.3f}")
    for case, (config, length) in FREQUENCIES.items():
        rotary = transformers_model(config).model.rotary_emb
        rotary(torch.zeros(1), torch.tensor([[length - 1]]))
        goldens[f"frequencies/{case}"] = numpy.append(
            rotary.inv_freq.numpy(), rotary.attention_scaling
        )
    numpy.savez_compressed(GOLDENS, **goldens)
    print(GOLDENS, GOLDENS.stat().st_size)


if __name__ == "__main__":
    main()
