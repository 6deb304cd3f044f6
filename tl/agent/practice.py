"""A policy at work on what it learns from: one reply to an entry, or a whole exercise.

Both are tasks of the runtime loop. An entry is one turn of it, its call is not executed; an
exercise goes on until it ends. The prompts keep the ids that were sampled, so that what is learned
from is what was said.
"""

from collections.abc import Callable, Sequence
from functools import partial

import torch

from tl import InputError
from tl.agent.generation import checked_generate, stop_ids
from tl.agent.loop import MAX_TURNS, Episode, Generate, Loop, Observer, Task
from tl.agent.material import Item, context_of, golds_of
from tl.calls.parse import CallError, scan_call
from tl.calls.schema import Call
from tl.calls.write import format_call
from tl.data.encode import Encoder
from tl.data.entries import Entry
from tl.data.tokenizer import Tokenizer
from tl.data.turns import WITHOUT_FEEDBACK
from tl.dialects import Dialect
from tl.model.decoder import Decoder
from tl.rl.irm import UNPARSEABLE, reward, reward_along
from tl.rl.metrics import held_out_metrics, held_out_sums
from tl.rl.rollout import Recorder, Rollout, join
from tl.run.parallel import Group, autocast
from tl.world.exercises import Exercise


class Player:
    """A model that plays items.

    source: its directory, for messages. max_new_tokens: of a reply. temperature: of sampling.
    copies: episodes of each item in a rollout. cost: of a tool call where none is needed.
    cut_reward: of a reply that was cut off. dtype: of the computation.
    """

    def __init__(
        self,
        model: Decoder,
        tokenizer: Tokenizer,
        dialect: Dialect,
        *,
        source: str,
        max_new_tokens: int,
        temperature: float,
        copies: int,
        cost: float,
        cut_reward: float,
        dtype: torch.dtype,
    ):
        self._positions, self._length = model.config.max_position_embeddings, max_new_tokens
        self._encoder = Encoder(tokenizer, dialect)
        eos_ids = stop_ids(self._encoder, model, source)
        self._generate = partial(
            checked_generate, model, source=source, max_new_tokens=max_new_tokens, eos_ids=eos_ids
        )
        self._loop = partial(
            Loop, tokenizer, dialect, max_positions=self._positions, eos_ids=eos_ids,
            keeps_ids=True,
        )  # fmt: skip
        self._copies, self._cost = copies, cost
        self._temperature, self._cut_reward = temperature, cut_reward
        self._device, self._dtype = model.lm_head.weight.device, dtype

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

    def rollout(
        self,
        items: Sequence[Item],
        numbers: Sequence[int],
        generator: torch.Generator,
    ) -> tuple[Rollout, list[dict]]:
        """`copies` sampled episodes of each item, and what a reader wants to see of them.

        numbers: those of the items among the items of all processes, whose generators are alike:
        together they draw what one process would.
        """
        copies = self._copies
        items = [item for item in items for _ in range(copies)]
        streams = [number * copies + copy for number in numbers for copy in range(copies)]
        rollouts, samples = [], []
        for kind in (Entry, Exercise):
            places = [place for place, item in enumerate(items) if isinstance(item, kind)]
            if not places:
                continue
            played = [items[place] for place in places]
            draw = partial(self._draw, generator=generator)
            recorder = Recorder(
                draw, [self._judge(item) for item in played], [streams[place] for place in places],
                self._cut_reward,
            )  # fmt: skip
            episodes = self._play(played, recorder, recorder)
            ends = [episode.end.value for episode in episodes]
            rollouts.append(recorder.rollout(ends, self._device))
            samples += map(_sample, played, recorder.replies, ends)
        return join(rollouts), samples

    def evaluate(
        self, held_out: dict[str, list[Entry]], batch_size: int, group: Group
    ) -> dict[str, float]:
        """What the likeliest replies to held-out entries are worth. Collective."""
        found = {}
        for name, entries in held_out.items():
            sums = self._worth(entries[group.rank :: group.size], batch_size)
            found |= held_out_metrics(group.all_sum(sums.to(group.device)), name)
        return found

    def _worth(self, entries: Sequence[Entry], batch_size: int) -> torch.Tensor:
        turns = []
        for start in range(0, len(entries), batch_size):
            batch = entries[start : start + batch_size]
            episodes = self._play(batch, partial(self._generate, temperature=0.0))
            turns += [episode.turns[0] for episode in episodes]
        rewards = [judge(entry)(turn.text) for entry, turn in zip(entries, turns, strict=True)]
        called = [turn.call.name if isinstance(turn.call, Call) else None for turn in turns]
        over_calls = [name not in (None, *WITHOUT_FEEDBACK) for name in called]
        return held_out_sums(rewards, [entry.needs_no_tool for entry in entries], over_calls)

    def _judge(self, item: Item) -> Callable[[str], float]:
        """What a reply earns while it is practised: never less than one that says nothing, which
        would be the way out."""
        worth = judge(item)
        if isinstance(item, Exercise) or not item.needs_no_tool:
            return worth
        return lambda text: max(worth(text) - self._cost * _calls_a_tool(text), UNPARSEABLE)

    def _draw(self, prompts: list[list[int]], streams: list[int], generator: torch.Generator):
        return self._generate(
            prompts, temperature=self._temperature, generator=generator, streams=streams
        )

    def _play(
        self, items: Sequence[Item], generate: Generate, observer: Observer | None = None
    ) -> list[Episode]:
        """Items of one kind, all to their end."""
        turns = 1 if items and isinstance(items[0], Entry) else MAX_TURNS
        loop = self._loop(generate, max_turns=turns)
        with autocast(self._device, self._dtype):
            return loop.run([_task(item) for item in items], observer)


def judge(item: Item) -> Callable[[str], float]:
    """What a reply to the item is worth, from one reply to the next."""
    tools = context_of(item).tools
    if isinstance(item, Entry):
        return partial(reward, gold=item.golds, tools=tools)
    return partial(reward_along, plan=item.plan(), tools=tools)


def _calls_a_tool(text: str) -> bool:
    try:
        call, _ = scan_call(text.strip())
    except CallError:
        return False
    return call.name not in WITHOUT_FEEDBACK


def _task(item: Item) -> Task:
    if isinstance(item, Entry):
        return Task(item.context, lambda call: "")
    return Task(item.opening, item.world().execute, lambda question: item.reply)


def _sample(item: Item, replies: Sequence[tuple[str, float]], end: str) -> dict:
    """One row of samples.jsonl."""
    return {
        "prompt": context_of(item).messages[-1].content,
        "reply": [text for text, _ in replies],
        "reward": [value for _, value in replies],
        "gold": [format_call(call) for call in golds_of(item)],
        "end": end,
    }
