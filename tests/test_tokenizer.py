"""Tokenizers against their reference implementations, and what they say about themselves."""

import json
from functools import cache

import pytest
import sentencepiece
from hypothesis import given

from tests.make_tokenizer_goldens import GOLDENS, TEXTS
from tests.shared import shared
from tests.strategies.tokenizer import (
    BUILDERS,
    gpt2_files,
    metaspace,
    sentencepiece_model,
    texts,
    write_json,
)
from tl.data.tokenizer import load_tokenizer


@cache
def real(name: str):
    return load_tokenizer(shared(f"tokenizers/{name}"))


@cache
def llama2_reference() -> sentencepiece.SentencePieceProcessor:
    path = shared("tokenizers/llama2/tokenizer.model")
    return sentencepiece.SentencePieceProcessor(model_file=str(path))


@pytest.mark.parametrize("name", ["llama2", "qwen2"])
def test_ids_equal_the_goldens(name):
    goldens = json.loads((GOLDENS / f"tokenizer_{name}.json").read_text(encoding="utf-8"))
    assert goldens.keys() == TEXTS.keys()
    tokenizer = real(name)
    for key, text in TEXTS.items():
        assert tokenizer.encode(text) == goldens[key], key


@given(texts())
def test_llama2_equals_sentencepiece(text):
    reference, tokenizer = llama2_reference(), real("llama2")
    assert tokenizer.encode(text) == reference.encode(text)
    assert tokenizer.decode(tokenizer.encode(text)) == reference.decode(reference.encode(text))


@given(texts())
def test_llama2_continuation_is_what_follows_a_newline(text):
    """A newline is one byte piece that never merges: an oracle for text without a prefix."""
    newline = llama2_reference().encode("\n")
    ids = llama2_reference().encode("\n" + text)
    assert ids[:2] == newline
    assert real("llama2").encode_segment(text) == ids[2:]


def test_a_space_in_a_continuation_is_one_space():
    tokenizer, pieces = real("llama2"), llama2_reference().id_to_piece
    assert [pieces(i) for i in tokenizer.encode_segment(" get(")] == ["▁get", "("]
    assert [pieces(i) for i in tokenizer.encode_segment("get(")] == ["get", "("]
    assert [pieces(i) for i in tokenizer.encode("get(")] == ["▁get", "("]
    assert [pieces(i) for i in tokenizer.encode_segment("  get")] == ["▁", "▁get"]


def test_qwen2_continuation_is_its_encoding():
    tokenizer = real("qwen2")
    for text in TEXTS.values():
        assert tokenizer.encode_segment(text) == tokenizer.encode(text)


def test_very_long_text():
    tokenizer = real("llama2")
    calls = 'get_time(city="Oslo")\n' * 10_000
    for text in ("x" * 200_000, " " * 100_000, calls, "é🎉" * 20_000):
        assert tokenizer.decode_segment(tokenizer.encode_segment(text)) == text
        assert tokenizer.decode(tokenizer.encode(text)) == text


def facts(tokenizer) -> tuple:
    files = [path.name for path in tokenizer.files]
    return tokenizer.bos_id, tokenizer.eos_id, tokenizer.add_bos, tokenizer.vocab_size, files


def test_facts_of_llama2():
    assert facts(real("llama2")) == (1, 2, True, 32000, ["tokenizer.model"])


def test_facts_of_qwen2():
    files = ["vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json"]
    assert facts(real("qwen2")) == (None, 151645, False, 151646, files)


def test_bos_from_the_post_processor(tmp_path):
    """Llama 3 has no add_bos_token; its post-processor puts BOS in front."""
    BUILDERS["byte_level"](tmp_path)
    tokenizer = load_tokenizer(tmp_path)
    assert tokenizer.add_bos
    assert tokenizer.bos_id not in tokenizer.encode("a")
    (tmp_path / "tokenizer_config.json").unlink()
    write_json(tmp_path / "generation_config.json", {"eos_token_id": [tokenizer.eos_id, 3]})
    bare = load_tokenizer(tmp_path)
    assert (bare.add_bos, bare.bos_id, bare.eos_id) == (True, tokenizer.bos_id, tokenizer.eos_id)


def test_bos_from_the_class(tmp_path):
    """transformers 5 saves Llama without BOS in the post-processor and without add_bos_token."""
    metaspace(tmp_path)
    assert load_tokenizer(tmp_path).add_bos


