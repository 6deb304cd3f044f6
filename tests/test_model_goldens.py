"""Logits and rope frequencies equal transformers' (goldens; `make_model_goldens.py` says how they
were made)."""

import numpy
import pytest
import torch

from tests.make_model_goldens import CASES, FREQUENCIES, GOLDENS, LENGTHS, token_ids, weight
from tl.model.config import ModelConfig
from tl.model.decoder import Decoder


@pytest.fixture(scope="module")
def goldens():
    return numpy.load(GOLDENS)


def decoder(config: dict) -> Decoder:
    model = Decoder(ModelConfig.from_hf(config))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(torch.from_numpy(weight(name, tuple(parameter.shape))))
    return model


def packed_logits(model: Decoder, sequences: list) -> torch.Tensor:
    input_ids = torch.from_numpy(numpy.concatenate(sequences))
    position_ids = torch.cat([torch.arange(len(each)) for each in sequences])
    cu_seqlens = torch.tensor([0, *numpy.cumsum([len(each) for each in sequences])])
    with torch.no_grad():
        hidden = model(input_ids, position_ids, cu_seqlens)
        return hidden @ model.lm_head.weight.T


@pytest.mark.parametrize("case", CASES)
def test_logits_equal_transformers(case, goldens):
    """All sequences packed in one stream, against transformers on each of them alone."""
    logits = packed_logits(decoder(CASES[case]), token_ids(case))
    expected = torch.from_numpy(goldens[case])
    assert logits.shape == expected.shape == (sum(LENGTHS), CASES[case]["vocab_size"])
    assert (logits - expected).abs().max() <= 2e-5


def test_cases_differ_where_their_features_do(goldens):
    """The inputs are strong enough to tell the features apart: ids are the same only by chance, so
    the same model on the same ids must give other logits once its feature is switched off."""
    off = {
        "llama3": {"rope_scaling": None},
        "llama_biases": {"attention_bias": False},
        "mistral_window": {"sliding_window": None},
        "qwen2_windows": {"use_sliding_window": False},
        "linear": {"rope_scaling": None},
        "dynamic": {"rope_scaling": None},
        "yarn": {"rope_scaling": None},
        "yarn_untruncated": {
            "rope_scaling": {**CASES["yarn_untruncated"]["rope_scaling"], "truncate": True}
        },
        "longrope": {"rope_scaling": None},
        "codellama": {"rope_theta": 10000.0},
        "llama2": {"rms_norm_eps": 1e-3},
    }
    for case, change in off.items():
        logits = packed_logits(decoder({**CASES[case], **change}), token_ids(case))
        assert (logits - torch.from_numpy(goldens[case])).abs().max() > 1e-3, case


@pytest.mark.parametrize("case", FREQUENCIES)
def test_frequencies_at_real_sizes_equal_transformers(case, goldens):
    config, length = FREQUENCIES[case]
    rope = ModelConfig.from_hf(config).rope
    *expected, attention_factor = goldens[f"frequencies/{case}"].tolist()
    frequencies = rope.frequencies(torch.tensor([length])).view(-1)
    torch.testing.assert_close(frequencies, torch.tensor(expected), rtol=5e-7, atol=0.0)
    assert rope.attention_factor == pytest.approx(attention_factor, rel=1e-12)
