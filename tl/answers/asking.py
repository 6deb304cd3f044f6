"""Which questions go together, and the one loop over them.

The plan is made of all questions, answered or not, and a batch is answered as a whole or not at
all. So a run that was killed forms the same batches when it goes on, and says the same, bit by bit:
no reply depends on when it was given.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import Any, NamedTuple

from tqdm import tqdm

from tl.agent import loop
from tl.agent.reply import decode_reply
from tl.answers.journal import Journal
from tl.answers.likelihood import log_likelihoods
from tl.answers.model import Model
from tl.bench.records import Item, Play, Sets, TextQuestion, item_id

Row = dict[str, Any]  # of predictions.jsonl


class Batch(NamedTuple):
    """What is asked together. ids: of the rows that `ask` returns."""

    ids: tuple[str, ...]
    ask: Callable[[], list[Row]]


def row_ids(sets: Sets) -> list[str]:
    """The lines of predictions.jsonl, in the order of the sets."""
    return [item_id(each) for items in sets.values() for each in items]


def digest(sets: Sets) -> str:
    """Another one for any other question."""
    asked = hashlib.sha256()
    for name, items in sets.items():
        asked.update(repr((name, [_shown(each) for each in items])).encode())
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
    kinds: dict[Callable, list[Item]] = {_replies: [], _choices: [], _plays: []}
    for items in sets.values():
        for each in items:
            kinds[_kind(each)].append(each)
    return [
        batch for batches, of in kinds.items() for batch in batches(model, of, batch_size)
    ]  # fmt: skip


def _kind(item: Item) -> Callable:
    if isinstance(item, TextQuestion) and item.options:
        return _choices
    return _plays if isinstance(item, Play) else _replies


def _shown(item: Item) -> Any:
    """What of an item decides the reply."""
    return item if isinstance(item, TextQuestion) else item.conversation


# --- one reply to each


class _Prompt(NamedTuple):
    """ids: of tokens. longest: tokens of the reply. shots: examples in it, None: no such thing."""

    ids: tuple[int, ...]
    longest: int | None = None
    shots: int | None = None


def _replies(model: Model, items: Sequence[Item], batch_size: int) -> Iterator[Batch]:
    """Equal prompts are asked once. A prompt that fills the context, so that no token could follow,
    gets a blank reply.
    """
    asking: dict[_Prompt, list[str]] = {}  # -> ids of its rows
    for each in items:
        asking.setdefault(_prompt(model, each), []).append(item_id(each))
    full = [name for p, ids in asking.items() if len(p.ids) >= model.positions for name in ids]
    if full:
        print(f"{len(full)} of {len(items)} prompts fill the {model.positions:,} positions of the "
              "model; their replies count as blank")  # fmt: skip
        yield Batch(tuple(full), lambda: [{"id": name, "text": ""} for name in full])
    fitting = [prompt for prompt in asking if len(prompt.ids) < model.positions]
    fitting.sort(key=lambda prompt: (prompt.longest or 0, len(prompt.ids)), reverse=True)
    for _, alike in groupby(fitting, key=lambda prompt: prompt.longest):
        for prompts in _cut(list(alike), batch_size):
            named = [asking[prompt] for prompt in prompts]
            ids = tuple(name for of in named for name in of)
            yield Batch(ids, partial(_first_replies, model, prompts, named))


def _first_replies(model: Model, prompts: Sequence[_Prompt], named: Sequence[list]) -> list[Row]:
    """{"id", "text"} of each, "cut" where the reply grew too long, "shots" where not all had room.
    """
    made = model.generate([list(prompt.ids) for prompt in prompts], prompts[0].longest)
    rows = []
    for prompt, ids, names, is_whole in zip(prompts, made.ids, named, made.finished, strict=True):
        said = {"text": decode_reply(ids, model.tokenizer, model.eos_ids)}
        said |= {} if is_whole else {"cut": True}
        said |= {} if prompt.shots is None else {"shots": prompt.shots}
        rows += [{"id": name} | said for name in names]
    return rows


def _prompt(model: Model, item: Item) -> _Prompt:
    if isinstance(item, TextQuestion):
        longest = model.longest(item.longest)
        return _text_prompt(model, item, model.positions - longest)._replace(longest=longest)
    return _Prompt(tuple(model.encoder.prompt_ids(item.conversation)))


def _text_prompt(model: Model, item: TextQuestion, room: int) -> _Prompt:
    """The question with as many of its examples as have room."""
    for shots in range(len(item.shots), -1, -1):
        ids = model.text_ids(item.prompt(shots))
        if len(ids) <= room:
            break
    return _Prompt(tuple(ids), shots=None if shots == len(item.shots) else shots)


def _cut(items: Sequence, size: int) -> Iterator[Sequence]:
    return (items[start : start + size] for start in range(0, len(items), size))


# --- the likeliest of several options


def _choices(model: Model, items: Sequence[TextQuestion], size: int) -> Iterator[Batch]:
    options = {each: model.tokenizer.encode_segment(each) for of in items for each in of.options}
    longest = max(map(len, options.values()), default=0)
    prompts = {each.id: _text_prompt(model, each, model.positions - longest) for each in items}
    order = sorted(items, key=lambda each: len(prompts[each.id].ids), reverse=True)
    for batch in _cut(order, size):
        ask = partial(_likeliest, model, batch, [prompts[each.id] for each in batch], options)
        yield Batch(tuple(each.id for each in batch), ask)


def _likeliest(
    model: Model, items: Sequence[TextQuestion], prompts: Sequence[_Prompt],
    options: dict[str, list[int]],
) -> list[Row]:  # fmt: skip
    """{"id", "text": the likeliest option, "logprobs": of all}, and "shots" as above."""
    offered = [[options[each] for each in item.options] for item in items]
    found = log_likelihoods(model.decoder, [list(prompt.ids) for prompt in prompts], offered)
    rows = []
    for item, prompt, logprobs in zip(items, prompts, found, strict=True):
        best = item.options[logprobs.index(max(logprobs))]
        row = {"id": item.id, "text": best, "logprobs": logprobs}
        rows.append(row | ({} if prompt.shots is None else {"shots": prompt.shots}))
    return rows


# --- a task, played to its end


def _plays(model: Model, plays: Sequence[Play], batch_size: int) -> Iterator[Batch]:
    lengths = [len(model.encoder.prompt_ids(each.conversation)) for each in plays]
    order = sorted(range(len(plays)), key=lambda place: -lengths[place])
    for places in _cut(order, batch_size):
        batch = [plays[place] for place in places]
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
