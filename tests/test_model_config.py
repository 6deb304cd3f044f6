"""config.json: real ones are read, both spellings agree, what would change the math is refused by
name."""

import dataclasses
import math

import pytest
from hypothesis import given

from tests.make_model_goldens import CASES, v5
from tests.strategies.model import configs
from tl import InputError
from tl.model.config import ModelConfig

LLAMA2_7B = {
    "_name_or_path": "meta-llama/Llama-2-7b-hf", "architectures": ["LlamaForCausalLM"],
    "bos_token_id": 1, "eos_token_id": 2, "hidden_act": "silu", "hidden_size": 4096,
    "initializer_range": 0.02, "intermediate_size": 11008, "max_position_embeddings": 4096,
    "model_type": "llama", "num_attention_heads": 32, "num_hidden_layers": 32,
    "num_key_value_heads": 32, "pretraining_tp": 1, "rms_norm_eps": 1e-05, "rope_scaling": None,
    "tie_word_embeddings": False, "torch_dtype": "float16", "transformers_version": "4.31.0.dev0",
    "use_cache": True, "vocab_size": 32000,
}  # fmt: skip
LLAMA32_1B = {
    **LLAMA2_7B, "attention_bias": False, "attention_dropout": 0.0, "head_dim": 64,
    "hidden_size": 2048, "intermediate_size": 8192, "max_position_embeddings": 131072,
    "mlp_bias": False, "num_hidden_layers": 16, "num_key_value_heads": 8, "rope_theta": 500000.0,
    "tie_word_embeddings": True, "torch_dtype": "bfloat16", "vocab_size": 128256,
    "eos_token_id": [128001, 128008, 128009],
    "rope_scaling": {
        "factor": 32.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0,
        "original_max_position_embeddings": 8192, "rope_type": "llama3",
    },
}  # fmt: skip
QWEN25_7B = {
    "architectures": ["Qwen2ForCausalLM"], "attention_dropout": 0.0, "bos_token_id": 151643,
    "eos_token_id": 151645, "hidden_act": "silu", "hidden_size": 3584, "initializer_range": 0.02,
    "intermediate_size": 18944, "max_position_embeddings": 32768, "max_window_layers": 28,
    "model_type": "qwen2", "num_attention_heads": 28, "num_hidden_layers": 28,
    "num_key_value_heads": 4, "rms_norm_eps": 1e-06, "rope_theta": 1000000.0,
    "sliding_window": 131072, "tie_word_embeddings": False, "torch_dtype": "bfloat16",
    "use_mrope": False, "transformers_version": "4.43.1", "use_cache": True,
    "use_sliding_window": False, "vocab_size": 152064,
}  # fmt: skip
MISTRAL_7B = {
    "architectures": ["MistralForCausalLM"], "bos_token_id": 1, "eos_token_id": 2,
    "hidden_act": "silu", "hidden_size": 4096, "initializer_range": 0.02,
    "intermediate_size": 14336, "max_position_embeddings": 32768, "model_type": "mistral",
    "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 8,
    "rms_norm_eps": 1e-05, "rope_theta": 10000.0, "sliding_window": 4096,
    "tie_word_embeddings": False, "torch_dtype": "bfloat16", "transformers_version": "4.34.0.dev0",
    "use_cache": True, "vocab_size": 32000,
}  # fmt: skip
QWEN3_06B = {
    **QWEN25_7B, "architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3",
    "attention_bias": False, "head_dim": 128, "hidden_size": 1024, "intermediate_size": 3072,
    "num_attention_heads": 16, "num_key_value_heads": 8, "rope_scaling": None,
    "sliding_window": None, "tie_word_embeddings": True,
}  # fmt: skip

