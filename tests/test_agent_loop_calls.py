"""A call in a reply: what of it is executed, what comes back as feedback, what the next prompt
shows.
"""

from dataclasses import replace

import pytest

from tests.agent_episodes import DIALECT, HOTEL, START, TINY, is_record, run, text_of
from tests.scripted import Script
from tl.agent.feedback import FEEDBACK_CHARACTERS, NOBODY_ANSWERS
from tl.agent.loop import End, Loop, Observer, Task
from tl.calls.feedback import ErrorType, classify_feedback
from tl.calls.parse import CallError
from tl.calls.schema import Call, Message

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
