"""Rollouts: what was sampled is what is learned from, token by token; feedback is no action."""

from dataclasses import replace
from itertools import groupby
from typing import NamedTuple

import pytest
import torch
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from tests.micro import WORLD_MODEL, write_model
from tl.agent.loop import Loop, Task
from tl.data.encode import Encoder
from tl.data.tokenizer import load_tokenizer
from tl.dialects import get_dialect
from tl.generate import generate
from tl.model.hf import load_model
from tl.rl.irm import UNPARSEABLE
from tl.rl.rollout import Recorder, join
from tl.world.exercises import Exercise, make_exercises

TOKENIZER, DIALECT = load_tokenizer(WORLD_MODEL), get_dialect("codellama")
ENCODER = Encoder(TOKENIZER, DIALECT)
EOS = TOKENIZER.eos_id


class Generations(NamedTuple):
    ids: list[list[int]]
    logprobs: list[list[float]]
    finished: list[bool]


def made(replies: list[list[int]]) -> Generations:
    finished = [ids[-1] == EOS for ids in replies]
    return Generations(replies, [[-float(id % 7) for id in ids] for ids in replies], finished)


def letters(text: str) -> list[int]:
    """Ids of a text that the tokenizer itself would never write: character by character."""
    return [id for c in text for id in TOKENIZER.encode_segment(c)]


class Scripted:
    """Says the calls of a conversation's exercise, spelled in letters; sees every prompt."""

    def __init__(self, exercises: list[Exercise]):
        self.plans = [iter(exercise.calls) for exercise in exercises]
        self.prompts: list[tuple[int, list[int]]] = []
        self.said: list[list[list[int]]] = [[] for _ in exercises]

    def __call__(self, prompts, streams):
        replies = []
        for number, prompt in zip(streams, prompts, strict=True):
            call = next(self.plans[number])
            text = f"{call.name}({', '.join(f'{k} = {v!r}' for k, v in call.arguments.items())})"
            self.prompts.append((number, prompt))
            replies.append([*letters(" " + text), EOS])
            self.said[number].append(replies[-1])
        return made(replies)


def played(count: int = 12):
    exercises = list(make_exercises(count, seed=3))
    script = Scripted(exercises)
    recorder = Recorder(script, [lambda text: 1.0] * count, list(range(count)))
    loop = Loop(TOKENIZER, DIALECT, recorder, max_positions=10_000, keeps_ids=True)
    tasks = [Task(e.opening, e.world().execute, lambda q, e=e: e.reply) for e in exercises]
    episodes = loop.run(tasks, recorder)
    return exercises, script, episodes, recorder.rollout([e.end.value for e in episodes])


def test_an_episode_is_what_was_read_and_said():
    exercises, script, episodes, rollout = played()
    assert {len(exercise.calls) for exercise in exercises} >= {1, 2, 3}
    for number, exercise in enumerate(exercises):
        assert episodes[number].end.value == "finish"
        said = script.said[number]
        ids = rollout.input_ids[number].tolist()
        count = int(rollout.action_mask[number].sum())
        assert rollout.actions[number, :count].tolist() == [id for reply in said for id in reply]
        # behind each place stands the action, or what came instead of an end of turn
        places = rollout.places[number].tolist()
        for place, action in zip(places, rollout.actions[number, :count].tolist(), strict=True):
            if action != EOS:
                assert ids[place + 1] == action
        assert places[-1] == len(ids) - 1  # nothing is read behind the last choice
        # each prompt of the episode is the beginning of what was read
        for who, prompt in script.prompts:
            if who == number:
                assert ids[: len(prompt)] == prompt
        # the rest is what was never chosen: the request and the feedback
        chosen = {place + 1 for place in places}
        unchosen = TOKENIZER.decode([id for i, id in enumerate(ids) if i not in chosen])
        for message in episodes[number].conversation.messages:
            if message.role in ("tool", "user"):
                assert message.content in unchosen
        assert rollout.call_mask[number].sum() == len(exercise.calls)


def test_letters_are_not_what_the_tokenizer_writes():
    """So an episode that were encoded again somewhere would differ."""
    (exercise,) = make_exercises(1, seed=3)
    text = " " + exercise.calls[0].name
    assert letters(text) != TOKENIZER.encode_segment(text)


class Canonical:
    """Says the calls of an exercise as training records spell them."""

    def __init__(self, exercise: Exercise):
        self.start = len(ENCODER.prompt_ids(exercise.opening))
        self.opening, self.calls, self.prompts = exercise.opening, iter(exercise.calls), []

    def __call__(self, prompts):
        self.prompts += prompts
        reply = DIALECT.parse(write(next(self.calls)))
        said = replace(self.opening, messages=(*self.opening.messages, reply))
        return made([[*ENCODER(said).input_ids.tolist()[self.start :], EOS]])