REAL = {
    "Llama-2-7b-hf": (
        LLAMA2_7B,
        dict(head_dim=128, num_key_value_heads=32, qkv_bias=False, dtype="float16"),
    ),
    "llama-1": (
        {**LLAMA2_7B, "max_sequence_length": 2048, "pad_token_id": 0, "num_key_value_heads": None},
        dict(num_key_value_heads=32),
    ),
    "CodeLlama-7b-hf": (
        {**LLAMA2_7B, "rope_theta": 1000000, "vocab_size": 32016},
        dict(vocab_size=32016),
    ),
    "Llama-3.2-1B": (
        LLAMA32_1B,
        dict(head_dim=64, tie_word_embeddings=True, num_key_value_heads=8),
    ),
    "SmolLM-135M": (
        {
            **LLAMA32_1B,
            "rope_scaling": None,
            "is_llama_config": True,
            "rope_interleaved": False,
            "transformers.js_config": {"kv_cache_dtype": {"q4f16": "float16"}},
        },
        dict(head_dim=64),
    ),
    "deepseek-coder-6.7b": (
        {**LLAMA2_7B, "rope_scaling": {"type": "linear", "factor": 4.0}, "rope_theta": 100000},
        {},
    ),
    "unsloth": (
        {**LLAMA32_1B, "unsloth_fixed": True, "unsloth_version": "2024.9", "pad_token_id": 128004},
        {},
    ),
    "old full dump": (
        {
            **LLAMA2_7B,
            "add_cross_attention": False,
            "cross_attention_hidden_size": None,
            "pruned_heads": {},
            "tie_encoder_decoder": False,
            "is_encoder_decoder": False,
            "chunk_size_feed_forward": 0,
            "top_k": 50,
            "encoder_no_repeat_ngram_size": 0,
            "output_attentions": False,
            "diversity_penalty": 0.0,
            "id2label": {"0": "LABEL_0"},
            "length_penalty": 1.0,
            "torchscript": False,
            "encoder_config": None,
        },
        {},
    ),
    "Mistral-7B-v0.1": (MISTRAL_7B, dict(windows=(4096,) * 32)),
    "Mistral-7B-v0.3": (
        {**MISTRAL_7B, "sliding_window": None, "vocab_size": 32768},
        dict(windows=(None,) * 32),
    ),
    "Mistral-Nemo": (
        {
            **MISTRAL_7B,
            "hidden_size": 5120,
            "head_dim": 128,
            "sliding_window": None,
            "attention_dropout": 0.0,
        },
        dict(head_dim=128),
    ),
    "Qwen2.5-7B": (
        QWEN25_7B,
        dict(qkv_bias=True, o_bias=False, windows=(None,) * 28, qk_norm=False),
    ),
    "Qwen3-0.6B": (
        QWEN3_06B,
        dict(qkv_bias=False, qk_norm=True, head_dim=128, tie_word_embeddings=True),
    ),
}


@pytest.mark.parametrize("name", REAL)
def test_real_configurations_are_read(name):
    values, expected = REAL[name]
    for spelling in (values, v5(values)):
        config = ModelConfig.from_hf(spelling)
        assert {field: getattr(config, field) for field in expected} == expected


@pytest.mark.parametrize("name", REAL)
def test_both_spellings_mean_the_same(name):
    values, _ = REAL[name]
    assert ModelConfig.from_hf(v5(values)) == ModelConfig.from_hf(values)


@given(configs())
def test_to_hf_is_read_back_and_keeps_what_was_read(values):
    config = ModelConfig.from_hf(values)
    written = config.to_hf()
    assert ModelConfig.from_hf(written) == config
    assert {name: written[name] for name in values} == values
    assert written.keys() - values.keys() <= {"architectures"}


def test_to_hf_writes_what_was_replaced_and_the_spelling_that_was_read():
    for values, spelling in ((QWEN25_7B, "torch_dtype"), (v5(QWEN25_7B), "dtype")):
        config = dataclasses.replace(ModelConfig.from_hf(values), vocab_size=9).with_dtype(
            "float32"
        )
        assert config.to_hf() == {**values, "vocab_size": 9, spelling: "float32"}


