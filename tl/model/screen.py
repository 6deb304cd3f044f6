"""Refuse a config.json that asks for a computation which this decoder does not do.

Four lists decide. Fields that are read; fields that are known to change nothing here
(`HARMLESS`); fields that are without effect at some values only (`ONLY`: for `is_causal` that is
true); and words that betray a change of the math (`MATH_WORDS`): an unknown field with such a word
in its name is refused unless its value switches it off. Any other unknown field is taken for a
note (`unsloth_version`, `eos_token`) and kept for saving.
"""

import json
import re
from typing import Any

from tl.model.families import Family
from tl.model.fields import Fields

READ = frozenset(
    """
    model_type vocab_size hidden_size intermediate_size num_hidden_layers num_attention_heads
    num_key_value_heads head_dim max_position_embeddings original_max_position_embeddings
    rms_norm_eps initializer_range tie_word_embeddings rope_theta rope_scaling rope_parameters
    layer_types dtype torch_dtype
    """.split()
)

HARMLESS = frozenset(
    """
    architectures transformers_version _name_or_path name_or_path _commit_hash use_cache
    cache_implementation bos_token_id eos_token_id pad_token_id unk_token_id sep_token_id
    cls_token_id mask_token_id decoder_start_token_id pretraining_tp max_sequence_length
    max_length min_length do_sample temperature top_k top_p typical_p num_beams num_beam_groups
    num_return_sequences repetition_penalty length_penalty diversity_penalty
    no_repeat_ngram_size encoder_no_repeat_ngram_size early_stopping bad_words_ids
    begin_suppress_tokens suppress_tokens forced_bos_token_id forced_eos_token_id
    exponential_decay_length_penalty remove_invalid_values output_attentions
    output_hidden_states output_scores return_dict return_dict_in_generate use_return_dict
    is_decoder torchscript tf_legacy_loss use_bfloat16 chunk_size_feed_forward problem_type
    finetuning_task task_specific_params id2label label2id num_labels tokenizer_class prefix
    attn_implementation _attn_implementation _attn_implementation_autoset
    _attn_implementation_internal _experts_implementation_internal use_flash_attention_2
    use_flash_attn _flash_attn_2_enabled gradient_checkpointing tie_encoder_decoder
    fsdp_transformer_layer_cls_to_wrap mm_hidden_size
    """.split()
)

MATH_WORDS = re.compile(
    "scal|multipl|factor|soft_?cap|window|bias|norm|rot|rope|expert|moe|rout|drop|act|attn"
    "|attention|residual|embed|position|alibi|clip|qkv|lora|rank|quant|head|layer|kv|mlp|ffn"
    "|hidden|parallel|mup|logit|compress|chunk|vision|audio|image|text_config|adapter|cross"
    "|encoder|mask|sparse|gate|ssm|mamba|conv|time_step|share|tie"
    "|causal|direction|xpos|ntk|freq_base|theta|dim_|skip"
)

# Fields that only these values leave without effect.
ONLY = {
    "hidden_act": ("silu", "swish"),
    "hidden_activation": ("silu", "swish"),
    "partial_rotary_factor": (1,),
    "rotary_pct": (1,),
    "is_encoder_decoder": (False,),
    "is_causal": (True,),
    "causal": (True,),
    "pre_norm": (True,),
    "skip_connection": (True,),
    "use_rope": (True,),
    "ntk_alpha": (1,),
}
_REMOVE = "remove the key if it has no effect"
_NEUTRAL_FACTORS = re.compile("scal|multipl|factor")


def refuse_unknown_math(fields: Fields, family: Family) -> None:
    """Raise InputError for the first field, by name, that would change what the model computes."""
    if "auto_map" in fields:
        raise fields.error("auto_map", "no custom code: code from a model directory is never run")
    if "quantization_config" in fields:
        raise fields.error("quantization_config", "weights in bfloat16, float16 or float32")
    known = READ | HARMLESS | _read_by(family)
    for name, value in sorted(fields.values.items()):
        if name in ONLY:
            if value is not None and value not in ONLY[name]:
                expected = " or ".join(json.dumps(each) for each in ONLY[name])
                raise fields.error(name, f"{expected}; {_REMOVE}")
        elif name not in known and MATH_WORDS.search(name.lower()) and not _is_off(name, value):
            expected = f"no such field in a {family.architecture}, as it may change the math"
            if "drop" in name.lower():
                expected = "0, as dropout is not implemented"
            raise fields.error(name, f"{expected}; {_REMOVE}")


def _read_by(family: Family) -> set[str]:
    """Fields that some families read; elsewhere they are unknown."""
    read = {
        "attention_bias": family.reads_attention_bias,
        "mlp_bias": family.reads_mlp_bias,
        "sliding_window": family.default_window is not None,
        "use_sliding_window": family.windows_by_layer,
        "max_window_layers": family.windows_by_layer,
    }
    return {name for name, is_read in read.items() if is_read}


def _is_off(name: str, value: Any) -> bool:
    """True for a value without effect: null, false, zero, empty; for a factor also one."""
    return not value or (value == 1 and _NEUTRAL_FACTORS.search(name.lower()) is not None)
