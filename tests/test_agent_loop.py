"""The loop: a teacher's replies give the teacher's record, everything else a model can say ends
well.
"""

import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import find, given
from hypothesis import strategies as st

from tests.scripted import Playback, Script, opening
from tests.strategies.agent import reply_texts, token_ids
from tl.agent.feedback import FEEDBACK_CHARACTERS, NOBODY_ANSWERS
from tl.agent.loop import End, Loop, Observer, Task
from tl.agent.reply import read_reply
from tl.calls.feedback import ErrorType, classify_feedback
from tl.calls.parse import CallError
from tl.calls.schema import Call, Conversation, Message
from tl.data.conversation import read_conversations
from tl.data.encode import Encoder
from tl.data.tokenizer import load_tokenizer
from tl.data.turns import Turns
from tl.dialects import get_dialect
from tl.world import TOOLS, World, tokenizer
from tl.world.datasets import write_datasets

DIALECT = get_dialect("codellama")
TINY = load_tokenizer(Path(tokenizer.__file__).parent / "tiny")
ENCODER = Encoder(TINY, DIALECT)
OFFERED = ("search_hotels", "get_weather_forecast", "ask_to_user", "finish")
QUERY = Message("user", "Find me a hotel in Oslo.")
START = Conversation("q", tuple(TOOLS[name] for name in OFFERED), (QUERY,), "q:1")
HOTEL = "search_hotels(city = 'Oslo')"


def run(*replies, execute=None, ask=None, cut=False, start=START, max_positions=2048, **options):
    """One conversation with a model that says `replies`: (episode, script)."""
    script = Script(TINY, *replies, cut=cut)
    loop = Loop(TINY, DIALECT, script, max_positions=max_positions, **options)
    task = Task(start, execute or World(tools=OFFERED).execute, ask)
    return loop.run([task])[0], script


def is_record(conversation: Conversation) -> bool:
    """Whether the reader of training data takes the messages as they are, and they can be encoded
    and written.
    """
    turns = Turns()
    for message in conversation.messages:
        if message.role == "assistant":
            turns.assistant(message.content, message.calls)
        else:
            {"user": turns.user, "tool": turns.result}[message.role](message.content)
    assert ENCODER(conversation).replies
    return turns.finished() == conversation.messages


def text_of(prompt: list[int]) -> str:
    return TINY.decode(prompt)


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


# Calls


def test_a_tool_that_is_not_offered_is_never_executed():
    executed = []
    for name in ("search_flights", "os.system", "Finish", "__import__"):
        episode, script = run(f"{name}(q = 'x')", "finish(answer = '')", execute=executed.append)
        assert episode.turns[0].feedback == f"name '{name}' is not defined"
        assert text_of(script.prompts[1]).endswith(f"name '{name}' is not defined\nAssistant:")
        assert is_record(episode.conversation)
    assert executed == []


def test_finish_and_questions_must_be_offered_too():
    start = replace(START, tools=START.tools[:1])
    episode, _ = run("finish(answer = 'x')", "ask_to_user(question = 'x')", "Done.", start=start)
    said = [turn.feedback for turn in episode.turns]
    assert said == ["name 'finish' is not defined", "name 'ask_to_user' is not defined", None]
    assert episode.end is End.ANSWER


def test_only_the_first_call_of_a_reply_is_executed():
    executed = []

    def execute(call):
        executed.append(call)
        return "3"

    episode, script = run(f"{HOTEL}\nget_weather_forecast(city = 'Rome')", "Done.", execute=execute)
    assert executed == [Call("search_hotels", {"city": "Oslo"})] == [episode.turns[0].call]
    assert "Rome" in episode.turns[0].text and "Rome" not in text_of(script.prompts[1])
    assert is_record(episode.conversation)


def test_text_before_a_call_stays_in_the_context():
    episode, script = run(f"Let me see.\n{HOTEL}", "Done.")
    assert f"Assistant: Let me see.\n{HOTEL}\nOutput: " in text_of(script.prompts[1])


def test_a_call_enters_the_context_in_the_spelling_of_training():
    episode, script = run('search_hotels(city="Oslo",)', "Done.")
    assert f"Assistant: {HOTEL}\nOutput: " in text_of(script.prompts[1])
    assert episode.turns[0].text == ' search_hotels(city="Oslo",)'


def test_positional_arguments_reach_the_executor():
    seen = []
    episode, _ = run("search_hotels('Oslo')", "Done.", execute=lambda c: seen.append(c) or "ok")
    assert seen == [Call("search_hotels", {}, ("Oslo",))]
    assert any(s.text == " search_hotels('Oslo')" for s in DIALECT.render(episode.conversation))


