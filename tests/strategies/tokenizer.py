"""Texts that tokenizers stumble over, and small tokenizers of every kind, built on the spot."""

import json
from pathlib import Path

import sentencepiece
from hypothesis import strategies as st
from tokenizers import (
    AddedToken,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

CONTROL_TEXTS = ["<s>", "</s>", "<unk>", "[INST]", "<|im_end|>", "<|endoftext|>", "<|eot_id|>"]
FRAGMENTS = [
    *CONTROL_TEXTS,
    "get_time",
    "search_flights(",
    '"São Paulo"',
    " ",
    "  ",
    "    ",
    "\t",
    "\n",
    "\r\n",
    "\x00",
    "\x1b[31m",
    "▁",
    "<0x0A>",
    "天気",
    "👩\u200d👩\u200d👧",
    "🇧🇷",
    "e\u0301",
    "\u1e9b\u0323",
    "שלום",
    "\u202e",
    "\ufeff",
    "ﬁ",
    "0.1e-7",
]


def texts(max_size: int = 8) -> st.SearchStrategy[str]:
    """Any Unicode text without surrogates, with many of the fragments above."""
    characters = st.characters(exclude_categories=("Cs",))
    parts = st.one_of(st.sampled_from(FRAGMENTS), characters, st.text(characters, max_size=5))
    return st.lists(parts, max_size=max_size).map("".join)


CORPUS = [
    'get_time(city="Paris")',
    "search_flights(origin='Oslo', destination='Rome', seats=2)",
    "search_flight_status(number='AB 123')",
    "Function:\ndef get_weather(city: string, days: int = None):",
    "the weather in the city is sunny and the flights are on time",
    "for i in range(10):\n    print(i)\n",
] * 3


def write_json(path: Path, value) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")


def byte_level(directory: Path) -> None:
    """Like Llama 3: byte-level BPE, special tokens, BOS from the post-processor, and the traps of
    real files: truncation and padding that were left in, offsets that leave out the space.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<|begin_of_text|>", "<|eot_id|>", "<|im_end|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=400, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.add_special_tokens(special)
    tokenizer.add_tokens([AddedToken("<tool_call>", special=False, normalized=False)])
    begin = ("<|begin_of_text|>", tokenizer.token_to_id("<|begin_of_text|>"))
    tokenizer.post_processor = processors.Sequence(
        [
            processors.ByteLevel(trim_offsets=True),
            processors.TemplateProcessing(single=f"{begin[0]} $A", special_tokens=[begin]),
        ]
    )
    tokenizer.enable_truncation(16)
    tokenizer.enable_padding(length=8)
    tokenizer.save(str(directory / "tokenizer.json"))
    config = {"bos_token": begin[0], "eos_token": {"content": "<|eot_id|>"}}
    write_json(directory / "tokenizer_config.json", config)


def gpt2_files(directory: Path, **config) -> None:
    """vocab.json and merges.txt of byte-level BPE; `<|endoftext|>` stands in the vocabulary."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=["<|endoftext|>"],
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.model.save(str(directory))
    config = {"tokenizer_class": "GPT2Tokenizer", "eos_token": "<|endoftext|>"} | config
    write_json(directory / "tokenizer_config.json", config)


def metaspace(directory: Path) -> None:
    """Like transformers 5's Llama: Metaspace with scheme "first", byte fallback."""
    tokenizer = _byte_fallback_bpe()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    _save_llama(tokenizer, directory)


def prepend(directory: Path) -> None:
    """Like Llama 2's published tokenizer.json: Prepend normaliser, BOS from the post-processor."""
    tokenizer = _byte_fallback_bpe()
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 1)]
    )
    _save_llama(tokenizer, directory)


def _save_llama(tokenizer: Tokenizer, directory: Path) -> None:
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    tokenizer.add_special_tokens(["<unk>", "<s>", "</s>"])
    tokenizer.save(str(directory / "tokenizer.json"))
    config = {"bos_token": "<s>", "eos_token": "</s>", "tokenizer_class": "LlamaTokenizer"}
    write_json(directory / "tokenizer_config.json", config)


def _byte_fallback_bpe() -> Tokenizer:
    """Trained with "▁" for spaces. Its first ids are <unk>, <s>, </s>, then the 256 bytes."""
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.Metaspace()
    trained.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=300, show_progress=False))
    model = json.loads(trained.to_str())["model"]
    reserved = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    pieces = [*reserved, *sorted(model["vocab"], key=model["vocab"].get)]
    vocabulary = {piece: index for index, piece in enumerate(pieces)}
    merges = [tuple(merge) for merge in model["merges"]]
    return Tokenizer(
        models.BPE(vocabulary, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    )


def sentencepiece_model(directory: Path, **settings) -> None:
    """Like Llama 2: BPE, byte fallback, identity normalisation, digits alone, spaces kept."""
    corpus = directory / "corpus.txt"
    corpus.write_text("\n".join(line.replace("\n", " ") for line in CORPUS), encoding="utf-8")
    defaults = {
        "input": str(corpus),
        "model_prefix": str(directory / "tokenizer"),
        "model_type": "bpe",
        "vocab_size": 360,
        "byte_fallback": True,
        "normalization_rule_name": "identity",
        "remove_extra_whitespaces": False,
        "allow_whitespace_only_pieces": True,
        "split_digits": True,
        "hard_vocab_limit": False,
        "minloglevel": 2,
    }
    sentencepiece.SentencePieceTrainer.train(**defaults | settings)
    corpus.unlink()
    (directory / "tokenizer.vocab").unlink()


def unigram_without_prefix(directory: Path) -> None:
    """The other SentencePiece algorithm, and a model that puts no space in front of a text."""
    sentencepiece_model(directory, model_type="unigram", add_dummy_prefix=False)


BUILDERS = {
    "byte_level": byte_level,
    "gpt2_files": gpt2_files,
    "metaspace": metaspace,
    "prepend": prepend,
    "sentencepiece": sentencepiece_model,
    "unigram_without_prefix": unigram_without_prefix,
}