@pytest.mark.parametrize("exercise", list(make_exercises(12, seed=5)), ids=lambda e: e.opening.id)
def test_a_conversation_continued_is_the_conversation_written_anew(exercise):
    """Where the model spells as the tokenizer does, both ways to make a prompt agree."""
    prompts = []
    for keeps_ids in (False, True):
        say = Canonical(exercise)
        loop = Loop(TOKENIZER, DIALECT, say, max_positions=10_000, keeps_ids=keeps_ids)
        loop.run([Task(exercise.opening, exercise.world().execute, lambda q: exercise.reply)])
        prompts.append(say.prompts)
    assert prompts[0] == prompts[1] and len(prompts[1]) == len(exercise.calls)


def write(call) -> str:
    return f"{call.name}({', '.join(f'{k} = {v!r}' for k, v in call.arguments.items())})"


def test_rewards_stand_on_the_last_token_of_each_reply():
    worth = iter([0.25, -1.5, 1.0])
    replies = iter([[5, 6, EOS], [7, EOS], [8, 9, 9, EOS]])
    recorder = Recorder(lambda p, s: made([next(replies)]), [lambda text: next(worth)], [0])
    prompt: list[int] = [1, 2]
    for _ in range(3):
        recorder.on_round([0])
        ids = recorder([prompt]).ids[0]
        recorder.on_text(0, "a reply")
        prompt = [*prompt, *ids[:-1], 3, 3, 3]
    rollout = recorder.rollout(["turns"])
    assert rollout.rewards.tolist() == [[0, 0, 0.25, 0, -1.5, 0, 0, 0, 1.0]]
    assert rollout.call_mask.long().tolist() == [[0, 0, 1, 0, 1, 0, 0, 0, 1]]
    assert rollout.input_ids[0].tolist() == [1, 2, 5, 6, 3, 3, 3, 7, 3, 3, 3, 8, 9, 9]
    assert rollout.places[0].tolist() == [1, 2, 3, 6, 7, 10, 11, 12, 13]


@pytest.mark.parametrize(("cut_reward", "value"), [(UNPARSEABLE, -2.0), (0.0, 0.0)])
def test_a_reply_that_was_cut_off_is_never_right(cut_reward, value):
    recorder = Recorder(lambda p, s: made([[5, 6]]), [lambda text: 1.0], [0], cut_reward)
    recorder.on_round([0])
    recorder([[1]])
    assert recorder.on_text(0, "right()") == value
    rollout = recorder.rollout(["length"])
    assert rollout.cut.tolist() == [True]
    assert rollout.input_ids[0].tolist() == [1, 5, 6]  # with the state in which it goes on
    values = torch.tensor([0.1, 0.2, 0.3])
    assert rollout.rows().tolist() == [0, 1] and rollout.rows_and_ends().tolist() == [0, 1, 2]
    scored = rollout.scored(torch.zeros(2), values, bootstraps=True)
    assert scored.bootstrap.tolist() == [pytest.approx(0.3)]
    assert scored.values.tolist() == [[pytest.approx(0.1), pytest.approx(0.2)]]
    assert rollout.scored(torch.zeros(2), values, bootstraps=False).bootstrap.tolist() == [0]


def test_a_prompt_that_does_not_continue_the_episode_is_a_defect():
    recorder = Recorder(lambda p, s: made([[5, EOS]]), [lambda text: 1.0], [0])
    recorder.on_round([0])
    recorder([[1, 2]])
    with pytest.raises(AssertionError, match="does not continue"):
        recorder.on_round([0])
        recorder([[1, 9, 5, 3]])


@st.composite
def rollouts(draw):
    """Single replies of random lengths behind prompts of random lengths."""
    sizes = st.tuples(st.integers(1, 5), st.integers(1, 4))
    lengths = draw(st.lists(sizes, min_size=1, max_size=5))
    replies = [[10 + i * 7 + j for j in range(n)] for i, (_, n) in enumerate(lengths)]
    recorder = Recorder(
        lambda prompts, streams: made(replies), [lambda text: 1.0] * len(lengths),
        range(len(lengths)),
    )  # fmt: skip
    recorder.on_round(range(len(lengths)))
    recorder([[100 + i] * n for i, (n, _) in enumerate(lengths)])
    return recorder.rollout(["turns"] * len(lengths))


@st.composite
def several_of_each(draw):
    """Some replies to each of some prompts, which are all alike in their first tokens."""
    prompts = draw(st.lists(st.lists(st.integers(0, 1), max_size=3), min_size=1, max_size=4))
    replies = st.lists(st.lists(st.integers(10, 30), min_size=1, max_size=4), min_size=1,
                       max_size=3)  # fmt: skip
    pairs = [([5, *prompt], ids) for prompt in prompts for ids in draw(replies)]
    finished = [draw(st.booleans()) for _ in pairs]
    recorder = Recorder(
        lambda p, s: made([ids for _, ids in pairs])._replace(finished=finished),
        [lambda text: 1.0] * len(pairs), range(len(pairs)),
    )  # fmt: skip
    recorder.on_round(range(len(pairs)))
    recorder([prompt for prompt, _ in pairs])
    return recorder.rollout(["turns"] * len(pairs))