@pytest.mark.parametrize(
    "reply",
    ["search_hotels(city = 'Oslo", "search_hotels(city = Oslo)", "find(city = 'x", "a(b=c)"],
)
def test_a_mistake_gets_the_words_of_tooleyes_and_counts(reply):
    episode, script = run(reply, "finish(answer = 'ok')")
    assert (episode.end, len(episode.turns)) == (End.FINISH, 2)
    turn = episode.turns[0]
    assert isinstance(turn.call, CallError) and turn.text == " " + reply
    assert turn.feedback.startswith("Your output format does not match the specified format")
    assert str(turn.call) in turn.feedback
    assert classify_feedback(turn.feedback, Call("x")) is ErrorType.OTHER_ERROR
    assert [m.role for m in episode.conversation.messages] == [
        "user", "assistant", "user", "assistant"]  # fmt: skip
    assert is_record(episode.conversation)
    assert run(reply)[0].end is End.FORMAT and len(run(reply)[0].turns) == 9


@pytest.mark.parametrize(
    "prose", ["Paris(the capital) is nice", "f (x = 1", "Well: search_hotels(city = 'x", "a(b==c)"]
)
def test_prose_with_brackets_is_an_answer(prose):
    assert run(prose)[0].end is End.ANSWER


# Questions


def test_a_question_is_answered_by_the_user():
    asked = []
    ask = "ask_to_user(question = 'Which night?')"
    episode, script = run(ask, "Done.", ask=lambda q: asked.append(q) or "Friday\ud800")
    assert asked == ["Which night?"]
    assert episode.conversation.messages[1:3] == (
        Message("assistant", calls=(Call("ask_to_user", {"question": "Which night?"}),)),
        Message("user", "Friday?"),
    )
    assert text_of(script.prompts[1]).endswith(f"Assistant: {ask}\nUser: Friday?\nAssistant:")
    assert is_record(episode.conversation)


def test_questions_that_nobody_answers():
    for ask in (None, lambda question: None):
        episode, _ = run("ask_to_user('Which night?')", "Done.", ask=ask)
        assert episode.turns[0].feedback == NOBODY_ANSWERS


@pytest.mark.parametrize(
    "reply, words",
    [
        ("ask_to_user()", "ask_to_user() missing 1 required positional argument: 'question'"),
        ("ask_to_user(q = 'x')", "ask_to_user() got an unexpected keyword argument 'q'"),
        ("ask_to_user('a', 'b')", "ask_to_user() takes 1 positional argument but 2 were given"),
    ],
)
def test_questions_that_cannot_be_bound_get_pythons_words(reply, words):
    episode, _ = run(reply, "Done.", ask=lambda question: pytest.fail("asked"))
    assert episode.conversation.messages[2] == Message("tool", words)
    assert is_record(episode.conversation)


def test_a_question_that_is_no_text_is_written_as_one():
    asked = []
    run("ask_to_user(question = [1, 'a'])", "Done.", ask=lambda q: asked.append(q) or "no")
    assert asked == ["[1, 'a']"]


# Executors


def raises(error: BaseException):
    def execute(call):
        raise error

    return execute


class Unprintable(Exception):
    def __str__(self):
        raise RuntimeError("no words")


@pytest.mark.parametrize(
    "execute, feedback",
    [
        (raises(KeyError("city")), "'city'"),
        (raises(ValueError()), "ValueError"),
        (raises(Unprintable()), "Unprintable"),
        (lambda call: "a\ud800b\x00", "a?b\x00"),
        (lambda call: {"a": [1, None]}, "{'a': [1, None]}"),
        (lambda call: "", ""),
    ],
)
def test_whatever_an_executor_does_is_feedback(execute, feedback):
    episode, _ = run(HOTEL, "Done.", execute=execute)
    assert episode.turns[0].feedback == feedback
    assert is_record(episode.conversation)


def test_bytes_of_an_executor_are_refused_in_words():
    assert "bytes" in run(HOTEL, "Done.", execute=lambda call: b"x")[0].turns[0].feedback


def test_long_feedback_is_cut_with_a_mark():
    episode, _ = run(HOTEL, "Done.", execute=lambda call: "x" * 10_000_000)
    said = episode.turns[0].feedback
    assert len(said) == FEEDBACK_CHARACTERS
    assert said.endswith("xx... [cut, 10,000,000 characters in all]")
    exact = "y" * FEEDBACK_CHARACTERS
    assert run(HOTEL, "Done.", execute=lambda c: exact)[0].turns[0].feedback == exact
    short, _ = run(HOTEL, "Done.", execute=lambda c: "x" * 60, max_feedback=50)
    assert len(short.turns[0].feedback) == 50 and "[cut, 60 " in short.turns[0].feedback


def test_an_interrupt_is_not_swallowed():
    with pytest.raises(KeyboardInterrupt):
        run(HOTEL, execute=raises(KeyboardInterrupt()))


def test_an_observer_sees_the_call_before_it_runs():
    seen = []

    class Watch(Observer):
        def on_reply(self, number, reply):
            seen.append((number, "reply", reply.call))

        def on_turn(self, number, turn):
            seen.append((number, "turn", turn.feedback))

    loop = Loop(TINY, DIALECT, Script(TINY, HOTEL, "Done."), max_positions=2048)
    loop.run([Task(START, lambda call: seen.append("runs") or "ok")], Watch())
    call = Call("search_hotels", {"city": "Oslo"})
    assert seen == [(0, "reply", call), "runs", (0, "turn", "ok"),
                    (0, "reply", None), (0, "turn", None)]  # fmt: skip


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
