"""Which kinds of documents are read at which step.

What a model does in context has to be formed, and a mixture of everything forms little of it. Each
ability forms within some hundred steps of texts that hardly hold anything else, and is kept where a
tenth of what follows still needs it:

- copying, where what is to be copied stands side by side and is drawn from many tokens;
- copying every token, the signs between words too, where the rare ones are drawn as often as the
  others;
- finding by key, where a line is a key and what belongs to it, and the lines are asked for again;
- finding a name by words that belong to it, one word at the end of a request first, then words
  anywhere in it, then sentences, then definitions;
- giving every parameter its value, where calls have several of different kinds, and however
  calls are spelled.

The committed model has read all eight courses (tl/world/tiny/README.md has the commands and what
each has brought). Most stages were written when the ones before them had shown what was lacking,
which is why mixtures return.
"""

import random
from collections.abc import Callable
from typing import NamedTuple

from tl.world.pretrain import (
    arguments,
    before,
    coverage,
    directories,
    fields,
    lookups,
    manuals,
    modules,
    once,
    queries,
)
from tl.world.pretrain.values import Words

Maker = Callable[[Words, random.Random], str]
Mixture = dict[Maker, int]


class Stage(NamedTuple):
    """steps: how many it lasts, None for the rest. makers: the documents and their shares."""

    steps: int | None
    makers: Mixture


LOOKUPS: Mixture = {
    lookups.echo: 2, lookups.repetition: 4, lookups.listing: 3, lookups.table: 6,
    lookups.lookup: 3, lookups.variables: 3, lookups.record: 3, lookups.records: 3,
    lookups.extraction: 6, lookups.dialogue: 2, lookups.greeting: 1, lookups.arithmetic: 1,
}  # fmt: skip
MODULES: Mixture = {
    manuals.practice: 60, manuals.manual: 20, manuals.contents: 14, queries.queries: 10,
    modules.session: 5, modules.drill: 6, lookups.association: 5, fields.related: 10,
}  # fmt: skip
FIRST: Mixture = {**MODULES, **LOOKUPS}
NAMES: Mixture = {**FIRST, lookups.underscores: 8}
LONG: Mixture = {**FIRST, lookups.underscores: 4, manuals.handbook: 12}
SEARCH: Mixture = {
    **LONG, fields.related: 60, directories.roster: 100, directories.directory: 40,
    directories.keyed: 20, directories.named: 60, coverage.vocabulary: 200, coverage.quoted: 150,
}  # fmt: skip
FORMS: Mixture = {**SEARCH, coverage.forms: 200}
LAST: Mixture = {
    **LONG, fields.related: 60, directories.roster: 110, directories.directory: 40,
    directories.keyed: 30, directories.keyed_behind: 60, directories.named: 60,
    lookups.backwards: 60, coverage.vocabulary: 200, coverage.quoted: 140, coverage.forms: 160,
}  # fmt: skip
BEFORE: Mixture = {
    before.row: 40, before.pairs: 40, before.entries: 60, before.parts: 40, before.bare_pairs: 10,
}  # fmt: skip
WHOLE: Mixture = {
    **MODULES, **LOOKUPS, **BEFORE, lookups.underscores: 4, manuals.handbook: 12,
    fields.related: 40, directories.roster: 60, directories.directory: 20, directories.keyed: 30,
    directories.keyed_behind: 20, directories.named: 20, coverage.vocabulary: 80,
    coverage.quoted: 50, coverage.forms: 60,
}  # fmt: skip
KEPT: Mixture = {
    **WHOLE, manuals.practice: 90, manuals.manual: 30, manuals.contents: 40, coverage.forms: 220,
    coverage.vocabulary: 120, directories.roster: 90, fields.related: 60, directories.keyed: 20,
}  # fmt: skip
ONCE: Mixture = {
    **KEPT, before.bare_scattered: 20, before.scattered: 100, once.sentences: 160,
    once.worded: 200, once.module: 250,
}  # fmt: skip
KEPT_AGAIN: Mixture = {
    **ONCE, once.module: 350, manuals.practice: 150, coverage.forms: 350, coverage.vocabulary: 300,
    coverage.quoted: 200, lookups.extraction: 60,
}  # fmt: skip
SEVERAL: Mixture = {**KEPT_AGAIN, once.module: 450, arguments.several: 500}
SPELLED: Mixture = {**SEVERAL, arguments.several: 250, arguments.spelled: 700}

