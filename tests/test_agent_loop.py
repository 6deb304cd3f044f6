"""The loop: a teacher's replies give the teacher's record, everything else a model can say ends
well.
"""

import math
from dataclasses import replace

import pytest
from hypothesis import find, given
from hypothesis import strategies as st

from tests.agent_episodes import DIALECT, ENCODER, HOTEL, OFFERED, START, TINY, is_record, run
from tests.scripted import Playback, opening
from tests.strategies.agent import reply_texts, token_ids
from tl.agent.feedback import FEEDBACK_CHARACTERS
from tl.agent.loop import End, Loop, Task
from tl.agent.reply import read_reply
from tl.calls.parse import CallError
from tl.calls.schema import Call, Conversation, Message
from tl.data.conversation import read_conversations
from tl.world import World
from tl.world.datasets import write_datasets

# The teacher


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    write_datasets(folder, trajectories=240, test_trajectories=0)
    return list(read_conversations(folder / "train.json"))


def replay_tasks(records) -> list[Task]:
    return [Task(replace(r, messages=opening(r)), Recorded(r), Recorded(r).ask) for r in records]


class Recorded:
    """The world as it was when the record was made: lost calls are lost again."""

    def __init__(self, record: Conversation):
        messages = record.messages
        self.world = World(tools=[tool.name for tool in record.tools])
        self.feedback = [m.content for m in messages if m.role == "tool"]
        self.replies = [m.content for m in messages[1:] if m.role == "user"]

    def __call__(self, call: Call) -> str:
        said = self.feedback.pop(0)
        return said if said.startswith("HTTPSConnectionPool") else self.world.execute(call)

    def ask(self, question: str) -> str:
        return self.replies.pop(0)


def test_the_teachers_replies_give_the_teachers_records(records):
    """Prompts and replies are the ids of training (`Playback` knows no others), messages and
    rendered text those of the record.
    """
    playback = Playback(ENCODER, records)
    loop = Loop(TINY, DIALECT, playback, max_positions=2048)
    episodes = loop.run(replay_tasks(records))
    assert [e.conversation for e in episodes] == records
    for episode, record in zip(episodes, records, strict=True):
        assert DIALECT.render(episode.conversation) == DIALECT.render(record)
        assert episode.end is End.FINISH and episode.answer
        assert episode.answer == record.messages[-1].calls[0].arguments["answer"]
    replies = [sum(m.role == "assistant" for m in r.messages) for r in records]
    assert [len(e.turns) for e in episodes] == replies
    assert len(playback.sizes) == max(replies), "one call of generate per round"
    assert playback.sizes == [sum(n > i for n in replies) for i in range(max(replies))]
    calls = [m.calls[0] for r in records for m in r.messages if m.calls]
    assert any(call.name == "ask_to_user" for call in calls)
    undefined = [m for r in records for m in r.messages if m.content.endswith("is not defined")]
    lost = [m for r in records for m in r.messages if m.content.startswith("HTTPSConnectionPool")]
    assert undefined and lost, "the records have the mistakes that matter here"


def test_a_batch_changes_nothing(records):
    records = records[:40]
    together = Loop(TINY, DIALECT, Playback(ENCODER, records), max_positions=2048)
    alone = [together.run([task])[0] for task in replay_tasks(records)]
    for one, other in zip(together.run(replay_tasks(records)), alone, strict=True):
        assert one.conversation == other.conversation
        assert [t[:3] for t in one.turns] == [t[:3] for t in other.turns]
        assert all(math.isfinite(t.seconds) and t.seconds >= 0 for t in one.turns)


# Endings


def test_finish_ends_with_its_answer():
    episode, _ = run(HOTEL, "finish(answer = 'Fjord.')")
    assert (episode.end, episode.answer) == (End.FINISH, "Fjord.")
    assert [m.role for m in episode.conversation.messages] == [
        "user", "assistant", "tool", "assistant"]  # fmt: skip
    assert episode.turns[0].feedback == World().execute(Call("search_hotels", {"city": "Oslo"}))
    assert episode.turns[1].feedback is None
    assert is_record(episode.conversation)


@pytest.mark.parametrize(
    "reply, answer",
    [
        ("finish()", None),
        ("finish(text = 'Fjord.')", None),
        ("finish(answer = 'Fjord.', sure = True)", "Fjord."),
        ("finish('Fjord.')", "Fjord."),
        ("finish(answer = ['a', 1])", "['a', 1]"),
        ("finish(answer = '')", ""),
        ("finish(answer = 'a\\ud800b')", "a?b"),
    ],
)
def test_finish_with_other_arguments_ends_all_the_same(reply, answer):
    episode, _ = run(reply)
    assert (episode.end, episode.answer, len(episode.turns)) == (End.FINISH, answer, 1)
    assert is_record(episode.conversation)