def read_by_hand(packed: dict) -> list[list[int]]:
    """What each token of a packed stream sees, itself at the end."""
    ids, seen, start = packed["input_ids"].tolist(), [], 0
    branches = packed["branches"] or [[]] * len(packed["lengths"])
    for length, ends in zip(packed["lengths"], branches, strict=True):
        stem = length - sum(ends)
        seen += [ids[start : start + n + 1] for n in range(stem)]
        behind = start + stem
        for end in ends:
            own = ids[behind : behind + end]
            seen += [ids[start : start + stem] + own[: n + 1] for n in range(end)]
            behind += end
        start += length
    return seen


@given(several_of_each(), st.booleans())
def test_a_shared_context_is_read_once_and_all_see_what_they_saw(rollout, shared):
    packed = rollout.packed(shared)
    seen = read_by_hand(packed)
    assert packed["position_ids"].tolist() == [len(each) - 1 for each in seen]
    episodes = [ids.tolist() for ids in rollout.input_ids]
    places = [place.tolist() for place in rollout.places]
    wanted = [ids[: p + 1] for ids, own in zip(episodes, places, strict=True) for p in own]
    assert [seen[row] for row in rollout.rows(shared)] == wanted
    assert [seen[row] for row in rollout.rows_and_ends(shared)] == wanted + episodes
    contexts = [tuple(ids[: own[0] + 1]) for ids, own in zip(episodes, places, strict=True)]
    runs = [context for context, _ in groupby(contexts)]
    assert len(packed["lengths"]) == (len(runs) if shared else rollout.size)
    if shared:
        read = sum(map(len, runs)) + sum(map(len, episodes)) - sum(map(len, contexts))
        assert len(packed["input_ids"]) == read


def test_the_strategy_has_contexts_with_several_replies():
    quick = settings(phases=[Phase.generate], max_examples=500)
    found = find(several_of_each(), lambda r: bool(r.packed(True)["branches"]), settings=quick)
    assert len(found.packed(True)["lengths"]) < found.size


@given(several_of_each(), st.integers(1, 3))
def test_a_pass_keeps_the_replies_to_a_context_together(rollout, count):
    minibatches = list(rollout.passes(1, count, torch.Generator().manual_seed(1)))
    groups = [len(part._groups()) for part in minibatches]
    assert sum(part.size for part in minibatches) == rollout.size
    assert sum(groups) <= len(rollout._groups())  # fewer where alike ones have come together


@given(rollouts(), st.data())
def test_rows_are_where_the_actions_were_chosen(rollout, data):
    """For any selection of episodes; a decoder reads them end to end."""
    picked = data.draw(st.lists(st.integers(0, rollout.size - 1), min_size=1, max_size=6))
    part = rollout.select(picked)
    packed, rows = part.packed(), part.rows()
    assert packed["lengths"] == [len(ids) for ids in part.input_ids] and not packed["branches"]
    assert packed["cu_seqlens"].tolist()[-1] == len(packed["input_ids"]) == sum(packed["lengths"])
    following = packed["input_ids"].roll(-1)[rows]
    assert torch.equal(following, part.actions[part.action_mask])  # replies were cut: all are read
    starts = packed["cu_seqlens"].tolist()
    for number, start in enumerate(starts[:-1]):
        assert packed["position_ids"][start] == 0, number


@given(rollouts(), st.integers(1, 3), st.integers(1, 3))
def test_a_pass_visits_every_episode_once(rollout, epochs, count):
    minibatches = list(rollout.passes(epochs, count, torch.Generator().manual_seed(0)))
    assert len(minibatches) == epochs * count
    names = [ids[0].item() for ids in rollout.input_ids]
    for epoch in range(epochs):
        visited = minibatches[epoch * count : (epoch + 1) * count]
        assert sorted(i[0].item() for m in visited for i in m.input_ids) == sorted(names)
        assert max(m.size for m in visited) - min(m.size for m in visited) <= 1


@given(rollouts(), rollouts())
def test_rollouts_of_different_lengths_are_joined(left, right):
    both = join([left, right])
    assert both.size == left.size + right.size
    for start, part in ((0, left), (left.size, right)):
        again = both.select(range(start, start + part.size))
        assert torch.equal(again.actions[again.action_mask], part.actions[part.action_mask])
        assert torch.equal(again.logprobs[again.action_mask], part.logprobs[part.action_mask])
    assert join(left.parts(2)).actions.tolist() == left.actions.tolist()


def test_streams_make_samples_independent_of_how_prompts_are_shared(tmp_path):
    model = load_model(write_model(tmp_path / "model"))
    prompts = [[0, 5 + i] for i in range(4)]

    def draw(places):
        own = [prompts[place] for place in places]
        generator = torch.Generator().manual_seed(1)
        return generate(
            model, own, max_new_tokens=5, eos_ids=(), temperature=1.0, generator=generator,
            streams=places,
        ).ids  # fmt: skip

    whole = draw([0, 1, 2, 3])
    assert [whole[1], whole[3]] == draw([1, 3]) and [whole[2], whole[0]] == draw([2, 0])
    assert len({tuple(ids) for ids in whole}) == 4