CURRICULUM = tuple(
    Stage(steps, makers)
    for steps, makers in (
        # copying
        (170, {lookups.echo: 1}),
        (1154, FIRST),
        (120, {lookups.underscores: 1}),
        (556, NAMES),
        # finding: entries and requests that share words
        (700, {**NAMES, directories.directory: 190}),
        (100, {**MODULES, lookups.underscores: 8, directories.keyed: 400}),
        (551, {manuals.practice: 20, directories.keyed: 50, directories.directory: 30}),
        (1149, {**LONG, directories.directory: 50, directories.keyed: 60}),
        (
            1656,
            {**LONG, directories.directory: 50, directories.keyed: 30, directories.named: 120},
        ),
        # the whole vocabulary
        (250, {coverage.vocabulary: 8, coverage.quoted: 4, directories.named: 1}),
        (
            433,
            {
                **LONG, directories.directory: 50, directories.keyed: 30, directories.named: 80,
                coverage.vocabulary: 250, coverage.quoted: 220,
            },
        ),
        # finding by what is meant
        (
            1150,
            {
                manuals.contents: 300, manuals.practice: 40, directories.named: 40,
                coverage.vocabulary: 100, coverage.quoted: 80,
            },
        ),
        (120, {fields.related: 12, directories.roster: 1}),
        (
            500,
            {
                fields.related: 300, directories.roster: 300, manuals.practice: 30,
                directories.named: 20, coverage.vocabulary: 60, coverage.quoted: 40,
            },
        ),
        (247, SEARCH),
        (
            221,
            {coverage.forms: 30, directories.roster: 8, directories.named: 3, manuals.practice: 2},
        ),
        # finding what stands before
        (
            300,
            {
                directories.keyed_behind: 10, directories.roster: 2, directories.named: 1,
                coverage.forms: 4,
            },
        ),
        (113, FORMS),
        (
            250,
            {
                lookups.backwards: 10, directories.keyed: 2, directories.roster: 1,
                coverage.vocabulary: 2,
            },
        ),
        (195, FORMS),
        (
            300,
            {
                lookups.backwards: 10, directories.keyed_behind: 4, directories.roster: 2,
                coverage.vocabulary: 6,
            },
        ),
        (38, FORMS),
        (
            350,
            {
                lookups.backwards: 10, directories.keyed_behind: 8, lookups.echo: 2,
                directories.roster: 1, coverage.vocabulary: 2,
            },
        ),
        (93, FORMS),
        (1784, LAST),
        # the second course (12,500), with smaller matrices: what stands before, in one form first
        (250, {before.bare_row: 1}),
        (150, {before.bare_row: 1, before.bare_pairs: 3}),
        (350, {before.bare_row: 2, before.bare_pairs: 3, before.row: 4, before.pairs: 6}),
        (
            400,
            {
                before.bare_pairs: 1, before.row: 3, before.pairs: 4, before.entries: 6,
                before.parts: 4,
            },
        ),
        (1850, WHOLE),
        # the third course (15,500): what the second has not kept
        (
            120,
            {
                coverage.forms: 30, coverage.vocabulary: 10, before.entries: 6,
                directories.roster: 5, directories.named: 3, manuals.practice: 4,
            },
        ),
        (1130, KEPT),
        # the fourth course (16,750): what stands before, in sentences, then in modules
        (250, {before.bare_scattered: 8, before.bare_pairs: 1}),
        (
            200,
            {
                before.bare_scattered: 4, before.scattered: 8, before.entries: 4, before.parts: 2,
                once.sentences: 4,
            },
        ),
        (
            300,
            {
                before.scattered: 4, before.entries: 2, before.parts: 1, once.sentences: 4,
                once.worded: 8,
            },
        ),
        (
            350,
            {
                before.bare_scattered: 1, before.scattered: 4, before.entries: 2, before.parts: 1,
                once.sentences: 8, once.worded: 8, once.module: 4, coverage.forms: 1,
            },
        ),
        (1150, ONCE),
        # the fifth course (19,000): what the fourth has not kept
        (
            120,
            {
                coverage.forms: 30, coverage.vocabulary: 15, coverage.quoted: 10,
                lookups.extraction: 6, once.module: 10, once.worded: 5, before.scattered: 3,
                manuals.practice: 5,
            },
        ),
        (980, KEPT_AGAIN),
        # the sixth course (20,100): calls with several values
        (
            300,
            {
                arguments.several: 40, once.module: 10, once.worded: 4, before.scattered: 2,
                coverage.forms: 10, coverage.vocabulary: 6, coverage.quoted: 4,
                manuals.practice: 4,
            },
        ),
        (1500, SEVERAL),
        # the seventh course (21,900): calls that are spelled in other ways
        (1100, SPELLED),
        # the eighth course (23,000): what stands between words
        (
            200,
            {
                coverage.pieces: 60, coverage.vocabulary: 10, coverage.forms: 10,
                arguments.spelled: 10, once.module: 6, manuals.practice: 4, before.scattered: 2,
            },
        ),
        (None, {**SPELLED, coverage.pieces: 600}),
    )
)  # fmt: skip


def stage_of(step: int) -> Stage:
    """The stage that a step belongs to."""
    for stage in CURRICULUM:
        if stage.steps is None or step < stage.steps:
            return stage
        step -= stage.steps
    raise AssertionError("the last stage has no end")
