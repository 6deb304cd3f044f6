"""Every broken tokenizer directory ends in one InputError that names the file."""

import base64
import inspect
import json
import sys

import pytest

from tests.strategies.tokenizer import (
    byte_level,
    gpt2_files,
    prepend,
    sentencepiece_model,
    write_json,
)
from tl import InputError
from tl.data.tokenizer import load_tokenizer


def change(path, edit) -> None:
    """Rewrite a JSON file; edit changes the value in place."""
    value = json.loads(path.read_text(encoding="utf-8"))
    edit(value)
    write_json(path, value)


def refused(directory, *words: str) -> None:
    """Loading raises one line that holds all the words and the directory."""
    with pytest.raises(InputError) as caught:
        load_tokenizer(directory)
    message = str(caught.value)
    assert "\n" not in message.strip()
    for word in (str(directory), *words):
        assert word in message, message


def test_no_directory(tmp_path):
    refused(tmp_path / "absent", "is no directory")


def test_no_tokenizer(tmp_path):
    write_json(tmp_path / "tokenizer_config.json", {"eos_token": "</s>"})
    refused(tmp_path, "no tokenizer found", "tokenizer.json, tokenizer.model, or vocab.json")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "3", "{}", '{"model": {}}', '{"model": {"type": "BPE"}}', "[" * 100_000]
)
def test_corrupt_tokenizer_json(tmp_path, text):
    byte_level(tmp_path)
    (tmp_path / "tokenizer.json").write_text(text)
    refused(tmp_path, "tokenizer.json")


def test_truncated_tokenizer_json(tmp_path):
    byte_level(tmp_path)
    path = tmp_path / "tokenizer.json"
    path.write_bytes(path.read_bytes()[:1000])
    refused(tmp_path, "tokenizer.json: no valid JSON", "copy the file again")


def test_binary_tokenizer_json(tmp_path):
    (tmp_path / "tokenizer.json").write_bytes(b'{"\xff": 1}')
    refused(tmp_path, "tokenizer.json: byte 2 is not UTF-8")


@pytest.mark.parametrize("added", [{}, [1], [{"id": 5}], [{"content": "<x>"}], "<x>", [None]])
def test_wrong_added_tokens_in_tokenizer_json(tmp_path, added):
    byte_level(tmp_path)
    change(tmp_path / "tokenizer.json", lambda value: value.update(added_tokens=added))
    refused(tmp_path, "tokenizer")


@pytest.mark.parametrize("part", ["normalizer", "pre_tokenizer", "decoder"])
@pytest.mark.parametrize("value", ["x", [], {}, {"type": "Sequence"}, {"type": "Unheard"}])
def test_wrong_parts_of_tokenizer_json(tmp_path, part, value):
    byte_level(tmp_path)
    change(tmp_path / "tokenizer.json", lambda spec: spec.update({part: value}))
    refused(tmp_path, "tokenizer.json")


def test_id_clash_in_tokenizer_json(tmp_path):
    byte_level(tmp_path)
    change(tmp_path / "tokenizer.json", lambda value: value["added_tokens"][0].update(id=7))
    refused(tmp_path, "tokenizer.json", "<|begin_of_text|>", "7", "clashes")


@pytest.mark.parametrize("special", [{}, {"<x>": {"id": "<x>", "ids": [1], "tokens": ["<x>"]}}])
def test_post_processor_that_does_not_know_its_token(tmp_path, special):
    """The tokenizers library panics there, at the first encoding."""
    prepend(tmp_path)
    edit = {"special_tokens": special}
    change(tmp_path / "tokenizer.json", lambda value: value["post_processor"].update(edit))
    refused(tmp_path, "tokenizer.json", "post-processor", "'<s>'")


@pytest.mark.parametrize("content", [b"", b"hello", b"version https://git-lfs.github.com/\n"])
def test_corrupt_sentencepiece(tmp_path, content):
    (tmp_path / "tokenizer.model").write_bytes(content)
    refused(tmp_path, "tokenizer.model: is no SentencePiece model", "copy the file again")


def test_truncated_sentencepiece(tmp_path):
    sentencepiece_model(tmp_path)
    path = tmp_path / "tokenizer.model"
    path.write_bytes(path.read_bytes()[:-100])
    refused(tmp_path, "tokenizer.model: is no SentencePiece model")


def test_sentencepiece_with_a_piece_that_is_no_text(tmp_path):
    sentencepiece_model(tmp_path)
    path = tmp_path / "tokenizer.model"
    content = path.read_bytes()
    assert content.count(b"flight") > 1
    path.write_bytes(content.replace(b"flight", b"fl\xffght"))
    refused(tmp_path, "tokenizer.model: is no SentencePiece model")


def test_tiktoken_model(tmp_path):
    """Llama 3's original download has a tokenizer.model too, in another format."""
    lines = [base64.b64encode(bytes([byte])) + b" %d\n" % byte for byte in range(256)]
    (tmp_path / "tokenizer.model").write_bytes(b"".join(lines))
    refused(tmp_path, "tokenizer.model", "tiktoken", "with tokenizer.json")