def test_defaults_are_those_of_the_classes_in_transformers():
    sizes = {
        "vocab_size": 9, "hidden_size": 4096, "intermediate_size": 8, "num_hidden_layers": 30,
        "num_attention_heads": 32,
    }  # fmt: skip
    read = {
        name: ModelConfig.from_hf({**sizes, "model_type": name})
        for name in ("llama", "mistral", "qwen2", "qwen3")
    }
    assert {name: config.num_key_value_heads for name, config in read.items()} == {
        "llama": 32, "mistral": 8, "qwen2": 32, "qwen3": 32,
    }  # fmt: skip
    assert {config.head_dim for config in read.values()} == {128}
    assert ModelConfig.from_hf({**sizes, "model_type": "qwen3", "hidden_size": 64}).head_dim == 128
    assert read["mistral"].windows == (4096,) * 30 and read["qwen2"].windows == (None,) * 30
    assert all(
        config.rope.theta == 10000.0 and config.rms_norm_eps == 1e-6 for config in read.values()
    )
    windowed = ModelConfig.from_hf({**sizes, "model_type": "qwen2", "use_sliding_window": True})
    assert windowed.windows == (None,) * 28 + (4096,) * 2


LLAMA3_ROPE = LLAMA32_1B["rope_scaling"]
YARN = {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 1024}
REFUSED = [
    # sizes
    ({"vocab_size": -1}, "vocab_size"),
    ({"vocab_size": "32000"}, "vocab_size"),
    ({"vocab_size": None}, "vocab_size"),
    ({"vocab_size": 31.5}, "vocab_size"),
    ({"num_hidden_layers": True}, "num_hidden_layers"),
    ({"num_hidden_layers": 0}, "num_hidden_layers"),
    ({"num_attention_heads": 0}, "num_attention_heads"),
    ({"num_attention_heads": 30, "num_key_value_heads": 30}, "hidden_size"),
    ({"num_key_value_heads": 5}, "num_key_value_heads"),
    ({"num_key_value_heads": 64}, "num_key_value_heads"),
    ({"head_dim": 0}, "head_dim"),
    ({"head_dim": 127}, "head_dim"),
    ({"intermediate_size": math.inf}, "intermediate_size"),
    ({"max_position_embeddings": -5}, "max_position_embeddings"),
    ({"rms_norm_eps": math.nan}, "rms_norm_eps"),
    ({"rms_norm_eps": math.inf}, "rms_norm_eps"),
    ({"rms_norm_eps": 0}, "rms_norm_eps"),
    ({"rms_norm_eps": "1e-5"}, "rms_norm_eps"),
    ({"tie_word_embeddings": "false"}, "tie_word_embeddings"),
    ({"attention_bias": 1}, "attention_bias"),
    ({"torch_dtype": "float8_e4m3fn"}, "torch_dtype"),
    ({"dtype": 16}, "dtype"),
    # another architecture
    ({"model_type": "gpt2"}, "llama, mistral, qwen2, qwen3"),
    ({"model_type": None}, "model_type"),
    ({"auto_map": {"AutoModelForCausalLM": "modeling_x.X"}}, "auto_map"),
    ({"quantization_config": {"quant_method": "gptq", "bits": 4}}, "quantization_config"),
    ({"hidden_act": "gelu"}, "hidden_act"),
    ({"is_encoder_decoder": True}, "is_encoder_decoder"),
    ({"num_experts": 8}, "num_experts"),
    ({"num_local_experts": 8}, "num_local_experts"),
    ({"attn_logit_softcapping": 50.0}, "attn_logit_softcapping"),
    ({"final_logit_softcapping": 30.0}, "final_logit_softcapping"),
    ({"logits_scaling": 8.0}, "logits_scaling"),
    ({"embedding_multiplier": 12.0}, "embedding_multiplier"),
    ({"residual_multiplier": 0.22}, "residual_multiplier"),
    ({"attention_multiplier": 0.015}, "attention_multiplier"),
    ({"query_pre_attn_scalar": 144}, "query_pre_attn_scalar"),
    ({"clip_qkv": 8.0}, "clip_qkv"),
    ({"use_qk_norm": True}, "use_qk_norm"),
    ({"partial_rotary_factor": 0.5}, "partial_rotary_factor"),
    ({"no_rope_layers": [1, 0]}, "no_rope_layers"),
    ({"attention_dropout": 0.1}, "attention_dropout: got 0.1, expected 0, as dropout is not impl"),
    ({"resid_pdrop": 0.1}, "resid_pdrop: got 0.1, expected 0, as dropout is not implemented"),
    ({"is_causal": False}, "is_causal: got False, expected true; remove the key"),
    ({"bidirectional": True}, "bidirectional"),
    ({"use_bidirectional_attention": True}, "use_bidirectional_attention"),
    ({"pre_norm": False}, "pre_norm"),
    ({"skip_connection": False}, "skip_connection"),
    ({"use_rope": False}, "use_rope"),
    ({"use_xpos": True}, "use_xpos"),
    ({"ntk_alpha": 2.0}, "ntk_alpha"),
    ({"freq_base": 1e6}, "freq_base"),
    ({"theta": 1e6}, "theta"),
    ({"dim_model_base": 256}, "dim_model_base"),
    ({"sliding_window": 4096}, "sliding_window"),  # Llama has none
    ({"vision_config": {"hidden_size": 8}}, "vision_config"),
    # rope
    ({"rope_theta": 0}, "rope_theta"),
    ({"rope_theta": "1e6"}, "rope_theta"),
    ({"rope_scaling": "linear"}, "rope_scaling"),
    ({"rope_scaling": {"type": "su", "factor": 2.0}}, "type"),
    ({"rope_scaling": {"rope_type": "proportional"}}, "rope_type"),
    ({"rope_scaling": {"type": "mrope", "rope_type": "default", "mrope_section": [1]}}, "mrope"),
    ({"rope_scaling": {"type": "linear"}}, "factor"),
    ({"rope_scaling": {"type": "linear", "factor": -2.0}}, "factor"),
    ({"rope_scaling": {"type": "linear", "factor": math.nan}}, "factor"),
    ({"rope_scaling": {"type": "linear", "rope_type": "dynamic", "factor": 2.0}}, "type"),
    ({"rope_scaling": {"type": "linear", "factor": 2.0, "beta_fast": 3}}, "beta_fast"),
    ({"rope_scaling": {**LLAMA3_ROPE, "low_freq_factor": None}}, "low_freq_factor"),
    ({"rope_scaling": {**LLAMA3_ROPE, "high_freq_factor": 1.0}}, "high_freq_factor"),
    ({"rope_scaling": {**YARN, "truncate": "no"}}, "truncate"),
    (
        {"rope_scaling": {**YARN, "original_max_position_embeddings": 0}},
        "original_max_position_embeddings",
    ),
    (
        {"rope_scaling": {"type": "longrope", "short_factor": [1.0], "long_factor": [1.0]}},
        "short_factor",
    ),
    (
        {"rope_scaling": {"type": "longrope", "short_factor": [0.0] * 64, "long_factor": [1] * 64}},
        "short_factor",
    ),
    (
        {"rope_parameters": {"rope_theta": 5.0, "rope_type": "default"}, "rope_theta": 7.0},
        "rope_theta",
    ),
    ({"rope_parameters": {"full_attention": {"rope_type": "default"}}}, "full_attention"),
    (
        {"rope_parameters": {"rope_type": "default", "partial_rotary_factor": 0.25}},
        "partial_rotary_factor",
    ),
    (
        {
            "rope_scaling": {"type": "linear", "factor": 2.0},
            "rope_parameters": {"rope_type": "default"},
        },
        "rope_scaling",
    ),
]


