"""tokenizer.json, and vocab.json with merges.txt: the `tokenizers` library (Llama 3, Qwen, ...)."""

import json
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers

from tl import InputError
from tl.data.token_spans import Span, check_text, cover
from tl.data.tokenizer_files import AddedToken, TokenizerConfig, id_clash, is_id, short
from tl.json_file import one_line, read_object, read_text

# Qwen2's words: PRETOKENIZE_REGEX in models/qwen2/tokenization_qwen2.py of transformers 5.23.0.
QWEN2_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
QWEN2 = ("Qwen2Tokenizer", "Qwen2TokenizerFast")
GPT2 = ("GPT2Tokenizer", "GPT2TokenizerFast")
# Families whose BOS is put in front by their class in transformers, not by the file.
BOS_BY_CLASS = (
    "LlamaTokenizer",
    "LlamaTokenizerFast",
    "CodeLlamaTokenizer",
    "CodeLlamaTokenizerFast",
)


class FastTokenizer:
    """Some tokenizers put a space in front of each text that they encode (Llama 2). A twin without
    this habit reads and writes the continuations; for the others it is the same object.

    Control tokens (`special` in the files) have no text: no text encodes to them, and they decode
    to nothing.
    """

    def __init__(
        self,
        whole: tokenizers.Tokenizer,
        continuation: tokenizers.Tokenizer,
        config: TokenizerConfig,
        own_bos: int | None = None,
    ):
        """own_bos: what the file itself puts in front of each text."""
        self._whole = _plain(whole, config)
        self._continuation = self._whole if continuation is whole else _plain(continuation, config)
        # Byte-level BPE with a prefix space keeps it when decoding; Llama's decoder strips it.
        self._stray = whole.decode(whole.encode("a").ids).removesuffix("a")
        self.vocab_size = max(whole.get_vocab(with_added_tokens=True).values()) + 1
        self.bos_id = config.bos_id(whole.token_to_id, own_bos)
        self.eos_id = config.eos_id(whole.token_to_id, None, self.vocab_size)
        by_class = config.tokenizer_class in BOS_BY_CLASS
        self.add_bos = self.bos_id is not None and (
            config.add_bos if config.add_bos is not None else own_bos == self.bos_id or by_class
        )
        self.files = config.files
        control = self._control_tokens()
        self._control = {token.content: token.id for token in control}
        config.check_control_tokens(control, self.encode_segment)

    def encode(self, text: str) -> list[int]:
        return self._whole.encode(check_text(text)).ids

    def encode_segment(self, text: str) -> list[int]:
        return self._continuation.encode(check_text(text)).ids

    def encode_segment_offsets(self, text: str) -> tuple[list[int], list[Span]]:
        found = self._continuation.encode(check_text(text))
        return found.ids, cover(found.offsets, len(text))

    def control_id(self, token: str) -> int | None:
        return self._control.get(token)

    def control_name(self, token_id: int) -> str | None:
        return next((name for name, each in self._control.items() if each == token_id), None)

    def decode(self, ids: list[int]) -> str:
        return self._whole.decode(ids).removeprefix(self._stray)

    def decode_segment(self, ids: list[int]) -> str:
        return self._continuation.decode(ids)

    def _control_tokens(self) -> list[AddedToken]:
        """Without the unknown token, which may well stand for a character."""
        unknown = getattr(self._whole.model, "unk_token", None)
        added = self._whole.get_added_tokens_decoder().items()
        return [
            AddedToken(index, token.content, True)
            for index, token in added
            if token.special and token.content != unknown
        ]


def load_tokenizer_json(path: Path, config: TokenizerConfig) -> FastTokenizer:
    """Raises InputError if the file is no tokenizer."""
    spec = read_object(path)
    whole = _from_spec(path, spec)
    for token in spec.get("added_tokens") or []:
        if whole.token_to_id(token["content"]) != token["id"]:
            raise InputError(
                f"{path}: the added token {token['content']!r} has the id {token['id']}, which "
                "clashes with the vocabulary: use the files of one and the same tokenizer"
            )
    parts = {key: spec.get(key) for key in ("normalizer", "pre_tokenizer", "decoder")}
    bare = {key: _without_prefix(part) for key, part in parts.items()}
    continuation = whole if bare == parts else _from_spec(path, spec | bare)
    return FastTokenizer(whole, continuation, config, _template_bos(path, spec))


def load_vocab_and_merges(directory: Path, config: TokenizerConfig) -> FastTokenizer:
    """Byte-level BPE from vocab.json and merges.txt. Raises InputError if one of them is absent or
    broken, or if the class of the tokenizer is unknown.
    """
    for name, other in (("vocab.json", "merges.txt"), ("merges.txt", "vocab.json")):
        if not (directory / name).is_file():
            raise InputError(
                f"{directory}: has {other} without {name}; byte-level BPE needs both: copy {name}"
            )
    if config.tokenizer_class not in QWEN2 + GPT2:
        raise InputError(
            f"{directory}/tokenizer_config.json: tokenizer_class is {config.tokenizer_class!r}, "
            f"expected one of {', '.join(QWEN2 + GPT2)} for vocab.json with merges.txt: set it, or "
            "use a directory with tokenizer.json"
        )
    vocabulary = _read_vocabulary(directory / "vocab.json")
    merges = _read_merges(directory / "merges.txt")

    def build(prefix: bool) -> tokenizers.Tokenizer:
        try:
            tokenizer = tokenizers.Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
        except Exception as error:  # the library raises nothing more exact
            raise InputError(
                f"{directory}: vocab.json and merges.txt do not belong together: {one_line(error)}"
            ) from error
        return _byte_level(tokenizer, config, prefix)

    whole = build(config.add_prefix_space)
    return FastTokenizer(whole, build(False) if config.add_prefix_space else whole, config)


