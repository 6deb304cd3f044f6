"""tokenizer.model: SentencePiece (Llama 1 and 2, CodeLlama, Mistral)."""

import re
from pathlib import Path

from sentencepiece import SentencePieceProcessor

from tl import InputError
from tl.data.token_spans import Span, check_text, cover
from tl.data.tokenizer_files import AddedToken, TokenizerConfig, id_clash
from tl.json_file import one_line

# Two serialised protobuf messages in a row are one message with the later fields winning
# (https://protobuf.dev/programming-guides/encoding/#last-one-wins). These four bytes are
# ModelProto{3: normalizer_spec{3: add_dummy_prefix = false}} in sentencepiece_model.proto.
NO_DUMMY_PREFIX = b"\x1a\x02\x18\x00"
TIKTOKEN_LINE = re.compile(rb"[A-Za-z0-9+/]+=* \d+\n")


class SentencePieceTokenizer:
    """SentencePiece puts a space in front of each text that it encodes. A twin of the processor
    without this habit reads and writes the continuations.

    Control tokens and added tokens have no text: no text encodes to them, and they decode to
    nothing. A "▁" (U+2581) in a text is, for SentencePiece, a space.
    """

    def __init__(self, model: bytes, config: TokenizerConfig):
        self._whole = SentencePieceProcessor(model_proto=model)
        self._continuation = SentencePieceProcessor(model_proto=model + NO_DUMMY_PREFIX)
        self._pieces = self._whole.piece_size()
        self._whole.id_to_piece(list(range(self._pieces)))  # raises where a piece is no UTF-8
        self._added = {token.content: token.id for token in config.added}
        self._check_added(config)
        self.vocab_size = max(self._pieces - 1, *self._added.values(), 0) + 1
        self.bos_id = config.bos_id(self._token_to_id, _present(self._whole.bos_id()))
        own_eos = _present(self._whole.eos_id())
        self.eos_id = config.eos_id(self._token_to_id, own_eos, self.vocab_size)
        said = config.add_bos is None or config.add_bos
        self.add_bos = said and self.bos_id is not None
        self.files = config.files
        special = [content for content in config.special.values() if content is not None]
        control = [AddedToken(self._token_to_id(content), content, True) for content in special]
        config.check_control_tokens(control, self.encode_segment)
        self._control = {token.content for token in control}
        self._control |= {token.content for token in config.added if token.special}

    def encode(self, text: str) -> list[int]:
        return self._whole.encode(check_text(text))

    def encode_segment(self, text: str) -> list[int]:
        return self._continuation.encode(check_text(text))

    def encode_segment_offsets(self, text: str) -> tuple[list[int], list[Span]]:
        found = self._continuation.encode(check_text(text), return_type="offset_mapping")
        return found["ids"], cover(found["offsets"], len(text))

    def control_id(self, token: str) -> int | None:
        found = self._token_to_id(token)
        if found is None or token in self._control:
            return found
        return found if found < self._pieces and self._whole.is_control(found) else None

    def control_name(self, token_id: int) -> str | None:
        added = (content for content, each in self._added.items() if each == token_id)
        name = next(added, None)
        if name is None and 0 <= token_id < self._pieces:
            name = self._whole.id_to_piece(token_id)
        return name if name is not None and self.control_id(name) == token_id else None

    def decode(self, ids: list[int]) -> str:
        return self._whole.decode([i for i in ids if i < self._pieces])

    def decode_segment(self, ids: list[int]) -> str:
        return self._continuation.decode([i for i in ids if i < self._pieces])

    def _token_to_id(self, content: str) -> int | None:
        if content in self._added:
            return self._added[content]
        found = self._whole.piece_to_id(content)  # the unknown token for what it does not know
        return found if self._whole.id_to_piece(found) == content else None

    def _check_added(self, config: TokenizerConfig) -> None:
        for token in config.added:
            if token.id < self._pieces:
                piece = self._whole.id_to_piece(token.id)
                if piece != token.content:
                    raise id_clash(config.directory, token, piece)


def load_sentencepiece(path: Path, config: TokenizerConfig) -> SentencePieceTokenizer:
    """Raises InputError if the file is no SentencePiece model."""
    try:
        model = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    if TIKTOKEN_LINE.match(model):
        raise InputError(
            f"{path}: is a list of base64 tokens (tiktoken, the original Llama 3 format), expected "
            "a SentencePiece model: use the directory in Hugging Face format, with tokenizer.json"
        )
    try:
        if not model:
            raise RuntimeError("the file is empty")
        return SentencePieceTokenizer(model, config)
    except (RuntimeError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path}: is no SentencePiece model ({one_line(error)}; {len(model)} bytes): copy the "
            "file again (a file of about 130 bytes is usually a Git LFS pointer)"
        ) from error


def _present(token_id: int) -> int | None:
    return None if token_id < 0 else token_id
