"""The curriculum: which documents the base model reads at which step, a pure function of (seed,
step).

Copying has to be formed. It forms soonest where what is to be copied stands side by side and is
drawn from many tokens: words written together, twice. After some hundred steps of these it spreads
by itself to everything else: across separators, by key, and to modules, in which it finds the
function and fills in its arguments. Mixed from the start, none of it forms for a long time.

No document shows a dialect of `tl.dialects`, a call that answers a chat turn, or a tool of the
world.
"""

import random
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from tl.world.pretrain import fields, lookups, manuals, modules, queries
from tl.world.pretrain.values import Words

# Words that open the lines of a chat in some dialect: no value is one of them.
CHAT_WORDS = frozenset(
    ("System", "User", "Assistant", "Output", "Function", "Human", "Observation", "Action",
     "Thought", "Question", "Answer", "Tool")
)  # fmt: skip
SHORTEST_WORD = 3

Maker = Callable[[Words, random.Random], str]
LOOKUPS: dict[Maker, int] = {
    lookups.echo: 2, lookups.repetition: 4, lookups.listing: 3, lookups.table: 6,
    lookups.lookup: 3, lookups.variables: 3, lookups.record: 3, lookups.records: 3,
    lookups.extraction: 6, lookups.dialogue: 2, lookups.greeting: 1, lookups.arithmetic: 1,
}  # fmt: skip


class Stage(NamedTuple):
    """steps: how many it lasts, None for the rest. makers: the documents and their shares."""

    steps: int | None
    makers: dict[Maker, int]


MODULES: dict[Maker, int] = {
    manuals.practice: 60, manuals.manual: 20, manuals.contents: 14, queries.queries: 10,
    modules.session: 5, modules.drill: 6, lookups.association: 5, fields.related: 10,
}  # fmt: skip
CURRICULUM = (
    Stage(170, {lookups.echo: 1}),
    Stage(1154, {**MODULES, **LOOKUPS}),
    Stage(120, {lookups.underscores: 1}),
    Stage(700, {**MODULES, **LOOKUPS, lookups.underscores: 8}),
    Stage(None, {**MODULES, **LOOKUPS, lookups.underscores: 8, manuals.handbook: 14}),
)


def words_of(vocabulary: Iterable[str]) -> Words:
    """The words among the tokens of a vocabulary, in alphabetical order."""
    tokens = sorted(
        t for t in vocabulary if t.isascii() and t.isalpha() and len(t) >= SHORTEST_WORD
    )
    lower = tuple(token for token in tokens if token.islower())
    names = tuple(token for token in tokens if token.istitle() and token not in CHAT_WORDS)
    return Words(lower, names)


def documents(words: Words, seed: int, step: int) -> Iterator[str]:
    """The documents of a step, without end; take as many as the batch has room for."""
    rng, stage = random.Random(f"{seed} {step}"), stage_of(step)
    while True:
        yield draw_document(words, rng, stage)


def draw_document(words: Words, rng: random.Random, stage: Stage = CURRICULUM[-1]) -> str:
    """One document of a stage."""
    (maker,) = rng.choices(list(stage.makers), list(stage.makers.values()))
    return maker(words, rng)


def stage_of(step: int) -> Stage:
    """The stage that a step belongs to."""
    for stage in CURRICULUM:
        if stage.steps is None or step < stage.steps:
            return stage
        step -= stage.steps
    raise AssertionError("the last stage has no end")
