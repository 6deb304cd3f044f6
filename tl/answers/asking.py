"""Which questions go together, and the one loop over them.

The plan is made of all questions, answered or not, and a batch is answered as a whole or not at
all. So a run that was killed forms the same batches when it goes on, and says the same, bit by bit:
no reply depends on when it was given.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

from tqdm import tqdm

from tl.agent import loop
from tl.agent.reply import decode_reply
from tl.answers.journal import Journal
from tl.answers.model import Model
from tl.bench.records import Play, Sets

Row = dict[str, Any]  # of predictions.jsonl


class Batch(NamedTuple):
    """What is asked together. ids: of the rows that `ask` returns."""

    ids: tuple[str, ...]
    ask: Callable[[], list[Row]]


def row_ids(sets: Sets) -> list[str]:
    """The lines of predictions.jsonl, in the order of the sets."""
    return [each.conversation.id for items in sets.values() for each in items]


def digest(sets: Sets) -> str:
    """Another one for any other question."""
    asked = hashlib.sha256()
    for name, items in sets.items():
        asked.update(repr((name, [each.conversation for each in items])).encode())
    return asked.hexdigest()[:16]


def answer(model: Model, sets: Sets, batch_size: int, journal: Journal) -> list[Row]:
    """The rows of predictions.jsonl, in the order of the sets. What the journal has is not asked
    again.
    """
    batches = plan(model, sets, batch_size)
    done = sum(len(batch.ids) for batch in batches if journal.has(batch.ids))
    total = sum(len(batch.ids) for batch in batches)
    with tqdm(total=total, initial=done, desc="asking", unit="case", disable=None) as bar:
        for number, batch in enumerate(batches):
            if journal.has(batch.ids):
                continue
            model.begin(number)
            journal.add(batch.ask())
            bar.update(len(batch.ids))
    return [journal.rows[each] for each in row_ids(sets)]


def plan(model: Model, sets: Sets, batch_size: int) -> list[Batch]:
    """All batches, in the order in which they are asked: the longest prompts of a kind first, which
    shows at once whether they fit into memory.
    """
    items = [each for of in sets.values() for each in of]
    plays = [each for each in items if isinstance(each, Play)]
    single = [each for each in items if not isinstance(each, Play)]
    return [*_replies(model, single, batch_size), *_plays(model, plays, batch_size)]


# --- one reply to each


def _replies(model: Model, items: Sequence, batch_size: int) -> Iterator[Batch]:
    """Equal prompts are asked once. A prompt that fills the context, so that no token could follow,
    gets a blank reply.
    """
    asking: dict[tuple[int, ...], list[str]] = {}  # prompt -> ids
    for each in items:
        prompt = tuple(model.encoder.prompt_ids(each.conversation))
        asking.setdefault(prompt, []).append(each.conversation.id)
    full = [name for p, ids in asking.items() if len(p) >= model.positions for name in ids]
    if full:
        print(f"{len(full)} of {len(items)} prompts fill the {model.positions:,} positions of the "
              "model; their replies count as blank")  # fmt: skip
        yield Batch(tuple(full), lambda: [{"id": name, "text": ""} for name in full])
    waiting = sorted((p for p in asking if len(p) < model.positions), key=len, reverse=True)
    for start in range(0, len(waiting), batch_size):
        prompts = waiting[start : start + batch_size]
        named = [asking[prompt] for prompt in prompts]
        ids = tuple(name for of in named for name in of)
        yield Batch(ids, partial(_first_replies, model, prompts, named))


def _first_replies(model: Model, prompts: Sequence[tuple], named: Sequence[list]) -> list[Row]:
    """{"id", "text"} of each, and "cut" where the reply grew too long."""
    made = model.generate(list(map(list, prompts)))
    rows = []
    for ids, names, is_whole in zip(made.ids, named, made.finished, strict=True):
        said = {"text": decode_reply(ids, model.tokenizer, model.eos_ids)}
        said |= {} if is_whole else {"cut": True}
        rows += [{"id": name} | said for name in names]
    return rows


# --- a task, played to its end


def _plays(model: Model, plays: Sequence[Play], batch_size: int) -> Iterator[Batch]:
    lengths = [len(model.encoder.prompt_ids(each.conversation)) for each in plays]
    order = sorted(range(len(plays)), key=lambda place: -lengths[place])
    for start in range(0, len(plays), batch_size):
        batch = [plays[place] for place in order[start : start + batch_size]]
        ids = tuple(each.conversation.id for each in batch)
        yield Batch(ids, partial(_episodes, model, batch))


def _episodes(model: Model, plays: Sequence[Play]) -> list[Row]:
    """{"id", "turns", "end"} of each."""
    player = loop.Loop(
        model.tokenizer, model.encoder.dialect, model.generate,
        max_positions=model.positions, eos_ids=model.eos_ids,
    )  # fmt: skip
    episodes = player.run([_task(each) for each in plays])
    return [_row(*both) for both in zip(plays, episodes, strict=True)]


def _task(each: Play) -> loop.Task:
    return loop.Task(each.conversation, each.execute, lambda question: each.reply)


def _row(each: Play, episode: loop.Episode) -> Row:
    turns = [{"text": turn.text, "feedback": turn.feedback} for turn in episode.turns]
    return {"id": each.conversation.id, "turns": turns, "end": episode.end.value}
