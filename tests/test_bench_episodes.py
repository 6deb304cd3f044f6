"""DE, CE, VA: against hand-made episodes and against the world's own labels."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tl.bench.episodes import answer_values, final_answer, is_answer_correct, is_valid, score_multi
from tl.bench.records import Episode, Task, Turn
from tl.calls.schema import Call
from tl.world.datasets import make_trajectories

NOW, SEARCH, ASK = Call("now"), Call("search", {"q": "tea"}), Call("ask_to_user", {"question": "?"})
TASK = Task("a", "Find tea.", (), values=("green tea", "42"), splits={"scenario": "TG"})


def finish(answer: object = "green tea costs 42", **more) -> Turn:
    return Turn("finish(...)", Call("finish", {"answer": answer}, **more))


def episode(*turns: Turn, end: str = "finish") -> Episode:
    return Episode(turns, end, final_answer(turns, end))


def called(call: Call, feedback: str | None) -> Turn:
    return Turn("...", call, feedback)


# call, feedback, which rate it counts for
CALLS = [
    (SEARCH, '{"found": "tea"}', None),
    (SEARCH, "name 'search' is not defined", "de"),
    (SEARCH, "search() got an unexpected keyword argument 'q'", "de"),
    (SEARCH, "search() missing 1 required positional argument: 'limit'", "de"),
    # the same words about another function: a failure of the tool
    (SEARCH, "get_response() missing 1 required positional argument: 'params'", "ce"),
    (SEARCH, "name 'functions' is not defined", "ce"),
    (SEARCH, "HTTPSConnectionPool(host='x', port=443): Max retries exceeded with url: /", "ce"),
    (SEARCH, '{"error": "Response error."}', "ce"),
    (SEARCH, '{"errors": [], "note": "page not found"}', None),
    (ASK, "I do not know, the page was not found", None),  # the user speaks
    (ASK, '{"error": "Response error."}', None),
    (ASK, "ask_to_user() missing 1 required positional argument: 'question'", "de"),
]


@pytest.mark.parametrize(("call", "feedback", "rate"), CALLS)
def test_one_call(call, feedback, rate):
    scores = score_multi([TASK], [episode(called(call, feedback), finish())])
    assert scores["n_calls"] == 1, "finish is none"
    assert (scores["de"], scores["ce"]) == (100.0 * (rate == "de"), 100.0 * (rate == "ce"))
    assert sum(scores["errors"].values()) == (rate is not None)


ANSWERS = [
    ("green tea costs 42", True, True),
    ("Green Tea: 42.", True, True),
    ("tea costs 42", True, False),
    ("green tea costs 142", True, False),
    ("", False, False),
    (" \n", False, False),
    ("I cannot handle the task", False, False),
    ("Sorry, I  Cannot handle\nthe task, green tea 42", False, False),
    ({"tea": "green tea", "price": 42}, True, True),
    (0, True, False),
    (None, False, False),
    ({}, False, False),
    ([], False, False),
]


@pytest.mark.parametrize(("answer", "valid", "correct"), ANSWERS)
def test_answers(answer, valid, correct):
    played = episode(finish(answer))
    assert (is_valid(played), is_answer_correct(TASK, played)) == (valid, correct)


def test_only_the_model_itself_can_finish():
    text = Turn("green tea costs 42")
    assert is_valid(episode(finish())) and not is_valid(episode(text, end="answer"))
    assert not is_valid(episode(*[called(NOW, "9")] * 9, end="turns"))
    assert not is_valid(episode(finish(), end="length"))
    assert not is_valid(episode(text, end="finish")), "said to have finished, but did not"
    assert not is_valid(episode(Turn("finish()", Call("finish")), end="finish"))
    other = Call("send", {"answer": "green tea costs 42"})
    assert not is_valid(episode(called(other, None), end="finish")), "called another tool"


def test_finishing_is_no_call():
    refused = finish()._replace(feedback="finish() got an unexpected keyword argument 'text'")
    scores = score_multi([TASK], [episode(refused, finish())])
    assert (scores["n_calls"], scores["de"]) == (0, None)


def test_nine_turns_and_not_ten():
    assert is_valid(episode(*[called(NOW, "9")] * 8, finish()))
    assert not is_valid(episode(*[called(NOW, "9")] * 9, finish()))


def test_the_answer_may_stand_without_its_name():
    turns = [Turn("finish('42')", Call("finish", {}, ("42",)))]
    assert final_answer(turns, "finish") == "42"
    assert final_answer([Turn("hello")], "answer") == "hello"
    assert final_answer([], "length") is None


def test_counts_by_hand():
    """Three episodes, six calls, nine replies."""
    bad = Turn("search(", malformed=True, feedback="Your output format does not match")
    tasks = [TASK, Task("b", "?", (), splits={"scenario": "RS"}), TASK]
    episodes = [
        episode(called(SEARCH, "name 'search' is not defined"), called(NOW, "9"), finish()),
        episode(called(NOW, "invalid date"), called(ASK, "Yes."), bad, finish("Hello.")),
        episode(called(NOW, "9"), called(NOW, "9"), end="turns"),
    ]
    scores = score_multi(tasks, episodes)
    expected = {
        "n": 3, "va": 66.67, "n_calls": 6, "de": 16.67, "ce": 16.67, "n_answers": 2,
        "answer_correct": 50.0, "n_replies": 9, "format_errors": 11.11,
    }  # fmt: skip
    assert {key: scores[key] for key in expected} == expected
    assert scores["ends"] == {"finish": 2, "answer": 0, "turns": 1, "length": 0, "format": 0}
    assert scores["by_scenario"]["RS"] == {
        "n": 1, "va": 100.0, "n_calls": 2, "de": 0.0, "ce": 50.0, "n_answers": 0,
        "answer_correct": None,
    }  # fmt: skip


def from_trajectory(trajectory) -> tuple[Task, Episode]:
    """The teacher's record as an episode, whatever it is made of."""
    conversation = trajectory.conversation
    messages, turns = conversation.messages, []
    for place, message in enumerate(messages):
        if message.role == "assistant":
            after = messages[place + 1].content if place + 1 < len(messages) else None
            turns.append(Turn("...", message.calls[0], after))
    task = Task(conversation.id, messages[0].content, conversation.tools)
    return task, Episode(tuple(turns), "finish", messages[-1].calls[0].arguments["answer"])