@pytest.mark.parametrize("change, named", REFUSED)
def test_what_cannot_be_computed_is_refused_by_name(change, named):
    with pytest.raises(InputError) as caught:
        ModelConfig.from_hf({**LLAMA2_7B, **change}, where="m/config.json")
    message = str(caught.value)
    assert message.startswith("m/config.json: ") and named in message
    assert (
        "got " in message and "expected " in message and "\n" not in message and len(message) < 400
    )


QWEN_WINDOWS = {
    **QWEN25_7B,
    "num_hidden_layers": 2,
    "sliding_window": 8,
    "use_sliding_window": True,
}


@pytest.mark.parametrize(
    "values, named",
    [
        ({**QWEN_WINDOWS, "layer_types": ["full_attention"]}, "layer_types"),
        ({**QWEN_WINDOWS, "layer_types": ["full_attention", "chunked_attention"]}, "layer_types"),
        (
            {**QWEN_WINDOWS, "layer_types": ["sliding_attention"] * 2, "use_sliding_window": False},
            "layer_types",
        ),
        ({**QWEN_WINDOWS, "sliding_window": 0}, "sliding_window"),
        ({**QWEN_WINDOWS, "max_window_layers": -1}, "max_window_layers"),
        ({**QWEN_WINDOWS, "mlp_bias": True}, "mlp_bias"),
        ({**QWEN_WINDOWS, "use_mrope": True}, "use_mrope"),
        ({**MISTRAL_7B, "attention_bias": True}, "attention_bias"),
        ({**MISTRAL_7B, "sliding_window": 0.5}, "sliding_window"),
        ({**MISTRAL_7B, "layer_types": ["full_attention"] * 32}, "layer_types"),
        ([1, 2], "object"),
        ("llama", "object"),
    ],
)
def test_other_families_and_shapes_are_refused_by_name(values, named):
    with pytest.raises(InputError, match=named):
        ModelConfig.from_hf(values)