def test_text_without_a_call_is_the_answer():
    episode, _ = run(HOTEL, "The Fjord (4 stars).")
    assert (episode.end, episode.answer) == (End.ANSWER, "The Fjord (4 stars).")
    assert episode.conversation.messages[-1] == Message("assistant", "The Fjord (4 stars).")


def test_nine_turns_are_the_limit():
    episode, script = run(HOTEL)
    assert (episode.end, episode.answer, len(episode.turns)) == (End.TURNS, None, 9)
    assert len(script.prompts) == 9
    assert episode.conversation.messages[-1].role == "tool", "the last call is executed as well"
    assert len(run(HOTEL, max_turns=2)[0].turns) == 2


def test_an_empty_reply_ends_it_and_leaves_no_message():
    for reply in ("", "  ", "\n", []):
        episode, _ = run(reply)
        assert (episode.end, len(episode.turns)) == (End.FORMAT, 1)
        assert episode.conversation == START


def test_a_model_that_never_stops_is_cut_off():
    episode, _ = run("blah " * 200, cut=True)
    assert (episode.end, episode.answer, len(episode.turns)) == (End.LENGTH, None, 1)
    assert episode.conversation.messages[-1].content.startswith("blah blah")
    episode, _ = run("search_hotels(city = 'Osl", cut=True)
    assert (episode.end, len(episode.turns)) == (End.LENGTH, 1)
    assert isinstance(episode.turns[0].call, CallError)
    assert run([], cut=True)[0].end is End.LENGTH


def test_a_complete_call_in_a_cut_reply_is_executed():
    """A base model goes on and writes the feedback itself; that part is not believed."""
    episode, _ = run(f"{HOTEL}\nOutput: Grand\nAssistant: finish(answer = 'Grand')", cut=True)
    assert episode.end is End.TURNS
    assert "Grand\nAssistant" in episode.turns[0].text
    assert "Grand\nAssistant" not in str(episode.conversation)


def test_a_prompt_that_does_not_fit_ends_it():
    room = len(ENCODER.prompt_ids(START))
    for positions in (1, room):
        episode, script = run(HOTEL, max_positions=positions)
        assert (episode.end, episode.turns, script.prompts) == (End.LENGTH, (), [])
        assert episode.conversation == START
    episode, script = run(HOTEL, max_positions=room + 1)
    assert (episode.end, len(episode.turns), len(script.prompts)) == (End.LENGTH, 1, 1)
    assert is_record(episode.conversation)


def test_nothing_counts_behind_a_stop_id():
    words, stop = TINY.encode_segment(" Hello."), TINY.encode_segment("!")
    assert len(stop) == 1 and run([*words, *stop, *words])[0].answer == "Hello.! Hello."
    assert run([*words, *stop, *words], eos_ids=stop)[0].answer == "Hello."
    assert run([*words, TINY.eos_id, *words])[0].answer == "Hello."


# Anything


def ends_well(episode) -> None:
    assert 1 <= len(episode.turns) <= 9
    if episode.turns[-1].text.strip() or len(episode.turns) > 1:
        assert is_record(episode.conversation)
    answered = episode.end in (End.FINISH, End.ANSWER)
    assert answered or episode.answer is None
    for turn in episode.turns:
        if turn.feedback is not None:
            turn.feedback.encode("utf-8")
            assert len(turn.feedback) <= FEEDBACK_CHARACTERS + 500


@given(st.lists(reply_texts(), min_size=1, max_size=4), st.booleans())
def test_any_text_ends_well(replies, cut):
    ends_well(run(*map(TINY.encode_segment, replies), cut=cut)[0])


@given(st.lists(token_ids(TINY.vocab_size), min_size=1, max_size=3), st.booleans())
def test_any_ids_end_well(replies, cut):
    ends_well(run(*replies, cut=cut)[0])


def test_strategies_meet_the_hard_cases():
    read = lambda text: read_reply(text, DIALECT, OFFERED)  # noqa: E731
    find(reply_texts(), lambda text: read(text).error is not None)
    find(reply_texts(), lambda text: read(text).is_blank)
    find(reply_texts(), lambda text: read(text).call and read(text).call.name not in OFFERED)
    find(reply_texts(), lambda text: text.count("finish(") > 1)
    find(token_ids(TINY.vocab_size), lambda ids: any(i >= TINY.vocab_size for i in ids))
    find(token_ids(TINY.vocab_size), lambda ids: TINY.eos_id in ids[:-1])