def test_the_worlds_labels_are_the_counts():
    """The labels come from executing the calls, not from reading feedback."""
    trajectories = list(make_trajectories("train", 300))
    played = [from_trajectory(trajectory) for trajectory in trajectories]
    scores = score_multi([task for task, _ in played], [episode for _, episode in played])
    labels = Counter(x.category for t in trajectories for x in t.labels if x.is_error)
    assert {kind: n for kind, n in scores["errors"].items() if n} == dict(labels)
    understood = ("tool_hallucination", "parameter_hallucination", "parameter_missing")
    assert set(labels) > set(understood), "every kind is there"
    calls = sum(m.role == "tool" for t in trajectories for m in t.conversation.messages)
    calls += sum(t.kind == "ask" for t in trajectories)
    assert scores["n_calls"] == calls
    de = 100 * sum(labels[kind] for kind in understood) / calls
    ce = 100 * (labels.total() - sum(labels[kind] for kind in understood)) / calls
    assert (scores["de"], scores["ce"]) == (round(de, 2), round(ce, 2))
    given_up = sum(t.kind == "withheld" for t in trajectories)
    assert scores["va"] == round(100 * (300 - given_up) / 300, 2)


@given(st.randoms(use_true_random=False))
def test_order_of_episodes_does_not_matter(rng):
    made = random.Random(0)
    turns = [called(call, feedback) for call, feedback, _ in CALLS]
    parts = ({"scenario": "TG"}, {"scenario": "RS"})
    played = [
        (Task(str(i), "?", (), values=("x",), splits=parts[i % 2]),
         episode(*made.sample(turns, 3), finish(made.choice("xy"))))
        for i in range(8)
    ]  # fmt: skip
    mixed = rng.sample(played, len(played))
    scores = [score_multi([t for t, _ in each], [e for _, e in each]) for each in (played, mixed)]
    assert scores[0] == scores[1]


def test_values_of_an_answer():
    feedbacks = ['{"flights": [{"flight_id": "ZE751", "price": 458}, {"flight_id": "LV1"}]}',
                 '{"booking_id": "BK8533"}']  # fmt: skip
    answer = "Flight ZE751 is booked for Alma Walsh as BK8533."
    assert answer_values(answer, feedbacks) == ("ZE751", "BK8533")
    assert answer_values("It takes 4 days, until 2025-05-14.", ["no JSON"]) == ("4", "2025-05-14")
    assert answer_values("Hello Mina, how can I help you?", []) == ()
    assert answer_values("no", ["{" * 5000, "true", "null"]) == ()