def _byte_level(
    tokenizer: tokenizers.Tokenizer, config: TokenizerConfig, prefix: bool
) -> tokenizers.Tokenizer:
    tokenizer.decoder = decoders.ByteLevel()
    if config.tokenizer_class in GPT2:
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix)
        return tokenizer
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(tokenizers.Regex(QWEN2_WORDS), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=prefix, use_regex=False),
        ]
    )
    return tokenizer


def _from_spec(path: Path, spec: dict[str, Any]) -> tokenizers.Tokenizer:
    try:
        return tokenizers.Tokenizer.from_str(json.dumps(spec))
    except Exception as error:  # the library raises nothing more exact
        raise InputError(
            f"{path}: is no tokenizer.json of the tokenizers library {tokenizers.__version__} "
            f"({one_line(error)}): copy the file again"
        ) from error


def _template_bos(path: Path, spec: dict[str, Any]) -> int | None:
    """The id of the control token that opens the template of the post-processor."""
    post = spec.get("post_processor") or {}
    for part in post.get("processors", [post]):
        if part.get("type") == "TemplateProcessing" and part["single"]:
            name = part["single"][0].get("SpecialToken", {}).get("id")
            if name is not None and not part["special_tokens"].get(name, {}).get("ids"):
                raise InputError(
                    f"{path}: the post-processor puts {name!r} in front of each text, but its "
                    "special_tokens do not say which id that is: copy the file again"
                )
            return None if name is None else part["special_tokens"][name]["ids"][0]
    return None


def _without_prefix(part: dict[str, Any] | None) -> dict[str, Any] | None:
    """A normalizer, pre-tokenizer or decoder of tokenizer.json that neither puts a space in front
    of a text nor cuts one off.
    """
    kind = part and part.get("type")
    if kind == "Prepend" or (kind == "Strip" and part.get("content") == " "):
        return None
    if kind == "Metaspace":
        legacy = {"add_prefix_space": False} if "add_prefix_space" in part else {}
        return part | {"prepend_scheme": "never"} | legacy
    if kind == "ByteLevel":
        return part | {"add_prefix_space": False}
    if kind != "Sequence":
        return part
    name = next(key for key in ("normalizers", "pretokenizers", "decoders") if key in part)
    kept = [bare for bare in map(_without_prefix, part[name]) if bare is not None]
    return part | {name: kept}


def _plain(tokenizer: tokenizers.Tokenizer, config: TokenizerConfig) -> tokenizers.Tokenizer:
    """The tokenizer with all its added tokens, that does nothing but encode text: no BOS, no
    padding, no truncation, no chance, no control tokens.
    """
    tokenizer.post_processor = None
    tokenizer.no_padding()
    tokenizer.no_truncation()
    if getattr(tokenizer.model, "dropout", None):
        tokenizer.model.dropout = None
    for token in config.added:
        added = tokenizers.AddedToken(token.content, special=token.special, normalized=False)
        if tokenizer.token_to_id(token.content) is None:
            tokenizer.add_tokens([added])
        if tokenizer.token_to_id(token.content) != token.id:
            raise id_clash(config.directory, token, tokenizer.id_to_token(token.id))
    control = [token.content for token in config.added if token.special]
    control += [content for content in config.special.values() if content is not None]
    known = [content for content in control if tokenizer.token_to_id(content) is not None]
    tokenizer.add_special_tokens(
        [tokenizers.AddedToken(content, special=True, normalized=False) for content in known]
    )
    tokenizer.encode_special_tokens = True
    return tokenizer


def _read_vocabulary(path: Path) -> dict[str, int]:
    vocabulary = read_object(path)
    names: dict[int, str] = {}
    for token, index in vocabulary.items():
        if not is_id(index):
            raise InputError(
                f"{path}: {token!r} has the id {short(index)}, expected a non-negative whole "
                "number: copy the file again"
            )
        if index in names:
            raise InputError(
                f"{path}: {token!r} and {names[index]!r} share the id {index}, expected one token "
                "per id: copy the file again"
            )
        names[index] = token
    return vocabulary


def _read_merges(path: Path) -> list[tuple[str, str]]:
    merges = []
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if not line.strip() or (number == 1 and line.startswith("#version")):
            continue
        pair = line.rstrip("\r").split(" ")
        if len(pair) != 2:
            raise InputError(
                f"{path}:{number}: {line!r} has {len(pair)} parts, expected two tokens with one "
                "space between them: copy the file again"
            )
        merges.append((pair[0], pair[1]))
    return merges
