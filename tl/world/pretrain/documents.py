"""The documents of pre-training, a pure function of (seed, step): see `curriculum` for their order.

No document shows a dialect of `tl.dialects`, a call that answers a chat turn, or a tool of the
world.
"""

import random
from collections.abc import Iterable, Iterator

from tl.world.pretrain.curriculum import CURRICULUM, Stage, stage_of
from tl.world.pretrain.values import CHAT_WORDS, Words

SHORTEST_WORD = 3


def words_of(vocabulary: Iterable[str]) -> Words:
    """The words among the tokens of a vocabulary, in alphabetical order."""
    ascii_tokens = sorted(token for token in vocabulary if token.isascii())
    letters = [token for token in ascii_tokens if token.isalpha()]
    long = [token for token in letters if len(token) >= SHORTEST_WORD]
    lower = tuple(token for token in long if token.islower())
    names = tuple(token for token in long if token.istitle() and token not in CHAT_WORDS)
    codes = tuple(token for token in letters if token.isupper() and len(token) > 1)
    stems = (token[:-1] for token in ascii_tokens if token.endswith("_"))
    stems = tuple(s for s in stems if s.isalpha() and s.islower() and len(s) >= SHORTEST_WORD)
    known = {*lower, *names, *codes, *(f"{stem}_" for stem in stems)}
    pieces = (token for token in ascii_tokens if token.isprintable() and token.strip())
    known |= CHAT_WORDS
    return Words(lower, names, codes, stems, tuple(t for t in pieces if t.strip(" :") not in known))


def documents(words: Words, seed: int, step: int) -> Iterator[str]:
    """The documents of a step, without end; take as many as the batch has room for."""
    rng, stage = random.Random(f"{seed} {step}"), stage_of(step)
    while True:
        yield draw_document(words, rng, stage)


def draw_document(words: Words, rng: random.Random, stage: Stage = CURRICULUM[-1]) -> str:
    """One document of a stage."""
    (maker,) = rng.choices(list(stage.makers), list(stage.makers.values()))
    return maker(words, rng)
