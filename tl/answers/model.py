"""A model directory, ready to answer."""

import argparse
import hashlib
from collections.abc import Sequence
from itertools import dropwhile
from pathlib import Path

import torch

from tl import InputError
from tl.agent.feedback import clean
from tl.agent.generation import checked_generate, stop_ids
from tl.bench.anatomy import Encode
from tl.data.encode import Encoder
from tl.data.pkt import NameTokens
from tl.data.tokenizer import load_tokenizer
from tl.dialects import get_dialect
from tl.generate import Generations
from tl.model.hf import load_model
from tl.run import parallel

LONGEST = 256  # tokens of a reply, where nobody says otherwise


class Model:
    """What generating needs: prompts to replies, and what a reply's ids mean.

    args: dialect, device, dtype, seed, temperature, max_new_tokens of eval.py.
    """

    def __init__(self, source: str | Path, args: argparse.Namespace):
        group = parallel.start(args.device)
        if group.size > 1:
            raise InputError(f"eval.py runs in one process, got {group.size}; use python, not "
                             "torchrun")  # fmt: skip
        self.source = str(source)
        self.tokenizer = load_tokenizer(source)
        self.encoder = Encoder(self.tokenizer, get_dialect(args.dialect, source))
        dtype = parallel.compute_dtype(args.dtype, group.device)
        self.decoder = load_model(source, dtype, group.device).eval()
        self.positions = self.decoder.config.max_position_embeddings
        self.eos_ids = stop_ids(self.encoder, self.decoder, self.source)
        self.temperature, self.max_new_tokens = args.temperature, args.max_new_tokens
        self.seed, self._generator = args.seed, torch.Generator(group.device)

    def begin(self, batch: int) -> None:
        """What is drawn from here on depends on the seed and the number of the batch alone, so that
        a batch is answered the same whether or not those before it were answered today.
        """
        key = hashlib.sha256(f"{self.seed}/{batch}".encode()).digest()
        self._generator.manual_seed(int.from_bytes(key[:7], "big"))

    def longest(self, wanted: int | None = None) -> int:
        """Tokens that a reply may have: --max_new_tokens, else what the question wants."""
        return self.max_new_tokens or wanted or LONGEST

    def text_ids(self, text: str) -> list[int]:
        """A prompt of plain text, outside of any dialect."""
        ids = self.tokenizer.encode(text)
        return [self.tokenizer.bos_id, *ids] if self.tokenizer.add_bos else ids

    def generate(self, prompts: list[list[int]], longest: int | None = None) -> Generations:
        return checked_generate(
            self.decoder, prompts, source=self.source, max_new_tokens=self.longest(longest),
            temperature=self.temperature, eos_ids=self.eos_ids, generator=self._generator,
        )  # fmt: skip


def fingerprint(source: str | Path) -> str:
    """Another one for another model in the same directory: the small files by their content, the
    weights by size and time.
    """
    digest = hashlib.sha256()
    for path in sorted(Path(source).iterdir()):
        if path.suffix == ".safetensors":
            facts = path.stat()
            digest.update(f"{path.name} {facts.st_size} {facts.st_mtime_ns}\n".encode())
        elif path.suffix in (".json", ".jinja", ".model", ".txt"):
            digest.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def name_encoder(source: str | Path) -> Encode:
    """Tokens of a tool name as they stand in a reply, as training sees them, without a space that
    is a token of its own.
    """
    tokenizer = load_tokenizer(source)
    tokens = NameTokens(tokenizer)

    def encode(name: str) -> Sequence[int]:
        ids = tokens(clean(name), " ")
        return list(dropwhile(lambda token: not tokenizer.decode_segment([token]).strip(), ids))

    return encode