def test_a_feature_that_is_switched_off_is_no_reason_to_refuse():
    off = {
        "num_experts": 0,
        "logit_scale": 1.0,
        "attn_logit_softcapping": None,
        "use_qk_norm": False,
        "mlp_bias": False,
        "is_causal": True,
        "bidirectional": False,
        "pre_norm": True,
        "skip_connection": True,
        "use_xpos": False,
        "ntk_alpha": 1.0,
        "freq_base": None,
        "fsdp_transformer_layer_cls_to_wrap": "LlamaDecoderLayer",
        "mm_hidden_size": 1024,
    }
    assert ModelConfig.from_hf({**LLAMA2_7B, **off}) == ModelConfig.from_hf(LLAMA2_7B)


def test_a_scaling_without_effect_is_no_reason_to_refuse():
    def rope(scaling):
        return ModelConfig.from_hf({**LLAMA2_7B, "rope_scaling": scaling}).rope

    assert rope(False) == rope(None) == rope({"rope_type": "default", "factor": 1.0})
    assert rope({**YARN, "attn_factor": 1.0}) == rope(YARN)
    with pytest.raises(InputError, match="attn_factor: got 0.7.*remove the key if it has no"):
        rope({**YARN, "attn_factor": 0.7})


@pytest.mark.parametrize("change", [{"num_experts": 8}, {"is_causal": False}, {"resid_pdrop": 1}])
def test_a_refused_field_comes_with_the_way_out(change):
    with pytest.raises(InputError, match="; remove the key if it has no effect$"):
        ModelConfig.from_hf({**LLAMA2_7B, **change})


def test_the_golden_cases_hold_every_rope_type_in_both_spellings():
    reached = {
        (ModelConfig.from_hf(case).rope.rope_type, "rope_parameters" in case)
        for case in CASES.values()
    }
    for kind in ("default", "dynamic", "llama3", "yarn", "longrope"):
        assert {(kind, False), (kind, True)} <= reached
    assert ("linear", False) in reached
