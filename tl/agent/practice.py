"""What a policy learns on, and is measured on: one reply to an entry, or a whole exercise.

Both are tasks of the runtime loop. An entry is one turn of it, its call is not executed; an
exercise goes on until it ends.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch

from tl import InputError
from tl.agent.generation import checked_generate, stop_ids
from tl.agent.loop import MAX_TURNS, Episode, Generate, Loop, Observer, Task
from tl.calls.schema import Call, Conversation, Message
from tl.data.encode import Encoder
from tl.data.entries import Entry, read_entries
from tl.data.tokenizer import Tokenizer
from tl.dialects import Dialect
from tl.generate import Generations
from tl.model.decoder import Decoder
from tl.run.parallel import Group
from tl.world.case_sets import read_sets
from tl.world.datasets import write_datasets
from tl.world.exercises import Exercise, make_exercises
from tl.world.heldout import Case

WORLD = "world"  # in the place of a file: the embedded tool world

Item = Entry | Exercise


class Player:
    """A model at work on items. source: its directory, for messages."""

    def __init__(
        self,
        model: Decoder,
        tokenizer: Tokenizer,
        dialect: Dialect,
        max_new_tokens: int,
        source: str,
    ):
        self._tokenizer, self._dialect = tokenizer, dialect
        self._positions, self._length = model.config.max_position_embeddings, max_new_tokens
        self._eos_ids = stop_ids(tokenizer, model, source)
        self._encoder = Encoder(tokenizer, dialect)
        self._generate = partial(
            checked_generate, model, source=source, max_new_tokens=max_new_tokens,
            eos_ids=self._eos_ids,
        )  # fmt: skip

    def sample(
        self,
        prompts: list[list[int]],
        streams: Sequence[int],
        temperature: float,
        generator: torch.Generator,
    ) -> Generations:
        """Replies drawn at a temperature; streams: see `tl.generate`."""
        return self._generate(
            prompts, temperature=temperature, generator=generator, streams=streams
        )

    def answer(self, items: Sequence[Entry], batch_size: int) -> list[Episode]:
        """The likeliest reply to each entry."""
        greedy = partial(self._generate, temperature=0.0)
        episodes = []
        for start in range(0, len(items), batch_size):
            episodes += self.play(items[start : start + batch_size], greedy)
        return episodes

    def play(
        self, items: Sequence[Item], generate: Generate, observer: Observer | None = None
    ) -> list[Episode]:
        """Items of one kind, all to their end."""
        turns = 1 if isinstance(items[0], Entry) else MAX_TURNS
        loop = Loop(
            self._tokenizer, self._dialect, generate, max_positions=self._positions,
            max_turns=turns, eos_ids=self._eos_ids, keeps_ids=True,
        )  # fmt: skip
        return loop.run([_task(item) for item in items], observer)

    def check_room(self, item: Item) -> None:
        """InputError where the model has no room for a reply behind the context."""
        context = context_of(item)
        tokens = len(self._encoder.prompt_ids(context))
        if tokens + self._length > self._positions:
            raise InputError(
                f"{context.source or context.id}: the context has {tokens} tokens, with "
                f"--response_length {self._length} more than the {self._positions} positions of "
                "the model; shorten it, or leave such records out with --on_bad_record skip"
            )


def context_of(item: Item) -> Conversation:
    """What stands before the first reply."""
    return item.context if isinstance(item, Entry) else item.opening


class Material(NamedTuple):
    """items: to learn on. held_out: sets of entries by name. skipped: a message for each record or
    entry that was left out."""

    items: list[Item]
    held_out: dict[str, list[Entry]]
    skipped: list[str]

    def digest(self) -> str:
        """A short fingerprint of all that is learned from, in order."""
        return hashlib.sha256("\n".join(map(repr, self.items)).encode()).hexdigest()[:16]


def read_material(
    data: str,
    eval_data: str | None,
    exercises: int,
    *,
    folder: Path,
    check: Callable[[Item], None],
    skips: bool,
    group: Group,
) -> Material:
    """Files of entries, or WORLD, whose files are written to `folder`. Collective.

    exercises: so many of the world beside its entries. check: raises InputError for an item that
    cannot be used. skips: what cannot be used is left out; else the first such raises InputError.
    """
    material = Material([], {}, [])
    if WORLD in (data, eval_data):
        with group.main_first():
            if group.is_main:
                write_datasets(folder)
    skip = (lambda error: material.skipped.append(str(error))) if skips else None

    def read(path: str | Path) -> list[Entry]:
        entries = _usable(read_entries(path, skip), check, skip)
        if not entries:
            first = material.skipped[-1]
            raise InputError(f"{path}: nothing is left of it, the last that was skipped: {first}")
        return entries

    material.items.extend(read(folder / "rl.json" if data == WORLD else data))
    material.items.extend(_usable(make_exercises(exercises), check, skip))
    if eval_data == WORLD:
        material.held_out.update(_held_out_entries(folder))
    elif eval_data is not None:
        material.held_out["data"] = read(eval_data)
    return material


def _usable(
    items: Iterable[Item], check: Callable[[Item], None], skip: Callable | None
) -> list[Item]:
    usable = []
    for item in items:
        try:
            check(item)
        except InputError as error:
            if skip is None:
                raise
            skip(error)
        else:
            usable.append(item)
    return usable


def _held_out_entries(folder: Path) -> dict[str, list[Entry]]:
    """First calls with the tools of the training data, and with others."""

    def entry(case: Case) -> Entry:
        query = Message("user", case.query)
        return Entry(Conversation(case.id, case.tools, (query,), case.id), case.golds)

    sets = read_sets(folder, ("seen", "unseen"))
    return {name: [entry(case) for case in cases] for name, cases in sets.items()}


def golds_of(item: Item) -> tuple[Call, ...]:
    """What the teacher does: one call, or all of an exercise."""
    return item.golds[:1] if isinstance(item, Entry) else item.calls


def _task(item: Item) -> Task:
    if isinstance(item, Entry):
        return Task(item.context, lambda call: "")
    return Task(item.opening, item.world().execute, lambda question: item.reply)