@pytest.mark.parametrize("rule", ["nmt_nfkc", "nmt_nfkc_cf"])
def test_sentencepiece_that_changes_texts(tmp_path, rule):
    sentencepiece_model(tmp_path, normalization_rule_name=rule, remove_extra_whitespaces=True)
    refused(tmp_path, "the tokenizer turns", "use a tokenizer that keeps spaces")


def test_lower_casing_tokenizer(tmp_path):
    byte_level(tmp_path)
    lower = {"normalizer": {"type": "Lowercase"}}
    change(tmp_path / "tokenizer.json", lambda value: value.update(lower))
    refused(tmp_path, "the tokenizer turns", "b")


@pytest.mark.parametrize("absent", ["vocab.json", "merges.txt"])
def test_vocab_and_merges_need_each_other(tmp_path, absent):
    gpt2_files(tmp_path)
    (tmp_path / absent).unlink()
    refused(tmp_path, f"without {absent}", f"copy {absent}")


@pytest.mark.parametrize("name", ["BertTokenizer", None])
def test_unknown_class(tmp_path, name):
    gpt2_files(tmp_path, tokenizer_class=name)
    refused(tmp_path, f"tokenizer_class is {name!r}", "Qwen2Tokenizer", "GPT2Tokenizer")


def test_no_class(tmp_path):
    gpt2_files(tmp_path)
    (tmp_path / "tokenizer_config.json").unlink()
    refused(tmp_path, "tokenizer_class is None")


@pytest.mark.parametrize(
    "line, words",
    [
        ("one", "1 parts"),
        ("a b c", "3 parts"),
        ("zzz yyy", "do not belong together"),
        ("a  b", "3 parts"),
    ],
)
def test_wrong_merges(tmp_path, line, words):
    gpt2_files(tmp_path)
    with (tmp_path / "merges.txt").open("a", encoding="utf-8") as merges:
        merges.write(f"{line}\n")
    refused(tmp_path, "merges.txt", words)


@pytest.mark.parametrize("value", ["5", -1, 1.5, None, True, [1], 2**40])
def test_wrong_ids_in_the_vocabulary(tmp_path, value):
    gpt2_files(tmp_path)
    change(tmp_path / "vocab.json", lambda vocabulary: vocabulary.update(newtoken=value))
    refused(tmp_path, "vocab.json", "newtoken")


def test_two_tokens_with_one_id(tmp_path):
    gpt2_files(tmp_path)
    change(tmp_path / "vocab.json", lambda vocabulary: vocabulary.update(newtoken=7))
    refused(tmp_path, "vocab.json", "newtoken", "share the id 7")


@pytest.mark.parametrize("build", [byte_level, gpt2_files])
def test_missing_eos(tmp_path, build):
    build(tmp_path)
    change(tmp_path / "tokenizer_config.json", lambda config: config.pop("eos_token"))
    refused(tmp_path, "eos_token", "eos_token_id", "generation_config.json")


@pytest.mark.parametrize("value", ["x", [], None, {}, True, 2.0])
def test_wrong_eos_in_generation_config(tmp_path, value):
    gpt2_files(tmp_path, eos_token=None)
    write_json(tmp_path / "generation_config.json", {"eos_token_id": value})
    refused(tmp_path, "eos_token_id")


def test_eos_in_generation_config_beyond_the_vocabulary(tmp_path):
    gpt2_files(tmp_path, eos_token=None)
    write_json(tmp_path / "generation_config.json", {"eos_token_id": 10**6})
    refused(tmp_path, "generation_config.json", "1000000", "vocabulary")


@pytest.mark.parametrize("build", [byte_level, gpt2_files, sentencepiece_model])
@pytest.mark.parametrize("key", ["bos_token", "eos_token"])
def test_unknown_special_token(tmp_path, build, key):
    build(tmp_path)
    path = tmp_path / "tokenizer_config.json"
    config = json.loads(path.read_text()) if path.is_file() else {}
    write_json(path, config | {key: "<nowhere>"})
    refused(tmp_path, key, "'<nowhere>'", "not in the tokenizer's vocabulary")


@pytest.mark.parametrize(
    "key, value",
    [
        ("eos_token", 2),
        ("eos_token", {"content": 3}),
        ("eos_token", ""),
        ("bos_token", ["<s>"]),
        ("add_bos_token", "yes"),
        ("add_prefix_space", 1),
        ("tokenizer_class", 4),
        ("added_tokens_decoder", [1]),
        ("added_tokens_decoder", {"x": {"content": "<a>"}}),
        ("added_tokens_decoder", {"900": {"special": True}}),
        ("added_tokens_decoder", {"-1": "<a>"}),
    ],
)
def test_wrong_values_in_tokenizer_config(tmp_path, key, value):
    gpt2_files(tmp_path, **{key: value})
    refused(tmp_path, "tokenizer_config.json", key if key != "added_tokens_decoder" else "added")


