"""What the policy did: episodes as tensors.

    read        <s> ... Assistant :   ▁now  (   )   \\n Output : 12:00 \\n Assistant :  ▁finish  (
    actions                      ▁now  (    )  </s>                            ▁finish    (   ..
    rewards                       0    0    0   1                                  0       0

An action is a token that the policy chose; its place is that of the token read before. The ids of
an episode are the ones that were sampled and read: nothing is decoded and encoded again on the way.
What the environment says in between is read too, but has no slot among the actions, so that it can
enter no loss, no advantage and no KL.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from tl.rl.irm import UNPARSEABLE

Judge = Callable[[str], float]  # the text of a reply -> its reward


class Generations(Protocol):
    """What a sampler returns, one of each per prompt; ids with the stop id that ended them."""

    ids: list[list[int]]
    logprobs: list[list[float]]
    finished: list[bool]


Sample = Callable[[list[list[int]], list[int]], Generations]  # prompts, random streams


class Rollout(NamedTuple):
    """S episodes of at most A actions. Tensors of shape [S, A] hold 0 behind an episode's end.

    input_ids: S of int64[T_s], the tokens read; a last token after which nothing was chosen is
        there only where the episode was cut off.
    places: S of int64[A_s], where in input_ids each action was chosen.
    actions: int64[S, A]. action_mask: bool[S, A], True = an action.
    call_mask: bool[S, A], True on the last token of each reply, where its reward stands.
    logprobs: float32[S, A], log p(action) at sampling time, at its temperature.
    rewards: float32[S, A].
    cut: bool[S], the last reply was cut off before its end.
    ends: S words, how each episode ended.
    ref_logprobs, values, advantages, returns: float32[S, A]; bootstrap: float32[S], the value
        behind the episode's end. All 0 until they are computed.
    """

    input_ids: tuple[Tensor, ...]
    places: tuple[Tensor, ...]
    actions: Tensor
    action_mask: Tensor
    call_mask: Tensor
    logprobs: Tensor
    rewards: Tensor
    cut: Tensor
    ends: tuple[str, ...]
    ref_logprobs: Tensor
    values: Tensor
    bootstrap: Tensor
    advantages: Tensor
    returns: Tensor

    @property
    def size(self) -> int:
        """S"""
        return len(self.input_ids)

    def scored(self, ref_logprobs: Tensor, values: Tensor, bootstraps: bool) -> "Rollout":
        """With log p of the reference at `rows()`, [N], and the critic's values at
        `rows_and_ends()`, [N + S].

        bootstraps: an episode that was cut off goes on with the value behind its last token.
        """
        grid = torch.zeros_like(self.logprobs)
        values, end_values = values.split([len(ref_logprobs), self.size])
        return self._replace(
            ref_logprobs=grid.masked_scatter(self.action_mask, ref_logprobs.float()),
            values=grid.masked_scatter(self.action_mask, values),
            bootstrap=torch.where(self.cut & bootstraps, end_values, 0.0),
        )

    def select(self, episodes: Sequence[int]) -> "Rollout":
        """These episodes alone, in this order."""
        index = torch.tensor(list(episodes), dtype=torch.int64, device=self.actions.device)
        parts = (
            each[index] if isinstance(each, Tensor) else tuple(each[i] for i in episodes)
            for each in self
        )
        return Rollout(*parts)

    def passes(self, epochs: int, count: int, generator: torch.Generator) -> Iterator["Rollout"]:
        """All episodes in random order, those of one context together, `epochs` times, each time
        dealt into `count` minibatches of nearly as many contexts; empty ones where there are too
        few, so that all processes that share a batch take as many steps."""
        groups = self._groups()
        for _ in range(epochs):
            order = torch.randperm(len(groups), generator=generator).tolist()
            for i in range(count):
                yield self.select([e for group in order[i::count] for e in groups[group]])

    def parts(self, size: int) -> list["Rollout"]:
        """The episodes in groups of at most `size`, for one pass through a model each."""
        starts = range(0, self.size, size)
        return [self.select(range(i, min(i + size, self.size))) for i in starts]

    def packed(self, shared: bool = False) -> dict[str, Any]:
        """The arguments of a decoder: all episodes end to end, without padding.

        shared: what neighbours have in common before their first action is there once, and they
        branch off behind it.
        """
        layout, device = self._layout(shared), self.input_ids[0].device
        lengths = [stem + sum(branches) for stem, branches, _ in layout]
        ids, positions = [], []
        for stem, _, episodes in layout:
            ids += [self.input_ids[episodes[0]][:stem]]
            ids += [self.input_ids[episode][stem:] for episode in episodes]
            positions += [torch.arange(stem, device=device)]
            positions += [torch.arange(stem, len(self.input_ids[e]), device=device)
                          for e in episodes]  # fmt: skip
        has_branches = any(len(branches) > 1 for _, branches, _ in layout)
        return {
            "input_ids": torch.cat(ids),  # [T]
            "position_ids": torch.cat(positions),  # [T]
            "cu_seqlens": torch.tensor([0, *lengths]).cumsum(0).to(torch.int32),
            "lengths": lengths,
            "branches": [branches for _, branches, _ in layout] if has_branches else None,
        }

    def rows(self, shared: bool = False) -> Tensor:
        """int64[N]: where in the packed stream each action was chosen, N = action_mask.sum(); the
        order is that of `actions[action_mask]`."""
        return torch.cat(self._in_stream(list(self.places), shared))

    def rows_and_ends(self, shared: bool = False) -> Tensor:
        """int64[N + S]: `rows()`, then the last token of each episode."""
        ends = [torch.tensor([len(ids) - 1], device=ids.device) for ids in self.input_ids]
        return torch.cat([self.rows(shared), *self._in_stream(ends, shared)])

    def _groups(self) -> list[list[int]]:
        """The episodes; neighbours that begin with the same context together."""
        groups: list[list[int]] = []
        last = None
        for episode, (ids, places) in enumerate(zip(self.input_ids, self.places, strict=True)):
            context = ids[: int(places[0]) + 1]
            if last is None or not torch.equal(context, last):
                groups.append([])
            groups[-1].append(episode)
            last = context
        return groups

    def _layout(self, shared: bool) -> list[tuple[int, list[int], list[int]]]:
        """Of each sequence in the packed stream: the tokens of its stem and of what branches off
        there, and the episodes that these belong to. Unshared all of an episode is its branch."""
        if not shared:
            return [(0, [len(ids)], [e]) for e, ids in enumerate(self.input_ids)]
        layout = []
        for episodes in self._groups():
            stem = int(self.places[episodes[0]][0]) + 1
            layout.append((stem, [len(self.input_ids[e]) - stem for e in episodes], episodes))
        return layout

    def _in_stream(self, places: list[Tensor], shared: bool) -> list[Tensor]:
        """Places in each episode -> places in the packed stream."""
        found, start = [], 0
        for stem, branches, episodes in self._layout(shared):
            behind = start + stem
            for episode, length in zip(episodes, branches, strict=True):
                place = places[episode]
                found.append(torch.where(place < stem, start + place, behind + place - stem))
                behind += length
            start = behind
        return found


@dataclass
class _Trace:
    """One episode on its way."""

    ids: list[int] = field(default_factory=list)  # read so far
    places: list[int] = field(default_factory=list)
    actions: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    rewards: list[float] = field(default_factory=list)
    calls: list[bool] = field(default_factory=list)
    replies: list[tuple[str, float]] = field(default_factory=list)
    finished: bool = True

    def extend(self, prompt: Sequence[int], ids: list[int], logprobs: list[float], finished: bool):
        """A reply: ids that were sampled behind the prompt."""
        prompt = list(prompt)
        assert prompt[: len(self.ids)] == self.ids, "a prompt that does not continue the episode"
        assert ids, "a reply without a token"
        self.ids = prompt + (ids[:-1] if finished else ids)
        self.places += range(len(prompt) - 1, len(prompt) + len(ids) - 1)
        self.actions += ids
        self.logprobs += logprobs
        self.rewards += [0.0] * len(ids)
        self.calls += [False] * (len(ids) - 1) + [True]
        self.finished = finished


class Recorder:
    """Samples replies and keeps them. It is the generator and the observer of a runtime loop, or
    is called directly: `on_round`, the call, `on_text`.

    sample: prompts and random streams -> Generations. judges: for each episode, what its replies
    are worth. streams: the number of each episode among those of all processes. cut_reward: of a
    reply that was cut off before its end, whatever it says.
    """

    def __init__(
        self,
        sample: Sample,
        judges: Sequence[Judge],
        streams: Sequence[int],
        cut_reward: float = UNPARSEABLE,
    ):
        self._sample, self._judges, self._streams = sample, judges, streams
        self._cut_reward = cut_reward
        self._traces = [_Trace() for _ in judges]
        self._numbers: list[int] = []

    def on_round(self, numbers: Sequence[int]) -> None:
        """The next prompts are those of these episodes."""
        self._numbers = list(numbers)

    def __call__(self, prompts: list[list[int]]) -> Generations:
        """A reply to each prompt."""
        made = self._sample(prompts, [self._streams[number] for number in self._numbers])
        replies = zip(self._numbers, prompts, made.ids, made.logprobs, made.finished, strict=True)
        for number, prompt, ids, logprobs, finished in replies:
            self._traces[number].extend(prompt, ids, logprobs, finished)
        return made

    def on_reply(self, number: int, reply: object) -> None:
        """Nothing to keep: the ids have been."""

    def on_turn(self, number: int, turn) -> None:
        """The loop is done with a reply; `turn.text` is what was said."""
        self.on_text(number, turn.text)

    def on_text(self, number: int, text: str) -> float:
        """The reward of the last reply of an episode, whose text this is."""
        trace = self._traces[number]
        value = self._judges[number](text) if trace.finished else self._cut_reward
        trace.rewards[-1] = value
        trace.replies.append((text, value))
        return value

    @property
    def replies(self) -> list[list[tuple[str, float]]]:
        """The texts of each episode's replies, and their rewards."""
        return [trace.replies for trace in self._traces]

    def rollout(self, ends: Sequence[str], device: torch.device | str = "cpu") -> Rollout:
        """Everything that was recorded. ends: how each episode ended."""
        traces = self._traces
        longest = max(len(trace.actions) for trace in traces)

        def grid(name: str, dtype: torch.dtype) -> Tensor:
            rows = (getattr(trace, name) for trace in traces)
            padded = [[*row, *[0] * (longest - len(row))] for row in rows]
            return torch.tensor(padded, dtype=dtype).to(device)  # [S, A]

        counts = torch.tensor([len(trace.actions) for trace in traces])
        empty = torch.zeros(len(traces), longest, device=device)
        return Rollout(
            input_ids=tuple(torch.tensor(trace.ids).to(device) for trace in traces),
            places=tuple(torch.tensor(trace.places).to(device) for trace in traces),
            actions=grid("actions", torch.int64),
            action_mask=(torch.arange(longest) < counts[:, None]).to(device),
            call_mask=grid("calls", torch.bool),
            logprobs=grid("logprobs", torch.float32),
            rewards=grid("rewards", torch.float32),
            cut=torch.tensor([not trace.finished for trace in traces]).to(device),
            ends=tuple(ends),
            ref_logprobs=empty, values=empty, advantages=empty, returns=empty,
            bootstrap=torch.zeros(len(traces), device=device),
        )  # fmt: skip


def join(rollouts: Sequence[Rollout]) -> Rollout:
    """All episodes of several rollouts, in their order."""
    longest = max(rollout.actions.shape[1] for rollout in rollouts)

    def joined(parts: tuple):
        if not isinstance(parts[0], Tensor):
            return tuple(each for part in parts for each in part)
        if parts[0].dim() == 1:
            return torch.cat(parts)
        wide = [torch.nn.functional.pad(part, (0, longest - part.shape[1])) for part in parts]
        return torch.cat(wide)

    return Rollout(*(joined(parts) for parts in zip(*rollouts, strict=True)))
