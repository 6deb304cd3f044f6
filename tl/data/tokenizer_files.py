"""What lies beside a tokenizer in a Hugging Face directory: its class, its special tokens, the
tokens added later, and which files a saved model needs.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from tl import InputError
from tl.json_file import read_optional

COPIED = (
    "tokenizer.json",
    "tokenizer.model",
    "vocab.json",
    "merges.txt",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
    "chat_template.json",
)


class AddedToken(NamedTuple):
    """A token that is not part of the trained vocabulary. special: it never stands for text."""

    id: int
    content: str
    special: bool


@dataclass(frozen=True)
class TokenizerConfig:
    """The settings of a directory; all of its files are optional.

    special: {"bos_token": "<s>", "eos_token": "</s>"}; a key with None is declared to be absent.
    added: in the order of their ids.
    add_bos: None where nothing is said.
    """

    directory: Path
    tokenizer_class: str | None
    add_bos: bool | None
    add_prefix_space: bool
    special: dict[str, str | None]
    added: tuple[AddedToken, ...]

    @property
    def files(self) -> list[Path]:
        """The files that transformers needs beside a saved model."""
        paths = (self.directory / name for name in COPIED)
        return [path for path in paths if path.is_file()]

    def bos_id(self, token_to_id: Callable[[str], int | None], own: int | None) -> int | None:
        """own: what the tokenizer's file says by itself, if nothing is declared."""
        return self._id("bos_token", token_to_id) if "bos_token" in self.special else own

    def eos_id(
        self, token_to_id: Callable[[str], int | None], own: int | None, vocab_size: int
    ) -> int:
        """Declared, else the tokenizer's own, else the (first) one of generation_config.json."""
        for found in (self._id("eos_token", token_to_id), own):
            if found is not None:
                return found
        path = self.directory / "generation_config.json"
        ids = read_optional(path).get("eos_token_id")
        first = ids[0] if isinstance(ids, list) and ids else ids
        if first is None:
            raise InputError(
                f"{self.directory}: no end-of-sequence token is declared; expected eos_token in "
                "tokenizer_config.json (or special_tokens_map.json) or eos_token_id in "
                "generation_config.json: add it"
            )
        if not is_id(first) or first >= vocab_size:
            raise InputError(
                f"{path}: eos_token_id is {short(ids)}, expected an id (or a list of ids) from 0 "
                f"to {vocab_size - 1}, the vocabulary of the tokenizer: correct it"
            )
        return first

    def check_control_tokens(
        self, tokens: Iterable[AddedToken], encode: Callable[[str], list[int]]
    ) -> None:
        """Raises InputError if the text of a control token is encoded as the control token."""
        for token in tokens:
            if token.id in encode(token.content):
                raise InputError(
                    f"{self.directory}: the tokenizer reads the text {token.content!r} as the "
                    f"control token {token.id}, so that data could steer the model; expected a "
                    "vocabulary that spells this text: take it out of the merges or the pieces"
                )

    def _id(self, key: str, token_to_id: Callable[[str], int | None]) -> int | None:
        content = self.special.get(key)
        found = None if content is None else token_to_id(content)
        if content is not None and found is None:
            raise InputError(
                f"{self.directory}: {key} is {content!r}, which is not in the tokenizer's "
                "vocabulary; expected one of its tokens: correct it in tokenizer_config.json or "
                "special_tokens_map.json"
            )
        return found


def is_id(value: Any) -> bool:
    """Whether a JSON value can be a token id."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31


def short(value: Any) -> str:
    """A value in an error message; lists and objects by their kind, as Python cannot print every
    nested one.
    """
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    return repr(value)[:80]


def read_config(directory: Path) -> TokenizerConfig:
    """Raises InputError if a file is no JSON object or a value has the wrong type."""
    optional = {
        name: read_optional(directory / name)
        for name in ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")
    }
    config, special_map, added = optional.values()
    place = directory / "tokenizer_config.json"
    declaring = {place: config, directory / "special_tokens_map.json": special_map}
    return TokenizerConfig(
        directory,
        _typed(place, config, "tokenizer_class", str),
        _typed(place, config, "add_bos_token", bool),
        bool(_typed(place, config, "add_prefix_space", bool)),
        _special_tokens(declaring),
        _added_tokens(directory, config.get("added_tokens_decoder") or {}, added),
    )


def _special_tokens(declaring: dict[Path, dict]) -> dict[str, str | None]:
    """declaring: the files and their content; the first that gives a token decides."""
    special: dict[str, str | None] = {}
    for place, values in declaring.items():
        for key in ("bos_token", "eos_token"):
            value = values.get(key)
            if value is not None and special.get(key) is None:
                special[key] = _content(place, key, value)
            elif key in values:
                special.setdefault(key, None)
    return special


def _added_tokens(directory: Path, decoder: Any, older: dict) -> tuple[AddedToken, ...]:
    """`added_tokens_decoder` ({"32000": {"content": ..., "special": ...}}) and the older
    added_tokens.json ({content: id}), which does not say what is special: all of it is.
    """
    place = directory / "tokenizer_config.json"
    if not isinstance(decoder, dict):
        raise InputError(f"{place}: added_tokens_decoder is {short(decoder)}, expected an object")
    known: dict[int, AddedToken] = {}
    for content, index in older.items():
        _add(known, directory / "added_tokens.json", AddedToken(index, content, True))
    for index, entry in decoder.items():
        content = _content(place, f"added_tokens_decoder.{index}", entry)
        special = not isinstance(entry, dict) or bool(entry.get("special"))
        token = AddedToken(int(index) if index.isdecimal() else index, content, special)
        _add(known, place, token)
    return tuple(known[index] for index in sorted(known))


def _add(known: dict[int, AddedToken], place: Path, token: AddedToken) -> None:
    if not is_id(token.id):
        raise InputError(
            f"{place}: the added token {token.content!r} has the id {short(token.id)}, expected a "
            "non-negative whole number"
        )
    before = known.get(token.id)
    if before is not None and before.content != token.content:
        raise id_clash(place, token, before.content)
    known[token.id] = token


def id_clash(place: Path, token: AddedToken, other: str | None) -> InputError:
    """other: which token has the id already; None: the id leaves a gap behind the vocabulary."""
    taken = "is not the next free one" if other is None else f"belongs to {other!r}"
    return InputError(
        f"{place}: the added token {token.content!r} wants the id {token.id}, which {taken}; "
        "expected one token per id, without gaps: use the files of one and the same tokenizer"
    )


def _content(place: Path, key: str, value: Any) -> str:
    """A token is written as a string or as {"content": string}."""
    content = value.get("content") if isinstance(value, dict) else value
    if not isinstance(content, str) or not content:
        raise InputError(
            f"{place}: {key} is {short(value)}, expected a non-empty string or "
            '{"content": string}'
        )
    return content


def _typed(place: Path, config: dict, key: str, kind: type) -> Any:
    value = config.get(key)
    if not isinstance(value, kind | None):
        raise InputError(f"{place}: {key} is {short(value)}, expected {kind.__name__}")
    return value