@pytest.mark.parametrize(
    "name", ["tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"]
)
@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '"x"', '{"eos_token": ' + "9" * 5000 + "}"]
    + ['{"eos_token": ' * depth + "1" + "}" * depth for depth in (500, 5_000, 100_000)],
    ids=lambda text: f"{text[:12]}-{len(text)}",
)
def test_corrupt_side_files(tmp_path, name, text):
    sentencepiece_model(tmp_path)
    (tmp_path / name).write_text(text)
    refused(tmp_path, name)


@pytest.mark.parametrize("depth", [500, 900, 2_000, 10_000])
@pytest.mark.parametrize(
    "build, name, key",
    [
        (sentencepiece_model, "tokenizer_config.json", "tokenizer_class"),
        (sentencepiece_model, "tokenizer_config.json", "added_tokens_decoder"),
        (sentencepiece_model, "special_tokens_map.json", "bos_token"),
        (sentencepiece_model, "added_tokens.json", "<a>"),
        (gpt2_files, "generation_config.json", "eos_token_id"),
        (gpt2_files, "vocab.json", "newtoken"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_nested_values(tmp_path, build, name, key, depth):
    """Python reads some nestings that it cannot print."""
    build(tmp_path)
    if name == "generation_config.json":
        change(tmp_path / "tokenizer_config.json", lambda config: config.pop("eos_token"))
    (tmp_path / name).write_text(f'{{"{key}": ' + "[" * depth + "]" * depth + "}")
    refused(tmp_path, name)


def test_nesting_at_the_end_of_the_stack(tmp_path):
    """Some depth can be read and not be printed one frame further up."""
    sentencepiece_model(tmp_path)
    room = sys.getrecursionlimit() - len(inspect.stack())
    for depth in range(room - 40, room + 5):
        text = '{"tokenizer_class": ' + "[" * depth + "]" * depth + "}"
        (tmp_path / "tokenizer_config.json").write_text(text)
        refused(tmp_path, "tokenizer_config.json")


def test_a_long_value_is_cut(tmp_path):
    sentencepiece_model(tmp_path)
    write_json(tmp_path / "tokenizer_config.json", {"add_bos_token": "x" * 10_000})
    refused(tmp_path, "tokenizer_config.json: add_bos_token is 'xxx")
    write_json(tmp_path / "tokenizer_config.json", {"add_bos_token": [1] * 10_000})
    refused(tmp_path, "tokenizer_config.json: add_bos_token is a list, expected bool")


def test_the_file_that_declares_a_wrong_token_is_named(tmp_path):
    gpt2_files(tmp_path)
    write_json(tmp_path / "special_tokens_map.json", {"bos_token": 3, "eos_token": None})
    change(tmp_path / "tokenizer_config.json", lambda config: config.update(bos_token=None))
    refused(tmp_path, "special_tokens_map.json: bos_token is 3")


@pytest.mark.parametrize("value", ["x", -1, None, 1.0, True])
def test_wrong_added_tokens(tmp_path, value):
    sentencepiece_model(tmp_path)
    write_json(tmp_path / "added_tokens.json", {"<a>": value})
    refused(tmp_path, "added_tokens.json", "'<a>'", "expected a non-negative whole number")


@pytest.mark.parametrize("build", [byte_level, gpt2_files, sentencepiece_model])
def test_added_token_on_a_taken_id(tmp_path, build):
    build(tmp_path)
    write_json(tmp_path / "added_tokens.json", {"<a>": 5})
    refused(tmp_path, "'<a>'", "wants the id 5, which belongs to")


def test_two_added_tokens_with_one_id(tmp_path):
    sentencepiece_model(tmp_path)
    write_json(tmp_path / "added_tokens.json", {"<a>": 900, "<b>": 900})
    refused(tmp_path, "added_tokens.json", "'<b>'", "which belongs to '<a>'")


def test_added_token_behind_a_gap(tmp_path):
    gpt2_files(tmp_path)
    write_json(tmp_path / "added_tokens.json", {"<a>": 9000})
    refused(tmp_path, "'<a>'", "9000", "not the next free one")


def test_text_that_is_a_control_token(tmp_path):
    """A vocabulary whose merges build the control token out of plain text."""
    gpt2_files(tmp_path)
    change(tmp_path / "tokenizer_config.json", lambda config: config.update(eos_token="get"))
    refused(tmp_path, "reads the text 'get' as the control token")


def test_symbol_of_sentencepiece_that_is_a_control_token(tmp_path):
    """User-defined symbols are read from text, so they cannot end a turn."""
    sentencepiece_model(tmp_path, user_defined_symbols=["<|im_end|>"])
    load_tokenizer(tmp_path)
    write_json(tmp_path / "tokenizer_config.json", {"eos_token": "<|im_end|>"})
    refused(tmp_path, "reads the text '<|im_end|>' as the control token")
