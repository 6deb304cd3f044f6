"""What a policy learns on, and is measured on: entries, exercises, held-out entries."""

import hashlib
import random
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from tl import InputError
from tl.calls.schema import Call, Conversation, Message
from tl.data.entries import Entry, read_entries
from tl.data.rereading import Rereading, Shares
from tl.run.parallel import Group
from tl.world.case_sets import read_sets
from tl.world.datasets import write_datasets
from tl.world.exercises import Exercise, make_exercises
from tl.world.heldout import Case

WORLD = "world"  # in the place of a file: the embedded tool world

Item = Entry | Exercise


def context_of(item: Item) -> Conversation:
    """What stands before the first reply."""
    return item.context if isinstance(item, Entry) else item.opening


def golds_of(item: Item) -> tuple[Call, ...]:
    """What the teacher does: one call, or all of an exercise."""
    return item.golds[:1] if isinstance(item, Entry) else item.calls


class Material(NamedTuple):
    """items: to learn on. held_out: sets of entries by name. skipped: a message for each record or
    entry that was left out."""

    items: list[Item]
    held_out: dict[str, list[Entry]]
    skipped: list[str]

    def digest(self) -> str:
        """A short fingerprint of all that is learned from, in order."""
        return hashlib.sha256("\n".join(map(repr, self.items)).encode()).hexdigest()[:16]


class Draws:
    """Items as they are practised: at each step shares of the entries are changed, anew. Exercises
    are not: the world knows its tools as they are.

    check: raises InputError for an item that cannot be used; such an entry stays as it was.
    """

    def __init__(self, items: list[Item], shares: Shares, seed: int, check: Callable[[Item], None]):
        self._items, self._seed, self._check = items, seed, check
        contexts = [item.context for item in items if isinstance(item, Entry)]
        self._rereading = Rereading(contexts, shares)

    def item(self, index: int, step: int) -> Item:
        """Item number `index`, at a step."""
        item, rng = self._items[index], random.Random(f"{self._seed} {step} {index}")
        made = item if isinstance(item, Exercise) else self._rereading.entry(item, rng)
        try:
            if made is not item:
                self._check(made)
        except InputError:
            return item
        return made


def read_material(
    data: str,
    eval_data: str | None,
    exercises: int,
    *,
    folder: Path,
    check: Callable[[Item], None],
    skips: bool,
    fewest: int,
    group: Group,
) -> Material:
    """Files of entries, or WORLD, whose files are written to `folder`. Collective.

    exercises: so many of the world beside its entries. check: raises InputError for an item that
    cannot be used. skips: what cannot be used is left out; else the first such raises InputError.
    fewest: items that a rollout needs; fewer raise InputError.
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
    if len(material.items) < fewest:
        raise InputError(
            f"--data {data}: {len(material.items)} items, expected as many at least as the "
            f"contexts of one rollout, {fewest}; lower --per_device_rollout_batch_size"
        )
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