@pytest.mark.parametrize("kind", BUILDERS)
@pytest.mark.parametrize("said", [True, False])
def test_add_bos_token_is_obeyed(tmp_path, kind, said):
    BUILDERS[kind](tmp_path)
    path = tmp_path / "tokenizer_config.json"
    config = json.loads(path.read_text()) if path.is_file() else {}
    write_json(path, config | {"add_bos_token": said})
    tokenizer = load_tokenizer(tmp_path)
    assert tokenizer.add_bos == (said and tokenizer.bos_id is not None)


def test_eos_of_the_config_wins(tmp_path):
    """A chat model ends its turns with an added token that the SentencePiece file does not know."""
    sentencepiece_model(tmp_path)
    size = load_tokenizer(tmp_path).vocab_size
    write_json(tmp_path / "added_tokens.json", {"<|im_start|>": size, "<|im_end|>": size + 1})
    write_json(tmp_path / "special_tokens_map.json", {"eos_token": "<|im_end|>"})
    write_json(tmp_path / "tokenizer_config.json", {"eos_token": None, "bos_token": None})
    tokenizer = load_tokenizer(tmp_path)
    assert facts(tokenizer)[:4] == (None, size + 1, False, size + 2)
    assert size + 1 not in tokenizer.encode("<|im_end|>")
    assert tokenizer.decode([*tokenizer.encode("a b"), size + 1, size + 99]) == "a b"


def test_eos_of_base_qwen(tmp_path):
    gpt2_files(tmp_path, tokenizer_class="Qwen2Tokenizer", bos_token=None)
    tokenizer = load_tokenizer(tmp_path)
    assert tokenizer.bos_id is None
    assert tokenizer.eos_id == 0
    assert 0 not in tokenizer.encode("<|endoftext|>")


def test_a_declared_eos_becomes_a_control_token(tmp_path):
    """Also where tokenizer.json does not call it special, no text may end a turn."""
    BUILDERS["byte_level"](tmp_path)
    write_json(tmp_path / "tokenizer_config.json", {"eos_token": "<tool_call>"})
    tokenizer = load_tokenizer(tmp_path)
    assert tokenizer.eos_id not in tokenizer.encode("<tool_call>")
    assert tokenizer.decode(tokenizer.encode("<tool_call>")) == "<tool_call>"


def test_added_tokens_that_are_text_stay_tokens(tmp_path):
    """Qwen 2.5's <tool_call> is an added token, but no control token."""
    BUILDERS["byte_level"](tmp_path)
    tokenizer = load_tokenizer(tmp_path)
    ids = tokenizer.encode_segment("a<tool_call>b")
    assert len(ids) == 3
    assert tokenizer.decode_segment(ids) == "a<tool_call>b"


def test_added_tokens_decoder_completes_the_vocabulary(tmp_path):
    gpt2_files(tmp_path)
    size = load_tokenizer(tmp_path).vocab_size
    added = {str(size): {"content": "<|im_end|>", "special": True}}
    config = {"tokenizer_class": "GPT2Tokenizer", "eos_token": "<|im_end|>"}
    write_json(tmp_path / "tokenizer_config.json", config | {"added_tokens_decoder": added})
    tokenizer = load_tokenizer(tmp_path)
    assert (tokenizer.eos_id, tokenizer.vocab_size) == (size, size + 1)


def test_prefix_space_of_byte_level_bpe(tmp_path):
    gpt2_files(tmp_path, add_prefix_space=True)
    tokenizer = load_tokenizer(tmp_path)
    assert tokenizer.encode("time") == tokenizer.encode_segment(" time")
    assert tokenizer.decode(tokenizer.encode("time")) == "time"
    assert tokenizer.decode_segment(tokenizer.encode_segment("time")) == "time"


def test_tokenizer_json_comes_first(tmp_path):
    BUILDERS["byte_level"](tmp_path)
    expected = facts(load_tokenizer(tmp_path))
    sentencepiece_model(tmp_path)
    assert facts(load_tokenizer(tmp_path))[:4] == expected[:4]
    assert [path.name for path in load_tokenizer(tmp_path).files] == [
        "tokenizer.json",
        "tokenizer.model",
        "tokenizer_config.json",
    ]


