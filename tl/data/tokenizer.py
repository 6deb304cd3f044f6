"""Text to token ids and back, for the tokenizer files of every model family.

A conversation is encoded piece by piece (`tl.dialects.segment`). The first piece starts a text, the
others continue it. Starting and continuing differ for tokenizers that put a space in front of a
text (Llama 2): "get" alone is `▁get`, but after "(" it is `get`. So there are two pairs of
methods:

    encode          decode              a whole text, as the tokenizer itself encodes it
    encode_segment  decode_segment      a continuation; its ids are those that a model generates

Ids of consecutive segments can be joined, and `decode_segment` of the joined ids is the joined
text.
"""

from pathlib import Path
from typing import Protocol

from tl import InputError
from tl.data.fast_tokenizer import load_tokenizer_json, load_vocab_and_merges
from tl.data.sentencepiece_tokenizer import load_sentencepiece
from tl.data.token_spans import Span
from tl.data.tokenizer_files import read_config

# Spaces at the start, in the middle and at the end, and the characters of a call.
PROBE = ' get(x="a  B", y=[1])\n end '


class Tokenizer(Protocol):
    """Text can never become a control token: "</s>" in a text is three letters and two brackets.

    All methods that read text raise InputError for a lone surrogate. Tokenizers that normalise
    (Qwen: NFC) give the normalised text back.

    bos_id: None for families without it (Qwen).   eos_id: ends a turn.
    vocab_size: the largest id + 1.
    add_bos: whether the family puts BOS in front of a text; `encode` never does.
    files: to be copied beside a saved model, so that transformers loads it.
    """

    bos_id: int | None
    eos_id: int
    vocab_size: int
    add_bos: bool
    files: list[Path]

    def encode(self, text: str) -> list[int]:
        """The tokenizer's own encoding of a whole text, dummy prefix included, without BOS."""

    def encode_segment(self, text: str) -> list[int]:
        """The ids of a text that continues another: nothing is put in front of it."""

    def encode_segment_offsets(self, text: str) -> tuple[list[int], list[Span]]:
        """The same ids, and for each the (start, end) of its characters in `text`.

        The spans are monotone and cover the text; the byte pieces of one character share its span.
        """

    def control_id(self, token: str) -> int | None:
        """The id of a control token, None if `token` is none."""

    def control_name(self, token_id: int) -> str | None:
        """The inverse: what a control token is called, None for an id that is none."""

    def decode(self, ids: list[int]) -> str:
        """The inverse of `encode`. Control tokens and unknown ids have no text."""

    def decode_segment(self, ids: list[int]) -> str:
        """The inverse of `encode_segment`, also for the joined ids of several segments."""


def load_tokenizer(directory: str | Path) -> Tokenizer:
    """The tokenizer of a Hugging Face model directory: tokenizer.json, else tokenizer.model
    (SentencePiece), else vocab.json with merges.txt.

    Raises InputError, naming the file, if there is none, if it is broken, or if it cannot give a
    text back as it was.
    """
    directory = Path(directory)
    if not directory.is_dir():
        raise InputError(f"{directory}: is no directory, expected one with a tokenizer's files")
    config = read_config(directory)
    if (directory / "tokenizer.json").is_file():
        tokenizer: Tokenizer = load_tokenizer_json(directory / "tokenizer.json", config)
    elif (directory / "tokenizer.model").is_file():
        tokenizer = load_sentencepiece(directory / "tokenizer.model", config)
    elif (directory / "vocab.json").is_file() or (directory / "merges.txt").is_file():
        tokenizer = load_vocab_and_merges(directory, config)
    else:
        raise InputError(
            f"{directory}: no tokenizer found, expected tokenizer.json, tokenizer.model, or "
            "vocab.json with merges.txt: copy the tokenizer's files there"
        )
    _check_reversible(tokenizer, directory)
    return tokenizer


def _check_reversible(tokenizer: Tokenizer, directory: Path) -> None:
    """Calls must come back letter by letter: refuses tokenizers that lower-case, drop spaces, or
    have no token for common characters.
    """
    got = tokenizer.decode_segment(tokenizer.encode_segment(PROBE))
    if got != PROBE:
        raise InputError(
            f"{directory}: the tokenizer turns {PROBE!r} into {got!r}, expected the same text, or "
            "calls would be learned wrongly: use a tokenizer that keeps spaces and letters"
        )
